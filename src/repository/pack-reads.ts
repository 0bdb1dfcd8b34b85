import type { ObjectStore } from '../storage/store.ts';

/** What is kept of what was read ahead, of all packs. */
const KEPT_BYTES = 24 * 1024 * 1024;
/** One read, at most, unless more is asked for. */
const READ_BYTES = 4 * 1024 * 1024;

interface Kept {
  readonly from: number;
  readonly bytes: Uint8Array;
}

export interface PackReadsOptions {
  readonly store: ObjectStore;
  /** The object's key of a pack. */
  keyOf(pack: string): string;
  /** Bytes of a pack that hold blobs: there is something to read up to here. */
  endOf(pack: string): number;
  readonly signal: AbortSignal;
}

/**
 * Reads of packs that each go forward, many at a time by turns. Where little is asked for, what lies behind it comes with it
 * and is kept for the next read of that pack: a small read costs as much as one of a quarter of a megabyte, from a bucket more.
 */
export class PackReads {
  readonly #options: PackReadsOptions;
  /** By pack, the one used last at the end. */
  readonly #kept = new Map<string, Kept>();
  #keptBytes = 0;
  #share = 0;

  constructor(options: PackReadsOptions) {
    this.#options = options;
  }

  /** Says how many packs are read by turns: the memory is shared among them. */
  expect(packs: number): void {
    this.#share = Math.min(READ_BYTES, Math.floor(KEPT_BYTES / Math.max(1, packs)));
  }

  /**
   * The bytes of a pack from `from` to before `to`; the caller may give their memory away when they are all of it.
   *
   * @throws {DbadminError} `storage-missing` and what else the store says.
   */
  async read(pack: string, from: number, to: number): Promise<Uint8Array> {
    const { store, signal } = this.#options;
    const kept = this.#kept.get(pack);
    if (kept !== undefined && kept.from <= from && to <= kept.from + kept.bytes.byteLength) {
      this.#kept.delete(pack);
      this.#kept.set(pack, kept);
      return kept.bytes.subarray(from - kept.from, to - kept.from);
    }
    const end = Math.max(to, Math.min(from + this.#share, this.#options.endOf(pack)));
    const bytes = await store.readRange(this.#options.keyOf(pack), from, end - from, signal);
    if (end === to) return bytes;
    this.#keep(pack, { from, bytes });
    return bytes.subarray(0, to - from);
  }

  #keep(pack: string, kept: Kept): void {
    this.#drop(pack);
    this.#kept.set(pack, kept);
    this.#keptBytes += kept.bytes.byteLength;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptBytes <= KEPT_BYTES || oldest === pack) return;
      this.#drop(oldest);
    }
  }

  #drop(pack: string): void {
    this.#keptBytes -= this.#kept.get(pack)?.bytes.byteLength ?? 0;
    this.#kept.delete(pack);
  }
}
