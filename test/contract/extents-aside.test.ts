import { expect, test } from 'vitest';
import { OverflowFile } from '../../src/base/overflow-file.ts';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { CompactExtents, type NumberedExtent } from '../../src/repository/compact-extents.ts';
import { ExtentsAside, numbersOf } from '../../src/repository/extents-aside.ts';
import type { Extents } from '../../src/repository/manifest.ts';
import { planGroup, type GroupPlan } from '../../src/repository/scatter-plan.ts';

const PAGE = 8192;
const FILES = 3;
const hash = (n: number): string => n.toString(16).padStart(64, '0');

/** Each file's pages lie in the blobs of all files, in turn. */
const inMemory = Array.from({ length: FILES }, (_, file) => {
  const extents = Array.from({ length: 200 }, (__, page): NumberedExtent => [page * PAGE, PAGE, (page + file) % FILES, (page % 16) * PAGE]);
  return new CompactExtents(Buffer.from([0, 1, 2].map(hash).join(''), 'hex'), extents);
});

function setAside(): readonly Extents[] {
  const overflow = OverflowFile.open();
  if (overflow === undefined) throw new Error('there is no temporary directory');
  const aside = new ExtentsAside(overflow);
  return inMemory.map((extents) => aside.setAside(extents) ?? []);
}

test('extents that were set aside are as they were, whichever file is asked in between', () => {
  const aside = setAside();
  expect(aside.map(({ length }) => length)).toEqual(inMemory.map(({ length }) => length));
  for (const n of [0, 199, 200, -1, 100]) expect(aside.map((extents) => extents.at(n))).toEqual(inMemory.map((extents) => extents.at(n)));
  const begun = aside.slice(0, 2).map((extents) => extents[Symbol.iterator]());
  const turns = Array.from({ length: 200 }, () => begun.map((each): unknown => each.next().value));
  expect(turns).toEqual(Array.from({ length: 200 }, (_, n) => [inMemory[0]?.at(n), inMemory[1]?.at(n)]));
  expect(aside.map((extents) => numbersOf(extents)?.numbered(7))).toEqual(inMemory.map((extents) => extents.numbered(7)));
});

test('a restore plans the same with them', () => {
  const index = new BlobIndex();
  const blob = (n: number) => ({ hash: hash(n), offset: n * 1000, storedBytes: 1000, plainBytes: 16 * PAGE, zstd: true, encrypted: false });
  index.add({ pack: 'a'.repeat(32), blobs: [0, 1, 2].map(blob) });
  const planned = (files: readonly Extents[]): GroupPlan => {
    const scattered = files.map((extents, n) => ({ path: `f${n}`, sizeBytes: 200 * PAGE, mode: 0o600, owner: undefined, extents }));
    return planGroup(scattered, { from: 0, to: files.length }, index, { windowBytes: 2 ** 20, storedBytes: 10_000 });
  };
  expect(planned(setAside())).toEqual(planned(inMemory));
});
