import { expect, test } from 'vitest';
import { badOnes, judgeProject } from '../../../src/status/conditions.ts';
import { clusterLines } from '../../../src/status/describe.ts';
import type { LineageFacts, ProjectFacts } from '../../../src/status/facts.ts';
import { prometheusText } from '../../../src/status/prometheus.ts';
import { clusterFacts, lineageFacts, MISMATCH, NOW, projectFacts, repositoryFacts } from './project-facts.ts';

test('conditions: of several mismatches that with emptied pages is told first, and whether the cluster lost them', () => {
  const [plain, emptied] = [
    { ...MISMATCH, audit: 'F1' },
    { ...MISMATCH, pages: 2, emptied: 2, isClusterWrong: true },
  ];
  const alertOf = (...mismatches: LineageFacts['mismatches']): unknown => {
    const clusters = [clusterFacts({ repositories: [repositoryFacts(lineageFacts({ mismatches }))] })];
    return badOnes(judgeProject(projectFacts({ clusters }))).find(({ kind }) => kind === 'backup-suspect');
  };
  expect(alertOf(plain, emptied)).toMatchObject({
    what: expect.stringMatching(/^the audit of F2 in local found 2 pages .*: the cluster is wrong, .*; 1 more found such pages$/),
    next: expect.stringMatching(/"A page of zeros".* acknowledge F2 --cluster \S+ --repository local --sound earlier --reason/),
  });
  expect(alertOf(plain)).toMatchObject({
    what: expect.stringMatching(/: it or the backups before it have them wrong$/),
    next: expect.stringContaining('--repository local --sound audited, earlier or both'),
  });
  expect(alertOf({ ...emptied, isClusterWrong: false })).toMatchObject({
    what: expect.stringMatching(/have them wrong; 2 of them are all zeros now \(emptied\)/),
    next: expect.stringContaining('--sound audited, earlier or both'),
  });
});

test('status: pages that nobody could judge are shown and counted, and are no condition', () => {
  const cause = { pages: 3, files: 1, paths: ['base/6/1'], reason: 'refused', wayOut: 'GRANT' };
  const open = { audit: 'F2', comparedWith: 'F1', pages: 3, files: 1, causes: [cause] };
  const unjudged = [open];
  const factsWith = (over: Partial<LineageFacts>): ProjectFacts =>
    projectFacts({ clusters: [clusterFacts({ repositories: [repositoryFacts(lineageFacts(over))] })] });
  const linesOf = (facts: ProjectFacts): readonly string[] =>
    facts.clusters.flatMap((cluster) =>
      clusterLines(cluster, [], { now: NOW, timeZone: 'UTC', full: String }).flatMap(([label, text]) => (label === 'audit' ? [text] : [])),
    );
  const facts = factsWith({ unjudged });
  expect(linesOf(facts)).toEqual([
    expect.stringMatching(/^F2: pages .* differ from F1, 3 in base\/6\/1: .*\(refused\)\. GRANT\. .*F1 expires/),
  ]);
  expect(linesOf(factsWith({}))).toEqual([]);
  const conditions = judgeProject(facts);
  expect(badOnes(conditions)).toEqual([]);
  expect(conditions.find(({ kind }) => kind === 'backup-suspect')).toMatchObject({
    state: 'good',
    what: 'no audit casts doubt on a backup in local; that of F2 leaves 3 pages open that nobody could judge',
  });
  expect(prometheusText(facts, [])).toMatch(/^dbadmin_audit_unjudged_pages\{.*\} 3$/m);
  const both = factsWith({ unjudged: [open, { ...open, audit: 'F4', comparedWith: 'F3', pages: 4 }] });
  expect(linesOf(both)).toEqual([
    expect.stringMatching(/^F2: pages .* differ from F1, /),
    expect.stringMatching(/^F4: pages .* differ from F3, /),
  ]);
  expect(judgeProject(both).find(({ kind }) => kind === 'backup-suspect')?.what).toMatch(/; those of F2, F4 leave 7 pages open /);
  expect(prometheusText(both, [])).toMatch(/^dbadmin_audit_unjudged_pages\{.*\} 7$/m);
  expect(prometheusText(factsWith({}), [])).toMatch(/^dbadmin_audit_unjudged_pages\{.*\} 0$/m);
});
