import { parseLsn } from '../../postgres/lsn.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { maskPage, type Unlogged } from './page-masks.ts';

/** What an audit does with a page that differs from what the repository pieced together. `newer`: one of the two is. */
export type PageVerdict = 'newer' | 'benign' | 'mismatch';

export interface AuditRules {
  /**
   * Every change before this position was seen by both backups: where the one compared with began, or this one where that is
   * earlier, as that of a standby that lags.
   */
  readonly sinceLsn: bigint;
  /** Whether this backup began before the one compared with, so that a page of that one may be the newer. */
  readonly isEarlier: boolean;
  /** What may differ without a change of the page's LSN. */
  readonly unlogged: Unlogged;
}

/** Two backups as far as it matters to what may differ between them. */
export interface AuditedPair {
  readonly parent: Pick<BackupSummary, 'startLsn' | 'fromStandby'>;
  /** Of the backup that is taken. */
  readonly startLsn: bigint;
  readonly isStandby: boolean;
  /** Whether hints may change without the page's LSN: no data checksums and wal_log_hints off. */
  readonly hintsUnlogged: boolean;
}

/**
 * A standby's pages are what replay made of the WAL, and it was copied from the primary or another standby at some time: hints
 * and more differ for good. Only two backups that are both known to be from the primary are compared to the last bit.
 */
export function auditRules({ parent, startLsn, isStandby, hintsUnlogged }: AuditedPair): AuditRules {
  const parentLsn = parseLsn(parent.startLsn);
  const isEarlier = startLsn < parentLsn;
  const isOneServer = !isStandby && parent.fromStandby === false && !isEarlier;
  return {
    sinceLsn: isEarlier ? startLsn : parentLsn,
    isEarlier,
    unlogged: isOneServer ? (hintsUnlogged ? 'hints' : 'hole') : 'replay',
  };
}

/**
 * Whether a file is of the main fork of a relation, or its initial one: only their pages have an LSN that can be trusted.
 * Free space maps are not logged, and visibility maps change with the LSN of others.
 */
export function isAudited(path: string): boolean {
  return /^(?:global|base\/\d+|pg_tblspc\/\d+\/[^/]+\/\d+)\/\d+(?:_init)?(?:\.\d+)?$/.test(path);
}

/** Judges a page of `now` that is not, byte for byte, the `before` of the repository. Both are one block of the server. */
export function judgePage(now: Buffer, before: Buffer, { sinceLsn, isEarlier, unlogged }: AuditRules): PageVerdict {
  if (isZero(now)) return 'newer';
  if (pageLsn(now) >= sinceLsn) return 'newer';
  if (isEarlier && (pageLsn(before) >= sinceLsn || isZero(before))) return 'newer';
  return maskPage(now, unlogged).equals(maskPage(before, unlogged)) ? 'benign' : 'mismatch';
}

/** The page's LSN, which changes with everything that is logged of it: two 32-bit halves in the server's byte order. */
function pageLsn(page: Buffer): bigint {
  return (BigInt(page.readUInt32LE(0)) << 32n) | BigInt(page.readUInt32LE(4));
}

function isZero(page: Buffer): boolean {
  return page[0] === 0 && page.every((byte) => byte === 0);
}
