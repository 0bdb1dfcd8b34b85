import { describe, expect, test } from 'vitest';
import { chooseMoment, drawOf } from '../../../../src/backup/drill/choose-moment.ts';
import { isEqual } from '../../../../src/backup/drill/assertions-run.ts';
import { fullXid } from '../../../../src/backup/drill/recovery-inspect.ts';
import { coverageWithout } from '../../../../src/backup/verify/coverage-without.ts';
import { isChosen } from '../../../../src/backup/verify/sampling.ts';

const STRETCHES = [
  { from: '2026-11-01T00:00:00.000Z', to: '2026-11-01T00:00:01.000Z', toLsn: '0/1' },
  { from: '2026-11-02T00:00:00.000Z', to: null, toLsn: '0/2' },
  { from: '2026-11-03T00:00:00.000Z', to: '2026-11-03T00:00:03.000Z', toLsn: '0/3' },
];

describe('chooseMoment', () => {
  test('takes every stretch by its length, and never a moment outside', () => {
    expect(chooseMoment(STRETCHES, 0)?.toISOString()).toBe('2026-11-01T00:00:00.001Z');
    expect(chooseMoment(STRETCHES, 0.24)?.toISOString()).toBe('2026-11-01T00:00:00.961Z');
    expect(chooseMoment(STRETCHES, 0.25)?.toISOString()).toBe('2026-11-03T00:00:00.001Z');
    expect(chooseMoment(STRETCHES, 0.999_999_9)?.toISOString()).toBe('2026-11-03T00:00:03.000Z');
  });

  test('gives nothing where no stretch says how far it reaches', () => {
    expect(chooseMoment([], 0.5)).toBeUndefined();
    expect(chooseMoment(STRETCHES.slice(1, 2), 0.5)).toBeUndefined();
  });

  test('draws the same for the same seed', () => {
    expect(drawOf('a', 'moment')).toBe(drawOf('a', 'moment'));
    expect(drawOf('a', 'moment')).not.toBe(drawOf('a', 'backup'));
  });
});

test('isEqual: numbers as numbers, whatever type the server gives; nothing else by chance', () => {
  const equal = [
    ['0', 0],
    [7n, 7],
    ['1.50', 1.5],
    ['-9007199254740991.00', -9_007_199_254_740_991],
    ['1e3', 1000],
    ['9007199254740993', '9007199254740993'],
    [true, true],
    [null, null],
    ['x', 'x'],
  ] as const;
  for (const [value, is] of equal) expect(isEqual(value, is)).toBe(true);
  const different = [
    [null, 0],
    ['', 0],
    [' ', 0],
    [true, 1],
    ['true', true],
    [1, true],
    ['1', 2],
    // As doubles these are one.
    ['9007199254740993', 9_007_199_254_740_992],
    ['9007199254740993', '9007199254740992'],
    [0, null],
    ['null', null],
  ] as const;
  for (const [value, is] of different) expect(isEqual(value, is)).toBe(false);
});

test('fullXid: a transaction of the WAL is one that is not in the future', () => {
  expect(fullXid(757n, 760n)).toBe(757n);
  expect(fullXid(5n, (3n << 32n) | 9n)).toBe((3n << 32n) | 5n);
  expect(fullXid(4_294_967_290n, (3n << 32n) | 9n)).toBe((2n << 32n) | 4_294_967_290n);
});

test('isChosen: a share by the seed alone, everything or nothing otherwise', () => {
  const names = Array.from({ length: 2000 }, (_, n) => String(n));
  const chosen = names.filter((name) => isChosen({ kind: 'sample', share: 0.05, seed: 's' }, name));
  expect(chosen.length).toBeGreaterThan(60);
  expect(chosen.length).toBeLessThan(150);
  expect(names.every((name) => isChosen({ kind: 'everything' }, name))).toBe(true);
  expect(names.some((name) => isChosen({ kind: 'structure' }, name))).toBe(false);
});

test('coverageWithout: a run that loses a segment becomes two', () => {
  const segmentBytes = 1024 * 1024;
  const size = BigInt(segmentBytes);
  const timelines = new Map([
    [
      1,
      {
        runs: [{ startLsn: size, endLsn: 4n * size }],
        open: [{ segment: '000000010000000000000004', startLsn: 4n * size, endLsn: 4n * size + 10n }],
        horizon: undefined,
      },
    ],
  ]);
  const coverage = { segmentBytes, timelines, histories: new Set<number>() };
  const less = coverageWithout(coverage, new Set(['000000010000000000000002', '000000010000000000000004']));
  expect(less.timelines.get(1)).toEqual({
    runs: [
      { startLsn: size, endLsn: 2n * size },
      { startLsn: 3n * size, endLsn: 4n * size },
    ],
    open: [],
    horizon: undefined,
  });
});
