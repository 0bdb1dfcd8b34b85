import { randomFillSync } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { compressSync } from '../../../src/repository/compress.ts';
import { Zstd } from '../../../src/repository/zstd.ts';

const flat = (length: number, seed: number): Buffer => Buffer.alloc(length, `some text ${seed} `);
const noise = (length: number): Buffer => randomFillSync(Buffer.alloc(length));
const contents = [flat(1, 1), flat(100, 2), noise(8192), flat(8192, 3), noise(1 << 20), flat(1 << 20, 4), noise(1), flat(300_000, 5)];

describe('zstd of one thread', () => {
  test('makes frames, one after another, that the documented functions read, and reads theirs', () => {
    const zstd = new Zstd();
    for (const plain of [...contents, ...contents.toReversed()]) {
      expect(zstdDecompressSync(Buffer.from(zstd.compress(plain))).equals(plain)).toBe(true);
      expect(zstd.decompress(zstdCompressSync(plain), plain.byteLength).equals(plain)).toBe(true);
    }
  });

  test('the level is the one asked for', () => {
    const rows = Buffer.from(Array.from({ length: 20_000 }, (_, n) => `${n};${n % 97};row ${n * 7919}\n`).join(''));
    for (const level of [1, 3, 12]) expect(Buffer.from(new Zstd(level).compress(rows)).equals(compressSync(rows, level))).toBe(true);
  });

  test('damaged frames, frames cut short and wrong lengths are errors, and the next frame is read all the same', () => {
    const zstd = new Zstd();
    const plain = flat(50_000, 6);
    const stored = zstdCompressSync(plain);
    const bad = Buffer.from(stored);
    bad[0] = 0;
    expect(() => zstd.decompress(bad, plain.byteLength)).toThrow();
    expect(zstd.decompress(stored, plain.byteLength).equals(plain)).toBe(true);
    expect(() => zstd.decompress(stored.subarray(0, stored.byteLength - 5), plain.byteLength)).toThrow();
    expect(zstd.decompress(stored, plain.byteLength).equals(plain)).toBe(true);
    expect(() => zstd.decompress(stored, plain.byteLength - 1)).toThrow();
    expect(() => zstd.decompress(stored, plain.byteLength + 1)).toThrow();
    expect(() => zstd.decompress(zstdCompressSync(Buffer.alloc(3 << 20)), 1 << 20)).toThrow();
    expect(zstd.decompress(stored, plain.byteLength).equals(plain)).toBe(true);
  });
});
