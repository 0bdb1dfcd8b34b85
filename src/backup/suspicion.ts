import { parseLsn } from '../postgres/lsn.ts';
import type { AuditFinding } from '../repository/audit-findings.ts';
import { differingPages, mismatchCount, whoIsWrong, type DifferingPages } from '../repository/differing-pages.ts';
import type { BackupSummary } from '../repository/manifest.ts';
import { unjudgedAudits, type UnjudgedAudit } from '../repository/unjudged-pages.ts';

/** A mismatch that nobody has looked into: either the backup that was audited has pages wrong, or those that it was compared with. */
export interface Mismatch extends DifferingPages {
  /** Label of the backup whose audit found it. */
  readonly audit: string;
  readonly comparedWith: string;
  /** Labels of those that share what was compared: from the full backup before, or another that was audited so, up to `comparedWith`. */
  readonly earlier: readonly string[];
  /** Labels of those that hold what the audited one holds: built on it, or read after it from the same cluster. */
  readonly later: readonly string[];
}

/** Why a backup is not to be relied on. Neither side of a mismatch is proven until somebody has looked. */
export interface Suspicion extends DifferingPages {
  readonly audit: string;
  /** `wrong`: somebody looked, and says that this one has the pages wrong. */
  readonly kind: 'earlier' | 'audited' | 'later' | 'wrong';
  /** What was found, of `wrong`. */
  readonly reason: string | null;
}

export interface Suspicions {
  /** By position. */
  readonly open: readonly Mismatch[];
  readonly byLabel: ReadonlyMap<string, Suspicion>;
  /** Pages that nobody could judge: they make nothing suspect, and are told of. */
  readonly unjudged: readonly UnjudgedAudit[];
}

export const NO_SUSPICIONS: Suspicions = { open: [], byLabel: new Map(), unjudged: [] };

/** Which backups audits cast doubt on, as far as nobody found out more. Pure; `backups` by timeline and LSN. */
export function suspicionsOf(backups: readonly BackupSummary[], findings: readonly AuditFinding[]): Suspicions {
  const known = new Map(backups.map((backup) => [backup.label, backup]));
  const byLabel = new Map<string, Suspicion>();
  for (const finding of findings) {
    const { label: audit, reason } = finding;
    const of = { audit, ...differingPages(known.get(audit)?.audit, known) };
    for (const label of wrongBy(finding, backups)) byLabel.set(label, { ...of, kind: 'wrong', reason });
  }
  const found = new Set(findings.map(({ label }) => label));
  const open = mismatchesOf(backups).filter(({ audit }) => !found.has(audit));
  const cast = (labels: readonly string[], kind: Suspicion['kind'], { audit, pages, emptied, isClusterWrong }: Mismatch): void => {
    for (const label of labels) if (!byLabel.has(label)) byLabel.set(label, { audit, pages, emptied, isClusterWrong, kind, reason: null });
  };
  for (const mismatch of open) {
    cast([mismatch.audit], 'audited', mismatch);
    cast(mismatch.earlier, 'earlier', mismatch);
  }
  for (const mismatch of open) cast(mismatch.later, 'later', mismatch);
  return { open, byLabel, unjudged: unjudgedAudits(backups, findings) };
}

/**
 * All mismatches that audits reported, whatever was found out since. Where the server itself found damaged pages, those are what
 * differs: that one is known to be wrong, nothing is built on it, and the next one is compared with the same as it was.
 */
export function mismatchesOf(backups: readonly BackupSummary[]): readonly Mismatch[] {
  const known = new Map(backups.map((backup) => [backup.label, backup]));
  return backups.flatMap((audited): Mismatch[] => {
    const { audit, label, damage } = audited;
    const found = differingPages(audit, known);
    if (audit === null || audit === undefined || found.pages === 0 || damage !== null) return [];
    const compared = known.get(audit.comparedWith);
    const root = compared === undefined ? audit.comparedWith : rootOf(compared, known);
    const others = backups.filter((each) => each.label !== label);
    const earlier = others.filter((each) => rootOf(each, known) === root);
    const later = others.filter(
      (each) => !earlier.includes(each) && (rootOf(each, known) === label || isReadAfter(each, beginningOf(audited))),
    );
    return [{ audit: label, comparedWith: audit.comparedWith, ...found, earlier: earlier.map(labelOf), later: later.map(labelOf) }];
  });
}

/**
 * Labels of all that a finding says are wrong: those that it names, and those that nobody could name yet because they were being taken
 * when it was written. Such a one is wrong where it is built on a wrong one; and where the cluster is what is wrong, also where it had
 * the same as a wrong one, and where all of it was read from the cluster between the audited one and the finding.
 */
function wrongBy({ label, sound, wrong: named, began, placedAt }: AuditFinding, backups: readonly BackupSummary[]): ReadonlySet<string> {
  const wrong = new Set(named);
  const audited = backups.find((each) => each.label === label);
  const start = began ?? (audited === undefined ? undefined : beginningOf(audited));
  const hasTheSame = ({ audit }: BackupSummary): boolean =>
    audit !== null && audit !== undefined && mismatchCount(audit) === 0 && wrong.has(audit.comparedWith);
  const isReadMeanwhile = (backup: BackupSummary): boolean =>
    backup.kind === 'full' && start !== undefined && isReadAfter(backup, start) && Date.parse(backup.startedAt) < placedAt.getTime();
  for (let size = -1; size < wrong.size;) {
    size = wrong.size;
    for (const backup of backups) {
      const isBuiltOnWrong = typeof backup.parent === 'string' && wrong.has(backup.parent) && !isRead(backup);
      if (isBuiltOnWrong || (sound === 'earlier' && (hasTheSame(backup) || isReadMeanwhile(backup)))) wrong.add(backup.label);
    }
  }
  return wrong;
}

/** Where the reading of a backup began. */
export function beginningOf({ stopTimeline, startLsn }: BackupSummary): NonNullable<AuditFinding['began']> {
  return { timeline: stopTimeline, lsn: startLsn };
}

/** Whether retention counts a backup and another may be built on it: what was read later is as good as the newest there is. */
export function isTrusted(suspicion: Suspicion | undefined): boolean {
  return suspicion === undefined || suspicion.kind === 'later';
}

/**
 * Whether a backup counts as one to restore from: not damaged, and nobody found out that its pages are wrong. One that an open mismatch
 * casts doubt on does; that is told beside it until somebody has looked.
 */
export function mayServe({ label, damage }: Pick<BackupSummary, 'label' | 'damage'>, { byLabel }: Suspicions): boolean {
  return damage === null && byLabel.get(label)?.kind !== 'wrong';
}

/** A sentence for people. */
export function describeSuspicion(suspicion: Suspicion): string {
  const { kind, audit, pages, reason } = suspicion;
  const of = `${pages} page${pages === 1 ? '' : 's'} that changed without a trace in the WAL`;
  switch (kind) {
    case 'earlier':
      return `The audit of ${audit} found ${of}: ${whoIsWrong(suspicion, 'either that one is wrong or this one is')}.`;
    case 'audited':
      return `Its audit found ${of}: ${whoIsWrong(suspicion, 'either it is wrong or those before it are')}.`;
    case 'later':
      return `It holds what ${audit} holds, whose audit found ${of}: ${whoIsWrong(suspicion, 'either that one is wrong or those before it are')}.`;
    case 'wrong':
      return `It has pages wrong that the audit of ${audit} found: ${reason ?? ''}.`;
    default:
      return kind satisfies never;
  }
}

/** Whether a backup has what the cluster had, and not what it is built on: also an incremental one that found a page of that to differ. */
function isRead({ kind, audit }: BackupSummary): boolean {
  return kind === 'full' || mismatchCount(audit) > 0;
}

/**
 * The full read that a backup's content was pieced together from, or the oldest that is known of. Retention may have let go of what lies
 * between: what was built on that says itself where it began.
 */
export function rootOf(backup: BackupSummary, known: ReadonlyMap<string, BackupSummary>): string {
  let root = backup;
  // As many steps as there are backups: anybody can write manifests that name each other.
  for (let steps = 0; steps <= known.size; steps += 1) {
    if (isRead(root) || root.parent === null || root.parent === undefined) return root.label;
    const parent = known.get(root.parent);
    if (parent === undefined) return root.root ?? root.parent;
    root = parent;
  }
  return backup.label;
}

function isReadAfter({ stopTimeline, startLsn }: BackupSummary, { timeline, lsn }: ReturnType<typeof beginningOf>): boolean {
  return stopTimeline === timeline && parseLsn(startLsn) > parseLsn(lsn);
}

function labelOf({ label }: BackupSummary): string {
  return label;
}
