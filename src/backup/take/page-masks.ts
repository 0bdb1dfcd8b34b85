/** What of a page the WAL does not tell, so that two servers, or one at two times, may have it differently under the same LSN. */
export type Unlogged =
  /** The unused bytes between line pointers and tuples: a full-page image leaves them out, and replay makes zeros of them. */
  | 'hole'
  /** Besides: hints, which may be set at any time. */
  | 'hints'
  /** Besides: what replay makes otherwise than the server did that wrote the WAL. */
  | 'replay';

/** Of every page; line pointers follow. */
export const HEADER_BYTES = 24;
const LINE_POINTER_BYTES = 4;
const LP_NORMAL = 1;
const LP_DEAD = 3;
const TUPLE_ALIGNMENT = 8;
const TUPLE_HEADER_BYTES = 23;
/** Offsets in the header of a tuple. */
const COMMAND_ID_OFFSET = 8;
const INFOMASK_OFFSET = 20;
/** HEAP_XMIN_COMMITTED, HEAP_XMIN_INVALID, HEAP_XMAX_COMMITTED, HEAP_XMAX_INVALID in t_infomask. */
const HINT_BITS = 0x0f00;
const COMBO_COMMAND_ID = 0x0020;

/** Special space of 8 bytes: what it belongs to tell the magic at its beginning or the last two bytes, which are flags in GIN. */
const SMALL_SPECIAL_BYTES = 8;
const SEQUENCE_MAGIC = 0x1717;
const SPGIST_PAGE_ID = 0xff82;
const SPGIST_META = 1;
const GIN_FLAGS = 0x00ff;
const GIN_DELETED = 4;

/**
 * The page without what is not logged, in the first bytes of `room`: hints alone may be all that changed in a large table, and memory for
 * each of its pages would keep the garbage collector busy. Left out with hints: checksum, flags, prune hint, dead marks of line pointers, hints of
 * tuples, an index's flags. With replay: the LSN, which visibility changes only where the server at hand logs hints; the command
 * that made a tuple, which replay sets to the first; the bytes that fill a tuple up; all of a sequence, which is logged ahead of
 * what it has given out; and all of a page of GIN that is deleted.
 * Never looked at: an empty page that nothing was logged of, which may as well be zeros, and the metapage of SP-GiST, a cache.
 *
 * @see src/backend/access/common/bufmask.c, heap_mask, gin_mask, SpGistUpdateMetaPage and nextval_internal of PostgreSQL
 */
export function maskPage(page: Buffer, unlogged: Unlogged, room: Buffer): Buffer {
  const masked = room.subarray(0, page.byteLength);
  page.copy(masked);
  const lower = page.readUInt16LE(12);
  const upper = page.readUInt16LE(14);
  const special = page.readUInt16LE(16);
  if (lower < HEADER_BYTES || lower > page.byteLength || special > page.byteLength) return masked;
  if (isUnused(page, { lower, upper, special })) return masked.fill(0);
  const meaningless = meaninglessBytes(page, special, unlogged);
  if (meaningless > 0) return masked.fill(0, 0, meaningless);
  if (unlogged === 'replay') masked.fill(0, 0, 8);
  // The checksum is of all bytes, whether they mean something or not; the server looks at it by itself.
  masked.fill(0, 8, 10);
  // A page without a single pointer may have its content beyond pd_lower: metapages of indexes made by old versions.
  if (lower > HEADER_BYTES && lower <= upper && upper <= special) masked.fill(0, lower, upper);
  if (unlogged === 'hole') return masked;
  maskPageHints(masked, lower, special);
  if (special < page.byteLength) masked.fill(0, special);
  else maskTuples(masked, lower, unlogged);
  return masked;
}

/** Made ready for tuples of which none came: neither is logged. */
function isUnused(page: Buffer, { lower, upper, special }: Readonly<Record<'lower' | 'upper' | 'special', number>>): boolean {
  return page.readBigUInt64LE(0) === 0n && lower === HEADER_BYTES && upper === special && special === page.byteLength;
}

/** How much of the page means nothing as a whole, by its special space; 0 of most. */
function meaninglessBytes(page: Buffer, special: number, unlogged: Unlogged): number {
  if (special !== page.byteLength - SMALL_SPECIAL_BYTES) return 0;
  const last = page.readUInt16LE(special + 6);
  if (last === SPGIST_PAGE_ID) return (page.readUInt16LE(special) & SPGIST_META) === 0 ? 0 : special;
  if (unlogged !== 'replay') return 0;
  if (page.readUInt32LE(special) === SEQUENCE_MAGIC) return special;
  // All but the flags themselves: replay makes a new page of it.
  return last <= GIN_FLAGS && (last & GIN_DELETED) !== 0 ? special + 6 : 0;
}

/** pd_flags, pd_prune_xid, and line pointers that were marked as dead. */
function maskPageHints(page: Buffer, lower: number, special: number): void {
  page.fill(0, 10, 12);
  page.fill(0, 20, HEADER_BYTES);
  for (let at = HEADER_BYTES; at + LINE_POINTER_BYTES <= Math.min(lower, special); at += LINE_POINTER_BYTES) {
    const pointer = page.readUInt32LE(at);
    if (((pointer >>> 15) & 3) !== LP_DEAD || pointer >>> 17 === 0) continue;
    page.writeUInt32LE(((pointer & ~(3 << 15)) | (LP_NORMAL << 15)) >>> 0, at);
  }
}

/** Those of a table. */
function maskTuples(page: Buffer, lower: number, unlogged: Exclude<Unlogged, 'hole'>): void {
  for (let at = HEADER_BYTES; at + LINE_POINTER_BYTES <= lower; at += LINE_POINTER_BYTES) {
    const pointer = page.readUInt32LE(at);
    const offset = pointer & 0x7fff;
    const length = pointer >>> 17;
    if (((pointer >>> 15) & 3) !== LP_NORMAL || length < TUPLE_HEADER_BYTES || offset + length > page.byteLength) continue;
    const infomask = page.readUInt16LE(offset + INFOMASK_OFFSET) & ~HINT_BITS;
    page.writeUInt16LE(unlogged === 'replay' ? infomask & ~COMBO_COMMAND_ID : infomask, offset + INFOMASK_OFFSET);
    if (unlogged === 'hints') continue;
    page.fill(0, offset + COMMAND_ID_OFFSET, offset + COMMAND_ID_OFFSET + 4);
    page.fill(0, offset + length, Math.min(page.byteLength, offset + Math.ceil(length / TUPLE_ALIGNMENT) * TUPLE_ALIGNMENT));
  }
}
