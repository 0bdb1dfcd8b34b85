import { expect, test } from 'vitest';
import { reachOfBackup } from '../../../../src/backup/wal/resume-plan.ts';
import type { TimelineCoverage, WalCoverage } from '../../../../src/repository/wal-coverage.ts';

const MB = 1n << 20n;
const SERVER = { timeline: 2, history: [{ timeline: 1, switchLsn: 50n * MB + 100n, reason: '' }] };

function coverage(timelines: Readonly<Record<number, readonly (readonly [number, number])[]>>): WalCoverage {
  const entries = Object.entries(timelines).map(([timeline, runs]): [number, TimelineCoverage] => [
    Number(timeline),
    { runs: runs.map(([from, to]) => ({ startLsn: BigInt(from) * MB, endLsn: BigInt(to) * MB })), open: [], horizon: undefined },
  ]);
  return { segmentBytes: Number(MB), timelines: new Map(entries), histories: new Set() };
}

const reach = (stored: WalCoverage, timeline: number, lsn: bigint) => reachOfBackup(stored, SERVER, { timeline, lsn });

test('the WAL behind a backup reaches to the first hole, across the switch of a timeline', () => {
  const whole = coverage({
    1: [[10, 51]],
    2: [
      [50, 60],
      [70, 80],
    ],
  });
  expect(reach(whole, 1, 20n * MB + 5n)).toEqual({ timeline: 2, lsn: 60n * MB });
  expect(reach(whole, 2, 72n * MB)).toEqual({ timeline: 2, lsn: 80n * MB });
  const holed = coverage({
    1: [
      [10, 30],
      [40, 51],
    ],
    2: [[50, 60]],
  });
  expect(reach(holed, 1, 20n * MB)).toEqual({ timeline: 1, lsn: 30n * MB });
});

test('a backup whose end the server has not been at reaches nowhere', () => {
  expect(reach(coverage({ 1: [[10, 60]] }), 1, 55n * MB)).toBeUndefined();
  expect(reach(coverage({ 3: [[10, 60]] }), 3, 20n * MB)).toBeUndefined();
});

test('where nothing is stored behind it, a backup reaches to its end', () => {
  expect(reach(coverage({}), 2, 55n * MB + 7n)).toEqual({ timeline: 2, lsn: 55n * MB });
});
