import type { PackedBlob } from './pack.ts';

/** Which blobs there are and where, in memory that threads can share: 48 bytes a blob and 4 to 11 more to find it. */

const HASH_WORDS = 8;
const ENTRY_WORDS = 12;
/** Entries in a chunk: 3 MiB. */
const CHUNK_ENTRIES = 65_536;
const FIRST_SLOTS = 4096;
const PLAIN_BITS = 24;
const PLAIN_MASK = (1 << PLAIN_BITS) - 1;
const FLAG_ZSTD = 1;
const FLAG_ENCRYPTED = 2;

/** The memory of a table, to be sent to a thread that only reads it. What is added later may be missing there. */
export interface SharedTable {
  readonly slots: SharedArrayBuffer;
  readonly chunks: readonly SharedArrayBuffer[];
}

/** Finds blobs in a table that another thread may be adding to. */
export class BlobTableReader {
  protected slots: Uint32Array;
  protected chunks: Uint32Array[];

  constructor(table: SharedTable) {
    this.slots = new Uint32Array(table.slots);
    this.chunks = table.chunks.map((chunk) => new Uint32Array(chunk));
  }

  /** The number of the blob's entry, or -1. `hash` is 32 bytes as words. */
  entryOf(hash: Uint32Array): number {
    const mask = this.slots.length - 1;
    for (let at = (hash[0] ?? 0) & mask; ; at = (at + 1) & mask) {
      const entry = Atomics.load(this.slots, at) - 1;
      // An entry in a chunk that this thread has not got yet was added after it got the table.
      if (entry < 0 || entry >= this.chunks.length * CHUNK_ENTRIES) return -1;
      if (this.#isAt(entry, hash)) return entry;
    }
  }

  #isAt(entry: number, hash: Uint32Array): boolean {
    const chunk = this.chunks[Math.floor(entry / CHUNK_ENTRIES)];
    const at = (entry % CHUNK_ENTRIES) * ENTRY_WORDS;
    for (let word = 0; word < HASH_WORDS; word += 1) if (chunk?.[at + word] !== hash[word]) return false;
    return true;
  }
}

/** The table of the one thread that adds to it. */
export class BlobTable extends BlobTableReader {
  #memory: SharedTable;
  #count = 0;

  constructor() {
    const memory = { slots: new SharedArrayBuffer(FIRST_SLOTS * 4), chunks: [] };
    super(memory);
    this.#memory = memory;
  }

  get size(): number {
    return this.#count;
  }

  /** The memory as it is now; another object than before exactly when it has grown. */
  get shared(): SharedTable {
    return this.#memory;
  }

  /** Adds a blob that is not there: {@link BlobTableReader.entryOf} says so. `pack` is a number of the caller's. Gives its entry's. */
  add(hash: Uint32Array, pack: number, blob: Omit<PackedBlob, 'hash'>): number {
    const entry = this.#count;
    if (entry === this.chunks.length * CHUNK_ENTRIES) this.#addChunk();
    if ((entry + 1) * 4 > this.slots.length * 3) this.#growSlots();
    const chunk = this.chunks[Math.floor(entry / CHUNK_ENTRIES)];
    const at = (entry % CHUNK_ENTRIES) * ENTRY_WORDS;
    const flags = (blob.zstd ? FLAG_ZSTD : 0) | (blob.encrypted ? FLAG_ENCRYPTED : 0);
    chunk?.set(hash, at);
    chunk?.set([pack, blob.offset, blob.storedBytes, (flags << PLAIN_BITS) | blob.plainBytes], at + HASH_WORDS);
    this.#count += 1;
    this.#link(entry);
    return entry;
  }

  /** Where the blob of an entry lies. */
  placeOf(entry: number): { readonly pack: number } & Omit<PackedBlob, 'hash'> {
    const chunk = this.chunks[Math.floor(entry / CHUNK_ENTRIES)];
    const at = (entry % CHUNK_ENTRIES) * ENTRY_WORDS + HASH_WORDS;
    const last = chunk?.[at + 3] ?? 0;
    const flags = last >>> PLAIN_BITS;
    return {
      pack: chunk?.[at] ?? 0,
      offset: chunk?.[at + 1] ?? 0,
      storedBytes: chunk?.[at + 2] ?? 0,
      plainBytes: last & PLAIN_MASK,
      zstd: (flags & FLAG_ZSTD) !== 0,
      encrypted: (flags & FLAG_ENCRYPTED) !== 0,
    };
  }

  /** The name of an entry's blob, 64 hex digits. */
  hashOf(entry: number): string {
    const chunk = this.chunks[Math.floor(entry / CHUNK_ENTRIES)];
    const at = (entry % CHUNK_ENTRIES) * ENTRY_WORDS * 4;
    return chunk === undefined ? '' : Buffer.from(chunk.buffer, chunk.byteOffset + at, HASH_WORDS * 4).toString('hex');
  }

  /** Writes the name of an entry's blob, 32 bytes. */
  copyHash(entry: number, target: Uint8Array, at: number): void {
    const chunk = this.chunks[Math.floor(entry / CHUNK_ENTRIES)];
    if (chunk === undefined) return;
    target.set(new Uint8Array(chunk.buffer, chunk.byteOffset + (entry % CHUNK_ENTRIES) * ENTRY_WORDS * 4, HASH_WORDS * 4), at);
  }

  /** The entries of some packs, one pack after another as they are given; `ends` tells where each one's end. */
  entriesOf(packs: readonly number[]): { readonly entries: Uint32Array; readonly ends: Uint32Array } {
    const placeOf = new Map(packs.map((pack, place) => [pack, place]));
    const ends = new Uint32Array(packs.length);
    const place = (entry: number): number => placeOf.get(this.#packOf(entry)) ?? -1;
    for (let entry = 0; entry < this.#count; entry += 1) {
      const at = place(entry);
      if (at >= 0) ends[at] = (ends[at] ?? 0) + 1;
    }
    for (let at = 1; at < ends.length; at += 1) ends[at] = (ends[at] ?? 0) + (ends[at - 1] ?? 0);
    const entries = new Uint32Array(ends.at(-1) ?? 0);
    const next = Uint32Array.from(ends, (_, at) => ends[at - 1] ?? 0);
    for (let entry = 0; entry < this.#count; entry += 1) {
      const at = place(entry);
      if (at < 0) continue;
      entries[next[at] ?? 0] = entry;
      next[at] = (next[at] ?? 0) + 1;
    }
    return { entries, ends };
  }

  #packOf(entry: number): number {
    return this.chunks[Math.floor(entry / CHUNK_ENTRIES)]?.[(entry % CHUNK_ENTRIES) * ENTRY_WORDS + HASH_WORDS] ?? -1;
  }

  #link(entry: number): void {
    const mask = this.slots.length - 1;
    let at = (this.chunks[Math.floor(entry / CHUNK_ENTRIES)]?.[(entry % CHUNK_ENTRIES) * ENTRY_WORDS] ?? 0) & mask;
    while (this.slots[at] !== 0) at = (at + 1) & mask;
    // Last, and with a barrier: a thread that sees the number sees the entry.
    Atomics.store(this.slots, at, entry + 1);
  }

  #addChunk(): void {
    const chunk = new SharedArrayBuffer(CHUNK_ENTRIES * ENTRY_WORDS * 4);
    this.chunks.push(new Uint32Array(chunk));
    this.#memory = { ...this.#memory, chunks: [...this.#memory.chunks, chunk] };
  }

  #growSlots(): void {
    const slots = new SharedArrayBuffer(this.slots.length * 2 * 4);
    this.slots = new Uint32Array(slots);
    this.#memory = { ...this.#memory, slots };
    for (let entry = 0; entry < this.#count; entry += 1) this.#link(entry);
  }
}

/** A hash as the words that a table compares; 32 bytes. */
export function hashWords(hash: Uint8Array): Uint32Array {
  const words = new Uint32Array(HASH_WORDS);
  new Uint8Array(words.buffer).set(hash);
  return words;
}

// With memory of its own, so that words lie straight.
const scratch = Buffer.from(new ArrayBuffer(HASH_WORDS * 4));
const scratchWords = new Uint32Array(scratch.buffer, scratch.byteOffset, HASH_WORDS);

/** The same of 32 bytes from `at` on: a view that the next call changes. */
export function wordsAt(bytes: Buffer, at: number): Uint32Array {
  bytes.copy(scratch, 0, at, at + scratch.byteLength);
  return scratchWords;
}

/** The same of 64 hex digits, zeros of anything else: a view that the next call changes. */
export function hexWords(hash: string): Uint32Array {
  if (scratch.write(hash, 0, 'hex') !== scratch.byteLength) scratch.fill(0);
  return scratchWords;
}
