import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { readWalRecords, type RecordSieve, type WalRecord } from '../../postgres/wal-reader.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { Lineage } from './recover-along.ts';
import { readSegments } from './wal-source.ts';

const READ_AHEAD_LIMIT_BYTES = 64 * 1024 * 1024;

/** A stretch of stored WAL that is to be read along a lineage. */
export interface StoredStretch {
  readonly archive: WalArchive;
  readonly lineage: Lineage;
  readonly major: number;
  readonly fromLsn: bigint;
  /** The byte after the last that is there. */
  readonly untilLsn: bigint;
}

/**
 * The records of a stretch of stored WAL that begin within it and pass the sieve, in WAL order.
 *
 * Segments are read ahead, and were checked by their hash when they were read; only the last, whose end need not be the
 * end of valid WAL, is checked record by record.
 *
 * @throws {DbadminError} `wal-missing`, and `wal-invalid` where valid WAL breaks off before the last segment: a recovery would end there, silently.
 */
export async function* readStoredRecords(stretch: StoredStretch, wants: RecordSieve): AsyncGenerator<WalRecord> {
  const { archive, lineage, major, fromLsn, untilLsn } = stretch;
  const size = BigInt(archive.segmentBytes);
  const startLsn = fromLsn - (fromLsn % size);
  const lastSegment = ((untilLsn - 1n) / size) * size;
  let validUntil = untilLsn;
  const options = {
    startLsn,
    segmentBytes: archive.segmentBytes,
    major,
    wants,
    trustedUntilLsn: lastSegment,
    onEnd: (lsn: bigint) => void (validUntil = lsn),
  };
  for await (const record of readWalRecords(segmentBytes(archive, lineage, startLsn, untilLsn), options)) {
    if (record.lsn >= untilLsn) return;
    if (record.lsn >= fromLsn) yield record;
  }
  if (validUntil >= lastSegment) return;
  throw new DbadminError('wal-invalid', `the stored WAL is not valid from ${formatLsn(validUntil)} on`, {
    detail: `It should go on to ${formatLsn(untilLsn)}; a recovery would end where it breaks off.`,
    hint: 'Restore to a moment before, or from another repository.',
  });
}

async function* segmentBytes(archive: WalArchive, lineage: Lineage, startLsn: bigint, untilLsn: bigint): AsyncGenerator<Buffer> {
  const segments = readSegments(archive, lineage, startLsn, untilLsn);
  if (archive.segmentBytes > READ_AHEAD_LIMIT_BYTES) {
    for await (const { bytes, filledBytes } of segments) yield bytes.subarray(0, filledBytes);
    return;
  }
  let next = segments.next();
  for (;;) {
    const { done, value } = await next;
    if (done === true) return;
    next = segments.next();
    // Whoever stops reading does not wait for it; whoever goes on sees its failure at the next turn.
    next.catch(() => undefined);
    yield value.bytes.subarray(0, value.filledBytes);
  }
}
