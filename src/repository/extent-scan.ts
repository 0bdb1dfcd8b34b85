/** Numbers for each extent: offset and length in the file, number of the blob, offset in the blob. */
export const SCANNED_NUMBERS = 4;

const [QUOTE, COMMA, OPEN, CLOSE, ZERO, NINE] = [0x22, 0x2c, 0x5b, 0x5d, 0x30, 0x39];

/** Extents as numbers, and where in the line their list ends. */
export interface ScannedExtents {
  /** {@link SCANNED_NUMBERS} each; valid until the next list is read. */
  readonly numbers: Float64Array;
  readonly end: number;
}

/** Reads lists of extents, one after the other, into the same memory. */
export class ExtentScan {
  #numbers = new Float64Array(1024 * SCANNED_NUMBERS);

  /**
   * Reads `[[0,8192,0],[8192,8192,1,65536]]` from `start` in a manifest's line on. JSON.parse makes an array of each extent, of
   * which a large file has a hundred thousand: most of its time, and all of the memory that a restore has to spare.
   *
   * Undefined for anything but extents of three or four whole numbers without spaces; JSON.parse may know what it is.
   */
  read(line: Buffer, start: number): ScannedExtents | undefined {
    if (line[start] !== OPEN) return undefined;
    let filled = 0;
    for (let at = start + 1; line[at] === OPEN;) {
      if (filled === this.#numbers.length) this.#grow();
      const numbers = this.#numbers;
      numbers[filled + 3] = 0;
      let count = 0;
      do {
        at += 1;
        const begin = at;
        let value = 0;
        for (let code = line[at] ?? 0; code >= ZERO && code <= NINE; code = line[at] ?? 0) {
          value = value * 10 + (code - ZERO);
          at += 1;
        }
        if (at === begin || count === SCANNED_NUMBERS || value > Number.MAX_SAFE_INTEGER) return undefined;
        numbers[filled + count] = value;
        count += 1;
      } while (line[at] === COMMA);
      if (line[at] !== CLOSE || count < SCANNED_NUMBERS - 1) return undefined;
      filled += SCANNED_NUMBERS;
      const next = line[at + 1];
      if (next === CLOSE) return { numbers: this.#numbers.subarray(0, filled), end: at + 2 };
      if (next !== COMMA) return undefined;
      at += 2;
    }
    return undefined;
  }

  #grow(): void {
    const larger = new Float64Array(this.#numbers.length * 2);
    larger.set(this.#numbers);
    this.#numbers = larger;
  }
}

/** Bytes of a name, and of its text with quotes and a comma. */
const [HASH_BYTES, QUOTED_BYTES] = [32, 67];

/**
 * Reads `["<64 hex digits>","<64 hex digits>"]` from `start` in a manifest's line on, 32 bytes each. Undefined for anything else.
 */
export function scanHashes(line: Buffer, start: number): { readonly hashes: Buffer; readonly end: number } | undefined {
  const close = line.indexOf(CLOSE, start);
  const count = (close - start) / QUOTED_BYTES;
  if (line[start] !== OPEN || close < 0 || count < 1 || !Number.isInteger(count)) return undefined;
  const hashes = Buffer.allocUnsafe(count * HASH_BYTES);
  for (let n = 0, at = start + 1; n < count; n += 1, at += QUOTED_BYTES) {
    const isLast = n === count - 1;
    if (line[at] !== QUOTE || line[at + QUOTED_BYTES - 2] !== QUOTE || line[at + QUOTED_BYTES - 1] !== (isLast ? CLOSE : COMMA))
      return undefined;
    // Fewer bytes are written where something is no hex digit.
    if (hashes.write(line.toString('latin1', at + 1, at + QUOTED_BYTES - 2), n * HASH_BYTES, 'hex') !== HASH_BYTES) return undefined;
  }
  return { hashes, end: close + 1 };
}
