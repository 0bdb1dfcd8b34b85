import type { Extent, Extents } from './manifest.ts';

const NUMBERS = 3;
const HASH_BYTES = 32;

/**
 * Many extents in little memory: as arrays with names of text a million of them take 200 MB, which the collector walks
 * again and again; so they take 60. Each is made when it is asked for.
 */
export class CompactExtents implements Extents {
  /** Offset, length and offset in the blob of each; the last is -1 where it was left out. */
  readonly #numbers: Float64Array;
  readonly #blobs: Uint32Array;
  readonly #hashes: Buffer;
  readonly length: number;

  constructor(extents: readonly Extent[]) {
    this.length = extents.length;
    this.#numbers = new Float64Array(extents.length * NUMBERS);
    this.#blobs = new Uint32Array(extents.length);
    const numbers = new Map<string, number>();
    extents.forEach(([offset, length, hash, from = -1], n) => {
      const blob = numbers.get(hash) ?? numbers.size;
      numbers.set(hash, blob);
      this.#blobs[n] = blob;
      this.#numbers[n * NUMBERS] = offset;
      this.#numbers[n * NUMBERS + 1] = length;
      this.#numbers[n * NUMBERS + 2] = from;
    });
    this.#hashes = Buffer.alloc(numbers.size * HASH_BYTES);
    for (const [hash, blob] of numbers) this.#hashes.write(hash, blob * HASH_BYTES, 'hex');
  }

  at(n: number): Extent | undefined {
    if (n < 0 || n >= this.length) return undefined;
    // Read one by one: a view costs more than all the rest.
    const offset = this.#numbers[n * NUMBERS] ?? 0;
    const length = this.#numbers[n * NUMBERS + 1] ?? 0;
    const from = this.#numbers[n * NUMBERS + 2] ?? 0;
    const blob = (this.#blobs[n] ?? 0) * HASH_BYTES;
    const hash = this.#hashes.toString('hex', blob, blob + HASH_BYTES);
    return from < 0 ? [offset, length, hash] : [offset, length, hash, from];
  }

  *[Symbol.iterator](): Generator<Extent, undefined> {
    for (let n = 0; n < this.length; n += 1) {
      const extent = this.at(n);
      if (extent !== undefined) yield extent;
    }
  }
}
