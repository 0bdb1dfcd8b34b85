import { DbadminError } from '../../base/errors.ts';
import type { PutExtent, VisitExtent } from './extents.ts';

/** Rows in a chunk. */
const CHUNK_ROWS = 8192;
/** Numbers of a row beside its offset: length, blob, offset in the blob. */
const NUMBERS = 3;
/** Blobs are of 1 MiB at most, and a run has never taken so many. */
const LIMIT = 2 ** 31;

interface Chunk {
  /** In files, which may be large. */
  readonly offsets: Float64Array;
  readonly numbers: Int32Array;
}

/** Extents one behind the other, 20 bytes each, in memory that grows by a chunk at a time. */
export class ExtentRows {
  readonly #chunks: Chunk[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  readonly put: PutExtent = (offset, length, blob, from) => {
    if (length >= LIMIT || from >= LIMIT || blob >= LIMIT || blob < -LIMIT)
      throw new DbadminError('internal', `an extent of ${length} bytes at ${from} of blob ${blob} is none`);
    if (this.#count === this.#chunks.length * CHUNK_ROWS)
      this.#chunks.push({ offsets: new Float64Array(CHUNK_ROWS), numbers: new Int32Array(CHUNK_ROWS * NUMBERS) });
    const row = this.#count % CHUNK_ROWS;
    const { offsets, numbers } = this.#chunkOf(this.#count);
    offsets[row] = offset;
    numbers[row * NUMBERS] = length;
    numbers[row * NUMBERS + 1] = blob;
    numbers[row * NUMBERS + 2] = from;
    this.#count += 1;
  };

  offset(row: number): number {
    return this.#chunkOf(row).offsets[row % CHUNK_ROWS] ?? 0;
  }

  length(row: number): number {
    return this.#number(row, 0);
  }

  blob(row: number): number {
    return this.#number(row, 1);
  }

  from(row: number): number {
    return this.#number(row, 2);
  }

  /** The rows from `first` to before `end`, until `visit` says false; gives the row that it said it of, or `end`. */
  visit(first: number, end: number, visit: VisitExtent): number {
    for (let row = first; row < end;) {
      const { offsets, numbers } = this.#chunkOf(row);
      const start = row % CHUNK_ROWS;
      const last = Math.min(start + end - row, CHUNK_ROWS);
      for (let n = start; n < last; n += 1) {
        const at = n * NUMBERS;
        if (visit(offsets[n] ?? 0, numbers[at] ?? 0, numbers[at + 1] ?? 0, numbers[at + 2] ?? 0) === false) return row + n - start;
      }
      row += last - start;
    }
    return end;
  }

  /** Whether both have the same extents. */
  equals(other: ExtentRows): boolean {
    const same = (a: ArrayBufferView, b: ArrayBufferView): boolean => bytesOf(a).equals(bytesOf(b));
    return (
      this.#count === other.#count &&
      this.#chunks.every((chunk, at) => {
        const theirs = other.#chunks[at];
        return theirs !== undefined && same(chunk.offsets, theirs.offsets) && same(chunk.numbers, theirs.numbers);
      })
    );
  }

  #number(row: number, column: number): number {
    return this.#chunkOf(row).numbers[(row % CHUNK_ROWS) * NUMBERS + column] ?? 0;
  }

  #chunkOf(row: number): Chunk {
    const chunk = this.#chunks[Math.trunc(row / CHUNK_ROWS)];
    if (chunk === undefined) throw new DbadminError('internal', `there is no extent ${row}`);
    return chunk;
  }
}

function bytesOf(numbers: ArrayBufferView): Buffer {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}
