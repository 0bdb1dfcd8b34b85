import type { AuditFinding } from './audit-findings.ts';
import type { AuditReport, BackupSummary, UnjudgedCause, UnjudgedPages } from './manifest.ts';

/** Pages that nobody could judge when a backup was compared with another. */
export interface UnjudgedAudit extends UnjudgedPages {
  /** Label of the backup whose audit could not. */
  readonly audit: string;
  /** Label of the backup that it was compared with, which may have them right. */
  readonly comparedWith: string;
}

/**
 * What audits leave open, in the order of `backups`: of each backup that was compared with one that is still there, and about whose audit nobody has found
 * anything out. The one after it is compared with it, finds the pages as they are there, and says nothing; so what that one says ends nothing.
 */
export function unjudgedAudits(
  backups: readonly Pick<BackupSummary, 'label' | 'audit'>[],
  findings: readonly Pick<AuditFinding, 'label'>[],
): readonly UnjudgedAudit[] {
  const there = new Set(backups.map(({ label }) => label));
  const found = new Set(findings.map(({ label }) => label));
  return backups.flatMap(({ label, audit }) => {
    if (audit?.unjudged === undefined || found.has(label) || !there.has(audit.comparedWith)) return [];
    return [{ audit: label, comparedWith: audit.comparedWith, ...audit.unjudged }];
  });
}

/** Pages of all of them; one that several leave open counts for each. */
export function unjudgedCount(audits: readonly UnjudgedAudit[]): number {
  return audits.reduce((sum, { pages }) => sum + pages, 0);
}

/** What of a backup nobody could judge and why, as sentences: what it is without a stop, and what to do. */
export function unjudgedTexts({
  comparedWith,
  causes,
}: Pick<UnjudgedAudit, 'comparedWith' | 'causes'>): readonly { readonly what: string; readonly next: string }[] {
  return causes.map((cause) => ({
    what:
      `pages of which nothing was ever logged differ from ${comparedWith}, ${cause.pages} in ${filesOf(cause)}: an index that is being built changes so, ` +
      `and in what was loaded under wal_level = minimal the storage changed them; which it is could not be found out (${cause.reason})`,
    next: `${cause.wayOut}. Look up what the files are before ${comparedWith} expires, which may have them right: docs/runbooks/backups-differ.md, "Pages that nobody could judge"`,
  }));
}

/** The same as `warnings` of a manifest have it: without the last stop. */
export function unjudgedWarnings(audit: AuditReport | null): readonly string[] {
  if (audit?.unjudged === undefined) return [];
  return unjudgedTexts({ comparedWith: audit.comparedWith, causes: audit.unjudged.causes }).map(({ what, next }) => `${what}. ${next}`);
}

/** Files that are named; more are only counted. */
const NAMED_FILES = 5;

function filesOf({ files, paths }: UnjudgedCause): string {
  const named = paths.slice(0, NAMED_FILES);
  return `${named.join(', ')}${files > named.length ? ` and ${files - named.length} more` : ''}`;
}
