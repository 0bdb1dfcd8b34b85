import { expect, test } from 'vitest';
import { countOf, diffRows, splitRows } from '../../../../src/console/app/parts/diff-lines.ts';
import { diffLines } from '../../../../src/migrate/files/diff.ts';

/** Text of every line by its number, as the rows say. */
function numbered(rows: ReturnType<typeof diffRows>, side: 'old' | 'new'): readonly (readonly [number, string])[] {
  return rows.flatMap((row) => (row[side] === undefined ? [] : [[row[side], row.text] as const]));
}

test('the numbers of a diff lead to the lines of both texts, over several places and at the first line', () => {
  const before = ['one', 'two', 'three', '', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];
  const after = ['nought', 'one', 'two', '3', '', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'twelve', 'thirteen'];
  const rows = diffRows(diffLines(before.join('\n'), after.join('\n')));
  expect(numbered(rows, 'old').length).toBeGreaterThan(4);
  for (const [line, text] of numbered(rows, 'old')) expect(before[line - 1]).toBe(text);
  for (const [line, text] of numbered(rows, 'new')) expect(after[line - 1]).toBe(text);
  expect(countOf(rows)).toBe('+3 −2');
});

test('without a place lines have no numbers, and a sentence is a note', () => {
  expect(diffRows(['- a', '+ b', 'the texts part at line 7'])).toEqual([
    { kind: 'removed', old: undefined, new: undefined, text: 'a' },
    { kind: 'added', old: undefined, new: undefined, text: 'b' },
    { kind: 'note', old: undefined, new: undefined, text: 'the texts part at line 7' },
  ]);
});

test('side by side what was added stands beside what was removed, and what is over stands alone', () => {
  const split = splitRows(diffRows(['@ line 3', '  same', '- gone', '+ instead', '+ more', '', '- last']));
  const shown = split.map((row) => (row.kind === 'across' ? row.row.text : [row.left?.text, row.right?.text]));
  expect(shown).toEqual(['line 3', ['same', 'same'], ['gone', 'instead'], [undefined, 'more'], ['', ''], ['last', undefined]]);
});
