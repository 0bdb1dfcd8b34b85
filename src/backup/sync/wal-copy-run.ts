import { parseLsn } from '../../postgres/lsn.ts';
import { segmentName } from '../../postgres/segment.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import { readCoverage, reachFrom, type WalCoverage } from '../../repository/wal-coverage.ts';

const AT_ONCE = 4;

export interface WalCopyOptions {
  readonly from: Repository;
  readonly to: Repository;
  readonly cluster: ClusterIdentity;
  /** Those that the destination will have: WAL from before all of them is not copied. */
  readonly backups: readonly BackupSummary[];
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

/** What was copied. */
export interface CopiedWal {
  readonly segments: number;
  readonly parts: number;
  readonly histories: number;
}

/**
 * Copies the WAL that the destination's backups can be recovered with and that it has not got: whole segments, each checked
 * as it is read; the open ones as far as they reach; every history file; and when all is there, up to when it is known to be complete.
 */
export async function copyWal(options: WalCopyOptions): Promise<CopiedWal> {
  const { from, to, cluster, backups, signal } = options;
  const { systemIdentifier, walSegmentBytes } = cluster;
  const [source, target] = [new WalArchive(from, systemIdentifier, walSegmentBytes), new WalArchive(to, systemIdentifier, walSegmentBytes)];
  const [has, had] = [
    await readCoverage(from, systemIdentifier, walSegmentBytes),
    await readCoverage(to, systemIdentifier, walSegmentBytes),
  ];
  let histories = 0;
  for (const timeline of has.histories) {
    if (had.histories.has(timeline)) continue;
    const content = await source.readHistory(timeline);
    if (content !== undefined) await target.putHistory(timeline, content);
    histories += 1;
  }
  const missing = missingSegments(has, had, backups);
  let done = 0;
  const remaining = missing.values();
  const work = async (): Promise<void> => {
    for (const segment of remaining) {
      signal.throwIfAborted();
      await copySegment(source, target, segment);
      done += 1;
      options.onProgress(done, missing.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const parts = await copyOpen(source, target, has, had);
  await copyHorizons(target, has, await readCoverage(to, systemIdentifier, walSegmentBytes));
  return { segments: done, parts, histories };
}

function missingSegments(has: WalCoverage, had: WalCoverage, backups: readonly BackupSummary[]): readonly string[] {
  const size = BigInt(has.segmentBytes);
  const begins = backups.map(({ startTimeline, startLsn }) => ({ startTimeline, startLsn: parseLsn(startLsn) }));
  const missing: string[] = [];
  for (const [timeline, { runs }] of has.timelines) {
    const present = had.timelines.get(timeline)?.runs ?? [];
    for (const { startLsn, endLsn } of runs) {
      for (let lsn = startLsn; lsn < endLsn; lsn += size) {
        const isNeeded = begins.some((begin) => timeline >= begin.startTimeline && lsn + size > begin.startLsn);
        if (isNeeded && !present.some((run) => run.startLsn <= lsn && lsn < run.endLsn))
          missing.push(segmentName(timeline, lsn, has.segmentBytes));
      }
    }
  }
  return missing;
}

async function copySegment(source: WalArchive, target: WalArchive, segment: string): Promise<void> {
  const { receivedAt, coveredUntil } = await source.readHeader(segment);
  const bytes = await source.readSegment(segment);
  // Expired since it was listed.
  if (bytes === undefined) return;
  const times = { receivedAt: new Date(receivedAt), coveredUntil: coveredUntil === null ? undefined : new Date(coveredUntil) };
  await target.putSegment(segment, bytes, times);
  await target.dropParts(segment);
}

async function copyOpen(source: WalArchive, target: WalArchive, has: WalCoverage, had: WalCoverage): Promise<number> {
  let parts = 0;
  for (const [timeline, { open }] of has.timelines) {
    for (const { segment, startLsn, endLsn } of open) {
      const reached = had.timelines.get(timeline)?.open.find((each) => each.segment === segment)?.endLsn ?? startLsn;
      if (reached >= endLsn) continue;
      const bytes = await source.readParts(segment);
      const already = Number(reached - startLsn);
      if (bytes === undefined || bytes.byteLength <= already) continue;
      await target.putPart(segment, already, bytes.subarray(already), { receivedAt: new Date(0), coveredUntil: undefined });
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
