import { describe, expect, test } from 'vitest';
import { clocksOf, livedMs, pausesOf } from '../../../../src/backup/expire/pauses.ts';

const DAY_MS = 86_400_000;
const START = Date.parse('2026-11-01T02:00:00Z');

const day = (n: number): Date => new Date(START + n * DAY_MS);
/** The length of each pause in days, the newest first. */
function lengths(stored: readonly number[], now: number, windowDays: number): readonly number[] {
  const pauses = pausesOf(
    stored.map((n) => day(n)),
    day(now),
    windowDays * DAY_MS,
  );
  return pauses.map(({ from, to }) => (to.getTime() - from.getTime()) / DAY_MS);
}

const days = (from: number, to: number, each = 1): readonly number[] =>
  Array.from({ length: Math.floor((to - from) / each) + 1 }, (_, n) => from + n * each);

describe('pausesOf', () => {
  test('gives a jump of the clock over most of the window, whether anything was stored since or not', () => {
    expect(lengths(days(0, 14), 44.5, 14)).toEqual([30.5]);
    expect(lengths([...days(0, 14), 44, 44.1], 44.5, 14)).toEqual([30]);
    expect(lengths([...days(0, 14), ...days(24, 30)], 30.5, 14)).toEqual([10]);
    // A second one before anybody saw the first; nothing of a moment that has not come.
    expect(lengths([...days(0, 14), ...days(44, 46), ...days(60, 61), 99], 61.5, 14)).toEqual([14, 30]);
  });

  test('gives one in a window of a day or less, which no two things lie a day apart in', () => {
    const segments = days(0, 3, 1 / 100);
    for (const windowDays of [0.25, 0.5, 1, 1.5]) expect(lengths(segments, 33, windowDays)).toEqual([30]);
    // Daily and weekly runs of an hour.
    for (const each of [1, 7])
      expect(
        lengths(
          days(0, 70, each).flatMap((n) => [n, n + 0.01, n + 0.04]),
          70.1,
          0.5,
        ),
      ).toEqual([]);
  });

  test('gives none where it takes about as long from one thing to the next, where little was lost, or so long ago that the window is full again', () => {
    expect(lengths(days(0, 70, 7), 76, 14)).toEqual([]);
    expect(lengths(days(0, 40, 10), 50, 1)).toEqual([]);
    expect(lengths([...days(0, 14), ...days(20, 25)], 25.5, 14)).toEqual([]);
    expect(lengths([...days(0, 14), ...days(44, 58)], 58.5, 14)).toEqual([]);
    expect(lengths(days(0, 1), 40, 14)).toEqual([]);
    expect(lengths([], 40, 14)).toEqual([]);
  });
});

test('a schedule whose runs lie further apart than the window has no pause for what each run stores, and not more than two where each takes days', () => {
  const minute = 1 / 1440;
  const weekly = days(0, 70, 7).flatMap((n) => [n, n + minute, n + 5 * minute]);
  expect(lengths(weekly, 70.01, 3)).toEqual([]);
  expect(lengths(weekly, 76, 6)).toEqual([]);
  const weekends = days(0, 70, 7).flatMap((n) => [n, n + 0.5, n + 1, n + 1.2]);
  expect(lengths(weekends, 71.5, 3)).toHaveLength(2);
});

test('nothing grows older in a pause, and a hold from before it ends later by as much', () => {
  const pauses = pausesOf([...days(0, 14), 44].map(day), day(45), 14 * DAY_MS);
  expect([0, 14, 44].map((n) => livedMs(day(45), day(n), pauses) / DAY_MS)).toEqual([15, 1, 1]);
  const hold = { label: 'b', name: 'x', reason: 'audit', until: null, by: 'a@b' };
  expect(clocksOf({ ...hold, placedAt: day(10) }, [day(45)], pauses)).toEqual([day(15)]);
  expect(clocksOf({ ...hold, placedAt: day(44) }, [day(45)], pauses)).toEqual([day(45)]);
});
