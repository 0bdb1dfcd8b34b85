import { expect, test } from 'vitest';
import { LagHistory } from '../../../src/console/lag-history.ts';

function historyOf(lags: readonly (readonly [atS: number, lagMs: number | null])[]): unknown {
  const history = new LagHistory();
  for (const [atS, lagMs] of lags) history.add(new Date(atS * 1000), [{ cluster: 'main', repository: 'local', lagMs }]);
  return history.series()[0]?.points.map(([at, lag]) => [at / 1000, lag]);
}

test('LagHistory: of looks that are close together the worst counts', () => {
  expect(
    historyOf([
      [0, 100],
      [5, 900],
      [10, 300],
      [15, 200],
      [20, null],
    ]),
  ).toEqual([
    [0, 900],
    [15, 200],
  ]);
});

test('LagHistory: a time in which nobody looked is a hole, and no line over it', () => {
  expect(
    historyOf([
      [0, 100],
      [60, 200],
      [600, 300],
    ]),
  ).toEqual([
    [0, 100],
    [60, 200],
    [75, null],
    [600, 300],
  ]);
});

test('LagHistory: six hours are kept', () => {
  const points = historyOf(Array.from({ length: 3000 }, (_none, index) => [index * 15, index] as const)) as unknown[][];
  expect(points).toHaveLength(1440);
  expect(points.at(-1)).toEqual([2999 * 15, 2999]);
});
