import { expect, test } from 'vitest';
import { NONE_BROKEN } from '../../../../src/backup/broken.ts';
import { planExpiry, type StoredBackup } from '../../../../src/backup/expire/plan.ts';
import type { Retention } from '../../../../src/backup/expire/retention.ts';
import { NO_SUSPICIONS } from '../../../../src/backup/suspicion.ts';
import { summaryOf } from '../../../backup/small-backups.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const KEEP = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const NOTHING: Retention = { windowMs: undefined, keep: KEEP, minimum: 1, dumps: undefined, timeZone: 'UTC' };

/** The nth night's, stored at another time where the store's clock said so. */
function night(n: number, storedAt?: string): StoredBackup {
  const finishedAt = `2026-11-${15 + n}T02:00:00Z`;
  const summary = summaryOf(`b${n}`, { finishedAt, startLsn: `0/${n}000000`, stopLsn: `0/${n}000100` });
  return { summary, storedAt: new Date(storedAt ?? finishedAt) };
}

/** The reasons' kinds, in the backups' order. */
function kinds(backups: readonly StoredBackup[], retention: Partial<Retention>, storeNow: Date): readonly (readonly string[])[] {
  const none = { suspicions: NO_SUSPICIONS, broken: NONE_BROKEN, brokenDumps: NONE_BROKEN, dumps: [], holds: new Map() };
  const state = { ...none, backups, lineages: [{ timeline: 1, history: [] }], now: NOW, storeNow };
  return planExpiry(state, { ...NOTHING, ...retention }).backups.map(({ reasons }) => reasons.map(({ kind }) => kind));
}

test('what was stored while the clock of the store was behind is within the window after it was set right', () => {
  const behind = [1, 2, 3, 4, 5].map((n) => night(n, `2020-01-0${n}`));
  expect(kinds([...behind, night(6)], { windowMs: 14 * 86_400_000 }, NOW)).toEqual([
    ...behind.map(() => ['window']),
    ['window', 'minimum'],
  ]);
});

test('where the clock of the store fell behind and still is, the newest are those that the tool took last', () => {
  const backups = [night(1), night(2), night(3), night(4, '2020-01-01'), night(5, '2020-01-02'), night(6, '2020-01-03')];
  expect(kinds(backups, { keep: { ...KEEP, daily: 3 } }, new Date('2020-01-03T10:00:00Z'))).toEqual([
    [],
    [],
    [],
    ['period'],
    ['period'],
    ['period', 'minimum'],
  ]);
});
