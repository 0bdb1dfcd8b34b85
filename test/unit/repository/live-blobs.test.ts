import { expect, test } from 'vitest';
import { blake3 } from '../../../src/repository/hash.ts';
import { blobsOf, LiveBlobs } from '../../../src/repository/live-blobs.ts';

const name = (n: number): string => blake3(Buffer.from(String(n))).toString('hex');

test('LiveBlobs knows what is needed and what has been found, through its growth', () => {
  const live = new LiveBlobs();
  for (let n = 0; n < 100_000; n += 1) live.add(name(n));
  for (let n = 0; n < 100_000; n += 3) live.add(name(n));
  expect(live.size).toBe(100_000);
  expect(live.homeless).toBe(100_000);
  let housed = 0;
  for (let n = 0; n < 100_000; n += 2) housed += live.house(name(n)) ? 1 : 0;
  expect(housed).toBe(50_000);
  expect(live.homeless).toBe(50_000);
  expect(live.house(name(0))).toBe(false);
  expect(live.isHomeless(name(1))).toBe(true);
  expect(live.isHomeless(name(2))).toBe(false);
  expect(live.house(name(300_000))).toBe(false);
  expect(live.isHomeless(name(300_000))).toBe(false);
});

test('blobsOf names the blobs of extents and of page hashes, and nothing for a directory', () => {
  const file = {
    path: 'f',
    type: 'file',
    sizeBytes: 2,
    mode: 384,
    modifiedAt: 0,
    extents: [[0, 1, 'a'] as const, [1, 1, 'b', 7] as const],
    pages: ['c'],
  } as const;
  expect([...blobsOf(file)]).toEqual(['a', 'b', 'c']);
  expect([...blobsOf({ path: 'd', type: 'directory', mode: 448, modifiedAt: 0 })]).toEqual([]);
});
