import { NONCE_BYTES, TAG_BYTES } from './keys.ts';
import { MAX_BLOB_BYTES } from './pack.ts';

/**
 * A piece of memory that the main thread fills with blobs and a worker thread replaces, where they lie, by what is to be
 * stored. Beside it lies a table: what the blobs are, and what became of them.
 */

/** Blobs in a slot, at most. */
export const SLOT_BLOBS = 256;
/** After each blob: an encrypted one is longer than its plain bytes. */
const GAP_BYTES = Math.ceil((NONCE_BYTES + TAG_BYTES) / 8) * 8;
export const SLOT_BYTES = MAX_BLOB_BYTES + GAP_BYTES;

const BLOB_WORDS = 2;
const OUTCOME_WORDS = 12;
const HASH_WORDS = 8;

/** The memory of a slot, as it is sent to a thread. */
export interface SlotMemory {
  readonly content: SharedArrayBuffer;
  readonly table: SharedArrayBuffer;
}

/** What became of one blob for one target. */
export interface BlobOutcome {
  /** Whether the target had it not, as far as the thread knew. */
  readonly isNew: boolean;
  readonly storedBytes: number;
  readonly zstd: boolean;
  /** Where its stored bytes are: -1 in the slot in place of the plain ones, else which of the answer's `extras`. */
  readonly extra: number;
}

export function newSlotMemory(targets: number): SlotMemory {
  const words = SLOT_BLOBS * (BLOB_WORDS + targets * OUTCOME_WORDS);
  return { content: new SharedArrayBuffer(SLOT_BYTES), table: new SharedArrayBuffer(words * 4) };
}

/** A slot as either thread sees it. */
export class Slot {
  readonly content: Buffer;
  readonly #table: Uint32Array;
  readonly #targets: number;

  constructor(memory: SlotMemory, targets: number) {
    this.content = Buffer.from(memory.content);
    this.#table = new Uint32Array(memory.table);
    this.#targets = targets;
  }

  /** How many bytes a blob of `bytes` takes up. */
  static room(bytes: number): number {
    return Math.ceil(bytes / 8) * 8 + GAP_BYTES;
  }

  setBlob(blob: number, offset: number, length: number): void {
    const at = this.#at(blob);
    this.#table[at] = offset;
    this.#table[at + 1] = length;
  }

  offsetOf(blob: number): number {
    return this.#table[this.#at(blob)] ?? 0;
  }

  lengthOf(blob: number): number {
    return this.#table[this.#at(blob) + 1] ?? 0;
  }

  setOutcome(blob: number, target: number, outcome: BlobOutcome): void {
    const at = this.#outcomeAt(blob, target);
    this.#table[at] = outcome.isNew ? 1 : 0;
    this.#table[at + 1] = outcome.storedBytes;
    this.#table[at + 2] = outcome.zstd ? 1 : 0;
    this.#table[at + 3] = outcome.extra + 1;
  }

  outcome(blob: number, target: number): BlobOutcome {
    const at = this.#outcomeAt(blob, target);
    return {
      isNew: this.#table[at] === 1,
      storedBytes: this.#table[at + 1] ?? 0,
      zstd: this.#table[at + 2] === 1,
      extra: (this.#table[at + 3] ?? 0) - 1,
    };
  }

  /** The blob's name in a target, as words: a view. */
  hashOf(blob: number, target: number): Uint32Array {
    const at = this.#outcomeAt(blob, target) + 4;
    return this.#table.subarray(at, at + HASH_WORDS);
  }

  #at(blob: number): number {
    return blob * (BLOB_WORDS + this.#targets * OUTCOME_WORDS);
  }

  #outcomeAt(blob: number, target: number): number {
    return this.#at(blob) + BLOB_WORDS + target * OUTCOME_WORDS;
  }
}
