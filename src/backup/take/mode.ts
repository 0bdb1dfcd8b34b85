import { knowsCuts } from '../../repository/differing-pages.ts';
import type { BackupSummary } from '../../repository/manifest.ts';

/** How a backup is taken. All of them end in a manifest that restores on its own. */
export type TakeMode =
  /** Everything is read and what the repository has not got is stored. `reason` says why, when less was asked for. */
  | { readonly kind: 'everything'; readonly reason: string | undefined }
  /** The server sends the blocks that changed since `parent`. */
  | { readonly kind: 'blocks'; readonly parent: BackupSummary }
  /** Everything is read and compared with the page hashes of `parent`; what changed is stored, and audited where its LSN says that it should not have. */
  | { readonly kind: 'hashes'; readonly parent: BackupSummary; readonly reason: string }
  /** Everything is read and compared with the content of `parent`, page by page: a full backup that audits the ones before. */
  | { readonly kind: 'audit'; readonly parent: BackupSummary };

export interface ModeFacts {
  readonly wanted: 'full' | 'incremental';
  readonly parent: BackupSummary | { readonly reason: string };
  readonly serverMajor: number;
  /** summarize_wal; false before 17. */
  readonly summarizesWal: boolean;
  /** Whether the cluster has page checksums, and pages of the parent may lack theirs; undefined: nobody can say any more. */
  readonly lacksChecksums: boolean | undefined;
}

/** Which way a backup is to be taken. */
export function chooseMode({ wanted, parent, serverMajor, summarizesWal, lacksChecksums }: ModeFacts): TakeMode {
  if ('reason' in parent) return { kind: 'everything', reason: wanted === 'full' ? undefined : parent.reason };
  if (wanted === 'full') return { kind: 'audit', parent };
  if (summarizesWal) {
    const mode: TakeMode = { kind: 'blocks', parent };
    if (lacksChecksums === false) return mode;
    const since = lacksChecksums
      ? `page checksums were switched on since ${parent.label}`
      : `page checksums may have been switched on between backups that are gone and ${parent.label}`;
    return withoutBlocks(mode, `${since}, which the WAL does not tell`);
  }
  const reason =
    serverMajor < 17
      ? `PostgreSQL ${serverMajor} cannot tell what changed`
      : 'summarize_wal is off, so the server cannot tell what changed: ALTER SYSTEM SET summarize_wal = on';
  if (typeof parent.pageHashKey !== 'string') return { kind: 'everything', reason: `${reason}, and ${parent.label} has no page hashes` };
  return { kind: 'hashes', parent, reason };
}

/** The mode when the server cannot tell what changed: its summaries of the WAL do not reach back to the parent, or it changed without them. */
export function withoutBlocks(mode: TakeMode, reason: string): TakeMode {
  if (mode.kind !== 'blocks') return mode;
  if (typeof mode.parent.pageHashKey === 'string') return { kind: 'hashes', parent: mode.parent, reason };
  return { kind: 'everything', reason };
}

/**
 * Whether pages of a backup taken in this mode may be of a standby: with changed blocks alone, where the server read from is one or the
 * parent's pages may be. All other modes read every page, and take those that differ. Undefined where it is not known of the parent.
 */
export function mayHoldStandbyPages(mode: TakeMode, isStandby: boolean): boolean | undefined {
  return isStandby || (mode.kind === 'blocks' ? mode.parent.fromStandby : false);
}

/**
 * Whether pages of a backup taken in this mode may have got hints without a trace in the WAL, before they were read or since: where hints are
 * not logged now, and with changed blocks alone where they were not when a page of the parent was read. Undefined where it is not known of the parent.
 */
export function mayLackHints(mode: TakeMode, hintsUnlogged: boolean): boolean | undefined {
  return hintsUnlogged || (mode.kind === 'blocks' ? mode.parent.hintsUnlogged : false);
}

/** Whether a backup taken in this mode has no page that VACUUM had cut off: with changed blocks alone it passes on what the parent has. */
export function seesCuts(mode: TakeMode): boolean {
  return mode.kind !== 'blocks' || knowsCuts(mode.parent);
}

/** What the backup is called: by what was stored, not by what was read. */
export function kindOf(mode: TakeMode): 'full' | 'incremental' {
  return mode.kind === 'blocks' || mode.kind === 'hashes' ? 'incremental' : 'full';
}
