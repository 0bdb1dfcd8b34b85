import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePath } from '../../../src/base/path-bytes.ts';
import { PathTable } from '../../../src/base/path-table.ts';

/** Names of files as bytes may be: anything but a slash and zero. */
const name = fc.oneof(
  fc.nat(40).map(String),
  fc
    .uint8Array({ minLength: 1, maxLength: 6 })
    .map((bytes) => decodePath(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0xff : byte)))),
);
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));

describe('a table of paths', () => {
  test('gives back every path as it came, UTF-8 or not, and finds the first of those that are the same', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 60 }), fc.array(path, { maxLength: 20 }), (paths, others) => {
        const table = new PathTable();
        expect(paths.map((each) => table.add(each))).toEqual(paths.map((_, number) => number));
        expect(paths.map((_, number) => table.path(number))).toEqual(paths);
        for (const each of [...paths, ...others]) expect(table.find(each)).toBe(paths.indexOf(each));
        expect(table.count).toBe(paths.length);
      }),
    );
  });

  test('finds each of very many, in few directories and in none', () => {
    const table = new PathTable();
    const paths = Array.from({ length: 20_000 }, (_, n) => (n % 7 === 0 ? `${n}` : `base/${n % 5}/${n}${n % 3 === 0 ? '_fsm' : ''}`));
    for (const each of paths) table.add(each);
    expect(paths.filter((each, number) => table.find(each) !== number || table.path(number) !== each)).toEqual([]);
    expect(table.find('base/1/20001')).toBe(-1);
    expect(table.find('base/9/1')).toBe(-1);
    expect(table.find('')).toBe(-1);
  });
});
