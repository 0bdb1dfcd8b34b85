/** Rows in a chunk. */
const CHUNK_ROWS = 8192;

/** A table of numbers that grows, `width` of them in each row, by a chunk at a time: nothing is copied, and little lies idle. */
export class NumberRows {
  readonly #width: number;
  readonly #chunks: Float64Array[] = [];
  #count = 0;

  constructor(width: number) {
    this.#width = width;
  }

  get count(): number {
    return this.#count;
  }

  /** Gives the number of a new row of zeros. */
  add(): number {
    if (this.#count === this.#chunks.length * CHUNK_ROWS) this.#chunks.push(new Float64Array(CHUNK_ROWS * this.#width));
    this.#count += 1;
    return this.#count - 1;
  }

  get(row: number, column: number): number {
    return this.#chunks[Math.trunc(row / CHUNK_ROWS)]?.[(row % CHUNK_ROWS) * this.#width + column] ?? 0;
  }

  set(row: number, column: number, value: number): void {
    const chunk = this.#chunks[Math.trunc(row / CHUNK_ROWS)];
    if (chunk !== undefined) chunk[(row % CHUNK_ROWS) * this.#width + column] = value;
  }
}
