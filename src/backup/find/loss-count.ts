import { RESOURCE_MANAGER } from '../../postgres/resource-managers.ts';
import { findFirstBlock, recordParts, type FirstBlock } from '../../postgres/wal-blocks.ts';
import type { WalRecord } from '../../postgres/wal-reader.ts';
import type { TransactionOutcome } from '../../postgres/wal-records.ts';

/** Rows of tables that transactions changed. A row that moves to another partition counts as deleted and inserted. */
export interface RowChanges {
  inserted: number;
  updated: number;
  deleted: number;
}

/** A relation's files: database and number. */
export interface ChangedFile extends RowChanges {
  readonly database: number;
  readonly file: number;
}

const OPERATION = 0x70;
const HEAP_INSERT = 0x00;
const HEAP_DELETE = 0x10;
const HEAP_UPDATE = 0x20;
const HEAP_HOT_UPDATE = 0x40;
const HEAP2_MULTI_INSERT = 0x50;
/** In a deletion's flags: a failed ON CONFLICT insert takes itself back. */
const DELETE_TAKES_INSERT_BACK = 0x08;
/** Catalogs and other objects that initdb made are below. */
const FIRST_NORMAL_OBJECT = 16_384;

/**
 * Counts the rows that transactions inserted, updated and deleted, from the records of heaps. What was rolled back, alone or
 * in a subtransaction, is not counted. TOAST tables are heaps too: whoever knows which files are theirs takes them out.
 *
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/access/heapam_xlog.h
 */
export class LossCount {
  readonly #major: number;
  readonly #found: FirstBlock = { database: 0, relation: 0 };
  readonly #open = new Map<number, Map<string, ChangedFile>>();

  constructor(major: number) {
    this.#major = major;
  }

  wants(manager: number, info: number, bytes: Buffer, offset: number): boolean {
    const operation = info & OPERATION;
    if (manager === RESOURCE_MANAGER.heap2) {
      if (operation !== HEAP2_MULTI_INSERT) return false;
    } else if (
      manager !== RESOURCE_MANAGER.heap ||
      (operation !== HEAP_INSERT && operation !== HEAP_DELETE && operation !== HEAP_UPDATE && operation !== HEAP_HOT_UPDATE)
    )
      return false;
    const found = findFirstBlock(bytes, offset, this.#major, this.#found);
    return found === 'unknown' || (found === 'found' && this.#found.relation >= FIRST_NORMAL_OBJECT);
  }

  take({ manager, info, bytes, xid }: WalRecord): void {
    if (!this.wants(manager, info, bytes, 0)) return;
    const changes = this.#changesOf(xid);
    const { mainData } = recordParts(bytes, this.#major);
    const operation = info & OPERATION;
    if (manager === RESOURCE_MANAGER.heap2) changes.inserted += mainData.readUInt16LE(2);
    else if (operation === HEAP_INSERT) changes.inserted += 1;
    else if (operation !== HEAP_DELETE) changes.updated += 1;
    else if (((mainData[7] ?? 0) & DELETE_TAKES_INSERT_BACK) === 0) changes.deleted += 1;
    else changes.inserted -= 1;
  }

  /** A transaction has ended: the changes it and its subtransactions made, when it was committed. */
  end(outcome: TransactionOutcome): readonly ChangedFile[] {
    const files = new Map<string, ChangedFile>();
    for (const xid of [outcome.xid, ...outcome.subtransactions]) {
      for (const [key, change] of this.#open.get(xid) ?? []) add(files, key, change);
      this.#open.delete(xid);
    }
    return outcome.kind.startsWith('commit') ? [...files.values()] : [];
  }

  #changesOf(xid: number): ChangedFile {
    const files = this.#open.get(xid) ?? new Map<string, ChangedFile>();
    this.#open.set(xid, files);
    const { database, relation: file } = this.#found;
    const key = `${database}/${file}`;
    const known = files.get(key) ?? { database, file, inserted: 0, updated: 0, deleted: 0 };
    files.set(key, known);
    return known;
  }
}

/** Adds a file's changes to those of the same key. */
export function add<Change extends RowChanges>(to: Map<string, Change>, key: string, change: Change): void {
  const known = to.get(key);
  if (known === undefined) to.set(key, { ...change });
  else {
    known.inserted += change.inserted;
    known.updated += change.updated;
    known.deleted += change.deleted;
  }
}
