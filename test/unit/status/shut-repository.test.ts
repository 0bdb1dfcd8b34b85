import { expect, test } from 'vitest';
import { judgeProject } from '../../../src/status/conditions.ts';
import { AWAY, clusterFacts, projectFacts } from './project-facts.ts';

test('conditions: a repository that does not open is not looked for among the mounts', () => {
  const next = (isShut: boolean): string | undefined => {
    const shut = { ...AWAY, state: { kind: 'unknown', why: 'the passphrase does not open it', isShut } } as const;
    const conditions = judgeProject(projectFacts({ clusters: [clusterFacts({ repositories: [shut] })] }));
    return conditions.find(({ kind }) => kind === 'repository-away')?.next;
  };
  expect(next(false)).toMatch(/mounted/);
  expect(next(true)).toMatch(/^give this user what opens it, .* dbadmin backup list --cluster main --repository offsite says more$/);
});
