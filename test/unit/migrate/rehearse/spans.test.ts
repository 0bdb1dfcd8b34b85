import { describe, expect, test } from 'vitest';
import type { LockMode } from '../../../../src/migrate/effects/lock-modes.ts';
import { longestBlocks, type LockSpan } from '../../../../src/migrate/rehearse/spans.ts';

const span = (table: string, mode: LockMode, by: number, fromMs: number, untilMs: number): LockSpan => ({
  table,
  mode,
  by,
  fromMs,
  untilMs,
});
const RUNS = [
  { fromMs: 0, untilMs: 10 },
  { fromMs: 10, untilMs: 100 },
  { fromMs: 100, untilMs: 130 },
];

describe('longestBlocks', () => {
  test('a lock that stops only writers blocks no reads, and weak locks block nobody', () => {
    const spans = [span('t', 'Share', 0, 0, 130), span('u', 'ShareUpdateExclusive', 0, 0, 130), span('v', 'RowExclusive', 1, 10, 130)];
    expect(longestBlocks(spans, RUNS)).toEqual([{ table: 't', reads: null, writes: { ms: 130, mode: 'Share', by: 0, longest: 1 } }]);
  });

  test('reads wait from where the lock became strong enough, writes from the first one', () => {
    const spans = [span('t', 'ShareRowExclusive', 0, 0, 130), span('t', 'AccessExclusive', 2, 100, 130)];
    expect(longestBlocks(spans, RUNS)).toEqual([
      {
        table: 't',
        reads: { ms: 30, mode: 'AccessExclusive', by: 2, longest: 2 },
        writes: { ms: 130, mode: 'ShareRowExclusive', by: 0, longest: 1 },
      },
    ]);
  });

  test('locks with a gap between them are two waits, of which the longer counts; overlapping ones are one', () => {
    const [apart] = longestBlocks([span('t', 'AccessExclusive', 0, 0, 10), span('t', 'AccessExclusive', 2, 100, 130)], RUNS);
    expect(apart?.reads).toMatchObject({ ms: 30, by: 2 });
    const [joined] = longestBlocks([span('t', 'AccessExclusive', 0, 0, 60), span('t', 'AccessExclusive', 1, 50, 100)], RUNS);
    expect(joined?.reads).toEqual({ ms: 100, mode: 'AccessExclusive', by: 0, longest: 1 });
  });

  test('the table that is blocked longest comes first', () => {
    const spans = [span('short', 'AccessExclusive', 2, 100, 130), span('long', 'Share', 1, 10, 130)];
    expect(longestBlocks(spans, RUNS).map(({ table }) => table)).toEqual(['long', 'short']);
  });
});
