import { expect, test } from 'vitest';
import { groupWorn, planConsolidation, type WornExtent } from '../../../src/backup/take/consolidate-plan.ts';

const MIB = 1024 * 1024;

test('only blobs of which little is needed are taken again, the most worn first', () => {
  const blobs = [
    { blob: 1, plainBytes: MIB, liveBytes: MIB, pieces: 1 },
    { blob: 2, plainBytes: MIB, liveBytes: MIB * 0.5, pieces: 1 },
    { blob: 3, plainBytes: MIB, liveBytes: MIB * 0.3, pieces: 1 },
    { blob: 4, plainBytes: MIB, liveBytes: 8192, pieces: 1 },
    { blob: 5, plainBytes: MIB, liveBytes: 0, pieces: 1 },
  ];
  expect(planConsolidation(blobs, 0).map(({ blob }) => blob)).toEqual([4, 3]);
});

test('no more is taken again than changed, but for a small allowance', () => {
  const blobs = Array.from({ length: 1000 }, (_, blob) => ({ blob, plainBytes: MIB, liveBytes: MIB / 4, pieces: 1 }));
  expect(planConsolidation(blobs, 0)).toHaveLength(128);
  expect(planConsolidation(blobs, 100 * MIB)).toHaveLength(200);
});

test('no more is taken again at once than memory holds the pieces of, however much changed', () => {
  // 40 GB of single pages that are left of blobs of 128 KiB, two in each.
  const blobs = Array.from({ length: 400_000 }, (_, blob) => ({ blob, plainBytes: 128 * 1024, liveBytes: 16384, pieces: 2 }));
  expect(planConsolidation(blobs, 40 * 1024 * MIB)).toHaveLength(131_072);
});

test('what is taken again is cut into groups in the order of the files, whatever the blobs are called', () => {
  const extent = (rank: number, length: number): WornExtent => ({ path: 'f', rank, extent: { offset: rank, length, blob: 0, from: 0 } });
  const pieces = new Map([
    [7, [extent(4, 5 * MIB), extent(5, MIB)]],
    [3, [extent(0, 10 * MIB), extent(9, MIB)]],
    [5, [extent(2, 5 * MIB)]],
  ]);
  expect(groupWorn(pieces).toArray()).toEqual([
    { blobs: [3, 5], liveBytes: 16 * MIB },
    { blobs: [7], liveBytes: 6 * MIB },
  ]);
  expect(groupWorn(new Map()).toArray()).toEqual([]);
});
