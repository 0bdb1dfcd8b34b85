import { pageTuple, pageTuples, parseTuple, tupleOfRecord, type HeapTuple } from '../../postgres/heap-tuple.ts';
import { restoreImage } from '../../postgres/page-image.ts';
import { RESOURCE_MANAGER } from '../../postgres/resource-managers.ts';
import type { BlockReference, RecordParts } from '../../postgres/wal-blocks.ts';
import type { WalRecord } from '../../postgres/wal-reader.ts';

/** Where a row version lies in its heap. */
export interface RowPlace {
  readonly block: number;
  readonly offset: number;
}

interface HeapPage {
  /** The page as a backup or an image in the WAL has it; undefined for one that began empty. */
  image: Buffer | undefined;
  /** What records have changed since. */
  readonly changed: Map<number, HeapTuple>;
}

const OPERATION = 0x70;
const INSERT = 0x00;
const DELETE = 0x10;
const UPDATE = 0x20;
const HOT_UPDATE = 0x40;
const IN_PLACE = 0x70;
const MULTI_INSERT = 0x50;
const INITIALISES_PAGE = 0x80;
const PREFIX_FROM_OLD = 0x20;
const SUFFIX_FROM_OLD = 0x40;
const ROW_HEAD_BYTES = 5;

/**
 * The rows of one heap, kept up with the WAL: what recovery does, for the few relations that have to be read.
 *
 * Row versions that vacuum has taken away may still be seen. They are deleted, or their transaction was rolled back, so who
 * asks for living rows does not miss the difference; a line pointer that is used again is overwritten.
 *
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/access/heap/heapam_xlog.c
 */
export class HeapReplay {
  readonly #pages = new Map<number, HeapPage>();

  constructor(pages: Iterable<readonly [block: number, page: Buffer]> = []) {
    for (const [block, image] of pages) this.#pages.set(block, { image, changed: new Map() });
  }

  copy(): HeapReplay {
    const copy = new HeapReplay();
    for (const [block, page] of this.#pages) copy.#pages.set(block, { image: page.image, changed: new Map(page.changed) });
    return copy;
  }

  row({ block, offset }: RowPlace): HeapTuple | undefined {
    const page = this.#pages.get(block);
    if (page === undefined) return undefined;
    return page.changed.get(offset) ?? (page.image === undefined ? undefined : pageTuple(page.image, offset));
  }

  *rows(): Generator<readonly [RowPlace, HeapTuple]> {
    for (const block of this.#pages.keys()) yield* this.rowsOf(block);
  }

  *rowsOf(block: number): Generator<readonly [RowPlace, HeapTuple]> {
    const page = this.#pages.get(block);
    if (page === undefined) return;
    for (const [offset, tuple] of page.changed) yield [{ block, offset }, tuple];
    if (page.image === undefined) return;
    for (const [offset, tuple] of pageTuples(page.image)) if (!page.changed.has(offset)) yield [{ block, offset }, tuple];
  }

  /** Applies a record and gives the row versions that its transaction made or deleted, and the blocks that came whole. */
  apply(
    record: WalRecord,
    { blocks, mainData }: RecordParts,
  ): { readonly touched: readonly RowPlace[]; readonly images: readonly number[] } {
    const images: number[] = [];
    for (const { fork, block, image } of blocks) {
      if (fork !== 0 || image === undefined) continue;
      this.#replacePage(block, restoreImage(image));
      images.push(block);
    }
    const [first, second] = blocks;
    if (first === undefined || first.fork !== 0) return { touched: [], images };
    const initialises = (record.info & INITIALISES_PAGE) !== 0;
    if (record.manager === RESOURCE_MANAGER.heap) {
      if (initialises && first.image === undefined) this.#pages.set(first.block, { image: undefined, changed: new Map() });
      return { touched: this.#heapRecord(record, mainData, first, second), images };
    }
    if (record.manager !== RESOURCE_MANAGER.heap2 || (record.info & OPERATION) !== MULTI_INSERT) return { touched: [], images };
    if (initialises && first.image === undefined) this.#pages.set(first.block, { image: undefined, changed: new Map() });
    return { touched: this.#multiInsert(record, mainData, first, initialises), images };
  }

  #heapRecord(record: WalRecord, mainData: Buffer, first: BlockReference, second: BlockReference | undefined): readonly RowPlace[] {
    switch (record.info & OPERATION) {
      case INSERT: {
        const place = { block: first.block, offset: mainData.readUInt16LE(0) };
        if (first.image === undefined) {
          this.#set(place, tupleOfRecord(first.data.subarray(0, ROW_HEAD_BYTES), record.xid, [first.data.subarray(ROW_HEAD_BYTES)]));
        }
        return [place];
      }
      case DELETE: {
        const place = { block: first.block, offset: mainData.readUInt16LE(4) };
        this.#delete(place, record.xid);
        return [place];
      }
      case UPDATE:
      case HOT_UPDATE: {
        const made = { block: first.block, offset: mainData.readUInt16LE(12) };
        const gone = { block: (second ?? first).block, offset: mainData.readUInt16LE(4) };
        if (first.image === undefined) {
          const tuple = updatedRow(first.data, mainData[7] ?? 0, record.xid, this.row(gone));
          if (tuple !== undefined) this.#set(made, tuple);
        }
        this.#delete(gone, record.xid);
        return [made, gone];
      }
      case IN_PLACE: {
        const place = { block: first.block, offset: mainData.readUInt16LE(0) };
        const old = this.row(place);
        if (first.image === undefined && old !== undefined) {
          this.#set(place, parseTuple(Buffer.concat([old.bytes.subarray(0, old.dataOffset), first.data])));
        }
        return [];
      }
      default:
        return [];
    }
  }

  #multiInsert(record: WalRecord, mainData: Buffer, first: BlockReference, initialises: boolean): readonly RowPlace[] {
    const count = mainData.readUInt16LE(2);
    const touched: RowPlace[] = [];
    let at = 0;
    for (let index = 0; index < count; index += 1) {
      const place = { block: first.block, offset: initialises ? index + 1 : mainData.readUInt16LE(4 + index * 2) };
      touched.push(place);
      if (first.image !== undefined) continue;
      at += at % 2;
      const length = first.data.readUInt16LE(at);
      const start = at + 2 + ROW_HEAD_BYTES;
      this.#set(place, tupleOfRecord(first.data.subarray(at + 2, start), record.xid, [first.data.subarray(start, start + length)]));
      at = start + length;
    }
    return touched;
  }

  #replacePage(block: number, image: Buffer): void {
    const before = this.#pages.get(block);
    const changed = new Map<number, HeapTuple>();
    // The members of a multixact are not in the page; who deleted the row was in an earlier record.
    for (const [offset, tuple] of before?.changed ?? []) {
      const now = pageTuple(image, offset);
      if (now?.isMulti === true && now.xmin === tuple.xmin && tuple.xmax !== 0)
        changed.set(offset, { ...now, xmax: tuple.xmax, isMulti: false });
    }
    this.#pages.set(block, { image, changed });
  }

  #set({ block, offset }: RowPlace, tuple: HeapTuple): void {
    const page = this.#pages.get(block) ?? { image: undefined, changed: new Map<number, HeapTuple>() };
    this.#pages.set(block, page);
    page.changed.set(offset, tuple);
  }

  #delete(place: RowPlace, xid: number): void {
    const tuple = this.row(place);
    if (tuple !== undefined) this.#set(place, { ...tuple, xmax: xid, xmaxHint: undefined, isMulti: false });
  }
}

/** The new row of an update: the record leaves out what it has in common with the old one at its beginning and end. */
function updatedRow(data: Buffer, flags: number, xid: number, old: HeapTuple | undefined): HeapTuple | undefined {
  let at = 0;
  const length = (flag: number): number => {
    if ((flags & flag) === 0) return 0;
    at += 2;
    return data.readUInt16LE(at - 2);
  };
  const prefixBytes = length(PREFIX_FROM_OLD);
  const suffixBytes = length(SUFFIX_FROM_OLD);
  const head = data.subarray(at, at + ROW_HEAD_BYTES);
  const rest = data.subarray(at + ROW_HEAD_BYTES);
  if (prefixBytes === 0 && suffixBytes === 0) return tupleOfRecord(head, xid, [rest]);
  if (old === undefined) return undefined;
  const nullsBytes = prefixBytes === 0 ? 0 : (head[4] ?? 0) - 23;
  return tupleOfRecord(head, xid, [
    rest.subarray(0, nullsBytes),
    old.bytes.subarray(old.dataOffset, old.dataOffset + prefixBytes),
    rest.subarray(nullsBytes),
    old.bytes.subarray(old.bytes.length - suffixBytes),
  ]);
}
