/** A row version on a heap page, as its header and bytes say. */
export interface HeapTuple {
  /** The transaction that made it; 2 and smaller are before all others. */
  readonly xmin: number;
  /** The transaction that deleted it, 0 when none did; only locked counts as none. */
  readonly xmax: number;
  /** What hint bits say of the two. */
  readonly xminHint: 'committed' | 'aborted' | undefined;
  readonly xmaxHint: 'committed' | undefined;
  /** Whether the deleter is a multixact, whose members only pg_multixact knows. */
  readonly isMulti: boolean;
  /** Header included. */
  readonly bytes: Buffer;
  /** Where the columns begin. */
  readonly dataOffset: number;
}

export const TUPLE_HEADER_BYTES = 23;
const PAGE_HEADER_BYTES = 24;
const NORMAL = 1;

const XMAX_LOCK_ONLY = 0x0080;
const XMIN_COMMITTED = 0x0100;
const XMIN_INVALID = 0x0200;
const XMAX_COMMITTED = 0x0400;
const XMAX_INVALID = 0x0800;
const XMAX_IS_MULTI = 0x1000;

/** A row version from its header on. @see src/include/access/htup_details.h of PostgreSQL */
export function parseTuple(bytes: Buffer): HeapTuple {
  const infomask = bytes.readUInt16LE(20);
  const isDeleted = (infomask & (XMAX_INVALID | XMAX_LOCK_ONLY)) === 0;
  return {
    xmin: bytes.readUInt32LE(0),
    xmax: isDeleted ? bytes.readUInt32LE(4) : 0,
    // Both bits together mean frozen.
    xminHint: (infomask & XMIN_COMMITTED) !== 0 ? 'committed' : (infomask & XMIN_INVALID) !== 0 ? 'aborted' : undefined,
    xmaxHint: isDeleted && (infomask & XMAX_COMMITTED) !== 0 ? 'committed' : undefined,
    isMulti: isDeleted && (infomask & XMAX_IS_MULTI) !== 0,
    bytes,
    dataOffset: bytes[22] ?? 0,
  };
}

/** The row versions of a heap page with their line pointers' numbers; an empty or foreign page has none. */
export function* pageTuples(page: Buffer): Generator<readonly [offset: number, tuple: HeapTuple]> {
  const lower = page.readUInt16LE(12);
  for (let at = PAGE_HEADER_BYTES, offset = 1; at + 4 <= lower && at + 4 <= page.length; at += 4, offset += 1) {
    const tuple = tupleAtPointer(page, page.readUInt32LE(at));
    if (tuple !== undefined) yield [offset, tuple];
  }
}

/** The row version behind line pointer `offset`. */
export function pageTuple(page: Buffer, offset: number): HeapTuple | undefined {
  const at = PAGE_HEADER_BYTES + (offset - 1) * 4;
  return at + 4 > page.readUInt16LE(12) || at + 4 > page.length ? undefined : tupleAtPointer(page, page.readUInt32LE(at));
}

function tupleAtPointer(page: Buffer, pointer: number): HeapTuple | undefined {
  const start = pointer & 0x7fff;
  const length = pointer >>> 17;
  if (((pointer >>> 15) & 3) !== NORMAL || length < TUPLE_HEADER_BYTES || start + length > page.length) return undefined;
  return parseTuple(page.subarray(start, start + length));
}

/** A row version as a record of the WAL has it: without transactions, which the record's own header tells. */
export function tupleOfRecord(head: Buffer, xmin: number, pieces: readonly Uint8Array[]): HeapTuple {
  const bytes = Buffer.concat([Buffer.alloc(TUPLE_HEADER_BYTES), ...pieces]);
  bytes.writeUInt32LE(xmin, 0);
  head.copy(bytes, 18, 0, 5);
  // What the record says of transactions is what it was before: new is new.
  bytes.writeUInt16LE((bytes.readUInt16LE(20) & 0x000f) | XMAX_INVALID, 20);
  return parseTuple(bytes);
}
