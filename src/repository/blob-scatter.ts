import { zerosCrc32c } from '../postgres/crc32c.ts';
import type { BlobIndex, BlobPlace } from './blob-index.ts';
import {
  WRITE_NUMBERS,
  type FileToMake,
  type ScatteredBlob,
  type ScatterJob,
  type ScatterResult,
  type ScatterWorkerData,
} from './blob-scatter-job.ts';
import { CompactExtents } from './compact-extents.ts';
import { damaged } from './envelope.ts';
import { packKey } from './layout.ts';
import type { Extent, Extents } from './manifest.ts';
import type { Repository } from './repository.ts';
import { defaultThreads, Threads } from './worker-threads.ts';

export type { FileToMake } from './blob-scatter-job.ts';

/** Blobs of a pack are fetched with one read up to this size, with what lies between them if that is little. */
const READ_BYTES = 4 * 1024 * 1024;
const GAP_BYTES = 256 * 1024;
/** What one job writes, about: small enough for all threads to end together. */
const JOB_BYTES = 24 * 1024 * 1024;
const READS_AT_ONCE = 4;
/** Files in a job that makes them. */
const MAKE_FILES = 200;

/** A file and what it is made of. */
export interface ScatteredFile extends FileToMake {
  readonly extents: Extents;
}

export interface ScatterOptions {
  readonly repository: Repository;
  readonly systemIdentifier: string;
  readonly index: BlobIndex;
  readonly files: readonly ScatteredFile[];
  readonly threads?: number;
  readonly signal: AbortSignal;
  onBytes(bytes: number): void;
  /** Whether the CRC-32C of each file is reckoned. */
  readonly checksums: boolean;
  /** Called when all of a file's content is written; nothing of it is synced. `crc32c` is of all of it, or undefined. */
  onFile(file: number, crc32c: number | undefined): void;
}

/** Where one extent's bytes come from and go to. */
interface Write {
  readonly place: BlobPlace;
  readonly file: number;
  readonly extent: Extent;
}

/** One read: blobs of one pack that lie near one another. */
interface Unit {
  readonly pack: string;
  readonly from: number;
  readonly to: number;
  readonly writes: readonly Write[];
}

/**
 * Makes files and writes their content, each blob opened once wherever its bytes go, in the order in which the packs have
 * it: after many incrementals a file is thousands of pieces that lie in as many places. Threads do the work. No file may
 * exist. Returns when nothing is written any more, also when it throws.
 *
 * @throws {DbadminError} `repository-damaged`, `storage-missing` and what else the store says; `storage-full`, `file-unwritable`.
 */
export async function scatterFiles(options: ScatterOptions): Promise<void> {
  await new Scatter(options).run();
}

class Scatter {
  readonly #options: ScatterOptions;
  readonly #threads: Threads<ScatterJob, ScatterResult>;
  readonly #waiters = new Set<() => void>();
  /** Extents not written yet, for each file. */
  readonly #left: Uint32Array;
  /** What is known of each file's CRC-32C: the sums of its parts, each as if zeros were all around. */
  readonly #sums: Uint32Array;
  readonly #jobFiles = new Map<ScatterJob, readonly Write[]>();
  #running = 0;
  #failure: unknown;

  constructor(options: ScatterOptions) {
    this.#options = options;
    this.#left = Uint32Array.from(options.files, ({ extents }) => extents.length);
    this.#sums = new Uint32Array(options.files.length);
    const repositoryKey = options.repository.keys?.exposeRepositoryKey();
    this.#threads = new Threads({
      module: 'blob-scatter-worker',
      threads: options.threads ?? defaultThreads(),
      workerData: (): ScatterWorkerData => ({ repositoryKey, checksums: options.checksums }),
      onDone: (job, result) => this.#done(job, result),
      onFailure: (error) => this.#fail(error),
    });
  }

  async run(): Promise<void> {
    const { files, signal } = this.#options;
    const onAbort = (): void => this.#fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      for (let at = 0; at < files.length; at += MAKE_FILES) {
        await this.#post({ kind: 'make', files: files.slice(at, at + MAKE_FILES).map(toMake) }, []);
      }
      await this.#idle();
      files.forEach(({ extents }, file) => (extents.length === 0 ? this.#finished(file) : undefined));
      const units = planUnits(this.#writes());
      await Promise.all(Array.from({ length: READS_AT_ONCE }, async () => await this.#readUnits(units)));
      await this.#idle();
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.#threads.close();
    }
  }

  /** Every extent in the order in which the packs have them. Only numbers are kept of all: there may be millions. */
  *#writes(): Generator<Write> {
    const { files, index } = this.#options;
    const count = files.reduce((sum, { extents }) => sum + extents.length, 0);
    const fileOf = new Uint32Array(count);
    const extentOf = new Uint32Array(count);
    const entryOf = new Uint32Array(count);
    const position = new Float64Array(count);
    let n = 0;
    files.forEach(({ extents }, file) => {
      let number = 0;
      for (const entry of entriesOf(extents, index)) {
        fileOf[n] = file;
        extentOf[n] = number;
        entryOf[n] = entry;
        position[n] = index.positionOf(entry);
        n += 1;
        number += 1;
      }
    });
    const order = Uint32Array.from({ length: count }, (_, each) => each).sort((a, b) => (position[a] ?? 0) - (position[b] ?? 0));
    let place: BlobPlace | undefined;
    let last = -1;
    for (const each of order) {
      const file = fileOf[each] ?? 0;
      const entry = entryOf[each] ?? 0;
      const extent = files[file]?.extents.at(extentOf[each] ?? 0);
      if (extent === undefined) continue;
      if (place === undefined || entry !== last) place = index.placeAt(entry, extent[2]);
      last = entry;
      yield { place, file, extent };
    }
  }

  async #readUnits(units: Iterator<Unit>): Promise<void> {
    const { repository, systemIdentifier, signal } = this.#options;
    for (let next = units.next(); next.done !== true; next = units.next()) {
      this.#check();
      const unit = next.value;
      const key = packKey(systemIdentifier, unit.pack);
      try {
        const bytes = await repository.store.readRange(key, unit.from, unit.to - unit.from, signal);
        for (const writes of inJobs(unit.writes)) await this.#post(writeJob(unit, key, bytes, writes, this.#options.files), writes);
      } catch (error) {
        // The other reader is to stop, too.
        this.#fail(error);
        throw error;
      }
    }
  }

  async #post(job: ScatterJob, writes: readonly Write[]): Promise<void> {
    this.#check();
    while (!this.#threads.hasRoom) await this.#change();
    this.#running += 1;
    this.#jobFiles.set(job, writes);
    this.#threads.post(job, job.kind === 'write' ? [job.bytes.buffer] : []);
  }

  #finished(file: number): void {
    const { files, checksums } = this.#options;
    this.#options.onFile(file, checksums ? ((this.#sums[file] ?? 0) ^ zerosCrc32c(files[file]?.sizeBytes ?? 0)) >>> 0 : undefined);
  }

  #done(job: ScatterJob, { sums }: ScatterResult): void {
    const writes = this.#jobFiles.get(job) ?? [];
    this.#jobFiles.delete(job);
    this.#running -= 1;
    let bytes = 0;
    for (const [n, { file, extent }] of writes.entries()) {
      bytes += extent[1];
      if (sums !== undefined) this.#sums[file] = (this.#sums[file] ?? 0) ^ (sums[n] ?? 0);
      const left = (this.#left[file] ?? 0) - 1;
      this.#left[file] = left;
      if (left === 0) this.#finished(file);
    }
    if (bytes > 0) this.#options.onBytes(bytes);
    this.#wake();
  }

  async #idle(): Promise<void> {
    while (this.#running > 0) await this.#change();
    this.#check();
  }

  async #change(): Promise<void> {
    this.#check();
    await new Promise<void>((resolve) => this.#waiters.add(resolve));
    this.#check();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wake();
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const resolve of waiters) resolve();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure as Error;
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
function* planUnits(writes: Iterable<Write>): Generator<Unit> {
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

function toMake({ path, sizeBytes, mode, owner }: ScatteredFile): FileToMake {
  return { path, sizeBytes, mode, owner };
}

/** The writes of a unit, cut where enough is gathered, never within a blob. */
function* inJobs(writes: readonly Write[]): Generator<readonly Write[]> {
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

function writeJob(unit: Unit, key: string, read: Uint8Array, writes: readonly Write[], files: readonly ScatteredFile[]): ScatterJob {
  const first = writes[0]?.place.offset ?? unit.from;
  const end = writes.reduce((last, { place }) => Math.max(last, place.offset + place.storedBytes), first);
  const blobs: (Omit<ScatteredBlob, 'writes'> & { writes: number })[] = [];
  const numbers = new Map<number, number>();
  const paths: string[] = [];
  const targets = new Float64Array(writes.length * WRITE_NUMBERS);
  writes.forEach(({ place, file, extent: [offset, length, , from = 0] }, n) => {
    const blob = blobs.at(-1);
    if (blob?.offset === place.offset - first) blob.writes += 1;
    else blobs.push({ ...place, offset: place.offset - first, writes: 1 });
    let number = numbers.get(file);
    if (number === undefined) {
      number = paths.push(files[file]?.path ?? '') - 1;
      numbers.set(file, number);
    }
    targets.set([number, offset, length, from, (files[file]?.sizeBytes ?? 0) - offset - length], n * WRITE_NUMBERS);
  });
  // Given away: a copy where what was read serves several jobs, or is part of something larger.
  const part = read.subarray(first - unit.from, end - unit.from);
  const { buffer } = read;
  const isWhole = part.byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
  const bytes = isWhole ? new Uint8Array(buffer) : Uint8Array.from(part);
  return { kind: 'write', pack: unit.pack, key, bytes, blobs, writes: targets, paths };
}
