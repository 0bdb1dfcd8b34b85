import { describe, expect, test } from 'vitest';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { PIECE_NUMBERS } from '../../../src/repository/blob-scatter-job.ts';
import type { Extent } from '../../../src/repository/manifest.ts';
import { groupFiles, planGroup, type GroupPlan, type ScatteredFile } from '../../../src/repository/scatter-plan.ts';
import { planBatches, planUnits } from '../../../src/repository/scatter-reads.ts';
import { planWindow } from '../../../src/repository/scatter-window.ts';

const PAGE = 8192;
const MIB = 1024 * 1024;
const LIMITS = { windowBytes: MIB, storedBytes: 10_000 };
const hash = (n: number): string => n.toString(16).padStart(64, '0');

/** Blobs 1 and 2 are of 1 MiB, the others hold sixteen pages; all lie one after another, blob 9 far behind the others. */
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
  const small = Array.from({ length: 5 }, (_, n) => blob(4 + n, 3000 + n * 1000, 16 * PAGE));
  made.add({
    pack: 'a'.repeat(32),
    blobs: [blob(3, 0, 16 * PAGE), blob(1, 1000, MIB), blob(2, 2000, MIB), ...small, blob(9, 30 * MIB, 16 * PAGE)],
  });
  return made;
}

const file = (extents: readonly Extent[], sizeBytes = 4 * MIB): ScatteredFile => ({
  path: 'f',
  sizeBytes,
  mode: 0o600,
  owner: undefined,
  extents,
});
const page = (at: number, blob: number, from = at % 16): Extent => [at * PAGE, PAGE, hash(blob), from * PAGE];
const pages = (from: number, count: number, blob: number): readonly Extent[] =>
  Array.from({ length: count }, (_, n) => page(from + n, blob, n % 16));

function planned(...files: readonly ScatteredFile[]): GroupPlan {
  return planGroup(files, { from: 0, to: files.length }, index(), LIMITS);
}

/** For each window the extents whose blobs it opens, as `file:page`, with `!` where they go straight into their file. */
function opened(plan: GroupPlan): readonly string[] {
  const { extents, order, starts, isStraight, windows } = plan;
  const name = (n: number): string => `${extents.file[n]}:${(extents.offset[n] ?? 0) / PAGE}${isStraight[n] === 1 ? '!' : ''}`;
  return windows.map((_, window) => Array.from(order.subarray(starts[window], starts[window + 1]), name).join(' '));
}

function window(plan: GroupPlan, number: number, files: readonly ScatteredFile[]) {
  return planWindow({
    plan,
    window: number,
    files,
    index: index(),
    stored: new SharedArrayBuffer(8),
    placeOf: (blob) => blob * 1000,
    isMadeBefore: (each) => plan.madeBefore.includes(each),
  });
}

describe('a scatter', () => {
  test('opens a blob once for all of its pieces in a window, which are put in the order of the file', () => {
    const files = [file([page(0, 3), page(1, 4), page(2, 3), page(4, 4)])];
    const plan = planned(...files);
    expect(opened(plan)).toEqual(['0:0 0:2 0:1 0:4']);
    const { job, written } = window(plan, 0, files);
    expect(Array.from(job.runs)).toEqual([0, 0, 3 * PAGE, 0, 0, 4 * PAGE, PAGE, 3 * PAGE]);
    const places = Array.from({ length: 4 }, (_, n) => (job.pieces[n * PIECE_NUMBERS + 4] ?? -1) / PAGE);
    expect(places).toEqual([0, 2, 1, 3]);
    expect(written).toEqual([{ file: 0, extents: 4, bytes: 4 * PAGE }]);
    expect(job.gatheredBytes).toBe(4 * PAGE);
  });

  test('writes what is long straight from its blob', () => {
    const plan = planned(file([[0, MIB, hash(1)], page(128, 3), [129 * PAGE, 8 * PAGE, hash(4)]]));
    expect(opened(plan)).toEqual(['0:0!', '0:128 0:129!']);
  });

  test('cuts large files where no blob of a full backup is cut, and puts small ones together', () => {
    const large = file(Array.from({ length: 4 }, (_, n): Extent => [n * MIB, MIB, hash(1 + (n % 2))]));
    const small = Array.from({ length: 9 }, () => file([[0, 16 * PAGE, hash(3)]], 16 * PAGE));
    expect(planned(large, ...small).windows.map(({ from, to }) => to - from)).toEqual([1, 1, 1, 1, 4, 4, 1]);
    expect(planned(...Array.from({ length: 450 }, () => file([[0, 100, hash(3)]], 100))).windows.map(({ from, to }) => to - from)).toEqual([
      200, 200, 50,
    ]);
  });

  test('opens a blob again where a later window needs much of it, and writes a few pieces at the first opening', () => {
    // Nine pages are more than opening 128 KiB again costs, eight are not.
    const much = planned(file([...pages(0, 128, 3), ...pages(128, 9, 3), ...pages(137, 100, 4)]));
    expect(opened(much)[1]).toMatch(/^0:128 0:129 /);
    const few = planned(file([...pages(0, 128, 3), ...pages(128, 8, 3), ...pages(136, 100, 4)]));
    expect(opened(few)[0]).toMatch(/0:127 0:128! .* 0:135!$/);
    expect(opened(few)[1]).toMatch(/^0:136 /);
  });

  test('makes a file in the window that writes it, and before that where several windows or none do', () => {
    const files = [file([], 0), file([page(0, 3), page(200, 3)]), file([page(0, 4)]), file([page(0, 4)])];
    const plan = planGroup(files, { from: 1, to: 4 }, index(), { windowBytes: 2 * PAGE, storedBytes: 10_000 });
    expect(plan.madeBefore).toEqual([]);
    const apart = [file([], 0), file([...pages(0, 128, 3), ...pages(128, 20, 4)]), file([page(0, 4)])];
    expect(planned(...apart).madeBefore).toEqual([0, 1]);
    const { job } = window(planned(...apart), 1, apart);
    expect(job.files.map(({ isMadeHere }) => isMadeHere)).toEqual([false, true]);
  });

  test('takes smaller windows, and fewer together, where their blobs are large for what is needed of them', () => {
    const plan = planGroup([file([3, 4, 5, 6, 7, 8, 9].map((blob, n) => page(n, blob)))], { from: 0, to: 1 }, index(), {
      windowBytes: MIB,
      storedBytes: 4000,
    });
    expect(plan.windows.map(({ from, to }) => to - from)).toEqual([2, 2, 2, 1]);
    const batches = Array.from(planBatches(plan, index(), { windowBytes: MIB, storedBytes: 4000 }), ({ windows, blobs }) => [
      windows.to,
      blobs.length,
    ]);
    expect(batches).toEqual([
      [2, 4],
      [4, 3],
    ]);
    const first = Array.from(planBatches(plan, index(), { windowBytes: MIB, storedBytes: 4000 }, 1), ({ windows }) => windows.to);
    expect(first).toEqual([1, 3, 4]);
  });

  test('reads what lies near one another at once, in the order in which it lies', () => {
    const plan = planned(file([page(0, 9), page(1, 4), page(2, 3)]));
    const [batch] = planBatches(plan, index(), LIMITS);
    const units = Array.from(planUnits(batch?.blobs ?? [], plan.extents.entries, index()), ({ from, to, blobs }) => [
      from,
      to,
      blobs.length,
    ]);
    expect(units).toEqual([
      [0, 4000, 2],
      [30 * MIB, 30 * MIB + 1000, 1],
    ]);
  });

  test('plans files in groups of a quarter of a gigabyte at least, large ones by themselves', () => {
    const sizes = (...megabytes: readonly number[]): readonly ScatteredFile[] => megabytes.map((each) => file([], each * MIB));
    expect(groupFiles(sizes(1, 2, 1024, 300, 200, 100, 3, 2))).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 3 },
      { from: 3, to: 4 },
      { from: 4, to: 6 },
      { from: 6, to: 8 },
    ]);
    expect(groupFiles([])).toEqual([]);
  });
});
