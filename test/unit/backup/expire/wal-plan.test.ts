import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planExpiry, type StoredBackup } from '../../../../src/backup/expire/plan.ts';
import { NONE_BROKEN } from '../../../../src/backup/broken.ts';
import { describeGap, openGaps } from '../../../../src/backup/gaps.ts';
import { planWal, type StoredWal } from '../../../../src/backup/expire/wal-plan.ts';
import { recoverableUntil, type Lineage } from '../../../../src/backup/restore/recover-along.ts';
import { formatLsn } from '../../../../src/postgres/lsn.ts';
import type { TimelineSwitch } from '../../../../src/postgres/timeline.ts';
import type { WalCoverage } from '../../../../src/repository/wal-coverage.ts';
import { summaryOf } from '../../../backup/small-backups.ts';
import { NO_SUSPICIONS } from '../../../../src/backup/suspicion.ts';

const HOUR_MS = 3_600_000;
const NOW = new Date('2026-11-21T12:00:00Z');
const SEGMENT = 0x100000n;

interface History {
  readonly backups: readonly StoredBackup[];
  readonly wal: readonly StoredWal[];
  readonly lineages: readonly Lineage[];
}

/** A cluster's life, an hour a segment: `switches` are promotions that go back by so many segments. */
function historyOf(hours: number, switches: ReadonlyMap<number, number>, backupHours: ReadonlySet<number>): History {
  const backups: StoredBackup[] = [];
  const wal: StoredWal[] = [];
  const lineages: Lineage[] = [{ timeline: 1, history: [] }];
  let history: TimelineSwitch[] = [];
  let timeline = 1;
  let segment = 3n;
  for (let hour = 0; hour < hours; hour += 1) {
    const at = new Date(NOW.getTime() - (hours - hour) * HOUR_MS);
    const back = switches.get(hour);
    if (back !== undefined) {
      const begun = history.at(-1)?.switchLsn ?? 3n * SEGMENT;
      const left = segment - BigInt(back) > begun / SEGMENT ? segment - BigInt(back) : segment;
      history = [...history, { timeline, switchLsn: left * SEGMENT, reason: '' }];
      segment = left;
      timeline += 1;
      lineages.push({ timeline, history });
    }
    if (backupHours.has(hour)) {
      const start = segment * SEGMENT + 0x28n;
      const summary = summaryOf(`b${hour}`, {
        finishedAt: at.toISOString(),
        startLsn: formatLsn(start),
        stopLsn: formatLsn(start + 0x100n),
        startTimeline: timeline,
        stopTimeline: timeline,
      });
      backups.push({ summary, storedAt: at });
    }
    wal.push({
      key: `${timeline}/${segment}`,
      timeline,
      startLsn: segment * SEGMENT,
      endLsn: (segment + 1n) * SEGMENT,
      sizeBytes: 1,
      storedAt: at,
    });
    segment += 1n;
  }
  return { backups, wal, lineages };
}

function coverageOf(wal: readonly StoredWal[]): WalCoverage {
  const timelines = new Map<number, { runs: { startLsn: bigint; endLsn: bigint }[]; open: []; horizon: undefined }>();
  for (const { timeline, startLsn, endLsn } of [...wal].sort((a, b) => (a.startLsn < b.startLsn ? -1 : 1))) {
    const coverage = timelines.get(timeline) ?? { runs: [], open: [], horizon: undefined };
    timelines.set(timeline, coverage);
    const last = coverage.runs.at(-1);
    if (last?.endLsn === startLsn) last.endLsn = endLsn;
    else coverage.runs.push({ startLsn, endLsn });
  }
  return { segmentBytes: Number(SEGMENT), histories: new Set(), timelines };
}

const keep = { last: 0, hourly: 0, daily: 3, weekly: 2, monthly: 0, yearly: 0 };

test('planWal: whatever was recoverable in the window is so still, and what stays for longer reaches its own end', () => {
  const lives = fc.record({
    hours: fc.integer({ min: 1, max: 300 }),
    switches: fc.array(fc.tuple(fc.integer({ min: 1, max: 299 }), fc.integer({ min: 0, max: 30 })), { maxLength: 3 }),
    backups: fc.array(fc.integer({ min: 0, max: 299 }), { minLength: 1, maxLength: 20 }),
    windowHours: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
    graceHours: fc.integer({ min: 0, max: 25 }),
  });
  const seen = { deleted: 0 };
  fc.assert(
    fc.property(lives, ({ hours, switches, backups: backupHours, windowHours, graceHours }) => {
      const { backups, wal, lineages } = historyOf(hours, new Map(switches), new Set(backupHours));
      const windowMs = windowHours === undefined ? undefined : windowHours * HOUR_MS;
      const state = {
        backups,
        suspicions: NO_SUSPICIONS,
        broken: NONE_BROKEN,
        brokenDumps: NONE_BROKEN,
        dumps: [],
        holds: new Map(),
        lineages,
        now: NOW,
        storeNow: NOW,
      };
      const verdicts = planExpiry(state, { windowMs, keep, minimum: 1, dumps: undefined, timeZone: 'UTC' }).backups;
      const gone = new Set(
        planWal(wal, {
          backups,
          suspicions: NO_SUSPICIONS,
          broken: NONE_BROKEN,
          verdicts,
          windowMs,
          graceMs: graceHours * HOUR_MS,
          storeNow: NOW,
        }),
      );
      seen.deleted += gone.size;
      const before = coverageOf(wal);
      const after = coverageOf(wal.filter((each) => !gone.has(each)));
      for (const { summary } of backups) {
        const reasons = verdicts.find(({ label }) => label === summary.label)?.reasons.map(({ kind }) => kind) ?? [];
        if (reasons.length === 0) continue;
        for (const lineage of lineages) {
          const could = recoverableUntil(summary, lineage, before);
          const can = recoverableUntil(summary, lineage, after);
          const isOfWindow = windowMs === undefined || reasons.some((kind) => kind === 'window' || kind === 'window-start');
          if (isOfWindow) expect(can).toBe(could);
          else if (could !== undefined) expect(can).toBeDefined();
        }
      }
      for (const { storedAt } of gone)
        expect(NOW.getTime() - storedAt.getTime()).toBeGreaterThanOrEqual(Math.max(windowMs ?? 0, graceHours * HOUR_MS));
    }),
    { seed: 20261121, numRuns: 400 },
  );
  expect(seen.deleted).toBeGreaterThan(1000);
});

test('planWal: while no sound backup stays, no WAL goes', () => {
  const { backups, wal } = historyOf(100, new Map(), new Set([90]));
  const verdicts = [{ label: 'b90', reasons: [] }];
  expect(
    planWal(wal, { backups, suspicions: NO_SUSPICIONS, broken: NONE_BROKEN, verdicts, windowMs: HOUR_MS, graceMs: 0, storeNow: NOW }),
  ).toEqual([]);
});

test('planWal: what lies between backups that stay for longer is a hole, of which nobody says that it was lost', () => {
  const { backups, wal } = historyOf(100, new Map(), new Set([10, 90]));
  const verdicts = [
    { label: 'b10', reasons: [{ kind: 'period', rule: 'monthly', period: '2026-11' }] },
    { label: 'b90', reasons: [{ kind: 'minimum', count: 1 }] },
  ] as const;
  const state = { backups, suspicions: NO_SUSPICIONS, broken: NONE_BROKEN, verdicts, windowMs: HOUR_MS, graceMs: 0, storeNow: NOW };
  const gone = new Set(planWal(wal, state));
  const left = wal.filter((each) => !gone.has(each));
  const gaps = openGaps(coverageOf(left), []);
  expect(gaps.map(describeGap)).toEqual(['not stored (lost, or let go by retention)']);
  const letGo = new Map([[1, [...gone].reduce((last, { endLsn }) => (endLsn > last ? endLsn : last), 0n)]]);
  const expired = { letGo, backups: backups.map(({ summary }) => summary) };
  // Noted, it is none; and of what a backup has of its own, and of what is behind, each hole is one as before.
  expect(openGaps(coverageOf(left), [], expired)).toEqual([]);
  const after = left.filter(({ startLsn }) => startLsn > 90n * SEGMENT);
  const [own, behind] = [left[0], after[1]];
  expect(openGaps(coverageOf(left.filter((each) => each !== behind)), [], expired)).toMatchObject([
    { fromLsn: formatLsn(behind?.startLsn ?? 0n) },
  ]);
  const before = { ...wal[0], startLsn: 0n, endLsn: SEGMENT } as StoredWal;
  expect(openGaps(coverageOf([before, ...left.filter((each) => each !== own)]), [], expired)).toMatchObject([
    { fromLsn: formatLsn(own?.startLsn ?? 0n), toLsn: formatLsn(own?.endLsn ?? 0n) },
  ]);
});
