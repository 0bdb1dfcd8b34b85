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

/** Files of which each group is at least so large: all of one group is written before anything of the next. */
const GROUP_BYTES = 256 * 1024 * 1024;

/** A stretch of a list of files. */
export interface FileGroup {
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts the files, in their order, into groups. The blobs of an incremental backup lie in the order of files, so a group reads
 * little that another one reads again, and its files are synced while those of the next are written.
 */
export function groupFiles(files: readonly ScatteredFile[]): readonly FileGroup[] {
  const groups: FileGroup[] = [];
  let from = 0;
  let bytes = 0;
  for (const [number, { sizeBytes }] of files.entries()) {
    bytes += sizeBytes;
    if (bytes < GROUP_BYTES) continue;
    groups.push({ from, to: number + 1 });
    from = number + 1;
    bytes = 0;
  }
  if (from < files.length) groups.push({ from, to: files.length });
  return groups;
}

/** The writes of a group of files: what they are, in an order that is asked for piece by piece. */
export interface OrderedWrites {
  /** Of large blobs, first. */
  readonly large: Iterable<Write>;
  readonly small: Iterable<Write>;
}

/** Every extent of a group, in the order in which the packs have them. */
export function orderWrites(files: readonly ScatteredFile[], group: FileGroup, index: BlobIndex): OrderedWrites {
  const all = new AllExtents(files, group, index);
  return { large: all.inOrder(true), small: all.inOrder(false) };
}

/** Only numbers are kept of the extents: there may be millions. */
class AllExtents {
  readonly #files: readonly ScatteredFile[];
  readonly #index: BlobIndex;
  readonly #fileOf: Uint32Array;
  readonly #extentOf: Uint32Array;
  /** Numbers in {@link AllExtents.#entries}. */
  readonly #blobOf: Uint32Array;
  readonly #isBridged: Uint8Array;
  /** Entries of the index, each once. */
  readonly #entries: number[] = [];
  readonly #blobs = new Map<number, number>();

  constructor(files: readonly ScatteredFile[], { from, to }: FileGroup, index: BlobIndex) {
    const count = files.slice(from, to).reduce((sum, { extents }) => sum + extents.length, 0);
    this.#files = files;
    this.#index = index;
    this.#fileOf = new Uint32Array(count);
    this.#extentOf = new Uint32Array(count);
    this.#blobOf = new Uint32Array(count);
    this.#isBridged = new Uint8Array(count);
    let n = 0;
    for (let file = from; file < to; file += 1) {
      const extents = files[file]?.extents ?? [];
      this.#add(n, file, extents);
      n += extents.length;
    }
  }

  #add(first: number, file: number, extents: Extents): void {
    let n = first;
    for (const blob of this.#blobsOf(extents)) {
      this.#fileOf[n] = file;
      this.#extentOf[n] = n - first;
      this.#blobOf[n] = blob;
      n += 1;
    }
    this.#bridge(first, extents);
  }

  /** The numbers of the blobs of each extent; each name is looked up once where the file lists them. */
  *#blobsOf(extents: Extents): Generator<number> {
    if (!(extents instanceof CompactExtents)) {
      for (const [, , hash] of extents) yield this.#blobNumber(hash);
      return;
    }
    const blobs = Uint32Array.from({ length: extents.blobCount }, (_, blob) => this.#blobNumber(extents.hash(blob)));
    for (let n = 0; n < extents.length; n += 1) yield blobs[extents.numbered(n)?.[2] ?? 0] ?? 0;
  }

  #blobNumber(hash: string): number {
    const entry = this.#index.entryOf(hash);
    if (entry < 0) throw damaged(`blob ${hash}`, 'No index of the repository knows it.');
    const known = this.#blobs.get(entry);
    if (known !== undefined) return known;
    this.#blobs.set(entry, this.#entries.length);
    return this.#entries.push(entry) - 1;
  }

  #isLarge(blob: number): boolean {
    return this.#index.measureOf(this.#entries[blob] ?? 0).plainBytes > LARGE_BYTES;
  }

  /** Finds pieces of one large blob between which the file is whole and made of smaller ones. */
  #bridge(first: number, extents: Extents): void {
    let last: { readonly blob: number; readonly start: number; readonly end: number } | undefined;
    let end = 0;
    let n = first;
    for (const [offset, length, , from = 0] of extents) {
      if (offset !== end) last = undefined;
      end = offset + length;
      const blob = this.#blobOf[n] ?? 0;
      if (this.#isLarge(blob)) {
        const isBridged = last?.blob === blob && last.start === offset - from && offset - last.end <= BRIDGE_BYTES;
        this.#isBridged[n] = isBridged ? 1 : 0;
        last = { blob, start: offset - from, end };
      }
      n += 1;
    }
  }

  *inOrder(large: boolean): Generator<Write> {
    const blobs = [...this.#entries.keys()].filter((blob) => this.#isLarge(blob) === large);
    const positions = this.#entries.map((entry) => this.#index.positionOf(entry));
    blobs.sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0));
    const { order, starts } = this.#byBlob;
    for (const blob of blobs) {
      let place: BlobPlace | undefined;
      for (let at = starts[blob] ?? 0; at < (starts[blob + 1] ?? 0); at += 1) {
        const each = order[at] ?? 0;
        const file = this.#fileOf[each] ?? 0;
        const extent = this.#files[file]?.extents.at(this.#extentOf[each] ?? 0);
        if (extent === undefined) continue;
        place ??= this.#index.placeAt(this.#entries[blob] ?? 0, extent[2]);
        yield { place, file, extent, isBridged: this.#isBridged[each] === 1 };
      }
    }
  }

  /** The extents of each blob, in the order of files and offsets: those of blob `b` are `order[starts[b]]` to before `order[starts[b + 1]]`. */
  get #byBlob(): { readonly order: Uint32Array; readonly starts: Uint32Array } {
    const starts = new Uint32Array(this.#entries.length + 1);
    for (const blob of this.#blobOf) starts[blob + 1] = (starts[blob + 1] ?? 0) + 1;
    for (let blob = 0; blob < this.#entries.length; blob += 1) starts[blob + 1] = (starts[blob + 1] ?? 0) + (starts[blob] ?? 0);
    const next = starts.slice();
    const order = new Uint32Array(this.#blobOf.length);
    for (const [n, blob] of this.#blobOf.entries()) {
      order[next[blob] ?? 0] = n;
      next[blob] = (next[blob] ?? 0) + 1;
    }
    return { order, starts };
  }
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

/** One job for the threads. `memoryFor` gives memory of at least so many bytes for a copy of what was read. */
export function writeJob(
  { unit, key, read, writes }: { readonly unit: Unit; readonly key: string; readonly read: Uint8Array; readonly writes: readonly Write[] },
  files: readonly ScatteredFile[],
  memoryFor: (bytes: number) => ArrayBuffer,
): ScatterJob {
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
  const bytes = isWhole ? new Uint8Array(buffer) : new Uint8Array(memoryFor(part.byteLength), 0, part.byteLength);
  if (!isWhole) bytes.set(part);
  return { kind: 'write', pack: unit.pack, key, bytes, blobs, writes: targets, paths };
}
