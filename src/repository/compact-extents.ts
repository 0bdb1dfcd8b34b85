import { SCANNED_NUMBERS } from './extent-scan.ts';
import type { Extent, Extents } from './manifest.ts';

const NUMBERS = 3;
const HASH_BYTES = 32;

/** Offset and length in the file, number of the blob in a list of names, offset in the blob (0 where it is left out); bytes. */
export type NumberedExtent = readonly [offset: number, length: number, blob: number, from?: number];

/**
 * Many extents in little memory: as arrays with names of text a million of them take 200 MB, which the collector walks
 * again and again; so they take 60. Each is made when it is asked for.
 */
export class CompactExtents implements Extents {
  /** Offset, length and offset in the blob of each. */
  readonly #numbers: Float64Array;
  readonly #blobs: Uint32Array;
  readonly #hashes: Buffer;
  readonly length: number;

  /** `hashes` are names, 32 bytes each; extents give their numbers, as arrays or as ExtentScan has them. */
  constructor(hashes: Buffer, extents: readonly NumberedExtent[] | Float64Array) {
    this.#hashes = hashes;
    this.length = extents instanceof Float64Array ? extents.length / SCANNED_NUMBERS : extents.length;
    this.#numbers = new Float64Array(this.length * NUMBERS);
    this.#blobs = new Uint32Array(this.length);
    // By index: iterators and destructuring cost more than all the rest, for hundreds of thousands, several times a backup.
    for (let n = 0; n < this.length; n += 1) {
      if (extents instanceof Float64Array) {
        const at = n * SCANNED_NUMBERS;
        this.#set(n, extents[at] ?? 0, extents[at + 1] ?? 0, extents[at + 2] ?? 0, extents[at + 3] ?? 0);
      } else {
        const extent = extents[n];
        if (extent !== undefined) this.#set(n, extent[0], extent[1], extent[2], extent[3] ?? 0);
      }
    }
  }

  #set(n: number, offset: number, length: number, blob: number, from: number): void {
    this.#numbers[n * NUMBERS] = offset;
    this.#numbers[n * NUMBERS + 1] = length;
    this.#numbers[n * NUMBERS + 2] = from;
    this.#blobs[n] = blob;
  }

  /** What the constructor takes to make the same: numbers as ExtentScan has them, and the names of their blobs. */
  toNumbers(): { readonly hashes: Buffer; readonly scanned: Float64Array } {
    const scanned = new Float64Array(this.length * SCANNED_NUMBERS);
    let at = 0;
    this.forEachNumbered((...numbers) => {
      scanned.set(numbers, at);
      at += SCANNED_NUMBERS;
    });
    return { hashes: this.#hashes, scanned };
  }

  /** How many blobs are named. */
  get blobCount(): number {
    return this.#hashes.byteLength / HASH_BYTES;
  }

  /** Name of a blob by its number, 64 hex digits. */
  hash(blob: number): string {
    return this.#hashes.toString('hex', blob * HASH_BYTES, (blob + 1) * HASH_BYTES);
  }

  /** The names by their numbers. */
  hashes(): readonly string[] {
    return Array.from({ length: this.blobCount }, (_, blob) => this.hash(blob));
  }

  at(n: number): Extent | undefined {
    const extent = this.numbered(n);
    if (extent === undefined) return undefined;
    const [offset, length, blob, from] = extent;
    return from === undefined ? [offset, length, this.hash(blob)] : [offset, length, this.hash(blob), from];
  }

  /** As {@link CompactExtents.at}, with the blob's number. */
  numbered(n: number): NumberedExtent | undefined {
    if (n < 0 || n >= this.length) return undefined;
    const offset = this.#numbers[n * NUMBERS] ?? 0;
    const length = this.#numbers[n * NUMBERS + 1] ?? 0;
    const from = this.#numbers[n * NUMBERS + 2] ?? 0;
    const blob = this.#blobs[n] ?? 0;
    return from === 0 ? [offset, length, blob] : [offset, length, blob, from];
  }

  /** Each extent from `first` to before `end`, without an array for it: offset and length in the file, the blob's number, offset in the blob. */
  forEachNumbered(visit: (offset: number, length: number, blob: number, from: number) => void, first = 0, end = this.length): void {
    const numbers = this.#numbers;
    const last = Math.min(end, this.length);
    for (let n = first; n < last; n += 1)
      visit(numbers[n * NUMBERS] ?? 0, numbers[n * NUMBERS + 1] ?? 0, this.#blobs[n] ?? 0, numbers[n * NUMBERS + 2] ?? 0);
  }

  *[Symbol.iterator](): Generator<Extent, undefined> {
    for (let n = 0; n < this.length; n += 1) {
      const extent = this.at(n);
      if (extent !== undefined) yield extent;
    }
  }
}
