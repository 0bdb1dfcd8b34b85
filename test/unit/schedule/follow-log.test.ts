import { expect, test } from 'vitest';
import { newLines, type RunLog } from '../../../src/commands/schedule/follow-log.ts';

const log = (firstLine: number, lines: readonly string[]): RunLog => ({ attempt: 1, firstLine, lines }) as unknown as RunLog;

function news(before: RunLog, now: RunLog): readonly [number, readonly string[]] {
  const { firstLine, lines } = newLines(before, now);
  return [firstLine, lines];
}

test('what was printed since the last look comes once, under its numbers', () => {
  expect(news(log(1, ['a', 'b']), log(1, ['a', 'b', 'c', 'd']))).toEqual([3, ['c', 'd']]);
  expect(news(log(1, ['a', 'b']), log(1, ['a', 'b']))).toEqual([3, []]);
  expect(news(log(1, []), log(1, ['a']))).toEqual([1, ['a']]);
});

test('a line that was not at its end when it was seen comes again, whole', () => {
  expect(news(log(1, ['a', '10 ']), log(1, ['a', '10 %', 'b']))).toEqual([2, ['10 %', 'b']]);
});

test('lines that went before anybody saw them are a step in the numbers, not a repetition', () => {
  expect(news(log(1, ['a', 'b']), log(9, ['i', 'j']))).toEqual([9, ['i', 'j']]);
});
