import type { Listed } from '../base/listed.ts';
import type { BlobIndex } from './blob-index.ts';
import type { FileToMake } from './blob-scatter-job.ts';
import { damaged } from './envelope.ts';
import { numbersOf } from './extents-aside.ts';
import type { Extents } from './manifest.ts';
import { PlanMemory } from './plan-memory.ts';

/** What a scatter opens and writes, in which order: decided before anything is done, and in numbers, as there may be millions. */

/** Files of which each group is at least so large: nothing of a group is planned with what is in another one. */
const GROUP_BYTES = 256 * 1024 * 1024;
/** Files in a window, at most. */
const WINDOW_FILES = 200;
/** Longer extents go straight into their file: a write costs about as much as so many bytes that are copied. */
const STRAIGHT_BYTES = 64 * 1024;
/** A piece that is written by itself costs about as much as opening so many bytes of a blob once more. */
const WRITE_COSTS_BYTES = 16 * 1024;

/** How much is in memory at a time. */
export interface ScatterLimits {
  /** A window is about so much of the files. */
  readonly windowBytes: number;
  /** Stored bytes of the blobs that some windows share; a window has at most half as many, or one blob. */
  readonly storedBytes: number;
}

export const SCATTER_LIMITS: ScatterLimits = { windowBytes: 12 * 1024 * 1024, storedBytes: 12 * 1024 * 1024 };

/** A file and what it is made of. */
export interface ScatteredFile extends FileToMake {
  readonly extents: Extents;
}

/** A stretch of a list: numbers from `from` to before `to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts the files, in their order, into groups: the files of one are synced while those of the next are written. One that is
 * large enough is a group of its own.
 */
export function groupFiles(files: Listed<ScatteredFile>): readonly Stretch[] {
  const groups: Stretch[] = [];
  let from = 0;
  let bytes = 0;
  for (let number = 0; number < files.length; number += 1) {
    const sizeBytes = files.at(number)?.sizeBytes ?? 0;
    if (number > from && (bytes >= GROUP_BYTES || sizeBytes >= GROUP_BYTES)) {
      groups.push({ from, to: number });
      from = number;
      bytes = 0;
    }
    bytes += sizeBytes;
  }
  if (from < files.length) groups.push({ from, to: files.length });
  return groups;
}

/** The extents of a group of files one after the other, as numbers. */
export interface GroupExtents {
  readonly count: number;
  readonly file: Uint32Array;
  readonly offset: Float64Array;
  readonly length: Uint32Array;
  /** Bytes from the start of the blob. */
  readonly from: Uint32Array;
  /** Number in `entries`. */
  readonly blob: Uint32Array;
  /** Entries of the index, each once. */
  readonly entries: Uint32Array;
}

/** @throws {DbadminError} `repository-damaged` for a blob that the index has not. */
function readExtents(files: Listed<ScatteredFile>, { from, to }: Stretch, index: BlobIndex, memory: PlanMemory): GroupExtents {
  let count = 0;
  for (let file = from; file < to; file += 1) count += files.at(file)?.extents.length ?? 0;
  const entries: number[] = [];
  const numbers = new Map<number, number>();
  const numberOf = (hash: string): number => {
    const entry = index.entryOf(hash);
    if (entry < 0) throw damaged(`blob ${hash}`, 'No index of the repository knows it.');
    const known = numbers.get(entry);
    if (known !== undefined) return known;
    numbers.set(entry, entries.length);
    return entries.push(entry) - 1;
  };
  const made = {
    count,
    file: memory.uint32(count),
    offset: memory.float64(count),
    length: memory.uint32(count),
    from: memory.uint32(count),
    blob: memory.uint32(count),
  };
  let n = 0;
  const add = (file: number, offset: number, length: number, blob: number, start: number): void => {
    made.file[n] = file;
    made.offset[n] = offset;
    made.length[n] = length;
    made.from[n] = start;
    made.blob[n] = blob;
    n += 1;
  };
  for (let file = from; file < to; file += 1) {
    const extents = files.at(file)?.extents ?? [];
    const numbered = numbersOf(extents);
    if (numbered === undefined) {
      for (const [offset, length, hash, start = 0] of extents) add(file, offset, length, numberOf(hash), start);
      continue;
    }
    // Each name is looked up once where the file lists them.
    const blobs = Uint32Array.from({ length: numbered.blobCount }, (_, blob) => numberOf(numbered.hash(blob)));
    numbered.forEachNumbered((offset, length, blob, start) => add(file, offset, length, blobs[blob] ?? 0, start));
  }
  return { ...made, entries: Uint32Array.from(entries) };
}

/**
 * What is done with a group of files. Windows are stretches of it, in order. Each opens blobs of which it needs much, or of
 * which no window before it needed anything, and writes what it needs of them; the few pieces that later windows need are
 * written by it, too.
 */
export interface GroupPlan {
  readonly extents: GroupExtents;
  /** The extents of each window, those that it opens blobs for or another one does. */
  readonly windows: readonly Stretch[];
  /** The window that opens the blob of each extent. */
  readonly opener: Uint32Array;
  /** 1 for each extent that goes straight into its file. */
  readonly isStraight: Uint8Array;
  /** Extents by the window that opens their blob, then by blob: those of window `w` are `order[starts[w]]` to before `order[starts[w + 1]]`. */
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
  /** Files that more than one window writes to, or none: they are made before the others. */
  readonly madeBefore: readonly number[];
}

/** The plan is valid until its memory is used again. @throws {DbadminError} `repository-damaged` for a blob that the index has not. */
export function planGroup(
  files: Listed<ScatteredFile>,
  group: Stretch,
  index: BlobIndex,
  limits: ScatterLimits = SCATTER_LIMITS,
  memory: PlanMemory = new PlanMemory(),
): GroupPlan {
  memory.reuse();
  const extents = readExtents(files, group, index, memory);
  const windows = cutWindows(extents, index, limits);
  const windowOf = memory.uint32(extents.count);
  for (const [window, { from, to }] of windows.entries()) windowOf.fill(window, from, to);
  const byBlob = sortedBy(extents.blob, extents.entries.length, memory.uint32(extents.count));
  const opener = memory.uint32(extents.count);
  chooseOpeners(extents, windowOf, byBlob, index, opener);
  const isStraight = Uint8Array.from(opener, (window, n) => (window !== windowOf[n] || (extents.length[n] ?? 0) >= STRAIGHT_BYTES ? 1 : 0));
  return {
    extents,
    windows,
    opener,
    isStraight,
    ...sortedBy(opener, windows.length, memory.uint32(extents.count), byBlob.order),
    madeBefore: sharedFiles(group, extents, opener),
  };
}

/**
 * Cuts extents into windows: a file is cut at multiples of a window's size, where no blob of a full backup is cut. Where
 * their blobs are much larger than what is needed of them, windows are smaller.
 */
function cutWindows(
  { count, file, offset, length, blob, entries }: GroupExtents,
  index: BlobIndex,
  limits: ScatterLimits,
): readonly Stretch[] {
  const windows: Stretch[] = [];
  const lastSeen = new Int32Array(entries.length).fill(-1);
  const storedBytesOf = Uint32Array.from(entries, (entry) => index.measureOf(entry).storedBytes);
  let from = 0;
  let [bytes, storedBytes, files] = [0, 0, 0];
  let place = -1;
  for (let n = 0; n < count; n += 1) {
    const stored = storedBytesOf[blob[n] ?? 0] ?? 0;
    const isNextFile = n === from || file[n] !== file[n - 1];
    const at = Math.floor((offset[n] ?? 0) / limits.windowBytes);
    const isFull = (isNextFile || at !== place) && (bytes >= limits.windowBytes / 2 || files >= WINDOW_FILES);
    const isNew = lastSeen[blob[n] ?? 0] !== windows.length;
    if (n > from && (isFull || (isNew && storedBytes + stored > limits.storedBytes / 2))) {
      windows.push({ from, to: n });
      from = n;
      [bytes, storedBytes, files] = [0, 0, 0];
    }
    if (lastSeen[blob[n] ?? 0] !== windows.length) storedBytes += stored;
    lastSeen[blob[n] ?? 0] = windows.length;
    if (isNextFile || n === from) files += 1;
    bytes += length[n] ?? 0;
    place = at;
  }
  if (from < count) windows.push({ from, to: count });
  return windows;
}

/** A blob is opened by the first window that needs it, and by others that need so much of it that opening it again costs less than as many writes. */
function chooseOpeners(
  { entries }: GroupExtents,
  windowOf: Uint32Array,
  { order, starts }: Sorted,
  index: BlobIndex,
  opener: Uint32Array,
): void {
  opener.set(windowOf);
  for (let number = 0; number < entries.length; number += 1) {
    const [start = 0, end = 0] = [starts[number], starts[number + 1]];
    const first = windowOf[order[start] ?? 0] ?? 0;
    if (first === windowOf[order[end - 1] ?? 0]) continue;
    const few = index.measureOf(entries[number] ?? 0).plainBytes / WRITE_COSTS_BYTES;
    for (let at = start, next = start; at < end; at = next) {
      const window = windowOf[order[at] ?? 0];
      while (next < end && windowOf[order[next] ?? 0] === window) next += 1;
      if (next - at <= few) for (let each = at; each < next; each += 1) opener[order[each] ?? 0] = first;
    }
  }
}

function sharedFiles(group: Stretch, { count, file }: GroupExtents, opener: Uint32Array): readonly number[] {
  const NONE = 0xffff_ffff;
  const only = new Uint32Array(group.to - group.from).fill(NONE);
  const isShared = new Uint8Array(only.length);
  for (let n = 0; n < count; n += 1) {
    const at = (file[n] ?? 0) - group.from;
    const window = opener[n] ?? 0;
    if (only[at] === NONE) only[at] = window;
    else if (only[at] !== window) isShared[at] = 1;
  }
  return Array.from(only.keys(), (at) => at)
    .filter((at) => isShared[at] === 1 || only[at] === NONE)
    .map((at) => group.from + at);
}

interface Sorted {
  readonly order: Uint32Array;
  readonly starts: Uint32Array;
}

/** The numbers of `keys` by key, stable: those of key `k` are `order[starts[k]]` to before `order[starts[k + 1]]`. `before` is the order to begin with; `order` is filled. */
function sortedBy(keys: Uint32Array, keyCount: number, order: Uint32Array, before?: Uint32Array): Sorted {
  const starts = new Uint32Array(keyCount + 1);
  for (const key of keys) starts[key + 1] = (starts[key + 1] ?? 0) + 1;
  for (let key = 0; key < keyCount; key += 1) starts[key + 1] = (starts[key + 1] ?? 0) + (starts[key] ?? 0);
  const next = starts.slice();
  for (let at = 0; at < keys.length; at += 1) {
    const n = before === undefined ? at : (before[at] ?? 0);
    const key = keys[n] ?? 0;
    order[next[key] ?? 0] = n;
    next[key] = (next[key] ?? 0) + 1;
  }
  return { order, starts };
}
