import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { segmentName } from '../../postgres/segment.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { timelinesAt, type Lineage } from './recover-along.ts';

/** A segment as recovery asks for it, from the archive: padded with zeros behind what there is of it. */
export interface SourceSegment {
  /** On the newest timeline that has begun by its end: the first that recovery asks for. */
  readonly name: string;
  readonly startLsn: bigint;
  /** Always the whole segment's size. */
  readonly bytes: Buffer;
  /** How many of the bytes are WAL of the lineage; less than all for the open segment, and where its timeline was left. */
  readonly filledBytes: number;
}

/**
 * The segments from the one that holds `fromLsn` up to the one before `untilLsn`, along a lineage, in order.
 *
 * @throws {DbadminError} `wal-missing` naming the first segment that no timeline has, or not as far as `untilLsn`.
 */
export async function* readSegments(
  archive: WalArchive,
  lineage: Lineage,
  fromLsn: bigint,
  untilLsn: bigint,
): AsyncGenerator<SourceSegment> {
  const size = BigInt(archive.segmentBytes);
  for (let startLsn = fromLsn - (fromLsn % size); startLsn < untilLsn; startLsn += size) {
    const segment = await readSegmentAlong(archive, lineage, startLsn);
    const neededBytes = untilLsn - startLsn < size ? untilLsn - startLsn : size;
    if (segment === undefined || segment.filledBytes < neededBytes) throw missing(archive, lineage, startLsn, segment);
    yield segment;
  }
}

/**
 * The segment at `startLsn` as a recovery along the lineage replays it; undefined when no timeline has any of it.
 *
 * Where a timeline was left within it, both have the segment, with the same bytes up to there. A receiver that goes over to the
 * next one gets the segment from its beginning again: lost on the way, it leaves less of it there than there was, or nothing. So
 * the copy that goes furthest is taken, whosesoever it is, and up to where its timeline was left. It has the name of the newest:
 * a server that found it under an older one would go on along that, past the switch.
 *
 * @see XLogFileReadAnyTLI in src/backend/access/transam/xlogrecovery.c of PostgreSQL, which looks where a timeline begins and not where it ends
 */
export async function readSegmentAlong(archive: WalArchive, lineage: Lineage, startLsn: bigint): Promise<SourceSegment | undefined> {
  const { segmentBytes } = archive;
  const timelines = timelinesAt(lineage, startLsn, segmentBytes);
  let furthest: Buffer = Buffer.alloc(0);
  for (const { timeline, untilLsn } of timelines) {
    const stored = await archive.readStored(segmentName(timeline, startLsn, segmentBytes));
    const filled = stored?.subarray(0, Number(untilLsn - startLsn));
    if (filled !== undefined && filled.byteLength > furthest.byteLength) furthest = filled;
    if (furthest.byteLength === segmentBytes) break;
  }
  const [newest] = timelines;
  const filledBytes = furthest.byteLength;
  if (newest === undefined || filledBytes === 0) return undefined;
  const bytes = filledBytes === segmentBytes ? furthest : Buffer.alloc(segmentBytes);
  if (bytes !== furthest) bytes.set(furthest);
  return { name: segmentName(newest.timeline, startLsn, segmentBytes), startLsn, bytes, filledBytes };
}

function missing({ segmentBytes }: WalArchive, lineage: Lineage, startLsn: bigint, found: SourceSegment | undefined): DbadminError {
  const [newest] = timelinesAt(lineage, startLsn, segmentBytes);
  const name = newest === undefined ? formatLsn(startLsn) : segmentName(newest.timeline, startLsn, segmentBytes);
  const there = found === undefined ? 'not' : `only up to ${formatLsn(startLsn + BigInt(found.filledBytes))}`;
  return new DbadminError('wal-missing', `WAL segment ${name} is ${there} in the repository`, {
    hint: 'See dbadmin backup info for what can be restored, or name another repository with --repository.',
  });
}

/** The newest timeline that anything in the repository is of. */
export function newestTimeline(coverage: WalCoverage, backupTimelines: readonly number[]): number {
  return Math.max(1, ...coverage.timelines.keys(), ...coverage.histories, ...backupTimelines);
}
