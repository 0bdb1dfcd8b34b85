import { DbadminError } from '../../base/errors.ts';
import { OverflowFile } from '../../base/overflow-file.ts';
import type { PutExtent, VisitExtent } from './extents.ts';

/** Rows in a chunk. */
const CHUNK_ROWS = 8192;
/** Numbers of a row beside its offset: length, blob, offset in the blob. */
const NUMBERS = 3;
const OFFSETS_BYTES = CHUNK_ROWS * Float64Array.BYTES_PER_ELEMENT;
const CHUNK_BYTES = OFFSETS_BYTES + CHUNK_ROWS * NUMBERS * Int32Array.BYTES_PER_ELEMENT;
/** Full chunks that stay in memory: half a million rows in 10 MB, where every page of 4 GB is an extent of its own. */
const CHUNKS_IN_MEMORY = 64;
/** Blobs are of 1 MiB at most, and a run has never taken so many. */
const LIMIT = 2 ** 31;

interface Chunk {
  readonly bytes: Uint8Array;
  /** In files, which may be large. */
  readonly offsets: Float64Array;
  readonly numbers: Int32Array;
}

/**
 * Extents one behind the other, 20 bytes each, by chunks. A database of which every page was written by itself has 130 million for a
 * terabyte: some chunks are in memory, and the others in a file, from which they come when one of their rows is asked for.
 */
export class ExtentRows {
  /** Those in memory. */
  readonly #chunks: (Chunk | undefined)[] = [];
  /** The full ones in memory, in the order in which they came there. */
  readonly #full: number[] = [];
  /** Where the others lie, and those that are back from there. */
  readonly #positions: number[] = [];
  /** The chunks that somebody is going through. */
  readonly #visited: number[] = [];
  /** Memory of a chunk that went, for the next that comes: each new one waits for the collector, and comes late to it. */
  #spare: Chunk | undefined;
  #overflow: OverflowFile | undefined;
  /** Whether there is no room for more: the others stay in memory, since a backup that takes much of it is better than none. */
  #isOverflowFull = false;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  readonly put: PutExtent = (offset, length, blob, from) => {
    if (length >= LIMIT || from >= LIMIT || blob >= LIMIT || blob < -LIMIT)
      throw new DbadminError('internal', `an extent of ${length} bytes at ${from} of blob ${blob} is none`);
    if (this.#count === this.#chunks.length * CHUNK_ROWS) {
      if (this.#count > 0) this.#keep(this.#chunks.length - 1);
      this.#chunks.push(newChunk());
    }
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
      const start = row % CHUNK_ROWS;
      const last = Math.min(start + end - row, CHUNK_ROWS);
      const stopped = this.#visitChunk(Math.trunc(row / CHUNK_ROWS), start, last, visit);
      if (stopped < last) return row + stopped - start;
      row += last - start;
    }
    return end;
  }

  /** The same with rows of one chunk, by their places there. */
  #visitChunk(chunk: number, first: number, end: number, visit: VisitExtent): number {
    const { offsets, numbers } = this.#chunk(chunk);
    this.#visited.push(chunk);
    try {
      for (let n = first; n < end; n += 1) {
        const at = n * NUMBERS;
        if (visit(offsets[n] ?? 0, numbers[at] ?? 0, numbers[at + 1] ?? 0, numbers[at + 2] ?? 0) === false) return n;
      }
      return end;
    } finally {
      this.#visited.pop();
    }
  }

  /** Whether both have the same extents. */
  equals(other: ExtentRows): boolean {
    return (
      this.#count === other.#count &&
      this.#chunks.every((_, at) => Buffer.from(this.#chunk(at).bytes.buffer).equals(other.#chunk(at).bytes))
    );
  }

  #number(row: number, column: number): number {
    return this.#chunkOf(row).numbers[(row % CHUNK_ROWS) * NUMBERS + column] ?? 0;
  }

  #chunkOf(row: number): Chunk {
    return this.#chunk(Math.trunc(row / CHUNK_ROWS));
  }

  #chunk(at: number): Chunk {
    const here = this.#chunks[at];
    if (here !== undefined) return here;
    const position = this.#positions[at];
    if (position === undefined || this.#overflow === undefined) throw new DbadminError('internal', `there is no chunk ${at} of extents`);
    const chunk = this.#spare ?? newChunk();
    this.#spare = undefined;
    this.#overflow.read(position, chunk.bytes);
    this.#chunks[at] = chunk;
    this.#keep(at);
    return chunk;
  }

  /** Keeps a full chunk in memory, for which the one that has been there the longest goes. */
  #keep(at: number): void {
    this.#full.push(at);
    const [oldest] = this.#full;
    if (oldest === undefined || this.#full.length <= CHUNKS_IN_MEMORY || !this.#isStored(oldest)) return;
    this.#full.shift();
    if (!this.#visited.includes(oldest)) this.#spare = this.#chunks[oldest];
    this.#chunks[oldest] = undefined;
  }

  #isStored(at: number): boolean {
    const chunk = this.#chunks[at];
    if (this.#positions[at] !== undefined || chunk === undefined) return true;
    if (this.#isOverflowFull) return false;
    this.#overflow ??= OverflowFile.open();
    const position = this.#overflow?.append(chunk.bytes);
    if (position === undefined) this.#isOverflowFull = true;
    else this.#positions[at] = position;
    return position !== undefined;
  }
}

function newChunk(): Chunk {
  const bytes = new Uint8Array(CHUNK_BYTES);
  const { buffer } = bytes;
  return {
    bytes,
    offsets: new Float64Array(buffer, 0, CHUNK_ROWS),
    numbers: new Int32Array(buffer, OFFSETS_BYTES, CHUNK_ROWS * NUMBERS),
  };
}
