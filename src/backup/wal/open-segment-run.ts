import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { parseSegmentName } from '../../postgres/segment.ts';
import { WAL_PAGE_BYTES } from '../../postgres/wal-page.ts';
import { readWalRecords } from '../../postgres/wal-reader.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import type { WalArchive, WalTimes } from '../../repository/wal-archive.ts';
import { majorOf } from './segment-header.ts';

/** The header of a segment's first page. */
const LONG_HEADER_BYTES = 40;
/** The header of any other page. */
const SHORT_HEADER_BYTES = 24;
/** Records begin at multiples of this, with their length. */
const ALIGNED_BYTES = 8;
const LENGTH_BYTES = 4;
const ZEROS = Buffer.alloc(WAL_PAGE_BYTES);

/**
 * What is written of a segment that its server goes on with, though the file has zeros up to a segment's length; undefined of a whole one.
 *
 * A restore that reaches the end of the WAL is given the open segment so. With `archive_mode = always` PostgreSQL archives whatever it was
 * given, as if it were whole: a standby whose restore_command is `wal get` does, for one. A whole segment has records up to its last page, or
 * ends with the record of a switch.
 */
export async function writtenOfOpen(
  segment: string,
  bytes: Buffer,
  cluster: Pick<ClusterIdentity, 'walSegmentBytes' | 'serverVersion'>,
): Promise<Buffer | undefined> {
  const { walSegmentBytes } = cluster;
  if (bytes.byteLength !== walSegmentBytes || !isZero(bytes, walSegmentBytes - WAL_PAGE_BYTES)) return undefined;
  const { startLsn } = parseSegmentName(segment, walSegmentBytes);
  let validUntil = startLsn;
  const source = (async function* () {
    yield await Promise.resolve(bytes);
  })();
  const options = {
    startLsn,
    segmentBytes: walSegmentBytes,
    major: majorOf(cluster),
    wants: () => false,
    onEnd: (lsn: bigint) => void (validUntil = lsn),
  };
  try {
    for await (const _ of readWalRecords(source, options));
  } catch (error) {
    // What it is then, is said where it is stored.
    if (isDbadminError(error)) return undefined;
    throw error;
  }
  const written = Number(validUntil - startLsn);
  if (written <= LONG_HEADER_BYTES || written >= walSegmentBytes || !isZero(bytes, endOfCut(bytes, written))) return undefined;
  return bytes.subarray(0, written);
}

/**
 * Up to where the record reaches that begins behind what was written whole, if one does: it may have been cut anywhere. More than that
 * behind it is no end, but a record that is damaged.
 */
function endOfCut(bytes: Buffer, written: number): number {
  let at = Math.ceil(written / ALIGNED_BYTES) * ALIGNED_BYTES;
  if (at % WAL_PAGE_BYTES === 0) at += SHORT_HEADER_BYTES;
  const recordBytes = at + LENGTH_BYTES <= bytes.byteLength ? bytes.readUInt32LE(at) : 0;
  // Of its length, too, there may be a part only.
  for (let left = Math.max(recordBytes, LENGTH_BYTES); left > 0;) {
    const onPage = Math.min(left, WAL_PAGE_BYTES - (at % WAL_PAGE_BYTES));
    left -= onPage;
    at += onPage;
    if (left > 0) at += SHORT_HEADER_BYTES;
  }
  return at;
}

function isZero(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.byteLength; at += ZEROS.byteLength) {
    const piece = bytes.subarray(at, at + ZEROS.byteLength);
    if (!piece.equals(ZEROS.subarray(0, piece.byteLength))) return false;
  }
  return true;
}

/**
 * Stores what is written of an open segment where the repository has less of it, as a part: who goes on in that segment will bring the whole.
 *
 * @throws {DbadminError} `wal-conflict` where the repository has other content.
 */
export async function putOpen(
  archive: WalArchive,
  segment: string,
  written: Buffer,
  { receivedAt }: WalTimes,
): Promise<'stored' | 'present'> {
  const stored = await archive.readStored(segment);
  const common = Math.min(stored?.byteLength ?? 0, written.byteLength);
  if (stored !== undefined && !stored.subarray(0, common).equals(written.subarray(0, common))) {
    throw new DbadminError('wal-conflict', `of WAL segment ${segment} the archive has other content`, {
      detail: `What is offered ends within the segment, after ${written.byteLength} bytes, and those that are archived differ.`,
      hint: 'Two clusters with the same system identifier write to this repository, or one was restored without a new timeline. What is archived was kept.',
    });
  }
  if (common === written.byteLength) return 'present';
  // Its server may have flushed more by any time: nothing is proven of that.
  await archive.putPart(segment, common, written.subarray(common), { receivedAt, coveredUntil: undefined });
  return 'stored';
}
