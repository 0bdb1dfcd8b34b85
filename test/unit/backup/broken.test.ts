import { expect, test } from 'vitest';
import { brokenBackups } from '../../../src/backup/broken.ts';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import { summaryOf } from '../../backup/small-backups.ts';

const HERE = '1'.repeat(32);
const HEADER = {
  label: 'v',
  systemIdentifier: '7',
  finishedAt: '2026-11-21T00:00:00.000Z',
  extent: 'everything',
  isSound: false,
  faults: 1,
  repositoryId: HERE,
} as const;

/** Verification v found these broken and those whole. */
const found = (backups: readonly string[], soundBackups: readonly string[]) => [
  { header: HEADER, findings: { objects: [], isComplete: true, backups, soundBackups, dumps: [] } },
];

function built(label: string, parent: string, verifications?: readonly string[], repositoryId = HERE): BackupSummary {
  return summaryOf(label, {
    kind: 'incremental',
    parent,
    ...(verifications === undefined ? {} : { parentWholeBy: { repositoryId, verifications } }),
  });
}

test('what was built on a whole one after the verification stays whole when what it was built on has expired', () => {
  const old = summaryOf('old', { kind: 'full' });
  const later = [built('p9', 'p8', ['v']), built('p10', 'p9', ['v']), built('p11', 'p10', ['v'])];
  expect([...brokenBackups([old, ...later], found(['old'], ['p0', 'p1'])).keys()]).toEqual(['old']);
});

test.each([
  ['was taken before anybody noted that', undefined],
  ['notes another verification', built('b', 'gone', ['w'])],
  ['notes one of that name in another repository', built('b', 'gone', ['v'], '2'.repeat(32))],
  ['is itself among those that were found', built('x', 'gone', ['v'])],
])('one that %s is still taken for broken', (_what, backup = built('b', 'gone')) => {
  expect([...brokenBackups([backup], found(['x'], [])).keys()]).toEqual([backup.label]);
});
