import type { Listed } from '../base/listed.ts';
import { zerosCrc32c } from '../postgres/crc32c.ts';
import type { BlobIndex } from './blob-index.ts';
import type { FileToMake, ScatterJob, ScatterResult, ScatterWorkerData } from './blob-scatter-job.ts';
import { packKey } from './layout.ts';
import { PlanMemory } from './plan-memory.ts';
import type { Repository } from './repository.ts';
import { groupFiles, planGroup, SCATTER_LIMITS, type GroupPlan, type ScatteredFile, type ScatterLimits } from './scatter-plan.ts';
import { planBatches, planUnits, READ_BYTES, type Batch, type Unit } from './scatter-reads.ts';
import { planWindow, type PlannedWindow } from './scatter-window.ts';
import { defaultThreads, Threads } from './worker-threads.ts';

export type { FileToMake } from './blob-scatter-job.ts';
export type { ScatteredFile } from './scatter-plan.ts';

/** A bucket answers many at once as quickly as one; after many incrementals a read is a quarter of a megabyte. */
const READS_AT_ONCE = 8;
/** One batch is read while the windows of another are written. */
const BATCHES_IN_MEMORY = 2;
/** The first batch is that much smaller than the others: the threads have nothing to do while it is read. */
const FIRST_IS_SMALLER = 8;
/** Files in a job that makes them. */
const MAKE_FILES = 200;

export interface ScatterOptions {
  readonly repository: Repository;
  readonly systemIdentifier: string;
  readonly index: BlobIndex;
  /** Each is asked for when it is its turn, more than once. */
  readonly files: Listed<ScatteredFile>;
  readonly threads?: number;
  readonly limits?: ScatterLimits;
  readonly signal: AbortSignal;
  onBytes(bytes: number): void;
  /** Whether the CRC-32C of each file is reckoned. */
  readonly checksums: boolean;
  /** Called when all of a file's content is written; nothing of it is synced. `crc32c` is of all of it, or undefined. */
  onFile(file: number, crc32c: number | undefined): void;
}

/**
 * Makes files and writes their content. After many incrementals a file is thousands of pieces that lie in as many places:
 * window by window, some megabytes of files, a thread opens the blobs of which there is something in the window, puts short
 * pieces together in memory, and writes them in long stretches. Packs are read for many windows at once. No file may
 * exist. Returns when nothing is written any more, also when it throws.
 *
 * @throws {DbadminError} `repository-damaged`, `storage-missing` and what else the store says; `storage-full`, `file-unwritable`.
 */
export async function scatterFiles(options: ScatterOptions): Promise<void> {
  await new Scatter(options).run();
}

/** A batch whose blobs are in memory. */
interface ReadBatch {
  readonly group: PlannedGroup;
  readonly batch: Batch;
  readonly memory: Memory;
  /** Where in the memory each blob of the group's plan lies. */
  readonly places: Uint32Array;
}

/** Memory for the stored bytes of one batch. */
interface Memory {
  bytes: SharedArrayBuffer;
  isTaken: boolean;
}

interface PlannedGroup {
  readonly plan: GroupPlan;
  readonly planMemory: PlanMemory;
  /** Files that are made before the group's windows, and the jobs of that which are not done. */
  readonly madeBefore: ReadonlySet<number>;
  making: number;
}

class Scatter {
  readonly #options: ScatterOptions;
  readonly #limits: ScatterLimits;
  readonly #threads: Threads<ScatterJob, ScatterResult>;
  readonly #waiters = new Set<() => void>();
  readonly #memories: readonly Memory[];
  /** Of groups that are planned no more. */
  readonly #planMemories: PlanMemory[] = [];
  /** What each of the reads that go at once reads into: new memory for each read has the collector go over everything again and again. */
  readonly #rooms: Buffer[] = [];
  /** Extents not written yet, for each file. */
  readonly #left: Uint32Array;
  /** What is known of each file's CRC-32C: the sums of its parts, each as if zeros were all around. */
  readonly #sums: Uint32Array;
  /** What is to be done with the answer to each job. */
  readonly #onDone = new Map<ScatterJob, (result: ScatterResult) => void>();
  #failure: unknown;

  constructor(options: ScatterOptions) {
    this.#options = options;
    this.#limits = options.limits ?? SCATTER_LIMITS;
    this.#memories = Array.from({ length: BATCHES_IN_MEMORY }, () => ({
      bytes: new SharedArrayBuffer(this.#limits.storedBytes),
      isTaken: false,
    }));
    this.#left = new Uint32Array(options.files.length);
    for (let file = 0; file < this.#left.length; file += 1) this.#left[file] = options.files.at(file)?.extents.length ?? 0;
    this.#sums = new Uint32Array(options.files.length);
    const { checksums, systemIdentifier } = options;
    const repositoryKey = options.repository.keys?.exposeRepositoryKey();
    this.#threads = new Threads({
      module: 'blob-scatter-worker',
      threads: options.threads ?? defaultThreads(),
      workerData: (): ScatterWorkerData => ({ repositoryKey, checksums, systemIdentifier, windowBytes: this.#limits.windowBytes }),
      onDone: (job, result) => this.#done(job, result),
      onFailure: (error) => this.#fail(error),
    });
  }

  async run(): Promise<void> {
    const { signal } = this.#options;
    const onAbort = (): void => this.#fail(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const batches = this.#readBatches();
      let next = batches.next();
      try {
        for (let read = await next; read.done !== true; read = await next) {
          next = batches.next();
          // Looked at when it is its turn.
          next.catch(() => undefined);
          await this.#postWindows(read.value);
        }
        while (this.#onDone.size > 0) await this.#change();
        this.#check();
      } catch (error) {
        // A read that has begun is to end before this does.
        this.#fail(error);
        await Promise.allSettled([next]);
        throw error;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      await this.#threads.close();
    }
  }

  async *#readBatches(): AsyncGenerator<ReadBatch, undefined> {
    const { files, index } = this.#options;
    for (const [number, stretch] of groupFiles(files).entries()) {
      const planMemory = this.#planMemories.pop() ?? new PlanMemory();
      const plan = planGroup(files, stretch, index, this.#limits, planMemory);
      const group: PlannedGroup = { plan, planMemory, madeBefore: new Set(plan.madeBefore), making: 0 };
      await this.#makeFiles(group);
      const { storedBytes } = this.#limits;
      for (const batch of planBatches(plan, index, this.#limits, number === 0 ? storedBytes / FIRST_IS_SMALLER : storedBytes)) {
        const memory = await this.#freeMemory();
        yield { group, batch, memory, places: await this.#readBatch(plan, batch, memory) };
      }
    }
    return undefined;
  }

  async #makeFiles(group: PlannedGroup): Promise<void> {
    const { files } = this.#options;
    const { madeBefore } = group.plan;
    for (let at = 0; at < madeBefore.length; at += MAKE_FILES) {
      const numbers = madeBefore.slice(at, at + MAKE_FILES);
      group.making += 1;
      await this.#post({ kind: 'make', files: numbers.flatMap((number) => files.at(number) ?? []).map(toMake) }, [], () => {
        group.making -= 1;
        for (const number of numbers) if (this.#left[number] === 0) this.#finished(number);
      });
    }
  }

  async #freeMemory(): Promise<Memory> {
    for (;;) {
      this.#check();
      const memory = this.#memories.find(({ isTaken }) => !isTaken);
      if (memory !== undefined) {
        memory.isTaken = true;
        return memory;
      }
      await this.#change();
    }
  }

  /** Reads the blobs of a batch one behind the other; gives where each lies. */
  async #readBatch({ extents }: GroupPlan, { blobs }: Batch, memory: Memory): Promise<Uint32Array> {
    const { index } = this.#options;
    const places = new Uint32Array(extents.entries.length);
    let filled = 0;
    for (const blob of blobs) {
      places[blob] = filled;
      filled += index.measureOf(extents.entries[blob] ?? 0).storedBytes;
    }
    if (filled > memory.bytes.byteLength) memory.bytes = new SharedArrayBuffer(filled);
    const target = Buffer.from(memory.bytes);
    const units = planUnits(blobs, extents.entries, index);
    const reading = Array.from({ length: READS_AT_ONCE }, async (_, lane) => {
      for (const unit of units)
        await this.#readUnit(unit, (this.#rooms[lane] ??= Buffer.allocUnsafeSlow(READ_BYTES)), extents.entries, target, places);
    });
    const outcomes = await Promise.allSettled(reading);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    return places;
  }

  async #readUnit({ pack, from, to, blobs }: Unit, room: Buffer, entries: Uint32Array, target: Buffer, places: Uint32Array): Promise<void> {
    this.#check();
    const { repository, systemIdentifier, signal, index } = this.#options;
    const read = await repository.store.readRange(packKey(systemIdentifier, index.packName(pack)), from, to - from, signal, room);
    const bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
    for (const blob of blobs) {
      const { offset, storedBytes } = index.measureOf(entries[blob] ?? 0);
      // `set` of a typed array takes twice as long into shared memory.
      bytes.copy(target, places[blob] ?? 0, offset - from, offset - from + storedBytes);
    }
  }

  async #postWindows({ group, batch, memory, places }: ReadBatch): Promise<void> {
    const { files, index } = this.#options;
    while (group.making > 0) await this.#change();
    let running = batch.windows.to - batch.windows.from;
    const isLast = batch.windows.to === group.plan.windows.length;
    for (let window = batch.windows.from; window < batch.windows.to; window += 1) {
      const { job, written } = planWindow({
        plan: group.plan,
        window,
        files,
        index,
        stored: memory.bytes,
        placeOf: (blob) => places[blob] ?? 0,
        isMadeBefore: (file) => group.madeBefore.has(file),
      });
      const { blobs, hashes, pieces, runs } = job;
      await this.#post(job, [blobs.buffer, hashes.buffer, pieces.buffer, runs.buffer], (result) => {
        running -= 1;
        if (running === 0) memory.isTaken = false;
        this.#written(written, result);
      });
    }
    // Jobs have numbers of their own: nothing looks at the plan any more.
    if (isLast) this.#planMemories.push(group.planMemory);
  }

  async #post(job: ScatterJob, transfer: readonly ArrayBuffer[], onDone: (result: ScatterResult) => void): Promise<void> {
    this.#check();
    while (!this.#threads.hasRoom) await this.#change();
    this.#onDone.set(job, onDone);
    this.#threads.post(job, transfer);
  }

  #written(written: PlannedWindow['written'], { sums }: ScatterResult): void {
    let all = 0;
    for (const [n, { file, extents, bytes }] of written.entries()) {
      all += bytes;
      if (sums !== undefined) this.#sums[file] = (this.#sums[file] ?? 0) ^ (sums[n] ?? 0);
      const left = (this.#left[file] ?? 0) - extents;
      this.#left[file] = left;
      if (left === 0 && extents > 0) this.#finished(file);
    }
    if (all > 0) this.#options.onBytes(all);
  }

  #finished(file: number): void {
    const { files, checksums } = this.#options;
    this.#options.onFile(file, checksums ? ((this.#sums[file] ?? 0) ^ zerosCrc32c(files.at(file)?.sizeBytes ?? 0)) >>> 0 : undefined);
  }

  #done(job: ScatterJob, result: ScatterResult): void {
    const onDone = this.#onDone.get(job);
    this.#onDone.delete(job);
    onDone?.(result);
    this.#wake();
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
