import { segmentName } from '../../src/postgres/segment.ts';

/** Small segments of a cluster that exists in tests only. */
export const SYSTEM = '7710407255717780657';
export const SEGMENT_BYTES = 1024 * 1024;

export const startOf = (n: number): bigint => BigInt(n) * BigInt(SEGMENT_BYTES);
export const nameOf = (n: number, timeline = 1): string => segmentName(timeline, startOf(n), SEGMENT_BYTES);

/** Segment `n`, whose first page says that it is one; the rest is filled with `n`. */
export function contentOf(n: number): Buffer {
  const bytes = Buffer.alloc(SEGMENT_BYTES, n);
  bytes.fill(0, 0, 40);
  bytes.writeUInt16LE(0xd118, 0);
  bytes.writeUInt16LE(2, 2);
  bytes.writeBigUInt64LE(startOf(n), 8);
  bytes.writeBigUInt64LE(BigInt(SYSTEM), 24);
  return bytes;
}
