import { parseLsn } from '../../postgres/lsn.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { HEADER_BYTES, maskPage, type Unlogged } from './page-masks.ts';

/**
 * What an audit does with a page that differs from what the repository pieced together. `newer`: one of the two is. `emptied`: it had
 * content and is all zeros, which {@link EmptiedPages} judges by what lies behind it. `unlogged`: nothing was ever logged of it, which is
 * as it should be while its index is being built, and a mismatch where its file is one that is read.
 */
export type PageVerdict = 'newer' | 'emptied' | 'unlogged' | 'benign' | 'mismatch';

export interface AuditRules {
  /**
   * Every change before this position was seen by both backups: where the one compared with began, or this one where that is
   * earlier, as that of a standby that lags.
   */
  readonly sinceLsn: bigint;
  /** Files that were cut off before this position are so in both backups. */
  readonly cutSinceLsn: bigint;
  /** Whether this backup began before the one compared with had ended, so that a page of that one may be the newer. */
  readonly isEarlier: boolean;
  /** What may differ without a change of the page's LSN. */
  readonly unlogged: Unlogged;
}

/** Two backups as far as it matters to what may differ between them. */
export interface AuditedPair {
  readonly parent: Pick<BackupSummary, 'startLsn' | 'stopLsn' | 'fromStandby' | 'hintsUnlogged' | 'cutsUnknownSince'>;
  /** Of the backup that is taken. */
  readonly startLsn: bigint;
  readonly isStandby: boolean;
  /** Whether hints change without the page's LSN now: no data checksums and wal_log_hints off. */
  readonly hintsUnlogged: boolean;
}

/**
 * A standby's pages are what replay made of the WAL, and it was copied from the primary or another standby at some time: hints
 * and more differ for good. Only two backups that are both known to be from the primary are compared to the last bit, and
 * hints only where they were logged from the first to the second: the older one's pages may have got theirs before that was so.
 */
export function auditRules({ parent, startLsn, isStandby, hintsUnlogged }: AuditedPair): AuditRules {
  const parentLsn = parseLsn(parent.startLsn);
  const isEarlier = startLsn < parseLsn(parent.stopLsn);
  const isOneServer = !isStandby && parent.fromStandby === false && !isEarlier;
  return {
    sinceLsn: startLsn < parentLsn ? startLsn : parentLsn,
    cutSinceLsn: parseLsn(parent.cutsUnknownSince ?? parent.startLsn),
    isEarlier,
    unlogged: isOneServer ? (hintsUnlogged || parent.hintsUnlogged !== false ? 'hints' : 'hole') : 'replay',
  };
}

/**
 * Whether a file is of the main fork of a relation, or its initial one: only their pages have an LSN that can be trusted.
 * Free space maps are not logged, and visibility maps change with the LSN of others.
 */
export function isAudited(path: string): boolean {
  return /^(?:global|base\/\d+|pg_tblspc\/\d+\/[^/]+\/\d+)\/\d+(?:_init)?(?:\.\d+)?$/.test(path);
}

/** Room for two pages without what is not logged: the largest block is of 32 KiB. */
const MASKED = { now: Buffer.alloc(32_768), before: Buffer.alloc(32_768) };

/** Judges a page of `now` that is not, byte for byte, the `before` of the repository. Both are one block of the server. */
export function judgePage(now: Buffer, before: Buffer, { sinceLsn, isEarlier, unlogged }: AuditRules): PageVerdict {
  const isEmpty = isZero(now);
  if (isEmpty && isEarlier) return 'newer';
  if (!isEmpty && pageLsn(now) >= sinceLsn) return 'newer';
  if (isEarlier && (pageLsn(before) >= sinceLsn || isZero(before))) return 'newer';
  if (maskPage(now, unlogged, MASKED.now).equals(maskPage(before, unlogged, MASKED.before))) return 'benign';
  if (isEmpty) return 'emptied';
  return isUnlogged(now) && isUnlogged(before) ? 'unlogged' : 'mismatch';
}

/** Whether a page that differs from the parent's has to be judged: one whose LSN says that something was logged of it since is newer. */
export function mustBeJudged(now: Buffer, { sinceLsn }: AuditRules): boolean {
  return pageLsn(now) < sinceLsn;
}

/**
 * The emptied pages of one file of a relation. PostgreSQL makes such where VACUUM cut the file off and it grew again without being
 * written; a device that lost a page does, too, and to the server that one is a new page, whatever its checksums. A cut takes all that
 * lies behind it along: so a later page that is older shows that there was none.
 */
export class EmptiedPages {
  #blocks: number[] = [];

  add(block: number): void {
    this.#blocks.push(block);
  }

  /** The next pages are those of another file. */
  clear(): void {
    if (this.#blocks.length > 0) this.#blocks = [];
  }

  /**
   * Looks at the page that follows, and whether it is as it was before but for what is not logged, as hints; gives the blocks of which it
   * shows that nothing emptied them that was logged.
   */
  shownBy(page: Buffer, isAsBefore: boolean, { cutSinceLsn }: AuditRules): readonly number[] {
    if (this.#blocks.length === 0) return NONE;
    // A page of which nothing is logged is of any age; but content that was cut off does not come back without being logged.
    const isOlder = isUnlogged(page) ? isAsBefore && hasContent(page) : pageLsn(page) < cutSinceLsn;
    if (!isOlder) return NONE;
    const shown = this.#blocks;
    this.#blocks = [];
    return shown;
  }
}

const NONE: readonly number[] = [];

/** Whether two pages have one LSN, as where one has the head of the other. */
export function haveOneLsn(now: Buffer, before: Buffer): boolean {
  return pageLsn(now) === pageLsn(before);
}

/** The page's LSN, which changes with everything that is logged of it: two 32-bit halves in the server's byte order. */
export function pageLsn(page: Buffer): bigint {
  return (BigInt(page.readUInt32LE(0)) << 32n) | BigInt(page.readUInt32LE(4));
}

/**
 * Whether nothing of the page is logged: it was made ready for rows to come; or belongs to an index that is being built; or to what was
 * filled under wal_level = minimal by the transaction that made it, and not changed since. GIN, GiST and SP-GiST, and indexes of extensions, change their
 * pages and write them out for hours before they log all of them at the end; GiST with 1 in place of an LSN.
 */
function isUnlogged(page: Buffer): boolean {
  return pageLsn(page) <= 1n;
}

/** Whether there is more than a header in it: one that was made ready has no line pointers. */
function hasContent(page: Buffer): boolean {
  return page.readUInt16LE(12) > HEADER_BYTES;
}

export function isZero(page: Buffer): boolean {
  return page[0] === 0 && page.every((byte) => byte === 0);
}
