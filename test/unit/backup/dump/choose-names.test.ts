import { expect, test } from 'vitest';
import { chooseNames } from '../../../../src/backup/dump/choose-names.ts';

const LONG = 'n'.repeat(60);
const dumpOf = (...databases: readonly string[]): Parameters<typeof chooseNames>[0] => ({
  label: '20261121T203001Z-dump',
  databases: databases.map((database) => ({ database })),
});
const chosen = (wanted: readonly string[], names: readonly string[] = [], dump = dumpOf('a', 'b', 'a,b')): Record<string, string> =>
  Object.fromEntries(chooseNames(dump, wanted, names));

test('chooseNames: all databases or those wanted, one with a comma in its name, too', () => {
  expect(Object.keys(chosen([]))).toEqual(['a', 'b', 'a,b']);
  expect(chosen(['a,b'])).toEqual({ 'a,b': 'a,b_20261121t203001z' });
  expect(chosen(['a,b'], ['b=c'], dumpOf('a', 'b'))).toEqual({ a: 'a_20261121t203001z', b: 'c' });
  expect(() => chosen(['c'])).toThrow('dump 20261121T203001Z-dump has no database c');
});

test('chooseNames: a name that nobody chose has no more than 63 bytes', () => {
  expect(chosen([], [], dumpOf(LONG))).toEqual({ [LONG]: `${'n'.repeat(46)}_20261121t203001z` });
});

test.each([
  [['a=x', 'b=x'], 'databases a and b would both get the name x'],
  [['a=x', 'a=y'], '--name gives database a two names'],
  [[`a=${'x'.repeat(64)}`], 'more than 63 bytes'],
  [['c=x'], '--name takes DATABASE=NEW'],
])('chooseNames: refuses %j', (names, message) => {
  expect(() => chosen(['a', 'b'], names, dumpOf('a', 'b'))).toThrow(message);
});

test('chooseNames: refuses a name for a database that is not restored, and two that would be cut to one name', () => {
  expect(() => chosen(['a'], ['b=x'])).toThrow('--name b=x: --databases does not have b');
  expect(() => chosen([], [], dumpOf(`${LONG}1`, `${LONG}2`))).toThrow('would both get the name');
  expect(Object.values(chosen([], [`${LONG}2=two`], dumpOf(`${LONG}1`, `${LONG}2`)))).toEqual([
    `${'n'.repeat(46)}_20261121t203001z`,
    'two',
  ]);
});
