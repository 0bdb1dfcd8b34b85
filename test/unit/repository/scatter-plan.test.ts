import { describe, expect, test } from 'vitest';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import type { Extent } from '../../../src/repository/manifest.ts';
import {
  flushJobs,
  GATHERED_BYTES,
  planUnits,
  planWindows,
  type ScatteredFile,
  type Window,
} from '../../../src/repository/scatter-plan.ts';

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

const plan = (...files: readonly ScatteredFile[]): readonly Window[] => planWindows(files, index()).toArray();
const places = (window: Window | undefined): readonly string[] =>
  Array.from(
    window?.writes ?? [],
    ({ file: number, offset, at }) => `${number}:${offset / PAGE}${at === undefined ? '' : `@${at / PAGE}`}`,
  );

describe('a scatter', () => {
  test('opens blobs in the order in which they are stored, and gathers pages in the order of the file', () => {
    const [window, ...others] = plan(file([page(0, 2), page(1, 4), page(2, 1), page(3, 3)]));
    expect(others).toEqual([]);
    expect(places(window)).toEqual(['0:3@3', '0:2@2', '0:1@1', '0:0@0']);
    expect(window?.runs).toEqual([{ file: 0, offset: 0, length: 4 * PAGE, at: 0 }]);
  });

  test('writes long extents straight into their file, and what is gathered in one from hole to hole', () => {
    const long: Extent = [4 * PAGE, 8 * PAGE, hash(1)];
    const [window] = plan(file([page(0, 3), page(1, 4), page(3, 3), long, page(12, 3)]), file([page(0, 4)]));
    expect(places(window)).toEqual(['0:0@0', '0:3@2', '0:12@3', '0:4', '0:1@1', '1:0@4']);
    expect(window?.runs).toEqual([
      { file: 0, offset: 0, length: 2 * PAGE, at: 0 },
      { file: 0, offset: 3 * PAGE, length: PAGE, at: 2 * PAGE },
      { file: 0, offset: 12 * PAGE, length: PAGE, at: 3 * PAGE },
      { file: 1, offset: 0, length: PAGE, at: 4 * PAGE },
    ]);
  });

  test('gathers no more than its memory holds, within a file, and writes a quarter of a gigabyte of the rest at most', () => {
    const pages = GATHERED_BYTES / PAGE;
    const many = file(
      Array.from({ length: pages + 3 }, (_, n) => page(n, 3, n % 16)),
      (pages + 3) * PAGE,
    );
    expect(plan(many).map(({ runs }) => runs)).toEqual([
      [{ file: 0, offset: 0, length: GATHERED_BYTES, at: 0 }],
      [{ file: 0, offset: GATHERED_BYTES, length: 3 * PAGE, at: GATHERED_BYTES }],
    ]);
    const whole = file(
      Array.from({ length: 300 }, (_, n): Extent => [n * MIB, MIB, hash(n < 256 ? 1 : 2)]),
      300 * MIB,
    );
    expect(plan(whole).map(({ writes }) => Array.from(writes).length)).toEqual([256, 44]);
    expect(plan(file([]))).toEqual([]);
  });

  test('a blob that is opened for one window serves the next one, too, and again what is behind it', () => {
    const made = file([page(0, 3), page(1, 3), page(2, 3), page(3, 4)]);
    expect(planWindows([made], index(), PAGE).toArray().map(places)).toEqual([['0:0@0', '0:1@1'], ['0:2@2'], [], ['0:3@0']]);
  });

  test('reads what lies near one another at once', () => {
    const [window] = plan(file([page(0, 3, 0), page(1, 4, 0), page(2, 9, 0)]));
    expect(Array.from(planUnits(window?.writes ?? []), ({ from, to, writes }) => [from, to, writes.length])).toEqual([
      [0, 3000, 2],
      [30 * MIB, 30 * MIB + 1000, 1],
    ]);
  });

  test('writes what is gathered in jobs of a few megabytes, and says what lies behind each part', () => {
    const memory = new SharedArrayBuffer(0);
    const runs = [
      { file: 0, offset: 0, length: 3 * MIB, at: 0 },
      { file: 1, offset: PAGE, length: 6 * MIB, at: 3 * MIB },
    ];
    const files = [file([], 4 * MIB), file([], 8 * MIB)];
    const jobs = flushJobs(runs, memory, files).toArray();
    expect(jobs.map((each) => each.runs)).toEqual([
      [runs[0], { file: 1, offset: PAGE, length: MIB, at: 3 * MIB }],
      [{ file: 1, offset: PAGE + MIB, length: 4 * MIB, at: 4 * MIB }],
      [{ file: 1, offset: PAGE + 5 * MIB, length: MIB, at: 8 * MIB }],
    ]);
    const [{ job } = { job: undefined }] = jobs;
    expect(job).toEqual({
      kind: 'flush',
      gathered: memory,
      paths: ['f', 'f'],
      runs: Float64Array.of(0, 0, 3 * MIB, 0, MIB, 1, PAGE, MIB, 3 * MIB, 7 * MIB - PAGE),
    });
  });
});
