import { compareLsns } from '../../postgres/lsn.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { NONE_BROKEN, type BrokenBackups } from '../broken.ts';
import type { ExpiryInspection } from '../expire/inspect.ts';
import { planExpiry, type StoredBackup } from '../expire/plan.ts';
import type { Retention } from '../expire/retention.ts';

/**
 * Of the backups that a destination has not got, those that its retention would keep: what it would let go at once is not
 * worth copying. `source` is what the source holds; holds there count. `brokenThere` are those of the destination that do not restore
 * whole from it: they take the place of no other there.
 */
export function worthCopying(
  missing: readonly BackupSummary[],
  present: readonly BackupSummary[],
  source: ExpiryInspection,
  retention: Retention,
  brokenThere: BrokenBackups = NONE_BROKEN,
): readonly BackupSummary[] {
  const labels = new Set(present.map(({ label }) => label));
  const theirs = source.backups.filter(({ summary }) => !labels.has(summary.label));
  const ours = present.map((summary) => ({ summary, storedAt: new Date(summary.finishedAt) }));
  const both: StoredBackup[] = [...theirs, ...ours].sort((a, b) => byPosition(a.summary, b.summary));
  // What is broken in the source need not be in the destination.
  const broken = new Map([...[...source.broken].filter(([label]) => !labels.has(label)), ...brokenThere]);
  const stays = new Set(
    planExpiry({ ...source, backups: both, broken }, retention)
      .backups.filter(({ reasons }) => reasons.length > 0)
      .map(({ label }) => label),
  );
  return missing.filter(({ label }) => stays.has(label));
}

function byPosition(a: BackupSummary, b: BackupSummary): number {
  return a.stopTimeline - b.stopTimeline || compareLsns(a.stopLsn, b.stopLsn);
}
