import { parseLsn } from '../../postgres/lsn.ts';
import type { BackupSummary } from '../../repository/manifest.ts';

/** WAL that could not be copied: a segment, or what is stored of an open one. */
export interface LostWal {
  readonly segment: string;
  readonly timeline: number;
  readonly startLsn: bigint;
  readonly endLsn: bigint;
}

/** Of the WAL that could not be copied, what a backup needs to be consistent: without it the backup cannot be restored at all. */
export function lostOfBackup(
  { startLsn, stopLsn, startTimeline, stopTimeline }: BackupSummary,
  lost: readonly LostWal[],
): LostWal | undefined {
  const [start, stop] = [parseLsn(startLsn), parseLsn(stopLsn)];
  return lost.find(
    (each) => each.timeline >= startTimeline && each.timeline <= stopTimeline && each.endLsn > start && each.startLsn < stop,
  );
}
