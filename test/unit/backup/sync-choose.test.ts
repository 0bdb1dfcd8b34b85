import { expect, test } from 'vitest';
import { NONE_BROKEN } from '../../../src/backup/broken.ts';
import { worthCopying } from '../../../src/backup/sync/choose.ts';
import { NO_SUSPICIONS } from '../../../src/backup/suspicion.ts';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import { summaryOf } from '../../backup/small-backups.ts';

const NOW = new Date('2026-11-21T12:00:00Z');

function taken(day: number): BackupSummary {
  const lsn = `0/${day}000000`;
  return summaryOf(`b${day}`, { startLsn: lsn, stopLsn: lsn, finishedAt: `2026-11-0${day}T00:00:00.000Z` });
}

test('backups that do not restore whole from the destination take the place of none that the source has', () => {
  const backups = [1, 2, 3].map(taken);
  const source = {
    backups: backups.map((summary) => ({ summary, storedAt: new Date(summary.finishedAt) })),
    suspicions: NO_SUSPICIONS,
    broken: NONE_BROKEN,
    brokenDumps: NONE_BROKEN,
    dumps: [],
    holds: new Map(),
    lineages: [{ timeline: 1, history: [] }],
    now: NOW,
    storeNow: NOW,
    wal: [],
    damaged: [],
    untold: [],
    pauses: [],
  };
  const keep = { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  const retention = { windowMs: undefined, keep, minimum: 1, dumps: undefined, timeZone: 'UTC' };
  const chosen = (broken: readonly string[]): readonly string[] =>
    worthCopying(backups.slice(0, 1), backups.slice(1), source, retention, new Map(broken.map((label) => [label, 'v']))).map(
      ({ label }) => label,
    );
  expect(chosen([])).toEqual([]);
  expect(chosen(['b3'])).toEqual(['b1']);
  expect(chosen(['b2', 'b3'])).toEqual(['b1']);
});
