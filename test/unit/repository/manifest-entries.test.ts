import { expect, test } from 'vitest';
import { CompactExtents } from '../../../src/repository/compact-extents.ts';
import { ManifestEntries } from '../../../src/repository/manifest-entries.ts';
import type { FileEntry, ManifestEntry } from '../../../src/repository/manifest.ts';

const hash = (n: number): string => n.toString(16).padStart(64, '0');
const file = (path: string, extents: FileEntry['extents'], sizeBytes = 8192): FileEntry => ({
  path,
  type: 'file',
  sizeBytes,
  mode: 0o640,
  modifiedAt: 1_700_000_000,
  extents,
});

/** An entry as plain values: those of a table are made when they are asked for. */
function plain(entry: ManifestEntry | undefined): unknown {
  if (entry?.type !== 'file') return entry;
  const { path, type, sizeBytes, mode, modifiedAt, extents } = entry;
  return { path, type, sizeBytes, mode, modifiedAt, extents: [...extents] };
}

const directory: ManifestEntry = { path: 'base/5', type: 'directory', mode: 0o700, modifiedAt: 1 };
const link: ManifestEntry = { path: 'pg_tblspc/16400', type: 'symlink', target: '/srv/ts' };
const files = [
  file('empty', [], 0),
  file('base/5/1259', [[0, 8192, hash(1)]]),
  file('base/5/1259_fsm', [
    [0, 8192, hash(2), 16_384],
    [5 * 2 ** 40, 1_048_576, hash(1)],
  ]),
  file('name\udcff', [[0, 1, hash(3)]], 1),
  file('large', new CompactExtents(Buffer.from(hash(7), 'hex'), [[0, 4096, 0, 512]])),
  file('damaged', [[0, 1, 'no name']]),
];

test('entries are as they came: directories and links first, then the files in their order', () => {
  const entries = new ManifestEntries();
  for (const entry of [directory, ...files, link]) entries.add(entry);
  const expected = [directory, link, ...files].map(plain);
  expect(entries.length).toBe(expected.length);
  expect(Array.from(entries, plain)).toEqual(expected);
  expect(expected.map((_, n) => plain(entries.at(n)))).toEqual(expected);
  expect(entries.at(expected.length)).toBeUndefined();
});

test('a file is found by its path, and its extents one by one', () => {
  const entries = new ManifestEntries();
  for (const entry of [link, ...files]) entries.add(entry);
  const found = entries.file('base/5/1259_fsm');
  expect(found?.extents.length).toBe(2);
  expect(found?.extents.at(1)).toEqual([5 * 2 ** 40, 1_048_576, hash(1)]);
  expect(found?.extents.at(2)).toBeUndefined();
  expect(found?.extents.at(-1)).toBeUndefined();
  expect(entries.file('base/5/1')).toBeUndefined();
  expect(entries.file('pg_tblspc/16400')).toBeUndefined();
});
