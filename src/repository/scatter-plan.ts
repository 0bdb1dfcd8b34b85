import type { BlobIndex, BlobPlace } from './blob-index.ts';
import { FLUSH_NUMBERS, WRITE_NUMBERS, type FileToMake, type ScatteredBlob, type ScatterJob } from './blob-scatter-job.ts';
import { CompactExtents } from './compact-extents.ts';
import { damaged } from './envelope.ts';
import type { Extents } from './manifest.ts';

/** What a scatter reads and writes, in which order: decided before anything is done. */

/** Blobs of a pack are fetched with one read up to this size, with what lies between them if that is little. */
const READ_BYTES = 4 * 1024 * 1024;
const GAP_BYTES = 256 * 1024;
/** What one job writes, about: small enough for all threads to end together. */
const JOB_BYTES = 24 * 1024 * 1024;
const FLUSH_BYTES = 4 * 1024 * 1024;
/** Extents of at least this go straight into their file; shorter ones are gathered: a write costs about as much as so many bytes. */
const DIRECT_BYTES = 64 * 1024;
/** What one window gathers in memory, and what it is about at most. */
export const GATHERED_BYTES = 24 * 1024 * 1024;
const WINDOW_BYTES = 256 * 1024 * 1024;
const WINDOW_EXTENTS = 1 << 14;
/** A blob that is opened for one window serves so many of the next ones, too. */
const WINDOWS_AHEAD = 1;
/** Beside those, one is written while the next one is gathered. */
const WINDOWS_IN_MEMORY = WINDOWS_AHEAD + 2;

/** Memory in which a scatter gathers what is short, with windows of so many bytes. */
export function gatheringBytes(windowBytes: number): number {
  return WINDOWS_IN_MEMORY * windowBytes;
}

/** A file and what it is made of. */
export interface ScatteredFile extends FileToMake {
  readonly extents: Extents;
}

/** Where one extent's bytes come from and go to. */
export interface Write {
  readonly place: BlobPlace;
  readonly file: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly length: number;
  /** Bytes from the start of the blob. */
  readonly from: number;
  /** Where in the window's memory it is gathered, or undefined: straight into the file. */
  readonly at: number | undefined;
}

/** A stretch of a file that lies in the window's memory when all is gathered. */
export interface Run {
  readonly file: number;
  readonly offset: number;
  readonly length: number;
  readonly at: number;
}

/**
 * A stretch of the files. When its blobs are opened, and those of all windows before it, all of it is in its files or gathered.
 * Blobs of an incremental backup lie in the order of files, so few of them reach further than a few windows.
 */
export interface Window {
  /** In the order in which the packs have them; also writes that belong to windows which follow. */
  readonly writes: Iterable<Write>;
  /** What is to be written when all is gathered. */
  readonly runs: readonly Run[];
}

/**
 * Cuts files, in their order, into windows; each is reckoned when it is asked for. It may use the memory of the last but one,
 * which must be written before the first of its writes.
 *
 * @throws {DbadminError} `repository-damaged` for a blob that the index has not.
 */
export function* planWindows(
  files: readonly ScatteredFile[],
  index: BlobIndex,
  gatheredBytes = GATHERED_BYTES,
): Generator<Window, undefined> {
  const blobs = new OpenBlobs(index);
  const growing = growWindows(files, index, blobs, gatheredBytes);
  const ahead: GrowingWindow[] = [];
  for (;;) {
    while (ahead.length <= WINDOWS_AHEAD) {
      const next = growing.next();
      if (next.done === true) break;
      ahead.push(next.value);
    }
    const window = ahead.shift();
    if (window === undefined) return undefined;
    yield { writes: blobs.take(window.entries), runs: window.runs };
  }
}

function* growWindows(
  files: readonly ScatteredFile[],
  index: BlobIndex,
  blobs: OpenBlobs,
  gatheredBytes: number,
): Generator<GrowingWindow, undefined> {
  let number = 0;
  let window = new GrowingWindow(number, gatheredBytes);
  for (const [file, { extents }] of files.entries()) {
    for (const piece of piecesOf(extents, index)) {
      if (!window.hasRoomFor(piece)) {
        yield window;
        number = (number + 1) % WINDOWS_IN_MEMORY;
        window = new GrowingWindow(number, gatheredBytes);
      }
      blobs.add(piece, window.add(file, piece));
    }
  }
  if (window.entries.size > 0) yield window;
  return undefined;
}

interface Piece {
  readonly offset: number;
  readonly length: number;
  readonly from: number;
  /** Of the index. */
  readonly entry: number;
  readonly hash: string;
}

/** Each extent with the entry of its blob; a name is looked up once where the file lists them. */
function* piecesOf(extents: Extents, index: BlobIndex): Generator<Piece> {
  if (!(extents instanceof CompactExtents)) {
    for (const [offset, length, hash, from = 0] of extents) yield { offset, length, from, hash, entry: entryOf(hash, index) };
    return;
  }
  const hashes = Array.from({ length: extents.blobCount }, (_, blob) => extents.hash(blob));
  const entries = Uint32Array.from(hashes, (hash) => entryOf(hash, index));
  for (let n = 0; n < extents.length; n += 1) {
    const [offset = 0, length = 0, blob = 0, from = 0] = extents.numbered(n) ?? [];
    yield { offset, length, from, hash: hashes[blob] ?? '', entry: entries[blob] ?? 0 };
  }
}

function entryOf(hash: string, index: BlobIndex): number {
  const entry = index.entryOf(hash);
  if (entry < 0) throw damaged(`blob ${hash}`, 'No index of the repository knows it.');
  return entry;
}

type PlacedPiece = Omit<Write, 'place'>;

interface KnownBlob {
  readonly hash: string;
  readonly pieces: PlacedPiece[];
}

/** Blobs of which something is still to be written, each with what is known of it. */
class OpenBlobs {
  readonly #index: BlobIndex;
  readonly #blobs = new Map<number, KnownBlob>();

  constructor(index: BlobIndex) {
    this.#index = index;
  }

  add({ entry, hash }: Piece, piece: PlacedPiece): void {
    const blob = this.#blobs.get(entry);
    if (blob === undefined) this.#blobs.set(entry, { hash, pieces: [piece] });
    else blob.pieces.push(piece);
  }

  /** All that is known now of some blobs, in the order in which they lie; it is known no more. */
  take(entries: Iterable<number>): Iterable<Write> {
    const taken: (readonly [position: number, entry: number, blob: KnownBlob])[] = [];
    for (const entry of entries) {
      const blob = this.#blobs.get(entry);
      if (blob !== undefined) taken.push([this.#index.positionOf(entry), entry, blob]);
      this.#blobs.delete(entry);
    }
    return this.#writesOf(taken.sort(([a], [b]) => a - b));
  }

  *#writesOf(taken: readonly (readonly [position: number, entry: number, blob: KnownBlob])[]): Generator<Write> {
    for (const [, entry, { hash, pieces }] of taken) {
      const place = this.#index.placeAt(entry, hash);
      for (const piece of pieces) yield { place, ...piece };
    }
  }
}

class GrowingWindow {
  readonly entries = new Set<number>();
  readonly #runs: { readonly file: number; readonly offset: number; readonly at: number; length: number }[] = [];
  readonly #memory: number;
  readonly #room: number;
  #gathered = 0;
  #bytes = 0;
  #count = 0;

  constructor(number: number, room: number) {
    this.#memory = number * room;
    this.#room = room;
  }

  get runs(): readonly Run[] {
    return this.#runs;
  }

  hasRoomFor({ length }: Piece): boolean {
    if (this.#count >= WINDOW_EXTENTS || this.#bytes >= WINDOW_BYTES) return false;
    return length >= DIRECT_BYTES || this.#gathered + length <= this.#room;
  }

  add(file: number, { offset, length, from, entry }: Piece): PlacedPiece {
    this.entries.add(entry);
    this.#bytes += length;
    this.#count += 1;
    return { file, offset, length, from, at: length < DIRECT_BYTES ? this.#gather(file, offset, length) : undefined };
  }

  #gather(file: number, offset: number, length: number): number {
    const at = this.#memory + this.#gathered;
    this.#gathered += length;
    const run = this.#runs.at(-1);
    if (run?.file === file && run.offset + run.length === offset) run.length += length;
    else this.#runs.push({ file, offset, length, at });
    return at;
  }
}

/** One read: blobs of one pack that lie near one another. */
export interface Unit {
  readonly pack: string;
  readonly from: number;
  readonly to: number;
  readonly writes: readonly Write[];
}

/** Writes that lie in order, in reads of near neighbours. */
export function* planUnits(writes: Iterable<Write>): Generator<Unit> {
  let unit: { readonly pack: string; readonly from: number; to: number; readonly writes: Write[] } | undefined;
  for (const write of writes) {
    const { pack, offset, storedBytes } = write.place;
    const end = offset + storedBytes;
    if (unit !== undefined && unit.pack === pack && offset - unit.to <= GAP_BYTES && end - unit.from <= READ_BYTES) {
      unit.to = Math.max(unit.to, end);
      unit.writes.push(write);
      continue;
    }
    if (unit !== undefined) yield unit;
    unit = { pack, from: offset, to: end, writes: [write] };
  }
  if (unit !== undefined) yield unit;
}

/** The writes of a unit, cut where enough is gathered, never within a blob. */
export function* inJobs(writes: readonly Write[]): Generator<readonly Write[]> {
  let job: Write[] = [];
  let bytes = 0;
  for (const write of writes) {
    const isNext = job.at(-1)?.place.offset !== write.place.offset;
    if (isNext && bytes >= JOB_BYTES) {
      yield job;
      job = [];
      bytes = 0;
    }
    if (isNext || job.length === 0) bytes += write.place.plainBytes;
    job.push(write);
  }
  if (job.length > 0) yield job;
}

/** One job for the threads. `memoryFor` gives memory of at least so many bytes for a copy of what was read; `gathered` is where short writes go. */
export function writeJob(
  { unit, key, read, writes }: { readonly unit: Unit; readonly key: string; readonly read: Uint8Array; readonly writes: readonly Write[] },
  gathered: SharedArrayBuffer,
  files: readonly ScatteredFile[],
  memoryFor: (bytes: number) => ArrayBuffer,
): ScatterJob {
  const first = writes[0]?.place.offset ?? unit.from;
  const end = writes.reduce((last, { place }) => Math.max(last, place.offset + place.storedBytes), first);
  const blobs: (Omit<ScatteredBlob, 'writes'> & { writes: number })[] = [];
  const paths = new Paths(files);
  const targets = new Float64Array(writes.length * WRITE_NUMBERS);
  writes.forEach(({ place, file, offset, length, from, at }, n) => {
    const blob = blobs.at(-1);
    if (blob?.offset === place.offset - first) blob.writes += 1;
    else blobs.push({ ...place, offset: place.offset - first, writes: 1 });
    const to =
      at === undefined ? [paths.numberOf(file), offset, length, from, paths.behind(file, offset + length)] : [-1, at, length, from, 0];
    targets.set(to, n * WRITE_NUMBERS);
  });
  // Given away: a copy where what was read serves several jobs, or is part of something larger.
  const part = read.subarray(first - unit.from, end - unit.from);
  const { buffer } = read;
  const isWhole = part.byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
  const bytes = isWhole ? new Uint8Array(buffer) : new Uint8Array(memoryFor(part.byteLength), 0, part.byteLength);
  if (!isWhole) bytes.set(part);
  return { kind: 'write', pack: unit.pack, key, bytes, blobs, writes: targets, paths: paths.names, gathered };
}

/** The jobs that write what a window has gathered, each about as much as {@link FLUSH_BYTES}. */
export function* flushJobs(runs: readonly Run[], gathered: SharedArrayBuffer, files: readonly ScatteredFile[]): Generator<FlushJob> {
  let parts: Run[] = [];
  let bytes = 0;
  for (const run of runs) {
    for (let done = 0; done < run.length;) {
      const length = Math.min(run.length - done, FLUSH_BYTES - bytes);
      parts.push({ file: run.file, offset: run.offset + done, length, at: run.at + done });
      done += length;
      bytes += length;
      if (bytes < FLUSH_BYTES) continue;
      yield flushJob(parts, gathered, files);
      parts = [];
      bytes = 0;
    }
  }
  if (parts.length > 0) yield flushJob(parts, gathered, files);
}

/** A job that writes what was gathered, and what it writes. */
export interface FlushJob {
  readonly job: ScatterJob;
  readonly runs: readonly Run[];
}

function flushJob(runs: readonly Run[], gathered: SharedArrayBuffer, files: readonly ScatteredFile[]): FlushJob {
  const paths = new Paths(files);
  const numbers = new Float64Array(runs.length * FLUSH_NUMBERS);
  runs.forEach(({ file, offset, length, at }, n) =>
    numbers.set([paths.numberOf(file), offset, length, at, paths.behind(file, offset + length)], n * FLUSH_NUMBERS),
  );
  return { job: { kind: 'flush', gathered, runs: numbers, paths: paths.names }, runs };
}

/** The paths that a job names, each once. */
class Paths {
  readonly names: string[] = [];
  readonly #files: readonly ScatteredFile[];
  readonly #numbers = new Map<number, number>();

  constructor(files: readonly ScatteredFile[]) {
    this.#files = files;
  }

  numberOf(file: number): number {
    const known = this.#numbers.get(file);
    if (known !== undefined) return known;
    const number = this.names.push(this.#files[file]?.path ?? '') - 1;
    this.#numbers.set(file, number);
    return number;
  }

  /** Bytes of the file behind a place in it. */
  behind(file: number, end: number): number {
    return (this.#files[file]?.sizeBytes ?? 0) - end;
  }
}
