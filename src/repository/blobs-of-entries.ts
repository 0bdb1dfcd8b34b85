import type { Listed } from '../base/listed.ts';
import type { PackedBlob } from './pack.ts';

/** Blobs by the numbers of their entries in an index, each made when it is asked for. */
export class BlobsOfEntries implements Listed<PackedBlob> {
  readonly #entries: Uint32Array;
  readonly #blobOf: (entry: number) => PackedBlob;

  constructor(entries: Uint32Array, blobOf: (entry: number) => PackedBlob) {
    this.#entries = entries;
    this.#blobOf = blobOf;
  }

  get length(): number {
    return this.#entries.length;
  }

  at(n: number): PackedBlob | undefined {
    const entry = this.#entries.at(n);
    return entry === undefined ? undefined : this.#blobOf(entry);
  }

  *[Symbol.iterator](): Generator<PackedBlob, undefined> {
    for (const entry of this.#entries) yield this.#blobOf(entry);
  }
}
