const POLYNOMIAL = 0x82f6_3b78;
const SLICES = 8;

/** `TABLES[s * 256 + b]`: what byte `b` does to the sum when `s` more bytes follow it. */
const TABLES = makeTables();

function makeTables(): Uint32Array {
  const tables = new Uint32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum & 1) === 0 ? sum >>> 1 : (sum >>> 1) ^ POLYNOMIAL;
    tables[byte] = sum >>> 0;
  }
  for (let index = 256; index < SLICES * 256; index += 1) {
    const shorter = tables[index - 256] ?? 0;
    tables[index] = ((shorter >>> 8) ^ (tables[shorter & 0xff] ?? 0)) >>> 0;
  }
  return tables;
}

/**
 * CRC-32C (Castagnoli), which PostgreSQL puts on WAL records, pg_control and manifest entries.
 *
 * `previous` is the result for the bytes before, so that a sum can be taken in pieces. Eight bytes a step.
 */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  const tables = TABLES;
  let sum = ~previous;
  let index = 0;
  const end = bytes.length - (bytes.length % SLICES);
  // The tables and the bytes are never indexed outside: `as number` spares a test in the innermost loop.
  while (index < end) {
    const low =
      sum ^
      ((bytes[index] as number) |
        ((bytes[index + 1] as number) << 8) |
        ((bytes[index + 2] as number) << 16) |
        ((bytes[index + 3] as number) << 24));
    sum =
      (tables[1792 + (low & 0xff)] as number) ^
      (tables[1536 + ((low >>> 8) & 0xff)] as number) ^
      (tables[1280 + ((low >>> 16) & 0xff)] as number) ^
      (tables[1024 + (low >>> 24)] as number) ^
      (tables[768 + (bytes[index + 4] as number)] as number) ^
      (tables[512 + (bytes[index + 5] as number)] as number) ^
      (tables[256 + (bytes[index + 6] as number)] as number) ^
      (tables[bytes[index + 7] as number] as number);
    index += SLICES;
  }
  for (; index < bytes.length; index += 1) sum = (sum >>> 8) ^ (tables[(sum ^ (bytes[index] as number)) & 0xff] as number);
  return ~sum >>> 0;
}
