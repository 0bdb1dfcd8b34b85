import { open, rename, rm } from 'node:fs/promises';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { isHistoryName, isSegmentName, parseSegmentName } from '../../postgres/segment.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import type { LineageContents } from '../lineage-inspect.ts';

export type GetResult = 'fetched' | 'absent';

/**
 * Fetches a segment or history file for recovery to `target`, whole or not at all.
 *
 * `absent` means proven: the repository answered, and nothing in it shows that the file should exist. The open segment
 * is given padded with zeros, when it is the last thing there is.
 *
 * @throws {DbadminError} `wal-missing` for a hole; storage failures; `repository-damaged`; `wal-name-invalid`.
 */
export async function getWalFile(contents: LineageContents, name: string, target: string): Promise<GetResult> {
  const bytes = isHistoryName(name) ? await history(contents, name) : isSegmentName(name) ? await segment(contents, name) : undefined;
  // backup labels (….backup) and ….partial files are never kept: recovery asks for them only in passing.
  if (bytes === undefined) return 'absent';
  await writeWhole(target, bytes);
  return 'fetched';
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
  const whole = await archive.readSegment(name);
  if (whole !== undefined) return whole;
  const { timeline, startLsn } = parseSegmentName(name, archive.segmentBytes);
  refuseHole(coverage, timeline, startLsn, name);
  const parts = await archive.readParts(name);
  if (parts !== undefined) {
    const padded = Buffer.alloc(archive.segmentBytes);
    padded.set(parts);
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
async function writeWhole(target: string, bytes: Buffer): Promise<void> {
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
