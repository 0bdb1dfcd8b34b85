import type { BackupSummary } from '../../repository/manifest.ts';
import { isSameBackup } from '../../repository/same-backup.ts';

/** Of the backups that a destination has not got, those that are to be copied. */
export type ChooseBackups = (missing: readonly BackupSummary[], present: readonly BackupSummary[]) => readonly BackupSummary[];

export interface PlanSyncOptions {
  readonly from: readonly BackupSummary[];
  readonly to: readonly BackupSummary[];
  /** Undefined for all. */
  readonly chosen: ChooseBackups | undefined;
}

export interface SyncPlan {
  readonly backups: readonly BackupSummary[];
  /** Missing in the destination and not chosen. */
  readonly left: readonly BackupSummary[];
  /** Chosen, and another backup has their label in the destination. */
  readonly namesakes: readonly BackupSummary[];
}

/**
 * Which backups of one repository go into another, and which that is missing there stay behind.
 *
 * A backup whose label stands for another one in the destination is not copied: under a new label it would have a name in each
 * repository, and a hold, a drill or a person that means the one would get the other.
 */
export function planSync({ from, to, chosen: choose }: PlanSyncOptions): SyncPlan {
  const missing = from.filter((each) => !to.some((other) => isSameBackup(each, other)));
  const chosen = choose === undefined ? missing : choose(missing, to);
  const taken = new Set(to.map(({ label }) => label));
  return {
    backups: chosen.filter(({ label }) => !taken.has(label)),
    left: missing.filter((summary) => !chosen.includes(summary)),
    namesakes: chosen.filter(({ label }) => taken.has(label)),
  };
}

/** The labels that stand for one backup in the source and for another in the destination. */
export function namesakeLabels(from: readonly BackupSummary[], to: readonly BackupSummary[]): ReadonlySet<string> {
  const there = new Map(to.map((summary) => [summary.label, summary]));
  const namesakes = from.filter((each) => {
    const other = there.get(each.label);
    return other !== undefined && !isSameBackup(each, other);
  });
  return new Set(namesakes.map(({ label }) => label));
}

/** Why a backup whose label is taken is not copied, for people. */
export function describeNamesake({ startedAt, startLsn }: BackupSummary): string {
  return `it began at ${startLsn} (${startedAt}), and what has this label in the destination is another backup that began in the same second`;
}
