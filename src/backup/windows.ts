import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import type { BackupSummary } from '../repository/manifest.ts';
import type { WalCoverage } from '../repository/wal-coverage.ts';
import { recoverableUntil, type Lineage } from './restore/recover-along.ts';

/** What one backup can be recovered to along a lineage. */
export interface RecoverableWindow {
  readonly backup: string;
  readonly timeline: number;
  readonly fromLsn: string;
  readonly toLsn: string;
  /** When the backup ended, by the tool's clock, ISO 8601. */
  readonly from: string;
  /** The last moment that the WAL is known to cover without a hole, by the server's clock; null when nothing tells. */
  readonly to: string | null;
}

export interface WalGap {
  readonly timeline: number;
  readonly fromLsn: string;
  readonly toLsn: string;
}

/** The stretches that can be restored, a window per backup that serves. Damaged backups give none. */
export function recoverableWindows(
  backups: readonly BackupSummary[],
  lineage: Lineage,
  coverage: WalCoverage,
): readonly RecoverableWindow[] {
  const horizon = coverage.timelines.get(lineage.timeline)?.horizon;
  return backups.flatMap((backup) => {
    const reach = backup.damage === null ? recoverableUntil(backup, lineage, coverage) : undefined;
    if (reach === undefined) return [];
    const covers =
      horizon !== undefined && parseLsn(backup.stopLsn) <= horizon.lsn && horizon.lsn <= reach && horizon.at > new Date(backup.finishedAt);
    return [
      {
        backup: backup.label,
        timeline: lineage.timeline,
        fromLsn: backup.stopLsn,
        toLsn: formatLsn(reach),
        from: backup.finishedAt,
        to: covers ? horizon.at.toISOString() : reach === parseLsn(backup.stopLsn) ? backup.finishedAt : null,
      },
    ];
  });
}

/** A stretch of moments, each of which can be restored: from the oldest backup in it to where its WAL ends. */
export interface RecoverableStretch {
  readonly from: string;
  readonly to: string | null;
  readonly toLsn: string;
}

/** Windows that end at the same place are one stretch; two stretches have something between them that cannot be restored. */
export function recoverableStretches(windows: readonly RecoverableWindow[]): readonly RecoverableStretch[] {
  const stretches = new Map<string, RecoverableStretch>();
  for (const { from, to, toLsn } of windows) {
    const known = stretches.get(toLsn);
    stretches.set(toLsn, { from: known?.from ?? from, to: to ?? known?.to ?? null, toLsn });
  }
  return [...stretches.values()];
}

/** Holes between stored segments: WAL that is missing although later WAL is there. */
export function walGaps(coverage: WalCoverage): readonly WalGap[] {
  return [...coverage.timelines].flatMap(([timeline, { runs }]) =>
    runs.slice(1).map((run, index) => ({ timeline, fromLsn: formatLsn(runs[index]?.endLsn ?? 0n), toLsn: formatLsn(run.startLsn) })),
  );
}
