import { open, rename, rm } from 'node:fs/promises';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { parseSegmentName, walFileOf, type WalFile } from '../../postgres/segment.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { findCluster, inspectLineage, type LineageContents } from '../lineage-inspect.ts';

export type GetResult = 'fetched' | 'absent';

/** A WAL file as recovery wants it. Only a whole segment stays the same for ever. */
export interface FetchedWal {
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

/** Where WAL comes from. */
export interface WalSource {
  readonly repository: Repository;
  readonly clusterName: string;
  readonly systemIdentifier: string | undefined;
}

/** A whole segment, or undefined when the repository has it not: which proves nothing. */
export async function fetchSegment(source: WalSource, name: string): Promise<Buffer | undefined> {
  const cluster = await findCluster(source.repository, source.clusterName, source.systemIdentifier);
  return await new WalArchive(source.repository, cluster.systemIdentifier, cluster.walSegmentBytes).readSegment(name);
}

/**
 * A segment, history file or their companions. The open segment is given padded with zeros, when it is the last thing there is.
 *
 * Undefined means proven absent: the repository's identity was read in this call, and nothing in it shows that the file should exist.
 *
 * @throws {DbadminError} `wal-missing` for a hole; storage failures; `repository-damaged`; `wal-name-invalid`.
 */
export async function fetchWal(source: WalSource, name: string): Promise<FetchedWal | undefined> {
  const kind = walFileOf(name);
  if (kind?.kind === 'segment') {
    const whole = await fetchSegment(source, name);
    if (whole !== undefined) return { bytes: whole, isWhole: true };
  }
  const contents = await inspectLineage(source.repository, source.clusterName, source.systemIdentifier);
  const bytes = await fetchOther(contents, kind, name);
  return bytes === undefined ? undefined : { bytes, isWhole: false };
}

async function fetchOther(contents: LineageContents, kind: WalFile | undefined, name: string): Promise<Buffer | undefined> {
  switch (kind?.kind) {
    case 'segment':
      return await segment(contents, name);
    case 'history':
      return await history(contents, name);
    case 'partial':
      return await contents.archive.readPartial(kind.segment);
    case 'backup-history':
      return await contents.archive.readBackupHistory(name);
    case undefined:
      return undefined;
    default:
      return kind satisfies never;
  }
}

async function history(contents: LineageContents, name: string): Promise<Buffer | undefined> {
  const timeline = Number.parseInt(name.slice(0, 8), 16);
  const content = await contents.archive.readHistory(timeline);
  if (content !== undefined) return content;
  const later = [...contents.coverage.histories].some((each) => each > timeline);
  const used = contents.coverage.timelines.has(timeline) && timeline > 1;
  if (!later && !used) return undefined;
  throw new DbadminError('wal-missing', `timeline history ${name} is not in the archive and should be`, {
    detail: used ? `WAL of timeline ${timeline} is there.` : 'The history of a later timeline is there.',
  });
}

async function segment(contents: LineageContents, name: string): Promise<Buffer | undefined> {
  const { archive, coverage } = contents;
  const { timeline, startLsn } = parseSegmentName(name, archive.segmentBytes);
  const stored = await archive.readStored(name);
  if (stored?.byteLength === archive.segmentBytes) return stored;
  refuseHole(coverage, timeline, startLsn, name);
  if (stored !== undefined) {
    const padded = Buffer.alloc(archive.segmentBytes);
    padded.set(stored);
    return padded;
  }
  // A backup needs WAL up to its end: before that, absent cannot be the end of the archive.
  const needing = contents.backups.find(
    (backup) =>
      backup.stopTimeline === timeline &&
      parseLsn(backup.startLsn) < startLsn + BigInt(archive.segmentBytes) &&
      startLsn < parseLsn(backup.stopLsn),
  );
  if (needing !== undefined) {
    throw new DbadminError('wal-missing', `WAL segment ${name} is not in the archive`, { detail: `Backup ${needing.label} needs it.` });
  }
  return undefined;
}

function refuseHole(coverage: WalCoverage, timeline: number, startLsn: bigint, name: string): void {
  const there = coverage.timelines.get(timeline);
  const later =
    there?.runs.some((run) => run.startLsn > startLsn) === true || there?.open.some((each) => each.startLsn > startLsn) === true;
  if (!later) return;
  throw new DbadminError('wal-missing', `WAL segment ${name} is not in the archive, and later segments are`, {
    detail: 'This is a hole and not the end: recovery past it is impossible.',
    hint: 'See dbadmin backup info; another repository may have it.',
  });
}

/** Beside, synced, renamed: recovery never sees half a segment. */
export async function writeWhole(target: string, bytes: Buffer): Promise<void> {
  const beside = `${target}.dbadmin-tmp`;
  try {
    const handle = await open(beside, 'w', 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, target);
  } catch (error) {
    await rm(beside, { force: true });
    throw new DbadminError(systemCodeOf(error) === 'ENOSPC' ? 'storage-full' : 'file-unwritable', `cannot write ${target}`, {
      detail: messageOf(error),
      cause: error,
    });
  }
}
