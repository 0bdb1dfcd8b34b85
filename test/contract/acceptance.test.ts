import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ACCEPTANCE } from './acceptance.ts';

const TESTS = path.resolve(import.meta.dirname, '..');
/** `('A3: …', …` or `('B5, B6 and B10: …', …`: the first argument of a test, whatever runs it. */
const NAMED = /(\w+)(?:\([^()]*\))?\(\s*(['"`])([A-J]\d*(?:(?:, | and )[A-J]\d*)*): /g;

/** The rows that a file's tests are named after; what is skipped for good or still to be written shows nothing. */
function rowsIn(text: string): readonly string[] {
  return [...text.matchAll(NAMED)].flatMap(([, runner, , ids]) =>
    runner === 'skip' || runner === 'todo' ? [] : (ids ?? '').split(/, | and /),
  );
}

const files = readdirSync(TESTS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.test.ts'));
const named = new Map<string, string[]>();
for (const file of files)
  for (const row of rowsIn(readFileSync(path.join(TESTS, file), 'utf8'))) named.set(row, [...(named.get(row) ?? []), file]);

test.each(Object.entries(ACCEPTANCE))('row %s has a test named after it: %s', (row) => {
  expect(named.get(row) ?? []).not.toEqual([]);
});

test('no test is named after a row that there is not', () => {
  expect([...named].filter(([row]) => !(row in ACCEPTANCE))).toEqual([]);
});

test('a test that is skipped or still to be written is none', () => {
  expect(rowsIn(`it('A1: x', f); it.for([1])("B2, B3 and C4: x", f); test.skip('D1: x', f); it.todo('E2: x'); say('nothing: x')`)).toEqual([
    'A1',
    'B2',
    'B3',
    'C4',
  ]);
});
