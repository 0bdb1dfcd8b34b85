import { open, rename, rm } from 'node:fs/promises';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { parseSegmentName, walFileOf, type WalFile } from '../../postgres/segment.ts';
import { listGaps } from '../../repository/gap-record.ts';
import { gapKey } from '../../repository/layout.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { findClusterToRead, inspectLineage, readLineage, type LineageContents } from '../lineage-inspect.ts';
import { readSegmentAlong, type SourceSegment } from '../restore/wal-source.ts';

export type GetResult = 'fetched' | 'absent';

/** A WAL file as recovery wants it. */
export interface FetchedWal {
  readonly bytes: Buffer;
  /** Of a segment: it stays the same for ever. */
  readonly isWhole: boolean;
  /** How much of `bytes` is stored; the rest of an open segment are zeros. */
  readonly storedBytes: number;
}

/** Where WAL comes from. */
export interface WalSource {
  readonly repository: Repository;
  readonly clusterName: string;
  readonly systemIdentifier: string | undefined;
}

/** A whole segment, or undefined when the repository has it not: which proves nothing. */
export async function fetchSegment(source: WalSource, name: string): Promise<Buffer | undefined> {
  const cluster = await findClusterToRead(source.repository, source.clusterName, source.systemIdentifier);
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
  // A restore_command with %p and %f in each other's place asks for it: as absent it would end recovery at the first segment.
  if (kind === undefined) {
    throw new DbadminError('wal-name-invalid', `"${name}" is not a WAL file`, {
      hint: 'Recovery asks for segments and timeline histories by their names alone: give wal get the %f of restore_command, then its %p.',
    });
  }
  if (kind.kind === 'segment') {
    const whole = await fetchSegment(source, name);
    if (whole !== undefined) return wholeSegment(whole);
  }
  const contents = await inspectLineage(source.repository, source.clusterName, source.systemIdentifier);
  if (kind.kind === 'segment') return await segment(source.repository, contents, name);
  const bytes = await fetchOther(contents, kind, name);
  return bytes && { bytes, isWhole: false, storedBytes: bytes.byteLength };
}

function wholeSegment(bytes: Buffer): FetchedWal {
  return { bytes, isWhole: true, storedBytes: bytes.byteLength };
}

async function fetchOther(
  contents: LineageContents,
  kind: Exclude<WalFile, { kind: 'segment' }>,
  name: string,
): Promise<Buffer | undefined> {
  switch (kind.kind) {
    case 'history':
      return await history(contents, name);
    case 'partial':
      return await contents.archive.readPartial(kind.segment);
    case 'backup-history':
      return await contents.archive.readBackupHistory(name);
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

async function segment(repository: Repository, contents: LineageContents, name: string): Promise<FetchedWal | undefined> {
  const { archive, coverage } = contents;
  const { timeline, startLsn } = parseSegmentName(name, archive.segmentBytes);
  const found = await readOwnOrAncestors(contents, timeline, startLsn);
  if (found?.filledBytes === archive.segmentBytes) return wholeSegment(found.bytes);
  const filledLsn = startLsn + BigInt(found?.filledBytes ?? 0);
  const hole =
    findHole(coverage, timeline, startLsn) ??
    (await findLoss(repository, contents, timeline, startLsn)) ??
    (await findPassed(contents, timeline, startLsn, filledLsn));
  if (hole !== undefined) {
    // It may have come since the first look.
    const whole = await archive.readSegment(name);
    if (whole !== undefined) return wholeSegment(whole);
    throw new DbadminError('wal-missing', `WAL segment ${name} is not in the archive, and ${hole}`, {
      detail: 'This is a hole and not the end: recovery past it is impossible.',
      hint: 'See dbadmin backup info; another repository may have it.',
    });
  }
  if (found !== undefined) return { bytes: found.bytes, isWhole: false, storedBytes: found.filledBytes };
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

/**
 * What is stored of a segment. The one in which a timeline begins has its ancestors' bytes up to there: a server to which it is
 * absent, or shorter than theirs, would take theirs instead, whole, and replay what the timeline left behind.
 */
async function readOwnOrAncestors(
  contents: LineageContents,
  timeline: number,
  startLsn: bigint,
): Promise<Pick<SourceSegment, 'bytes' | 'filledBytes'> | undefined> {
  const { archive } = contents;
  const lineage = contents.coverage.histories.has(timeline) ? await readLineage(contents, timeline) : { timeline, history: [] };
  const began = lineage.history.at(-1)?.switchLsn ?? 0n;
  // Before that there is none of it.
  return began < startLsn + BigInt(archive.segmentBytes) ? await readSegmentAlong(archive, lineage, startLsn) : undefined;
}

function findHole(coverage: WalCoverage, timeline: number, startLsn: bigint): string | undefined {
  const there = coverage.timelines.get(timeline);
  const isLater =
    there?.runs.some((run) => run.startLsn > startLsn) === true || there?.open.some((each) => each.startLsn > startLsn) === true;
  return isLater ? 'later segments are' : undefined;
}

/** What else shows that there was more WAL: a timeline that was left only later, or a gap that was recorded. */
async function findLoss(
  repository: Repository,
  { cluster, archive, coverage }: LineageContents,
  timeline: number,
  startLsn: bigint,
): Promise<string | undefined> {
  const endLsn = startLsn + BigInt(archive.segmentBytes);
  const gaps = await listGaps(repository, cluster.systemIdentifier);
  const gap = gaps.find((each) => each.timeline === timeline && each.fromLsn < endLsn && startLsn < each.toLsn);
  if (gap !== undefined && gap.noticedAt !== null) return `the server had removed it when it was asked for (noticed ${gap.noticedAt})`;
  // All that is known is the name of an object, which anybody may have put there.
  if (gap !== undefined)
    return `a record says that it was lost, and not when (${gapKey(cluster.systemIdentifier, timeline, gap.fromLsn, gap.toLsn)})`;
  for (const later of [...coverage.histories].filter((each) => each > timeline)) {
    // Where even the WAL stored of it reaches back to here, it left this one no later, whatever its history says. Else a damaged one hides whether
    // this is the end, and recovery must not stop here as if it were.
    if (reachesBackTo(coverage, later, startLsn)) continue;
    const left = (await archive.readAncestors(later))?.find((each) => each.timeline === timeline)?.switchLsn;
    // Where it was left in mid segment, the later timeline has the segment.
    if (left !== undefined && endLsn <= left) return `timeline ${later} goes on from ${formatLsn(left)} of this one`;
  }
  return undefined;
}

/**
 * What shows that the server's WAL went on behind `filledLsn`, up to where this segment is stored: all of it was here once up to a horizon,
 * and a backup was taken behind it. Not where the timeline was left in this segment or before: recovery along the later one looks for
 * every segment on this one too, and there its end has to be one, however far the old server went on.
 */
async function findPassed(
  { archive, coverage, backups }: LineageContents,
  timeline: number,
  startLsn: bigint,
  filledLsn: bigint,
): Promise<string | undefined> {
  const horizon = coverage.timelines.get(timeline)?.horizon;
  const later = backups.find((backup) => backup.stopTimeline === timeline && parseLsn(backup.stopLsn) > filledLsn);
  const isHorizon = horizon !== undefined && horizon.lsn > filledLsn;
  if (!isHorizon && later === undefined) return undefined;
  const endLsn = startLsn + BigInt(archive.segmentBytes);
  for (const each of new Set([...coverage.histories, ...coverage.timelines.keys()])) {
    if (each <= timeline) continue;
    if (reachesBackTo(coverage, each, startLsn)) return undefined;
    const left = (await archive.readAncestors(each))?.find((ancestor) => ancestor.timeline === timeline)?.switchLsn;
    if (left !== undefined && left < endLsn) return undefined;
  }
  return isHorizon
    ? `all WAL before ${formatLsn(horizon.lsn)} was here on ${horizon.at.toISOString()}`
    : later && `backup ${later.label} needs WAL up to ${later.stopLsn}`;
}

function reachesBackTo({ timelines }: WalCoverage, timeline: number, lsn: bigint): boolean {
  const there = timelines.get(timeline);
  return [...(there?.runs ?? []), ...(there?.open ?? [])].some((stored) => stored.startLsn <= lsn);
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
    // Below a file this fails as well, and would hide why.
    await rm(beside, { force: true }).catch(() => undefined);
    throw new DbadminError(systemCodeOf(error) === 'ENOSPC' ? 'storage-full' : 'file-unwritable', `cannot write ${target}`, {
      detail: messageOf(error),
      cause: error,
    });
  }
}
