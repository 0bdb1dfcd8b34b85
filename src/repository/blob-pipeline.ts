import { DbadminError } from '../base/errors.ts';
import { newSlotMemory, Slot, SLOT_BLOBS, SLOT_BYTES, type SlotMemory } from './blob-slot.ts';
import type { BlobJob, BlobJobResult, BlobNews, BlobWorkerData } from './blob-worker.ts';
import type { SharedTable } from './blob-table.ts';
import { DEFAULT_LEVEL } from './compress.ts';
import { MAX_BLOB_BYTES } from './pack.ts';
import { PackWriter, type BlobTarget, type WrittenBlobs } from './pack-writer.ts';
import { defaultThreads, JOBS_PER_THREAD, Threads } from './worker-threads.ts';

export type { BlobTarget, WrittenBlobs } from './pack-writer.ts';

/** Slots of 1 MiB: enough for the reader to go on while threads work. */
const SLOTS = 16;

/** Gets the names of a blob, 64 hex digits, one for each target in order. Must not throw. */
export type Named = (hashes: readonly string[]) => void;

/** How one target fared. */
export type StoredOutcome =
  | { readonly kind: 'stored'; readonly written: WrittenBlobs }
  | { readonly kind: 'failed'; readonly error: Error };

/** Room for one blob, to be filled by the caller; then submitted or given back, once. */
export interface Room {
  readonly bytes: Buffer;
  /** Hands over the first `length` bytes, more than none, as a blob. `named` is called later. */
  submit(length: number, named: Named): void;
  release(): void;
}

export interface BlobPipelineOptions {
  /** zstd's; 1 unless given. */
  readonly level?: number;
  readonly threads?: number;
}

interface Filling {
  readonly number: number;
  readonly slot: Slot;
  readonly named: Named[];
  usedBytes: number;
  openRooms: number;
  isSealed: boolean;
}

interface Running {
  readonly filling: Filling;
  readonly packs: readonly (string | undefined)[];
  readonly promisedBytes: number;
}

/**
 * Stores blobs that lineages have not got, in packs; for what they have it costs a hash. Threads do the work; memory is
 * bounded, and who gives too much waits for room.
 *
 * Fill rooms, or {@link BlobPipeline.put}; then {@link BlobPipeline.finish} writes the indexes, and until then nothing is
 * visible. {@link BlobPipeline.close} in any case. A target that fails is given up alone; when none is left, or a thread
 * dies, every call throws that error.
 */
export class BlobPipeline {
  readonly #writers: readonly PackWriter[];
  readonly #threads: Threads<BlobJob, BlobJobResult, BlobNews>;
  readonly #memory: SlotMemory[] = [];
  readonly #slots: Slot[] = [];
  /** Numbers of slots that nobody uses. */
  readonly #free: number[] = [];
  readonly #queue: Filling[] = [];
  readonly #running = new Map<number, Running>();
  #jobCount = 0;
  #batch: Filling | undefined;
  #isFlushPlanned = false;
  #told: readonly SharedTable[];
  #waiters: PromiseWithResolvers<void>[] = [];
  #failure: Error | undefined;

  constructor(targets: readonly BlobTarget[], options: BlobPipelineOptions = {}) {
    const threads = options.threads ?? defaultThreads();
    const runningBytes = threads * JOBS_PER_THREAD * SLOT_BYTES;
    this.#writers = targets.map((target) => new PackWriter(target, runningBytes, () => this.#changed()));
    this.#told = this.#tables();
    this.#threads = new Threads({
      module: 'blob-worker',
      threads,
      workerData: (): BlobWorkerData => ({
        level: options.level ?? DEFAULT_LEVEL,
        repositoryKeys: targets.map(({ repository }) => repository.keys?.exposeRepositoryKey()),
        known: this.#tables(),
        slots: this.#memory,
      }),
      onDone: (job, result) => this.#done(job, result),
      onFailure: (error) => this.#fail(error),
    });
  }

  /** Room for one blob of up to `maxBytes` (1 MiB at most); a promise when all memory is in use. */
  reserve(maxBytes: number): Room | Promise<Room> {
    if (maxBytes > MAX_BLOB_BYTES) throw new DbadminError('internal', `blob of ${maxBytes} bytes is too large`);
    this.#check();
    const filling = this.#fillingFor(maxBytes);
    return filling === undefined ? this.#reserveLater(maxBytes) : this.#room(filling, maxBytes);
  }

  /** Takes a blob of 1 byte to 1 MiB, which is copied. A promise only when the caller is to wait before it gives more. */
  put(plain: Uint8Array, named: Named): void | Promise<void> {
    const room = this.reserve(plain.byteLength);
    const fill = (to: Room): void => {
      // Not set(), which copies into shared memory word by word.
      asBuffer(plain).copy(to.bytes);
      to.submit(plain.byteLength, named);
    };
    return room instanceof Promise ? room.then(fill) : fill(room);
  }

  /** Returns when every blob that was submitted is named. No room may be open: its neighbours would wait for it. */
  async drain(): Promise<void> {
    for (;;) {
      this.#check();
      this.#seal();
      this.#pump();
      if (this.#queue.length === 0 && this.#running.size === 0 && this.#batch === undefined) return;
      await this.#change();
    }
  }

  /** Gives up a target for a reason of the caller's, as if it had failed by itself. Gives whether another is left. */
  giveUp(target: number, error: Error): boolean {
    this.#writers[target]?.giveUp(error);
    return this.#writers.some(({ failure }) => failure === undefined);
  }

  /** Why a target is given up, if it is. */
  failure(target: number): Error | undefined {
    return this.#writers[target]?.failure;
  }

  /** Stores what is left and the indexes. One outcome for each target; throws only when all failed. */
  async finish(indexName: string): Promise<readonly StoredOutcome[]> {
    await this.drain();
    const outcomes = await Promise.all(
      this.#writers.map(async (writer): Promise<StoredOutcome> => {
        try {
          return { kind: 'stored', written: await writer.finish(indexName) };
        } catch (error) {
          return { kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) };
        }
      }),
    );
    const [first] = outcomes;
    if (first?.kind === 'failed' && outcomes.every(({ kind }) => kind === 'failed')) throw first.error;
    return outcomes;
  }

  /** Stores what is left and the indexes for the next run to find; a target that fails has lost what it got. */
  async keep(indexName: string): Promise<void> {
    await this.drain();
    await Promise.allSettled(this.#writers.map(async (writer) => await writer.keep(indexName)));
  }

  /** Ends the threads; what they were doing is lost. Returns when nothing is being stored any more. */
  async close(): Promise<void> {
    this.#fail(new DbadminError('interrupted', 'the run has ended'));
    await this.#threads.close();
    await Promise.all(this.#writers.map(async (writer) => await writer.idle()));
  }

  #fillingFor(maxBytes: number): Filling | undefined {
    const room = Slot.room(maxBytes);
    const batch = this.#batch;
    if (batch !== undefined && batch.usedBytes + room <= SLOT_BYTES && batch.named.length + batch.openRooms < SLOT_BLOBS) return batch;
    const number = this.#free.pop() ?? this.#newSlot();
    const slot = number === undefined ? undefined : this.#slots[number];
    if (number === undefined || slot === undefined) return undefined;
    this.#seal();
    this.#batch = { number, slot, named: [], usedBytes: 0, openRooms: 0, isSealed: false };
    return this.#batch;
  }

  #newSlot(): number | undefined {
    if (this.#slots.length === SLOTS) return undefined;
    const memory = newSlotMemory(this.#writers.length);
    this.#memory.push(memory);
    this.#threads.tell({ kind: 'slot', memory });
    return this.#slots.push(new Slot(memory, this.#writers.length)) - 1;
  }

  async #reserveLater(maxBytes: number): Promise<Room> {
    for (;;) {
      this.#seal();
      this.#pump();
      await this.#change();
      this.#check();
      const filling = this.#fillingFor(maxBytes);
      if (filling !== undefined) return this.#room(filling, maxBytes);
    }
  }

  #room(filling: Filling, maxBytes: number): Room {
    const offset = filling.usedBytes;
    filling.usedBytes += Slot.room(maxBytes);
    filling.openRooms += 1;
    return {
      bytes: filling.slot.content.subarray(offset, offset + maxBytes),
      submit: (length, named) => {
        filling.slot.setBlob(filling.named.length, offset, length);
        filling.named.push(named);
        this.#settled(filling);
      },
      release: () => this.#settled(filling),
    };
  }

  #settled(filling: Filling): void {
    filling.openRooms -= 1;
    if (filling.openRooms > 0) return;
    if (filling.isSealed) this.#enqueue(filling);
    else if (SLOT_BYTES - filling.usedBytes < MAX_BLOB_BYTES / 16) this.#seal();
    else this.#planFlush();
  }

  /** Nothing more goes into the batch. */
  #seal(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    batch.isSealed = true;
    if (batch.openRooms === 0) this.#enqueue(batch);
  }

  /** A batch that is not full goes as soon as a thread has nothing to do: small blobs wait for company only while all work. */
  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    setImmediate(() => {
      this.#isFlushPlanned = false;
      this.#flushIfIdle();
    });
  }

  #flushIfIdle(): void {
    const batch = this.#batch;
    if (batch !== undefined && batch.openRooms === 0 && this.#queue.length === 0 && this.#threads.hasIdle) this.#seal();
  }

  #enqueue(filling: Filling): void {
    if (filling.named.length === 0) {
      this.#free.push(filling.number);
      this.#changed();
      return;
    }
    this.#queue.push(filling);
    this.#pump();
  }

  #pump(): void {
    while (this.#failure === undefined && this.#threads.hasRoom) {
      const filling = this.#queue[0];
      if (filling === undefined) return;
      const promised = this.#promise(filling);
      if (promised === undefined) return;
      this.#queue.shift();
      const number = this.#jobCount;
      this.#jobCount += 1;
      this.#running.set(number, { filling, ...promised });
      this.#tellTables();
      this.#threads.post({ number, slot: filling.number, blobs: filling.named.length, packs: promised.packs });
    }
  }

  /** A pack of each target with room for whatever the slot becomes. */
  #promise(filling: Filling): Omit<Running, 'filling'> | undefined {
    const promisedBytes = filling.usedBytes;
    const packs: (string | undefined)[] = [];
    for (const writer of this.#writers) {
      const pack = writer.failure === undefined ? writer.promise(promisedBytes) : undefined;
      if (pack === undefined && writer.failure === undefined) {
        this.#writers.forEach((each, target) => each.settle(packs[target] ?? '', promisedBytes));
        return undefined;
      }
      packs.push(pack);
    }
    return { packs, promisedBytes };
  }

  #done(job: BlobJob, result: BlobJobResult): void {
    const running = this.#running.get(job.number);
    if (running === undefined) return;
    this.#running.delete(job.number);
    const { named } = running.filling;
    named.forEach((tell, blob) => tell(this.#writers.map((_, target) => this.#take(running, blob, target, result))));
    this.#writers.forEach((writer, target) => writer.settle(running.packs[target] ?? '', running.promisedBytes));
    this.#free.push(running.filling.number);
    this.#changed();
    this.#flushIfIdle();
  }

  /** Stores one blob in one target if that has it not; gives its name there. */
  #take(running: Running, blob: number, target: number, result: BlobJobResult): string {
    const { slot } = running.filling;
    const writer = this.#writers[target];
    const pack = running.packs[target];
    const hash = slot.hashOf(blob, target);
    const hex = Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('hex');
    if (writer === undefined || pack === undefined) return hex;
    const { isNew, storedBytes, zstd, extra } = slot.outcome(blob, target);
    if (!isNew) {
      writer.adopt(hash);
      return hex;
    }
    const offset = slot.offsetOf(blob);
    const stored = extra < 0 ? slot.content.subarray(offset, offset + storedBytes) : (result.extras[extra] ?? Buffer.alloc(0));
    writer.add(pack, hash, asBuffer(stored), { plainBytes: slot.lengthOf(blob), zstd });
    return hex;
  }

  #tables(): readonly SharedTable[] {
    return this.#writers.map(({ target }) => target.known.shared);
  }

  #tellTables(): void {
    const tables = this.#tables();
    if (tables.every((table, target) => table === this.#told[target])) return;
    this.#told = tables;
    this.#threads.tell({ kind: 'known', known: tables });
  }

  /** Something is free again, or has failed. */
  #changed(): void {
    const failures = this.#writers.flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
    if (failures.length === this.#writers.length && failures[0] !== undefined) this.#failure ??= failures[0];
    this.#pump();
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { resolve } of waiters) resolve();
  }

  async #change(): Promise<void> {
    const waiter = Promise.withResolvers<void>();
    this.#waiters.push(waiter);
    await waiter.promise;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#changed();
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
