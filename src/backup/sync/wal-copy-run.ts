import { parseLsn } from '../../postgres/lsn.ts';
import { historyName, parseSegmentName, segmentName, segmentPosition, walFileOf, type SegmentPosition } from '../../postgres/segment.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import { backupHistoryKey, historyKey, partialKey, walKey } from '../../repository/layout.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { provenUntil, WalArchive } from '../../repository/wal-archive.ts';
import { readCoverage, reachFrom, type WalCoverage } from '../../repository/wal-coverage.ts';
import type { LostWal } from './own-wal.ts';
import type { UncopiedList } from './uncopied-run.ts';

const AT_ONCE = 4;

export interface WalCopyOptions {
  readonly from: Repository;
  readonly to: Repository;
  readonly cluster: ClusterIdentity;
  /** Those that the destination will have: WAL from before all of them is not copied. */
  readonly backups: readonly BackupSummary[];
  /** Gets what cannot be read. */
  readonly uncopied: UncopiedList;
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** What was copied. */
export interface CopiedWal {
  readonly segments: number;
  readonly parts: number;
  readonly histories: number;
  /** Files that the server archived beside segments. */
  readonly beside: number;
}

/**
 * Copies the WAL that the destination's backups can be recovered with and that it has not got: whole segments, each checked
 * as it is read; the open ones as far as they reach; every history file; what the server archived beside segments; and when all is there, up to when it is known to be complete.
 * What cannot be read is passed over and told.
 */
export async function copyWal(options: WalCopyOptions): Promise<{ readonly copied: CopiedWal; readonly lost: readonly LostWal[] }> {
  const { from, to, cluster, backups, uncopied, signal } = options;
  const { systemIdentifier, walSegmentBytes } = cluster;
  const [source, target] = [new WalArchive(from, systemIdentifier, walSegmentBytes), new WalArchive(to, systemIdentifier, walSegmentBytes)];
  const [has, had] = [
    await readCoverage(from, systemIdentifier, walSegmentBytes),
    await readCoverage(to, systemIdentifier, walSegmentBytes),
  ];
  let histories = 0;
  for (const timeline of has.histories) {
    if (had.histories.has(timeline)) continue;
    const what = { kind: 'history', name: historyName(timeline), key: historyKey(systemIdentifier, timeline) } as const;
    const content = await uncopied.attempt(what, async () => await source.readHistory(timeline));
    if (content === undefined) continue;
    await target.putHistory(timeline, content);
    histories += 1;
  }
  const missing = missingSegments(has, had, backups);
  const lost: LostWal[] = [];
  let [segments, done] = [0, 0];
  const remaining = missing.values();
  const work = async (): Promise<void> => {
    for (const segment of remaining) {
      signal.throwIfAborted();
      if (await copySegment(segment, { source, target, uncopied, lost, key: walKey(systemIdentifier, segment) })) segments += 1;
      done += 1;
      options.onProgress(done, missing.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const parts = await copyOpen({ source, target, uncopied, lost }, has, had);
  const beside = await copyBeside(missingBeside(has, had, backups), { source, target, uncopied, systemIdentifier, signal });
  await copyHorizons(target, has, await readCoverage(to, systemIdentifier, walSegmentBytes));
  return { copied: { segments, parts, histories, beside }, lost };
}

function missingSegments(has: WalCoverage, had: WalCoverage, backups: readonly BackupSummary[]): readonly string[] {
  const size = BigInt(has.segmentBytes);
  const isNeeded = neededBy(backups, has.segmentBytes);
  const missing: string[] = [];
  for (const [timeline, { runs }] of has.timelines) {
    const present = had.timelines.get(timeline)?.runs ?? [];
    for (const { startLsn, endLsn } of runs) {
      for (let lsn = startLsn; lsn < endLsn; lsn += size) {
        if (isNeeded({ timeline, startLsn: lsn }) && !present.some((run) => run.startLsn <= lsn && lsn < run.endLsn))
          missing.push(segmentName(timeline, lsn, has.segmentBytes));
      }
    }
  }
  return missing;
}

/** No restore asks for them; but the WAL that only an unfinished timeline has is in a `.partial`, and in nothing else that an archiver offers. */
function missingBeside(has: WalCoverage, had: WalCoverage, backups: readonly BackupSummary[]): readonly string[] {
  const isNeeded = neededBy(backups, has.segmentBytes);
  return [...(has.beside ?? [])].filter((name) => {
    const position = segmentPosition(name.slice(0, name.indexOf('.')), has.segmentBytes);
    return position !== undefined && had.beside?.has(name) !== true && isNeeded(position);
  });
}

/** Whether one of the backups may be recovered along a segment. */
function neededBy(backups: readonly BackupSummary[], segmentBytes: number): (segment: SegmentPosition) => boolean {
  const begins = backups.map(({ startTimeline, startLsn }) => ({ startTimeline, startLsn: parseLsn(startLsn) }));
  return ({ timeline, startLsn }) =>
    begins.some((begin) => timeline >= begin.startTimeline && startLsn + BigInt(segmentBytes) > begin.startLsn);
}

interface BesideOptions extends Pick<Archives, 'source' | 'target' | 'uncopied'> {
  readonly systemIdentifier: string;
  readonly signal: AbortSignal;
}

async function copyBeside(
  names: readonly string[],
  { source, target, uncopied, systemIdentifier, signal }: BesideOptions,
): Promise<number> {
  let copied = 0;
  for (const name of names) {
    signal.throwIfAborted();
    const file = walFileOf(name);
    if (file?.kind === 'partial') {
      const { segment } = file;
      const what = { kind: 'wal', name, key: partialKey(systemIdentifier, segment) } as const;
      const bytes = await uncopied.attempt(what, async () => await source.readPartial(segment));
      if (bytes === undefined) continue;
      await target.putPartial(segment, bytes, { receivedAt: new Date(0), coveredUntil: undefined });
    } else {
      const what = { kind: 'history', name, key: backupHistoryKey(systemIdentifier, name) } as const;
      const content = await uncopied.attempt(what, async () => await source.readBackupHistory(name));
      if (content === undefined) continue;
      await target.putBackupHistory(name, content);
    }
    copied += 1;
  }
  return copied;
}

interface Archives {
  readonly source: WalArchive;
  readonly target: WalArchive;
  readonly uncopied: UncopiedList;
  /** Gets what cannot be read. */
  readonly lost: LostWal[];
}

/** Whether it was copied: it may have expired since it was listed, or be damaged. */
async function copySegment(
  segment: string,
  { source, target, uncopied, lost, key }: Archives & { readonly key: string },
): Promise<boolean> {
  const { timeline, startLsn } = parseSegmentName(segment, source.segmentBytes);
  const onNoted = (): unknown => lost.push({ segment, timeline, startLsn, endLsn: startLsn + BigInt(source.segmentBytes) });
  const read = await uncopied.attempt({ kind: 'wal', name: segment, key, onNoted }, async () => {
    const header = await source.readHeader(segment);
    const bytes = await source.readSegment(segment);
    const times = { receivedAt: new Date(header.receivedAt), coveredUntil: provenUntil(header) };
    return bytes === undefined ? undefined : { bytes, times };
  });
  if (read === undefined) return false;
  await target.putSegment(segment, read.bytes, read.times);
  await target.dropParts(segment);
  return true;
}

async function copyOpen({ source, target, uncopied, lost }: Archives, has: WalCoverage, had: WalCoverage): Promise<number> {
  let parts = 0;
  for (const [timeline, { open }] of has.timelines) {
    for (const { segment, startLsn, endLsn } of open) {
      // Of a segment that is there whole nothing is missing: a part beside it would be another object with each run.
      if (had.timelines.get(timeline)?.runs.some((run) => run.startLsn <= startLsn && startLsn < run.endLsn) === true) continue;
      const reached = had.timelines.get(timeline)?.open.find((each) => each.segment === segment)?.endLsn ?? startLsn;
      if (reached >= endLsn) continue;
      const onNoted = (): unknown => lost.push({ segment, timeline, startLsn: reached, endLsn });
      const [already, listed] = [Number(reached - startLsn), Number(endLsn - startLsn)];
      const read = await uncopied.attempt({ kind: 'wal', name: segment, onNoted }, async () => {
        // First the moment: what was flushed by then lies before the end of what was listed, and so of all that comes to it until the rest is read.
        const coveredUntil = await source.readPartMoment(segment, listed);
        const bytes = await source.readParts(segment);
        return bytes === undefined ? undefined : { bytes, coveredUntil };
      });
      if (read === undefined || read.bytes.byteLength <= already) continue;
      const { bytes } = read;
      const coveredUntil = bytes.byteLength < listed ? undefined : read.coveredUntil;
      await target.putPart(segment, already, bytes.subarray(already), { receivedAt: new Date(0), coveredUntil });
      parts += 1;
    }
  }
  return parts;
}

/** A horizon holds only where the WAL before it is there. */
async function copyHorizons(target: WalArchive, has: WalCoverage, now: WalCoverage): Promise<void> {
  for (const [timeline, { horizon }] of has.timelines) {
    const theirs = now.timelines.get(timeline);
    if (horizon === undefined || (theirs?.horizon !== undefined && theirs.horizon.at >= horizon.at)) continue;
    const lastByte = horizon.lsn === 0n ? 0n : horizon.lsn - 1n;
    const reach = reachFrom(theirs, lastByte);
    if (reach !== undefined && reach >= horizon.lsn) await target.putHorizon(timeline, horizon.lsn, horizon.at);
  }
}
