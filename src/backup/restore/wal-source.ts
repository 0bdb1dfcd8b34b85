import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import { segmentName } from '../../postgres/segment.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import type { Lineage } from './recover-along.ts';

/** A segment as recovery asks for it, from the archive: padded with zeros when only parts are stored. */
export interface SourceSegment {
  readonly name: string;
  readonly startLsn: bigint;
  /** Always the whole segment's size. */
  readonly bytes: Buffer;
  /** How many of the bytes are WAL; less than all for the open segment. */
  readonly filledBytes: number;
  /** Names that recovery would try before this one and that do not exist: newer timelines without their copy of it. */
  readonly absentNames: readonly string[];
}

/**
 * The segments from the one that holds `fromLsn` up to the one before `untilLsn`, along a lineage, in order.
 *
 * Each is taken from the newest timeline that has begun by it, as recovery does.
 *
 * @throws {DbadminError} `wal-missing` naming the first segment that no timeline has.
 */
export async function* readSegments(
  archive: WalArchive,
  lineage: Lineage,
  fromLsn: bigint,
  untilLsn: bigint,
): AsyncGenerator<SourceSegment> {
  const size = BigInt(archive.segmentBytes);
  for (let startLsn = fromLsn - (fromLsn % size); startLsn < untilLsn; startLsn += size) yield await readOne(archive, lineage, startLsn);
}

async function readOne(archive: WalArchive, lineage: Lineage, startLsn: bigint): Promise<SourceSegment> {
  const absentNames: string[] = [];
  for (const timeline of timelinesAt(lineage, startLsn, archive.segmentBytes)) {
    const name = segmentName(timeline, startLsn, archive.segmentBytes);
    const stored = await archive.readStored(name);
    if (stored !== undefined) {
      const filledBytes = stored.byteLength;
      if (filledBytes === archive.segmentBytes) return { name, startLsn, bytes: stored, filledBytes, absentNames };
      const bytes = Buffer.alloc(archive.segmentBytes);
      bytes.set(stored);
      return { name, startLsn, bytes, filledBytes, absentNames };
    }
    absentNames.push(name);
  }
  throw new DbadminError('wal-missing', `WAL segment ${absentNames[0] ?? formatLsn(startLsn)} is not in the repository`, {
    hint: 'See dbadmin backup info for what can be restored, or name another repository with --repository.',
  });
}

/** The timelines on which the segment at `startLsn` may lie, newest first. */
export function timelinesAt(lineage: Lineage, startLsn: bigint, segmentBytes: number): readonly number[] {
  const begun: number[] = [];
  let beganAt = 0n;
  for (const { timeline, switchLsn } of lineage.history) {
    if (beganAt < startLsn + BigInt(segmentBytes)) begun.unshift(timeline);
    beganAt = switchLsn;
  }
  if (beganAt < startLsn + BigInt(segmentBytes)) begun.unshift(lineage.timeline);
  // An ancestor left before this segment has nothing to say of it.
  return begun.filter((timeline) => {
    const left = lineage.history.find((each) => each.timeline === timeline)?.switchLsn;
    return left === undefined || left > startLsn;
  });
}

/** The newest timeline that anything in the repository is of. */
export function newestTimeline(coverage: WalCoverage, backupTimelines: readonly number[]): number {
  return Math.max(1, ...coverage.timelines.keys(), ...coverage.histories, ...backupTimelines);
}
