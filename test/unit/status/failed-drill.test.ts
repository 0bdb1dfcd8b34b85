import { expect, test } from 'vitest';
import { badOnes, judgeProject } from '../../../src/status/conditions.ts';
import { ago, clusterFacts, lineageFacts, projectFacts, repositoryFacts } from './project-facts.ts';

function toldOf(backup: string | undefined): readonly string[] {
  const lineage = lineageFacts({ drillFailed: { label: 'd', at: ago(60), backup } });
  const clusters = [clusterFacts({ repositories: [repositoryFacts(lineage)] })];
  return badOnes(judgeProject(projectFacts({ clusters, jobs: [] }))).map(({ what }) => what);
}

test('a drill that failed: of one that restored nothing it is not said what was restored', () => {
  expect(toldOf('b')).toEqual([
    expect.stringMatching(/^drill d from local failed .* ago at b: what was restored is not what was promised$/),
  ]);
  expect(toldOf(undefined)).toEqual([
    expect.stringMatching(/^drill d from local failed .* ago: what it was to restore is not recoverable$/),
  ]);
});
