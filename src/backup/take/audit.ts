import { parseLsn } from '../../postgres/lsn.ts';

/** What an audit does with a page that differs from what the repository pieced together. */
export type PageVerdict = 'newer' | 'benign' | 'mismatch';

export interface AuditRules {
  /** Where the backup compared with began: every change of it was seen by that backup, or has a newer LSN. */
  readonly parentStartLsn: bigint;
  /** Whether hints may change without the page's LSN: no data checksums and wal_log_hints off. */
  readonly hintsUnlogged: boolean;
}

export function auditRules(parentStartLsn: string, hintsUnlogged: boolean): AuditRules {
  return { parentStartLsn: parseLsn(parentStartLsn), hintsUnlogged };
}

/**
 * Whether a file is of the main fork of a relation, or its initial one: only their pages have an LSN that can be trusted.
 * Free space maps are not logged, and visibility maps change with the LSN of others.
 */
export function isAudited(path: string): boolean {
  return /^(?:global|base\/\d+|pg_tblspc\/\d+\/[^/]+\/\d+)\/\d+(?:_init)?(?:\.\d+)?$/.test(path);
}

/**
 * Judges a page of `now` that is not, byte for byte, the `before` of the repository. Both are one block of the server.
 *
 * @see src/backend/access/common/bufmask.c of PostgreSQL, which masks the same before it compares
 */
export function judgePage(now: Buffer, before: Buffer, rules: AuditRules): PageVerdict {
  if (isZero(now)) return 'newer';
  if (pageLsn(now) >= rules.parentStartLsn) return 'newer';
  if (rules.hintsUnlogged && maskHints(now).equals(maskHints(before))) return 'benign';
  return 'mismatch';
}

/** The page's LSN, which changes with everything that is logged of it: two 32-bit halves in the server's byte order. */
function pageLsn(page: Buffer): bigint {
  return (BigInt(page.readUInt32LE(0)) << 32n) | BigInt(page.readUInt32LE(4));
}

function isZero(page: Buffer): boolean {
  return page[0] === 0 && page.every((byte) => byte === 0);
}

const HEADER_BYTES = 24;
const LINE_POINTER_BYTES = 4;
const LP_NORMAL = 1;
const LP_DEAD = 3;
/** HEAP_XMIN_COMMITTED, HEAP_XMIN_INVALID, HEAP_XMAX_COMMITTED, HEAP_XMAX_INVALID in t_infomask. */
const HINT_BITS = 0x0f00;
const INFOMASK_OFFSET = 20;
const TUPLE_HEADER_BYTES = 23;

/** The page without what may change unlogged: checksum, flags, prune hint, dead marks of line pointers, hints of tuples, an index's flags. */
export function maskHints(page: Buffer): Buffer {
  const masked = Buffer.from(page);
  const lower = page.readUInt16LE(12);
  const special = page.readUInt16LE(16);
  if (lower < HEADER_BYTES || lower > page.byteLength || special > page.byteLength) return masked;
  // pd_checksum and pd_flags, then pd_prune_xid.
  masked.fill(0, 8, 12);
  masked.fill(0, 20, HEADER_BYTES);
  const isHeap = special === page.byteLength;
  for (let at = HEADER_BYTES; at + LINE_POINTER_BYTES <= lower; at += LINE_POINTER_BYTES) {
    const pointer = masked.readUInt32LE(at);
    const offset = pointer & 0x7fff;
    const flags = (pointer >>> 15) & 3;
    const length = pointer >>> 17;
    if (flags === LP_DEAD && length > 0) masked.writeUInt32LE(((pointer & ~(3 << 15)) | (LP_NORMAL << 15)) >>> 0, at);
    if (!isHeap || flags !== LP_NORMAL || length < TUPLE_HEADER_BYTES || offset + length > page.byteLength) continue;
    masked.writeUInt16LE(masked.readUInt16LE(offset + INFOMASK_OFFSET) & ~HINT_BITS, offset + INFOMASK_OFFSET);
  }
  if (!isHeap) masked.fill(0, special);
  return masked;
}
