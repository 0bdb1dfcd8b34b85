import { createRequire } from 'node:module';

const native = createRequire(import.meta.url)('@node-rs/crc32') as { crc32c(input: Uint8Array, initial?: number): number };

/**
 * CRC-32C (Castagnoli), which PostgreSQL puts on WAL records, pg_control and manifest entries.
 *
 * `previous` is the result for the bytes before, so that a sum can be taken in pieces.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  return native.crc32c(bytes, previous);
}

const POLYNOMIAL = 0x82f6_3b78;

/** `ZEROS[k][b]`: what 2^k zero bytes after it make of a sum of which only bit `b` is set. */
const ZEROS = makeZeros();

function makeZeros(): readonly Uint32Array<ArrayBuffer>[] {
  // One zero bit shifts the sum by one place and divides by the polynomial; eight of them are a zero byte.
  const oneBit = Uint32Array.from({ length: 32 }, (_, bit) => (bit === 0 ? POLYNOMIAL : (1 << (bit - 1)) >>> 0));
  let power = oneBit;
  for (let doubling = 0; doubling < 3; doubling += 1) power = squared(power);
  const powers = [power];
  for (let k = 1; k < 48; k += 1) {
    power = squared(power);
    powers.push(power);
  }
  return powers;
}

function squared(matrix: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(matrix, (column) => applied(matrix, column));
}

function applied(matrix: Uint32Array, sum: number): number {
  let result = 0;
  for (let bit = 0, rest = sum; rest !== 0; bit += 1, rest >>>= 1) if ((rest & 1) !== 0) result ^= matrix[bit] ?? 0;
  return result >>> 0;
}

/**
 * The CRC-32C of two stretches of bytes one after the other, from the sum of each and the length of the second: content
 * need not be read again, nor in order.
 */
export function joinedCrc32c(first: number, second: number, secondBytes: number): number {
  let shifted = first;
  for (let k = 0, rest = secondBytes; rest > 0 && shifted !== 0; k += 1, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 0) continue;
    const table = (TABLES[k] ??= makeTable(ZEROS[k] ?? new Uint32Array(32)));
    shifted =
      (table[shifted & 0xff] ?? 0) ^
      (table[0x100 | ((shifted >>> 8) & 0xff)] ?? 0) ^
      (table[0x200 | ((shifted >>> 16) & 0xff)] ?? 0) ^
      (table[0x300 | (shifted >>> 24)] ?? 0);
  }
  return (shifted ^ second) >>> 0;
}

/** `TABLES[k][n * 256 + b]`: what `ZEROS[k]` makes of a sum whose byte `n` is `b` and the others 0. A restore asks half a million times. */
const TABLES: Uint32Array[] = [];

function makeTable(matrix: Uint32Array): Uint32Array {
  return Uint32Array.from({ length: 4 * 256 }, (_, at) => applied(matrix, ((at & 0xff) << (8 * (at >>> 8))) >>> 0));
}

/** The CRC-32C of so many zero bytes. */
export function zerosCrc32c(lengthBytes: number): number {
  // A sum begins inverted and ends inverted: what zeros do to the beginning, inverted.
  return ~joinedCrc32c(0xffff_ffff, 0, lengthBytes) >>> 0;
}
