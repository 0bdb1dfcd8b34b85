import { describe, expect, test } from 'vitest';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import type { Extent } from '../../../src/repository/manifest.ts';
import { groupFiles, orderWrites, planUnits, type ScatteredFile } from '../../../src/repository/scatter-plan.ts';

const PAGE = 8192;
const MIB = 1024 * 1024;
const hash = (n: number): string => n.toString(16).padStart(64, '0');

/** Blob 1 and 2 are large, the others hold sixteen pages; all lie one after another, blob 9 far behind the others. */
function index(): BlobIndex {
  const blob = (n: number, offset: number, plainBytes: number) => ({
    hash: hash(n),
    offset,
    storedBytes: 1000,
    plainBytes,
    zstd: true,
    encrypted: false,
  });
  const made = new BlobIndex();
  made.add({
    pack: 'a'.repeat(32),
    blobs: [blob(3, 0, 16 * PAGE), blob(1, 1000, MIB), blob(4, 2000, 16 * PAGE), blob(2, 3000, MIB), blob(9, 30 * MIB, 16 * PAGE)],
  });
  return made;
}

const file = (extents: readonly Extent[], sizeBytes = MIB): ScatteredFile => ({
  path: 'f',
  sizeBytes,
  mode: 0o600,
  owner: undefined,
  extents,
});
const page = (at: number, blob: number, from = at): Extent => [at * PAGE, PAGE, hash(blob), from * PAGE];

function order(...files: readonly ScatteredFile[]): { readonly large: readonly string[]; readonly small: readonly string[] } {
  const { large, small } = orderWrites(files, { from: 0, to: files.length }, index());
  const name = ({ file: number, extent, isBridged }: { file: number; extent: Extent; isBridged: boolean }): string =>
    `${number}:${extent[0] / PAGE}${isBridged ? '+' : ''}`;
  return { large: Array.from(large, name), small: Array.from(small, name) };
}

describe('a scatter', () => {
  test('writes large blobs before the others, each kind in the order in which they are stored', () => {
    expect(order(file([page(0, 2), page(1, 4), page(2, 1), page(3, 3)]))).toEqual({ large: ['0:2', '0:0'], small: ['0:3', '0:1'] });
  });

  test('writes pieces of one large blob in one where the file between them is made of small ones', () => {
    expect(order(file([page(0, 1), page(1, 3, 0), page(2, 1), page(3, 4, 0), page(4, 4, 1), page(5, 1)])).large).toEqual([
      '0:0',
      '0:2+',
      '0:5+',
    ]);
  });

  test('leaves apart what a hole, another large blob, another place in the blob or a long stretch divides', () => {
    expect(order(file([page(0, 1), page(2, 1)])).large).toEqual(['0:0', '0:2']);
    expect(order(file([page(0, 1), page(1, 2), page(2, 1)])).large).toEqual(['0:0', '0:2', '0:1']);
    expect(order(file([page(0, 1), page(1, 3, 0), page(2, 1, 7)])).large).toEqual(['0:0', '0:2']);
    const long = Array.from({ length: 9 }, (_, n) => page(n + 1, 3, n));
    expect(order(file([page(0, 1), ...long, page(10, 1)])).large).toEqual(['0:0', '0:10']);
    expect(order(file([page(0, 1)]), file([page(1, 3, 0), page(2, 1)])).large).toEqual(['0:0', '1:2']);
  });

  test('reads what lies near one another at once', () => {
    const { small } = orderWrites([file([page(0, 3, 0), page(1, 4, 0), page(2, 9, 0)])], { from: 0, to: 1 }, index());
    expect(Array.from(planUnits(small), ({ from, to, writes }) => [from, to, writes.length])).toEqual([
      [0, 3000, 2],
      [30 * MIB, 30 * MIB + 1000, 1],
    ]);
  });

  test('finishes files in groups of a quarter of a gigabyte at least', () => {
    const sizes = (...megabytes: readonly number[]): readonly ScatteredFile[] => megabytes.map((each) => file([], each * MIB));
    expect(groupFiles(sizes(1024, 300, 200, 100, 3, 2))).toEqual([
      { from: 0, to: 1 },
      { from: 1, to: 2 },
      { from: 2, to: 4 },
      { from: 4, to: 6 },
    ]);
    expect(groupFiles([])).toEqual([]);
  });
});
