import type { BlobIndex, BlobPlace } from './blob-index.ts';
import { WRITE_NUMBERS, type FileToMake, type ScatteredBlob, type ScatterJob } from './blob-scatter-job.ts';
import { CompactExtents } from './compact-extents.ts';
import { damaged } from './envelope.ts';
import type { Extent, Extents } from './manifest.ts';

/** What a scatter reads and writes, in which order: decided before anything is done. */

/** Blobs of a pack are fetched with one read up to this size, with what lies between them if that is little. */
const READ_BYTES = 4 * 1024 * 1024;
const GAP_BYTES = 256 * 1024;
/** What one job writes, about: small enough for all threads to end together. */
const JOB_BYTES = 24 * 1024 * 1024;
/** Blobs longer than this are written before all others: only whole files and full backups make them. */
const LARGE_BYTES = 256 * 1024;
/** What of a large blob is dead between two pieces is written with them up to this: a write costs about as much as so many bytes. */
const BRIDGE_BYTES = 64 * 1024;

/** A file and what it is made of. */
export interface ScatteredFile extends FileToMake {
  readonly extents: Extents;
}

/** Where one extent's bytes come from and go to. */
export interface Write {
  readonly place: BlobPlace;
  readonly file: number;
  readonly extent: Extent;
  /**
   * Whether it is written in one with the write before it, and with what of the blob lies between them: there the file is
   * made of smaller blobs, which are written later.
   */
  readonly isBridged: boolean;
}

/** One read: blobs of one pack that lie near one another. */
export interface Unit {
  readonly pack: string;
  readonly from: number;
  readonly to: number;
  readonly writes: readonly Write[];
}

/** Every extent of `files`, in the order in which the packs have them: first those of large blobs, then the others. */
export function orderWrites(files: readonly ScatteredFile[], index: BlobIndex): { large: Iterable<Write>; small: Iterable<Write> } {
  const all = new AllExtents(files, index);
  return { large: all.inOrder(true), small: all.inOrder(false) };
}

/** Only numbers are kept of all extents: there may be millions. */
class AllExtents {
  readonly #files: readonly ScatteredFile[];
  readonly #index: BlobIndex;
  readonly #fileOf: Uint32Array;
  readonly #extentOf: Uint32Array;
  readonly #entryOf: Uint32Array;
  readonly #position: Float64Array;
  readonly #isLarge: Uint8Array;
  readonly #isBridged: Uint8Array;

  constructor(files: readonly ScatteredFile[], index: BlobIndex) {
    const count = files.reduce((sum, { extents }) => sum + extents.length, 0);
    this.#files = files;
    this.#index = index;
    this.#fileOf = new Uint32Array(count);
    this.#extentOf = new Uint32Array(count);
    this.#entryOf = new Uint32Array(count);
    this.#position = new Float64Array(count);
    this.#isLarge = new Uint8Array(count);
    this.#isBridged = new Uint8Array(count);
    let n = 0;
    for (const [file, { extents }] of files.entries()) {
      this.#add(n, file, extents);
      n += extents.length;
    }
  }

  #add(first: number, file: number, extents: Extents): void {
    let n = first;
    for (const entry of entriesOf(extents, this.#index)) {
      this.#fileOf[n] = file;
      this.#extentOf[n] = n - first;
      this.#entryOf[n] = entry;
      this.#position[n] = this.#index.positionOf(entry);
      this.#isLarge[n] = this.#index.measureOf(entry).plainBytes > LARGE_BYTES ? 1 : 0;
      n += 1;
    }
    this.#bridge(first, extents);
  }

  /** Finds pieces of one large blob between which the file is whole and made of smaller ones. */
  #bridge(first: number, extents: Extents): void {
    let last: { readonly entry: number; readonly start: number; readonly end: number } | undefined;
    let end = 0;
    let n = first;
    for (const [offset, length, , from = 0] of extents) {
      if (offset !== end) last = undefined;
      end = offset + length;
      const entry = this.#entryOf[n] ?? 0;
      if (this.#isLarge[n] === 1) {
        const isBridged = last?.entry === entry && last.start === offset - from && offset - last.end <= BRIDGE_BYTES;
        this.#isBridged[n] = isBridged ? 1 : 0;
        last = { entry, start: offset - from, end };
      }
      n += 1;
    }
  }

  *inOrder(large: boolean): Generator<Write> {
    const position = this.#position;
    const order = Uint32Array.from(this.#position.keys())
      .filter((each) => (this.#isLarge[each] === 1) === large)
      .sort((a, b) => (position[a] ?? 0) - (position[b] ?? 0));
    let place: BlobPlace | undefined;
    let last = -1;
    for (const each of order) {
      const file = this.#fileOf[each] ?? 0;
      const entry = this.#entryOf[each] ?? 0;
      const extent = this.#files[file]?.extents.at(this.#extentOf[each] ?? 0);
      if (extent === undefined) continue;
      if (place === undefined || entry !== last) place = this.#index.placeAt(entry, extent[2]);
      last = entry;
      yield { place, file, extent, isBridged: this.#isBridged[each] === 1 };
    }
  }
}

/** Entries of the index for the blobs of each extent; each name is looked up once where the file lists them. */
function* entriesOf(extents: Extents, index: BlobIndex): Generator<number> {
  if (!(extents instanceof CompactExtents)) {
    for (const [, , hash] of extents) yield entryOf(hash, index);
    return;
  }
  const entries = Int32Array.from({ length: extents.blobCount }, (_, blob) => entryOf(extents.hash(blob), index));
  for (let n = 0; n < extents.length; n += 1) yield entries[extents.numbered(n)?.[2] ?? 0] ?? 0;
}

function entryOf(hash: string, index: BlobIndex): number {
  const entry = index.entryOf(hash);
  if (entry < 0) throw damaged(`blob ${hash}`, 'No index of the repository knows it.');
  return entry;
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

export function writeJob(unit: Unit, key: string, read: Uint8Array, writes: readonly Write[], files: readonly ScatteredFile[]): ScatterJob {
  const first = writes[0]?.place.offset ?? unit.from;
  const end = writes.reduce((last, { place }) => Math.max(last, place.offset + place.storedBytes), first);
  const blobs: (Omit<ScatteredBlob, 'writes'> & { writes: number })[] = [];
  const numbers = new Map<number, number>();
  const paths: string[] = [];
  const targets = new Float64Array(writes.length * WRITE_NUMBERS);
  writes.forEach(({ place, file, extent: [offset, length, , from = 0], isBridged }, n) => {
    const blob = blobs.at(-1);
    if (blob?.offset === place.offset - first) blob.writes += 1;
    else blobs.push({ ...place, offset: place.offset - first, writes: 1 });
    let number = numbers.get(file);
    if (number === undefined) {
      number = paths.push(files[file]?.path ?? '') - 1;
      numbers.set(file, number);
    }
    const behind = (files[file]?.sizeBytes ?? 0) - offset - length;
    targets.set([number, offset, length, from, behind, isBridged ? 1 : 0], n * WRITE_NUMBERS);
  });
  // Given away: a copy where what was read serves several jobs, or is part of something larger.
  const part = read.subarray(first - unit.from, end - unit.from);
  const { buffer } = read;
  const isWhole = part.byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
  const bytes = isWhole ? new Uint8Array(buffer) : Uint8Array.from(part);
  return { kind: 'write', pack: unit.pack, key, bytes, blobs, writes: targets, paths };
}
