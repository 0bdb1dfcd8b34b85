import type { HeapTuple } from '../../postgres/heap-tuple.ts';

const FIRST_NORMAL_XID = 3;
const XIDS_PER_SEGMENT = 32 * 8192 * 4;
const COMMITTED = 1;

/** Which transactions have committed at a point of the WAL, as far as the rows of catalogs need it. */
export class TransactionStatus {
  readonly #segments: ReadonlyMap<string, Buffer>;
  readonly #ended = new Map<number, boolean>();

  /** `segments` are the files of the backup's pg_xact by name: they know those that ended before it. */
  constructor(segments: ReadonlyMap<string, Buffer>) {
    this.#segments = segments;
  }

  ended(xid: number, committed: boolean): void {
    this.#ended.set(xid, committed);
  }

  /** Whether the row's maker has committed. */
  isMade(tuple: HeapTuple): boolean {
    return tuple.xminHint === undefined ? this.#hasCommitted(tuple.xmin) : tuple.xminHint === 'committed';
  }

  /** Whether the row is there for who looks now. */
  isAlive(tuple: HeapTuple): boolean {
    if (!this.isMade(tuple)) return false;
    if (tuple.xmax === 0) return true;
    if (tuple.xmaxHint === 'committed') return false;
    return tuple.isMulti || !this.#hasCommitted(tuple.xmax);
  }

  #hasCommitted(xid: number): boolean {
    if (xid < FIRST_NORMAL_XID) return true;
    const known = this.#ended.get(xid);
    if (known !== undefined) return known;
    const name = Math.floor(xid / XIDS_PER_SEGMENT)
      .toString(16)
      .toUpperCase()
      .padStart(4, '0');
    const inSegment = xid % XIDS_PER_SEGMENT;
    const bits = ((this.#segments.get(name)?.[inSegment >>> 2] ?? 0) >>> ((inSegment & 3) * 2)) & 3;
    // A subtransaction's 3 lasts while its parent commits; the record of that commit is then in the WAL that is read.
    return bits === COMMITTED;
  }
}
