import { expect, test } from 'vitest';
import { judgeProject } from '../../../src/status/conditions.ts';
import { clusterFacts, lineageFacts, projectFacts, repositoryFacts } from './project-facts.ts';

test('conditions: that a gap has a backup behind it ends the alert, and says what stays lost', () => {
  const gap = { timeline: 1, fromLsn: '0/1', toLsn: '0/2', reason: 'slot lost' };
  const told = [[], [gap], [gap, { ...gap, toLsn: '0/3' }]].map((gaps) =>
    judgeProject(projectFacts({ clusters: [clusterFacts({ repositories: [repositoryFacts(lineageFacts({ gaps }))] })], jobs: [] })).find(
      ({ kind }) => kind === 'wal-gap',
    ),
  );
  const since = 'the WAL in local has no gap since the newest backup';
  expect(told.map((condition) => condition?.state)).toEqual(['good', 'good', 'good']);
  expect(told.map((condition) => condition?.what)).toEqual([
    since,
    `${since}; moments in the gap before it cannot be restored (dbadmin backup info --cluster main)`,
    `${since}; moments in the 2 gaps before it cannot be restored (dbadmin backup info --cluster main)`,
  ]);
});
