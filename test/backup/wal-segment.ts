/** A segment as PostgreSQL would write it, as far as its first page's long header goes; `fill` is the rest. */
export function makeSegment(systemIdentifier: bigint, startLsn: bigint, segmentBytes = 1024 * 1024, fill = 0): Buffer {
  const bytes = Buffer.alloc(segmentBytes, fill);
  bytes.writeUInt16LE(0xd116, 0);
  bytes.writeUInt16LE(0x0002, 2);
  bytes.writeUInt32LE(1, 4);
  bytes.writeBigUInt64LE(startLsn, 8);
  bytes.writeBigUInt64LE(systemIdentifier, 24);
  bytes.writeUInt32LE(segmentBytes, 32);
  bytes.writeUInt32LE(8192, 36);
  return bytes;
}
