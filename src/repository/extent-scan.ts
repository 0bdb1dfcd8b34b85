/** Numbers for each extent: offset and length in the file, number of the blob, offset in the blob. */
export const SCANNED_NUMBERS = 4;

const [COMMA, OPEN, CLOSE, ZERO, NINE] = [0x2c, 0x5b, 0x5d, 0x30, 0x39];

/** Extents as numbers, and where in the text their list ends. */
export interface ScannedExtents {
  /** {@link SCANNED_NUMBERS} each. */
  readonly numbers: Float64Array;
  readonly end: number;
}

/**
 * Reads `[[0,8192,0],[8192,8192,1,65536]]` from `start` in a manifest's line on. JSON.parse makes an array of each extent, of
 * which a large file has a hundred thousand: most of its time, and all of the memory that a restore has to spare.
 *
 * Undefined for anything but extents of three or four whole numbers without spaces; JSON.parse may know what it is.
 */
export function scanExtents(text: string, start: number): ScannedExtents | undefined {
  if (text.charCodeAt(start) !== OPEN) return undefined;
  let numbers = new Float64Array(1024 * SCANNED_NUMBERS);
  let filled = 0;
  for (let at = start + 1; text.charCodeAt(at) === OPEN;) {
    if (filled === numbers.length) numbers = grown(numbers);
    let count = 0;
    do {
      at += 1;
      const begin = at;
      let value = 0;
      for (let code = text.charCodeAt(at); code >= ZERO && code <= NINE; code = text.charCodeAt(at)) {
        value = value * 10 + (code - ZERO);
        at += 1;
      }
      if (at === begin || count === SCANNED_NUMBERS || value > Number.MAX_SAFE_INTEGER) return undefined;
      numbers[filled + count] = value;
      count += 1;
    } while (text.charCodeAt(at) === COMMA);
    if (text.charCodeAt(at) !== CLOSE || count < SCANNED_NUMBERS - 1) return undefined;
    filled += SCANNED_NUMBERS;
    const next = text.charCodeAt(at + 1);
    if (next === CLOSE) return { numbers: numbers.subarray(0, filled), end: at + 2 };
    if (next !== COMMA) return undefined;
    at += 2;
  }
  return undefined;
}

function grown(numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(numbers.length * 2);
  larger.set(numbers);
  return larger;
}
