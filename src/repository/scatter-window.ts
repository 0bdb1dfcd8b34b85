import type { Listed } from '../base/listed.ts';
import type { BlobIndex } from './blob-index.ts';
import {
  BLOB_NUMBERS,
  FLAG_ENCRYPTED,
  FLAG_ZSTD,
  HASH_BYTES,
  PIECE_NUMBERS,
  RUN_NUMBERS,
  STRAIGHT,
  type WindowFile,
  type WindowJob,
} from './blob-scatter-job.ts';
import type { GroupPlan, ScatteredFile } from './scatter-plan.ts';

/** A window's job for a thread, and what of which file is written when it is done. */
export interface PlannedWindow {
  readonly job: WindowJob;
  /** For each file of the job: its number, and the extents and bytes that the job writes of it. */
  readonly written: readonly { readonly file: number; readonly extents: number; readonly bytes: number }[];
}

export interface WindowOptions {
  readonly plan: GroupPlan;
  readonly window: number;
  readonly files: Listed<ScatteredFile>;
  readonly index: BlobIndex;
  /** Where the window's blobs were read to, and where each lies there, by its number in the plan. */
  readonly stored: SharedArrayBuffer;
  readonly placeOf: (blob: number) => number;
  readonly isMadeBefore: (file: number) => boolean;
}

/** What a thread is told to do for one window. */
export function planWindow(options: WindowOptions): PlannedWindow {
  const { plan, window, stored } = options;
  const files = new JobFiles(options);
  const { runs, gathered, gatheredBytes } = planRuns(plan, window, files);
  return {
    job: { kind: 'window', stored, ...planBlobs(options, files, gathered), files: files.made, runs, gatheredBytes },
    written: files.written,
  };
}

/** The files of a job by their numbers there. */
class JobFiles {
  readonly made: WindowFile[] = [];
  readonly written: { readonly file: number; extents: number; bytes: number }[] = [];
  readonly #options: WindowOptions;
  readonly #numbers = new Map<number, number>();

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  numberOf(file: number): number {
    const known = this.#numbers.get(file);
    if (known !== undefined) return known;
    const { path, sizeBytes, mode, owner } = this.#options.files.at(file) ?? { path: '', sizeBytes: 0, mode: 0, owner: undefined };
    this.#numbers.set(file, this.made.length);
    this.made.push({ path, sizeBytes, mode, owner, isMadeHere: !this.#options.isMadeBefore(file) });
    return this.written.push({ file, extents: 0, bytes: 0 }) - 1;
  }

  count(number: number, bytes: number): void {
    const written = this.written[number];
    if (written === undefined) return;
    written.extents += 1;
    written.bytes += bytes;
  }
}

interface Gathering {
  readonly runs: Float64Array<ArrayBuffer>;
  /** Where in memory the extent `n` of the plan is gathered, by its place in the window. */
  readonly gathered: Float64Array;
  readonly gatheredBytes: number;
}

/** What is gathered lies in memory as it will in its file. */
function planRuns({ extents, windows, opener, isStraight }: GroupPlan, window: number, files: JobFiles): Gathering {
  const { from, to } = windows[window] ?? { from: 0, to: 0 };
  const gathered = new Float64Array(to - from);
  const runs: number[] = [];
  let filled = 0;
  let [lastFile, end] = [-1, -1];
  for (let n = from; n < to; n += 1) {
    if (opener[n] !== window || isStraight[n] === 1) continue;
    const [file = 0, offset = 0, length = 0] = [extents.file[n], extents.offset[n], extents.length[n]];
    const last = runs.length - RUN_NUMBERS + 2;
    if (file === lastFile && offset === end) runs[last] = (runs[last] ?? 0) + length;
    else runs.push(files.numberOf(file), offset, length, filled);
    gathered[n - from] = filled;
    filled += length;
    [lastFile, end] = [file, offset + length];
  }
  return { runs: Float64Array.from(runs), gathered, gatheredBytes: filled };
}

function planBlobs(
  { plan, window, index, placeOf }: WindowOptions,
  files: JobFiles,
  gathered: Float64Array,
): Pick<WindowJob, 'blobs' | 'hashes' | 'pieces' | 'packs'> {
  const { extents, windows, isStraight, order, starts } = plan;
  const first = windows[window]?.from ?? 0;
  const [start = 0, end = 0] = [starts[window], starts[window + 1]];
  const blobs: number[] = [];
  const opened: number[] = [];
  const packs = new Map<number, number>();
  const pieces = new Float64Array((end - start) * PIECE_NUMBERS);
  for (let at = start, to = 0; at < end; at += 1, to += PIECE_NUMBERS) {
    const n = order[at] ?? 0;
    const [blob = 0, length = 0] = [extents.blob[n], extents.length[n]];
    if (blob !== opened.at(-1)) {
      opened.push(blob);
      blobs.push(...describe(plan, blob, { index, packs, at: placeOf(blob) }));
    }
    const pieceCount = blobs.length - 1;
    blobs[pieceCount] = (blobs[pieceCount] ?? 0) + 1;
    const file = files.numberOf(extents.file[n] ?? 0);
    files.count(file, length);
    pieces[to] = extents.from[n] ?? 0;
    pieces[to + 1] = length;
    pieces[to + 2] = file;
    pieces[to + 3] = extents.offset[n] ?? 0;
    pieces[to + 4] = isStraight[n] === 1 ? STRAIGHT : (gathered[n - first] ?? 0);
  }
  const hashes = new Uint8Array((blobs.length / BLOB_NUMBERS) * HASH_BYTES);
  for (const [n, blob] of opened.entries()) index.copyHash(extents.entries[blob] ?? 0, hashes, n * HASH_BYTES);
  return { blobs: Uint32Array.from(blobs), hashes, pieces, packs: Array.from(packs.keys(), (pack) => index.packName(pack)) };
}

/** A blob as a job has it, with no piece yet. */
function describe(
  { extents }: GroupPlan,
  blob: number,
  { index, packs, at }: { readonly index: BlobIndex; readonly packs: Map<number, number>; readonly at: number },
): readonly number[] {
  const { pack, storedBytes, plainBytes, zstd, encrypted } = index.measureOf(extents.entries[blob] ?? 0);
  let number = packs.get(pack);
  if (number === undefined) packs.set(pack, (number = packs.size));
  return [at, storedBytes, plainBytes, (zstd ? FLAG_ZSTD : 0) | (encrypted ? FLAG_ENCRYPTED : 0), number, 0];
}
