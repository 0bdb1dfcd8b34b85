import type { BackupSummary } from '../repository/manifest.ts';
import { isAhead, momentOf } from '../repository/stored-moment.ts';

/** A backup, and when it ended. */
export interface TimedBackup {
  readonly summary: BackupSummary;
  /** As the tool has it, or when it was stored where the tool's clock was ahead. */
  readonly endedAt: Date;
}

export interface BackupTimes {
  /** By their ends, oldest first. */
  readonly timed: readonly TimedBackup[];
  /** Those of a moment that has not come: nothing tells how old they are. */
  readonly ahead: readonly TimedBackup[];
}

/** When backups ended; `storedAt` by label. */
export function backupTimes(backups: readonly BackupSummary[], storedAt: ReadonlyMap<string, Date>, now: Date): BackupTimes {
  const all = backups.map((summary): TimedBackup => {
    const said = new Date(summary.finishedAt);
    return { summary, endedAt: momentOf(said, storedAt.get(summary.label) ?? said, now) };
  });
  const sorted = all.toSorted((a, b) => a.endedAt.getTime() - b.endedAt.getTime());
  return { timed: sorted.filter(({ endedAt }) => !isAhead(endedAt, now)), ahead: sorted.filter(({ endedAt }) => isAhead(endedAt, now)) };
}
