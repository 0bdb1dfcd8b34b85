import { parseLsn } from '../../postgres/lsn.ts';
import { historyName, parseSegmentName, segmentName } from '../../postgres/segment.ts';
import type { ClusterIdentity } from '../../repository/identity.ts';
import { historyKey, walKey } from '../../repository/layout.ts';
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
}

/**
 * Copies the WAL that the destination's backups can be recovered with and that it has not got: whole segments, each checked
 * as it is read; the open ones as far as they reach; every history file; and when all is there, up to when it is known to be complete.
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
  await copyHorizons(target, has, await readCoverage(to, systemIdentifier, walSegmentBytes));
  return { copied: { segments, parts, histories }, lost };
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
