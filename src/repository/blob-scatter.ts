import { zerosCrc32c } from '../postgres/crc32c.ts';
import type { BlobIndex } from './blob-index.ts';
import type { FileToMake, ScatterJob, ScatterResult, ScatterWorkerData } from './blob-scatter-job.ts';
import { packKey } from './layout.ts';
import type { Repository } from './repository.ts';
import {
  groupFiles,
  inJobs,
  orderWrites,
  planUnits,
  writeJob,
  type FileGroup,
  type OrderedWrites,
  type ScatteredFile,
  type Unit,
  type Write,
} from './scatter-plan.ts';
import { defaultThreads, Threads } from './worker-threads.ts';

export type { FileToMake } from './blob-scatter-job.ts';
export type { ScatteredFile } from './scatter-plan.ts';

const READS_AT_ONCE = 4;
/** Kept of the memory of jobs that are done, for the next ones. */
const SPARE_BUFFERS = 8;
/** Files in a job that makes them. */
const MAKE_FILES = 200;

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

/**
 * Makes files and writes their content, each blob opened once wherever its bytes go, in the order in which the packs have
 * it: after many incrementals a file is thousands of pieces that lie in as many places. Large blobs come first, and are written
 * over with what is newer. Threads do the work. No file may
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
  /** Memory of jobs that are done. */
  readonly #spare: ArrayBuffer[] = [];
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
      const groups = groupFiles(files);
      let next = this.#order(groups[0]);
      await this.#idle();
      files.forEach(({ extents }, file) => (extents.length === 0 ? this.#finished(file) : undefined));
      for (const number of groups.keys()) {
        const { large, small } = next;
        await this.#write(large);
        // The next group is ordered while the threads have work; what is wrong with it ends the writing, which tells it.
        const writing = this.#write(small);
        try {
          next = this.#order(groups[number + 1]);
        } catch (error) {
          this.#fail(error);
        }
        await writing;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.#threads.close();
    }
  }

  #order(group: FileGroup | undefined): OrderedWrites {
    return group === undefined ? { large: [], small: [] } : orderWrites(this.#options.files, group, this.#options.index);
  }

  async #write(writes: Iterable<Write>): Promise<void> {
    const units = planUnits(writes);
    await Promise.all(Array.from({ length: READS_AT_ONCE }, async () => await this.#readUnits(units)));
    await this.#idle();
  }

  async #readUnits(units: Iterator<Unit>): Promise<void> {
    const { repository, systemIdentifier, signal } = this.#options;
    for (let next = units.next(); next.done !== true; next = units.next()) {
      this.#check();
      const unit = next.value;
      const key = packKey(systemIdentifier, unit.pack);
      try {
        const bytes = await repository.store.readRange(key, unit.from, unit.to - unit.from, signal);
        for (const writes of inJobs(unit.writes)) await this.#post(this.#job(unit, key, bytes, writes), writes);
      } catch (error) {
        // The other reader is to stop, too.
        this.#fail(error);
        throw error;
      }
    }
  }

  #job(unit: Unit, key: string, read: Uint8Array, writes: readonly Write[]): ScatterJob {
    return writeJob({ unit, key, read, writes }, this.#options.files, (bytes) => {
      const at = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes);
      const [memory = new ArrayBuffer(bytes)] = at < 0 ? [] : this.#spare.splice(at, 1);
      return memory;
    });
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

  #done(job: ScatterJob, { sums, memory }: ScatterResult): void {
    if (memory !== undefined && this.#spare.length < SPARE_BUFFERS) this.#spare.push(memory);
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

function toMake({ path, sizeBytes, mode, owner }: ScatteredFile): FileToMake {
  return { path, sizeBytes, mode, owner };
}
