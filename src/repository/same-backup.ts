import type { BackupSummary } from './manifest.ts';

/**
 * Whether two repositories hold one backup: the same run of the same cluster, whether it was taken into both or copied.
 *
 * A label does not say so. It is the second of the start, and two runs that begin in one second, each into a repository of
 * its own, give two backups one label. Their starts differ: no two backups of a primary begin at the same position, and those
 * of a standby, which may, do not begin in the same millisecond.
 */
export function isSameBackup(a: BackupSummary, b: BackupSummary): boolean {
  return (
    a.label === b.label &&
    a.systemIdentifier === b.systemIdentifier &&
    a.startedAt === b.startedAt &&
    a.startLsn === b.startLsn &&
    a.stopLsn === b.stopLsn &&
    a.startTimeline === b.startTimeline &&
    a.stopTimeline === b.stopTimeline
  );
}
