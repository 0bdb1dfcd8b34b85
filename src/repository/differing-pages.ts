import type { AuditReport, BackupSummary } from './manifest.ts';

/** The pages of a mismatch, and what tells which side of it is wrong. */
export interface DifferingPages {
  readonly pages: number;
  /** Those of them that had content, and are all zeros in the audited backup. */
  readonly emptied: number;
  /** Whether the emptied ones show that the cluster is wrong: what they were compared with has no page that VACUUM had cut off. */
  readonly isClusterWrong: boolean;
}

/** What an audit found; `known` are backups by label. */
export function differingPages(audit: AuditReport | null | undefined, known: ReadonlyMap<string, BackupSummary>): DifferingPages {
  const emptied = audit?.emptiedCount ?? audit?.mismatches.filter((page) => page.emptied === true).length ?? 0;
  const compared = known.get(audit?.comparedWith ?? '');
  return { pages: mismatchCount(audit), emptied, isClusterWrong: emptied > 0 && compared !== undefined && knowsCuts(compared) };
}

/** Pages of a mismatch, also of those that the report does not list. */
export function mismatchCount(audit: AuditReport | null | undefined): number {
  return audit?.mismatchCount ?? audit?.mismatches.length ?? 0;
}

/**
 * Whether a backup is known to have no page that VACUUM had cut off when it began, but for those since its `cutsUnknownSince`.
 *
 * The server tells of changed blocks, and not of all that a cut took along. Before backups asked which relations were cut back, they kept
 * such pages from what they were built on, and passed them on. What read every page has none of them.
 */
export function knowsCuts({ kind, pageHashKey, cutsKnown }: Pick<BackupSummary, 'kind' | 'pageHashKey' | 'cutsKnown'>): boolean {
  return cutsKnown === true || kind === 'full' || typeof pageHashKey === 'string';
}

/** Which side has the pages wrong, as part of a sentence; `either` is what may be said where nothing tells. */
export function whoIsWrong({ pages, emptied, isClusterWrong }: DifferingPages, either: string): string {
  if (emptied === 0) return either;
  if (isClusterWrong && emptied === pages)
    return `the cluster is wrong, which lost what was there: ${pages === 1 ? 'it is' : 'they are'} all zeros now (emptied), of which amcheck says nothing`;
  const are = `${emptied} of them ${emptied === 1 ? 'is' : 'are'} all zeros now (emptied), of which amcheck says nothing`;
  return `${either}; ${are}${isClusterWrong ? ': there the cluster is wrong' : ''}`;
}

/** What ends the mismatch that the audit of `label` found; `where` are options that name cluster and repository, each with a space before it. */
export function howToAcknowledge(label: string, { pages, emptied, isClusterWrong }: DifferingPages, where = ''): string {
  const command = `dbadmin backup acknowledge ${label}${where} --sound`;
  if (emptied === 0)
    return `Restore the one before it beside and compare, or run amcheck; then ${command} audited, earlier or both --reason TEXT.`;
  const first = isClusterWrong
    ? 'Bring back the rows of what was emptied first'
    : 'Restore the last full one before it with the WAL since, and see which rows the cluster lacks';
  // What was not emptied may be a change that the earlier backups missed, whichever side lost what was.
  const others = isClusterWrong && emptied < pages ? 'see about the others, and ' : '';
  const sound = isClusterWrong && emptied === pages ? 'earlier' : 'audited, earlier or both';
  return `${first} (docs/runbooks/backups-differ.md, "A page of zeros"): with audited or both the backups that have them may expire. Then ${others}${command} ${sound} --reason TEXT.`;
}
