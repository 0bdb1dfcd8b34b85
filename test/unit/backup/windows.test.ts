import { describe, expect, test } from 'vitest';
import { gapMoments } from '../../../src/backup/gap-moments.ts';
import { openGaps } from '../../../src/backup/gaps.ts';
import { NO_SUSPICIONS, suspicionsOf } from '../../../src/backup/suspicion.ts';
import { exposureAt, newestRecovery, recoveryModel, type RecoveryFacts } from '../../../src/backup/windows.ts';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import type { RecordedGap } from '../../../src/repository/gap-record.ts';
import type { TimelineCoverage, WalCoverage } from '../../../src/repository/wal-coverage.ts';

const SEGMENT = 0x100n;
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 21, 12, minute));

const backup = (label: string, startLsn: string, stopLsn: string, minute: number, timeline = 1): BackupSummary =>
  ({
    label,
    startLsn,
    stopLsn,
    startTimeline: timeline,
    stopTimeline: timeline,
    damage: null,
    finishedAt: at(minute).toISOString(),
  }) as unknown as BackupSummary;

interface Stored {
  readonly runs: readonly (readonly [number, number])[];
  readonly horizon?: readonly [lsn: bigint, minute: number];
}

function covered(timelines: Readonly<Record<number, Stored>>): WalCoverage {
  const entries = Object.entries(timelines).map(([timeline, { runs, horizon }]): [number, TimelineCoverage] => [
    Number(timeline),
    {
      runs: runs.map(([from, to]) => ({ startLsn: BigInt(from) * SEGMENT, endLsn: BigInt(to) * SEGMENT })),
      open: [],
      horizon: horizon === undefined ? undefined : { lsn: horizon[0], at: at(horizon[1]) },
    },
  ]);
  return { segmentBytes: Number(SEGMENT), timelines: new Map(entries), histories: new Set(timelines[2] === undefined ? [] : [2]) };
}

const facts = (parts: Partial<RecoveryFacts>): RecoveryFacts => ({
  backups: [],
  suspicions: NO_SUSPICIONS,
  coverage: covered({}),
  histories: new Map([[2, [{ timeline: 1, switchLsn: 0x550n, reason: '' }]]]),
  recordedGaps: [],
  letGo: new Map(),
  moments: [],
  ...parts,
});

const gap = (fromLsn: bigint, toLsn: bigint, timeline = 1): RecordedGap => ({
  timeline,
  fromLsn,
  toLsn,
  reason: 'slot-lost',
  noticedAt: at(9).toISOString(),
});

describe('recoveryModel', () => {
  test('a window begins behind the checkpoint that its backup knows, where the clock of the tool was behind the one of the server', () => {
    const coverage = covered({ 1: { runs: [[1, 9]], horizon: [0x880n, 50] } });
    const [window] =
      newestRecovery(
        recoveryModel(facts({ coverage, backups: [{ ...backup('behind', '0/110', '0/190', 10), checkpointAt: at(12).toISOString() }] })),
      )?.windows ?? [];
    expect(window).toMatchObject({ from: new Date(at(12).getTime() + 2000).toISOString(), to: at(50).toISOString() });
    const [early] =
      newestRecovery(
        recoveryModel(
          facts({
            coverage: covered({ 1: { runs: [[1, 9]], horizon: [0x880n, 11] } }),
            backups: [{ ...backup('behind', '0/110', '0/190', 10), checkpointAt: at(12).toISOString() }],
          }),
        ),
      )?.windows ?? [];
    expect(early?.to).toBeNull();
    const [usual] =
      newestRecovery(
        recoveryModel(facts({ coverage, backups: [{ ...backup('usual', '0/110', '0/190', 10), checkpointAt: at(10).toISOString() }] })),
      )?.windows ?? [];
    expect(usual?.from).toBe(at(10).toISOString());
  });

  test('a window ends at the horizon on the newest timeline, and at what the last segment tells before a gap', () => {
    const coverage = covered({
      1: {
        runs: [
          [1, 4],
          [6, 9],
        ],
        horizon: [0x880n, 50],
      },
    });
    const model = recoveryModel(
      facts({
        coverage,
        backups: [backup('late', '0/610', '0/690', 40), backup('early', '0/110', '0/190', 10)],
        moments: [{ timeline: 1, lsn: 0x400n, at: at(20) }],
        recordedGaps: [gap(0x400n, 0x600n)],
      }),
    );
    expect(newestRecovery(model)?.windows).toEqual([
      { backup: 'early', timeline: 1, fromLsn: '0/190', toLsn: '0/400', from: at(10).toISOString(), to: at(20).toISOString() },
      { backup: 'late', timeline: 1, fromLsn: '0/690', toLsn: '0/900', from: at(40).toISOString(), to: at(50).toISOString() },
    ]);
    expect(newestRecovery(model)?.stretches).toHaveLength(2);
    expect(model.gaps).toEqual([{ timeline: 1, fromLsn: '0/400', toLsn: '0/600', reason: 'slot-lost', noticedAt: at(9).toISOString() }]);
    // In time: from what the last segment before it tells to the end of the first backup behind it.
    expect(model.gaps.map((each) => gapMoments(each, model))).toEqual([{ from: at(20).toISOString(), to: at(40).toISOString() }]);
  });

  test('a gap behind the last backup has no end yet, and one before the first no beginning', () => {
    const coverage = covered({
      1: {
        runs: [
          [1, 2],
          [3, 5],
          [6, 9],
        ],
      },
    });
    const model = recoveryModel(
      facts({ coverage, backups: [backup('b', '0/310', '0/390', 10)], moments: [{ timeline: 1, lsn: 0x500n, at: at(20) }] }),
    );
    expect(model.gaps.map((each) => gapMoments(each, model))).toEqual([
      { from: null, to: at(10).toISOString() },
      { from: at(20).toISOString(), to: null },
    ]);
  });

  test('each timeline has its own windows, and a moment after the switch does not count on the timeline that left', () => {
    const coverage = covered({ 1: { runs: [[1, 8]], horizon: [0x700n, 40] }, 2: { runs: [[5, 7]] } });
    const model = recoveryModel(
      facts({ coverage, backups: [backup('b', '0/110', '0/190', 10)], moments: [{ timeline: 1, lsn: 0x500n, at: at(20) }] }),
    );
    expect(model.timelines.map(({ lineage, windows }) => [lineage.timeline, windows[0]?.toLsn, windows[0]?.to])).toEqual([
      [1, '0/800', at(40).toISOString()],
      [2, '0/700', at(20).toISOString()],
    ]);
  });

  test('a damaged backup gives no window', () => {
    const damaged = { ...backup('b', '0/110', '0/190', 10), damage: 'bad page' };
    expect(newestRecovery(recoveryModel(facts({ coverage: covered({ 1: { runs: [[1, 8]] } }), backups: [damaged] })))?.windows).toEqual([]);
  });
});

test('a backup that somebody found to be wrong gives no window, and promises no moment', () => {
  const said = { label: 'F', name: 'x', sound: 'earlier', wrong: ['b'], reason: 'looked', placedAt: at(30), by: 'a@b' } as const;
  const backups = [backup('a', '0/110', '0/190', 10), backup('b', '0/310', '0/390', 20)];
  const parts = { backups, coverage: covered({ 1: { runs: [[3, 8]], horizon: [0x7f0n, 40] } }) };
  const labels = ({ suspicions }: Pick<RecoveryFacts, 'suspicions'>): readonly string[] | undefined =>
    newestRecovery(recoveryModel(facts({ ...parts, suspicions })))?.windows.map((window) => window.backup);
  expect(labels({ suspicions: NO_SUSPICIONS })).toEqual(['b']);
  const suspicions = suspicionsOf(backups, [said]);
  expect(labels({ suspicions })).toEqual([]);
  const all = facts({ ...parts, suspicions });
  expect(exposureAt(recoveryModel(all), all, at(51))).toMatchObject({ coveredUntil: null, reason: 'nothing-restorable' });
});

describe('exposureAt', () => {
  const exposure = (parts: Partial<RecoveryFacts>) => {
    const all = facts(parts);
    return exposureAt(recoveryModel(all), all, at(51));
  };

  test('is what has passed since the horizon', () => {
    expect(
      exposure({ coverage: covered({ 1: { runs: [[1, 8]], horizon: [0x700n, 50] } }), backups: [backup('b', '0/110', '0/190', 10)] }),
    ).toEqual({ coveredUntil: at(50).toISOString(), lossMs: 60_000, reason: null });
  });

  test('grows from the gap until the next backup, though WAL comes', () => {
    expect(
      exposure({
        coverage: covered({
          1: {
            runs: [
              [1, 4],
              [6, 8],
            ],
            horizon: [0x700n, 50],
          },
        }),
        backups: [backup('b', '0/110', '0/190', 10)],
        moments: [{ timeline: 1, lsn: 0x400n, at: at(20) }],
      }),
    ).toEqual({ coveredUntil: at(20).toISOString(), lossMs: 31 * 60_000, reason: 'gap-since-backup' });
  });

  test('says when nothing can be restored, and when nothing tells the moment', () => {
    expect(exposure({})).toMatchObject({ lossMs: null, reason: 'nothing-restorable' });
    expect(exposure({ coverage: covered({ 1: { runs: [[1, 4]] } }), backups: [backup('b', '0/110', '0/190', 10)] })).toMatchObject({
      lossMs: null,
      reason: 'moment-unknown',
    });
  });
});

describe('openGaps', () => {
  test('what was filled since is taken off a recorded gap', () => {
    expect(
      openGaps(
        covered({
          1: {
            runs: [
              [1, 4],
              [5, 6],
              [8, 9],
            ],
          },
        }),
        [gap(0x400n, 0x800n)],
      ),
    ).toEqual([
      { timeline: 1, fromLsn: '0/400', toLsn: '0/500', reason: 'slot-lost', noticedAt: at(9).toISOString() },
      { timeline: 1, fromLsn: '0/600', toLsn: '0/800', reason: 'slot-lost', noticedAt: at(9).toISOString() },
    ]);
    expect(openGaps(covered({ 1: { runs: [[1, 9]] } }), [gap(0x400n, 0x800n)])).toEqual([]);
  });

  test('gaps that overlap or follow one another are one, with what was noticed first', () => {
    const found = openGaps(covered({ 1: { runs: [[1, 4]] } }), [gap(0x400n, 0x800n), gap(0x500n, 0x900n), gap(0x900n, 0xa00n)]);
    expect(found).toMatchObject([{ fromLsn: '0/400', toLsn: '0/A00' }]);
  });

  test('a gap at the end is known before any WAL follows it', () => {
    expect(openGaps(covered({ 1: { runs: [[1, 4]] } }), [gap(0x400n, 0x800n)])).toHaveLength(1);
  });

  test('a hole that nobody recorded is one all the same', () => {
    expect(
      openGaps(
        covered({
          1: {
            runs: [
              [1, 4],
              [5, 6],
            ],
          },
        }),
        [],
      ),
    ).toEqual([{ timeline: 1, fromLsn: '0/400', toLsn: '0/500', reason: 'hole', noticedAt: null }]);
  });
});
