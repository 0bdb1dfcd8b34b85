import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countChanges, diffLines } from '../../../src/migrate/files/diff.ts';

const SEED = 20_261_121;

test('diffLines: shows what went and what came with the lines around', () => {
  const before = 'a\nb\nc\nd\ne\nf\ng';
  expect(diffLines(before, 'a\nb\nc\nD\ne\nf\ng')).toEqual(['@ line 2', '  b', '  c', '- d', '+ D', '  e', '  f']);
  expect(diffLines(before, before)).toEqual([]);
});

test('diffLines: texts with nothing in common say where they part', () => {
  const lines = (mark: string): string => Array.from({ length: 500 }, (_, index) => `${mark}${index}`).join('\n');
  expect(diffLines(`x\n${lines('a')}`, `x\n${lines('b')}`)).toEqual(['the texts part at line 2']);
});

test(`diffLines: the marked lines turn one text into the other, in the fewest steps (seed ${SEED})`, () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const diff = diffLines(before.join('\n'), after.join('\n'));
      const marked = (mark: string): readonly string[] => diff.filter((line) => line.startsWith(mark)).map((line) => line.slice(2));
      const left = [...(before.length === 0 ? [''] : before)];
      const right = [...(after.length === 0 ? [''] : after)];
      // What is left of both texts without their marked lines is the same number of lines, and the longest common part.
      expect(left.length - marked('-').length).toBe(right.length - marked('+').length);
      expect(countChanges(diff)).toBe(left.length + right.length - 2 * commonLength(left, right));
    }),
    { seed: SEED, numRuns: 300 },
  );
});

function commonLength(left: readonly string[], right: readonly string[]): number {
  let row = Array<number>(right.length + 1).fill(0);
  for (const line of left) {
    const next = [0];
    for (const [index, other] of right.entries()) {
      next.push(line === other ? (row[index] ?? 0) + 1 : Math.max(row[index + 1] ?? 0, next[index] ?? 0));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
