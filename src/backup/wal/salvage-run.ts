import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { Repository } from '../../repository/repository.ts';
import { checkFirstPage } from '../../repository/first-page.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import { inspectLineage, type LineageContents } from '../lineage-inspect.ts';
import { RecordTimes } from './record-time-inspect.ts';
import { majorOf } from './segment-header.ts';
import { inspectUnstoredWal, oldestBackupLsn, validEndOf, type UnstoredSegment, type UnstoredStretch } from './unstored-inspect.ts';

export interface SalvageRequest {
  /** Where the segments lie. */
  readonly directory: string;
  readonly clusterName: string;
  readonly systemIdentifier: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** What was stored of one stretch of WAL. */
export interface SalvagedStretch {
  readonly timeline: number;
  readonly segments: number;
  /** From where to where it was stored. */
  readonly fromLsn: bigint;
  readonly untilLsn: bigint;
  /** Segments behind a place that cannot be read: of no use to a recovery, and not stored. */
  readonly leftOut: number;
}

/**
 * Stores the WAL that lies in a directory and not in the repository. Histories go first: where the repository has another
 * timeline of the same number, nothing of it may come among that one's segments.
 *
 * Of the segment in which WAL ends, a part is stored and not the whole: should its server be started after all, it will
 * archive that segment with more in it.
 *
 * @throws {DbadminError} `wal-conflict` where the repository has other content, `wal-invalid`, and what the storage says.
 */
export async function salvageWal(repository: Repository, request: SalvageRequest): Promise<readonly SalvagedStretch[]> {
  const contents = await inspectLineage(repository, request.clusterName, request.systemIdentifier);
  const { cluster, coverage, archive } = contents;
  const { directory } = request;
  const unstored = await inspectUnstoredWal({ directory, cluster, coverage, archive, fromLsn: oldestBackupLsn(contents.backups) });
  if (unstored === undefined) return [];
  for (const name of unstored.histories)
    await archive.putHistory(Number.parseInt(name.slice(0, 8), 16), await readFile(path.join(directory, name)));
  const salvaged: SalvagedStretch[] = [];
  for (const stretch of unstored.stretches) salvaged.push(await salvageStretch(stretch, contents, archive, request));
  return salvaged;
}

async function salvageStretch(
  stretch: UnstoredStretch,
  { cluster }: LineageContents,
  archive: WalArchive,
  { clock, signal }: SalvageRequest,
): Promise<SalvagedStretch> {
  const { timeline, segments } = stretch;
  const validUntil = await validEndOf({ cluster }, stretch);
  const useful = segments.filter(({ storedUntil, startLsn }) => storedUntil < validUntil && startLsn < validUntil);
  // No server tells any more until when all is here: its own WAL does.
  const recordTimes = new RecordTimes();
  for (const segment of useful) {
    signal.throwIfAborted();
    const bytes = await readSegment(segment);
    checkFirstPage(bytes, cluster.systemIdentifier, segment.name, cluster.walSegmentBytes);
    await refuseOther(segment, bytes, archive);
    const filled = Math.min(Number(validUntil - segment.startLsn), bytes.byteLength);
    const { startLsn } = segment;
    const beginning = { startLsn, segmentBytes: cluster.walSegmentBytes, major: majorOf(cluster), bytes: bytes.subarray(0, filled) };
    const times = { receivedAt: clock.now(), coveredUntil: await recordTimes.until(beginning) };
    if (filled === bytes.byteLength) {
      await archive.putSegment(segment.name, bytes, times);
      await archive.dropParts(segment.name);
    } else {
      const from = Number(segment.storedUntil - segment.startLsn);
      await archive.putPart(segment.name, from, bytes.subarray(from, filled), times);
    }
  }
  const last = useful.at(-1);
  const endLsn = last === undefined ? validUntil : last.startLsn + BigInt(cluster.walSegmentBytes);
  return {
    timeline,
    segments: useful.length,
    fromLsn: segments[0].storedUntil,
    untilLsn: endLsn < validUntil ? endLsn : validUntil,
    leftOut: segments.length - useful.length,
  };
}

async function readSegment({ name, file }: UnstoredSegment): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new DbadminError('file-unreadable', `WAL segment ${name} cannot be read`, {
      detail: `${file}: ${messageOf(error)}. What is before it is stored.`,
      hint: 'Read it with the means for failing disks, and name a copy of the whole directory with it: what lies before and behind belongs to it.',
      cause: error,
    });
  }
}

/** What is stored of a segment must be its beginning: with another's the parts would be WAL of nobody. */
async function refuseOther({ name, startLsn, storedUntil }: UnstoredSegment, bytes: Buffer, archive: WalArchive): Promise<void> {
  if (storedUntil === startLsn) return;
  const stored = await archive.readParts(name);
  if (stored === undefined || stored.equals(bytes.subarray(0, stored.byteLength))) return;
  throw new DbadminError('wal-conflict', `of WAL segment ${name} the repository has other content`, {
    detail: `It has it to ${formatLsn(storedUntil)}, and the bytes before that differ.`,
    hint: 'Another cluster with the same system identifier wrote it: see dbadmin wal status. Nothing of this segment was stored.',
  });
}
