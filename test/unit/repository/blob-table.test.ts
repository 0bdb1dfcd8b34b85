import { expect, test } from 'vitest';
import { BlobTable, BlobTableReader, hashWords } from '../../../src/repository/blob-table.ts';

/** A different one for each number, spread as hashes are. */
const words = (n: number): Uint32Array => Uint32Array.from({ length: 8 }, (_, word) => Math.imul(n + 1, 0x9e3779b1 + 2 * word) >>> 0);
const place = (n: number): { offset: number; storedBytes: number; plainBytes: number; zstd: boolean; encrypted: boolean } => ({
  offset: n * 3,
  storedBytes: n,
  plainBytes: 1 << 20,
  zstd: n % 2 === 0,
  encrypted: n % 3 === 0,
});

test('every blob is found where it was put, and no other, also after the table has grown', () => {
  const table = new BlobTable();
  for (let n = 0; n < 70_000; n += 1) table.add(words(n), n % 7, place(n));
  expect(table.size).toBe(70_000);
  for (let n = 0; n < 70_000; n += 977) expect(table.placeOf(table.entryOf(words(n)))).toEqual({ pack: n % 7, ...place(n) });
  for (let n = 70_000; n < 71_000; n += 1) expect(table.entryOf(words(n))).toBe(-1);
});

test('a reader of older memory finds what was there then, and what it does not know is absent', () => {
  const table = new BlobTable();
  for (let n = 0; n < 3000; n += 1) table.add(words(n), 0, place(n));
  const reader = new BlobTableReader(table.shared);
  const before = table.shared;
  for (let n = 3000; n < 70_000; n += 1) table.add(words(n), 0, place(n));
  expect(table.shared).not.toBe(before);
  for (let n = 0; n < 3000; n += 1) expect(reader.entryOf(words(n))).toBe(n);
  expect(reader.entryOf(words(69_999))).toBe(-1);
  expect(new BlobTableReader(table.shared).entryOf(words(69_999))).toBe(69_999);
});

test('hashes that begin alike are told apart', () => {
  const table = new BlobTable();
  const alike = Array.from({ length: 50 }, (_, n) => hashWords(Buffer.concat([Buffer.alloc(28, 1), Buffer.from([0, 0, 0, n])])));
  alike.forEach((hash, n) => table.add(hash, n, place(n)));
  alike.forEach((hash, n) => expect(table.placeOf(table.entryOf(hash)).pack).toBe(n));
});
