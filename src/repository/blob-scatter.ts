import { zerosCrc32c } from '../postgres/crc32c.ts';
import type { BlobIndex } from './blob-index.ts';
import type { FileToMake, ScatterJob, ScatterResult, ScatterWorkerData } from './blob-scatter-job.ts';
import { CompactExtents } from './compact-extents.ts';
import type { Extents } from './manifest.ts';
import { packKey } from './layout.ts';
import { PackReads } from './pack-reads.ts';
import type { Repository } from './repository.ts';
import {
  flushJobs,
  GATHERED_BYTES,
  gatheringBytes,
  inJobs,
  planUnits,
  planWindows,
  writeJob,
  type ScatteredFile,
  type Unit,
  type Window,
  type Write,
} from './scatter-plan.ts';
import { defaultThreads, Threads } from './worker-threads.ts';

export type { FileToMake } from './blob-scatter-job.ts';
export type { ScatteredFile } from './scatter-plan.ts';

const READS_AT_ONCE = 4;
/** Kept of the memory of jobs that are done, for the next ones. */
const SPARE_BUFFERS = 4;
/** Files in a job that makes them. */
const MAKE_FILES = 200;

export interface ScatterOptions {
  readonly repository: Repository;
  readonly systemIdentifier: string;
  readonly index: BlobIndex;
  readonly files: readonly ScatteredFile[];
  readonly threads?: number;
  /** What a window gathers, when not as much as usual. */
  readonly windowBytes?: number;
  readonly signal: AbortSignal;
  onBytes(bytes: number): void;
  /** Whether the CRC-32C of each file is reckoned. */
  readonly checksums: boolean;
  /** Called when all of a file's content is written; nothing of it is synced. `crc32c` is of all of it, or undefined. */
  onFile(file: number, crc32c: number | undefined): void;
}

/**
 * Makes files and writes their content, window by window: each blob is opened once for a window wherever its bytes go there,
 * in the order in which the packs have it, and what are short pieces is gathered in memory, to be written in long ones:
 * after many incrementals a file is thousands of pieces that lie in as many places. While one window is written, the
 * next one is gathered. Threads do the work. No file may exist. Returns when nothing is written any more, also when it throws.
 *
 * @throws {DbadminError} `repository-damaged`, `storage-missing` and what else the store says; `storage-full`, `file-unwritable`.
 */
export async function scatterFiles(options: ScatterOptions): Promise<void> {
  await new Scatter(options).run();
}

class Scatter {
  readonly #options: ScatterOptions;
  readonly #threads: Threads<ScatterJob, ScatterResult>;
  readonly #reads: PackReads;
  readonly #waiters = new Set<() => void>();
  /** Bytes not written yet, for each file. */
  readonly #left: Float64Array;
  /** What is known of each file's CRC-32C: the sums of its parts, each as if zeros were all around. */
  readonly #sums: Uint32Array;
  readonly #jobs = new Map<ScatterJob, { readonly phase: Phase; readonly written: readonly Written[] }>();
  /** Memory of jobs that are done. */
  readonly #spare: ArrayBuffer[] = [];
  #failure: unknown;

  constructor(options: ScatterOptions) {
    this.#options = options;
    this.#left = Float64Array.from(options.files, ({ extents }) => contentBytes(extents));
    this.#sums = new Uint32Array(options.files.length);
    const { repository, systemIdentifier, signal } = options;
    const packEnds = options.index.packEnds();
    this.#reads = new PackReads({
      store: repository.store,
      keyOf: (pack) => packKey(systemIdentifier, pack),
      endOf: (pack) => packEnds.get(pack) ?? 0,
      signal,
    });
    const repositoryKey = repository.keys?.exposeRepositoryKey();
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
      const making: Phase = { jobs: 0 };
      for (let at = 0; at < files.length; at += MAKE_FILES) {
        await this.#post({ kind: 'make', files: files.slice(at, at + MAKE_FILES).map(toMake) }, making, []);
      }
      await this.#ended(making);
      this.#left.forEach((bytes, file) => (bytes === 0 ? this.#finished(file) : undefined));
      await this.#writeWindows();
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.#threads.close();
    }
  }

  async #writeWindows(): Promise<void> {
    const { files, index, windowBytes = GATHERED_BYTES } = this.#options;
    const windows = planWindows(files, index, windowBytes);
    // Takes no room where nothing is gathered.
    const memory = new SharedArrayBuffer(gatheringBytes(windowBytes));
    const flushing: [Phase, Phase] = [{ jobs: 0 }, { jobs: 0 }];
    let next = windows.next();
    for (let turn: 0 | 1 = 0; next.done !== true; turn = turn === 0 ? 1 : 0) {
      const window = next.value;
      await this.#ended(flushing[turn]);
      const gathering = this.#gather(window, memory);
      // Reckoned while the threads have work; what is wrong with it ends that work, which tells it.
      try {
        next = windows.next();
      } catch (error) {
        this.#fail(error);
      }
      await gathering;
      for (const { job, runs } of flushJobs(window.runs, memory, files)) await this.#post(job, flushing[turn], runs);
    }
    for (const phase of flushing) await this.#ended(phase);
  }

  async #gather(window: Window, memory: SharedArrayBuffer): Promise<void> {
    const planned = planUnits(window.writes).toArray();
    this.#reads.expect(new Set(planned.map(({ pack }) => pack)).size);
    const units = planned.values();
    const phase: Phase = { jobs: 0 };
    await Promise.all(Array.from({ length: READS_AT_ONCE }, async () => await this.#readUnits(units, phase, memory)));
    await this.#ended(phase);
  }

  async #readUnits(units: Iterator<Unit>, phase: Phase, memory: SharedArrayBuffer): Promise<void> {
    const { systemIdentifier } = this.#options;
    for (let next = units.next(); next.done !== true; next = units.next()) {
      this.#check();
      const unit = next.value;
      const key = packKey(systemIdentifier, unit.pack);
      try {
        const bytes = await this.#reads.read(unit.pack, unit.from, unit.to);
        for (const writes of inJobs(unit.writes)) {
          await this.#post(this.#job({ unit, key, read: bytes, writes }, memory), phase, writes.map(writtenAtOnce));
        }
      } catch (error) {
        // The other reader is to stop, too.
        this.#fail(error);
        throw error;
      }
    }
  }

  #job(from: Parameters<typeof writeJob>[0], memory: SharedArrayBuffer): ScatterJob {
    return writeJob(from, memory, this.#options.files, (bytes) => {
      const at = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes);
      const [memory = new ArrayBuffer(bytes)] = at < 0 ? [] : this.#spare.splice(at, 1);
      return memory;
    });
  }

  async #post(job: ScatterJob, phase: Phase, written: readonly Written[]): Promise<void> {
    this.#check();
    while (!this.#threads.hasRoom) await this.#change();
    phase.jobs += 1;
    this.#jobs.set(job, { phase, written });
    this.#threads.post(job, job.kind === 'write' ? [job.bytes.buffer] : []);
  }

  #finished(file: number): void {
    const { files, checksums } = this.#options;
    this.#options.onFile(file, checksums ? ((this.#sums[file] ?? 0) ^ zerosCrc32c(files[file]?.sizeBytes ?? 0)) >>> 0 : undefined);
  }

  #done(job: ScatterJob, { sums, memory }: ScatterResult): void {
    if (memory !== undefined && this.#spare.length < SPARE_BUFFERS) this.#spare.push(memory);
    const done = this.#jobs.get(job);
    this.#jobs.delete(job);
    if (done === undefined) return;
    done.phase.jobs -= 1;
    let bytes = 0;
    for (const [n, { file, length }] of done.written.entries()) {
      bytes += length;
      if (sums !== undefined && length > 0) this.#sums[file] = (this.#sums[file] ?? 0) ^ (sums[n] ?? 0);
      const left = (this.#left[file] ?? 0) - length;
      this.#left[file] = left;
      if (left === 0 && length > 0) this.#finished(file);
    }
    if (bytes > 0) this.#options.onBytes(bytes);
    this.#wake();
  }

  async #ended(phase: Phase): Promise<void> {
    while (phase.jobs > 0) await this.#change();
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

/** Jobs that are waited for together. */
interface Phase {
  jobs: number;
}

/** How much of which file is on its way to the disk when a job is done. */
type Written = Pick<Write, 'file' | 'length'>;

/** What is only gathered is written later. */
function writtenAtOnce({ file, length, at }: Write): Written {
  return { file, length: at === undefined ? length : 0 };
}

function contentBytes(extents: Extents): number {
  if (extents instanceof CompactExtents) return extents.contentBytes;
  return Iterator.from(extents).reduce((sum, [, length]) => sum + length, 0);
}

function toMake({ path, sizeBytes, mode, owner }: ScatteredFile): FileToMake {
  return { path, sizeBytes, mode, owner };
}
