import { RESOURCE_MANAGER } from './resource-managers.ts';
import { recordParts } from './wal-blocks.ts';
import { readWalRecords, type WalReadOptions, type WalRecord } from './wal-reader.ts';

export type { WalReadOptions } from './wal-reader.ts';

interface Place {
  /** Where the record begins: what recovery_target_lsn compares with. */
  readonly lsn: bigint;
  /** Where the next one may begin. */
  readonly endLsn: bigint;
  /** Microseconds since 1970, by the server's clock. */
  readonly time: bigint;
}

/** How a transaction ended. */
export interface TransactionOutcome extends Place {
  readonly kind: 'commit' | 'abort' | 'commit-prepared' | 'abort-prepared';
  /** 32 bits, as the WAL has it. */
  readonly xid: number;
  /** With the epoch, as `pg_current_xact_id()` gives it; undefined before the first checkpoint record that was read. */
  readonly fullXid: bigint | undefined;
  /** The subtransactions that ended with it the same way. Those rolled back alone have an abort of their own. */
  readonly subtransactions: readonly number[];
}

/** The end of a transaction, or a named restore point: what a recovery target can name. */
export type TransactionEnd = TransactionOutcome | (Place & { readonly kind: 'restore-point'; readonly name: string });

const XLOG_CHECKPOINT_SHUTDOWN = 0x00;
const XLOG_CHECKPOINT_ONLINE = 0x10;
const XLOG_RESTORE_POINT = 0x70;
const XLOG_END_OF_RECOVERY = 0x90;
const XACT_OPERATION = 0x70;
const XACT_PREPARE = 0x10;
const XACT_HAS_INFO = 0x80;
const XACT_KINDS: Readonly<Record<number, TransactionOutcome['kind']>> = {
  0x00: 'commit',
  0x20: 'abort',
  0x30: 'commit-prepared',
  0x40: 'abort-prepared',
};
const UNIX_US_OF_POSTGRES_EPOCH = 946_684_800_000_000n;

/** Whether {@link TransactionEnds} has to see a record of this manager and kind. */
export function concernsTransactions(manager: number, info: number): boolean {
  if (manager === RESOURCE_MANAGER.xact) return XACT_KINDS[info & XACT_OPERATION] !== undefined;
  return manager === RESOURCE_MANAGER.xlog && (info === XLOG_RESTORE_POINT || isCheckpoint(info));
}

/** Whether a record of this manager and kind is that of PREPARE TRANSACTION. */
export function preparesTransaction(manager: number, info: number): boolean {
  return manager === RESOURCE_MANAGER.xact && (info & XACT_OPERATION) === XACT_PREPARE;
}

/**
 * The ends of transactions and the restore points in WAL, in WAL order: the order in which recovery sees them, which is not
 * that of their times. Subtransactions are not listed by themselves.
 *
 * @throws {DbadminError} as {@link readWalRecords} says.
 */
export async function* readTransactionEnds(source: AsyncIterable<Uint8Array>, options: WalReadOptions): AsyncGenerator<TransactionEnd> {
  const ends = new TransactionEnds(options.major);
  for await (const record of readWalRecords(source, { ...options, wants: concernsTransactions })) {
    const end = ends.take(record);
    if (end !== undefined) yield end;
  }
}

/** Understands the records that end transactions; the checkpoints between them tell the epoch. */
export class TransactionEnds {
  readonly #major: number;
  #nextXid: bigint | undefined;

  constructor(major: number) {
    this.#major = major;
  }

  /** What a record ends, or undefined when that is none. Checkpoints must come by here too. */
  take(record: WalRecord): TransactionEnd | undefined {
    if (!concernsTransactions(record.manager, record.info)) return undefined;
    const { mainData } = recordParts(record.bytes, this.#major);
    const place = { lsn: record.lsn, endLsn: record.endLsn };
    if (record.manager === RESOURCE_MANAGER.xact) return { ...place, ...this.#outcome(record, mainData) };
    if (isCheckpoint(record.info)) {
      if (mainData.length >= 32) this.#nextXid = mainData.readBigUInt64LE(24);
      return undefined;
    }
    const zero = mainData.indexOf(0, 8);
    const name = mainData.toString('utf8', 8, zero < 0 ? mainData.length : zero);
    return { ...place, kind: 'restore-point', name, time: timeAt(mainData) };
  }

  #outcome(record: WalRecord, data: Buffer): Omit<TransactionOutcome, 'lsn' | 'endLsn'> {
    const kind = XACT_KINDS[record.info & XACT_OPERATION] ?? 'abort';
    const rest = (record.info & XACT_HAS_INFO) === 0 ? NOTHING_MORE : parseRest(data, kind.startsWith('commit'), this.#major);
    // The header of COMMIT PREPARED holds the transaction of the command, usually none.
    const xid = rest.preparedXid ?? record.xid;
    return { kind, xid, fullXid: this.#fullXid(xid), subtransactions: rest.subtransactions, time: timeAt(data) };
  }

  /** Transactions are never half the circle away from the next one that the last checkpoint knew. */
  #fullXid(xid: number): bigint | undefined {
    return this.#nextXid === undefined ? undefined : this.#nextXid + BigInt((xid - Number(this.#nextXid & 0xffff_ffffn)) | 0);
  }
}

/** When a timeline began. */
export interface BegunTimeline {
  readonly timeline: number;
  /** Up to a second early after a restore, whose checkpoint has its time in whole seconds; no server of the older timeline ran any more then. */
  readonly at: Date;
}

/** Whether {@link timelineBegunBy} has to see a record of this manager and kind. */
export function beginsTimeline(manager: number, info: number): boolean {
  return manager === RESOURCE_MANAGER.xlog && (info === XLOG_END_OF_RECOVERY || info === XLOG_CHECKPOINT_SHUTDOWN);
}

/**
 * What the first such record of a timeline says of its beginning; a promotion writes the one or the other. Later ones are
 * of servers that were shut down.
 *
 * @see xl_end_of_recovery in src/include/access/xlog_internal.h and CheckPoint in src/include/catalog/pg_control.h of PostgreSQL
 */
export function timelineBegunBy(record: WalRecord, major: number): BegunTimeline | undefined {
  if (!beginsTimeline(record.manager, record.info)) return undefined;
  const { mainData } = recordParts(record.bytes, major);
  if (record.info === XLOG_END_OF_RECOVERY)
    return mainData.length < 12
      ? undefined
      : { timeline: mainData.readUInt32LE(8), at: new Date(Math.ceil(Number(timeAt(mainData)) / 1000)) };
  if (mainData.length < 72) return undefined;
  return { timeline: mainData.readUInt32LE(8), at: new Date(Number(mainData.readBigInt64LE(64)) * 1000) };
}

/** A checkpoint, by its record. */
export interface CheckpointMark {
  /** Where a recovery from it begins. */
  readonly redoLsn: bigint;
  /** When it began, by the server's clock, cut to the second: `redoLsn` was the end of the WAL a moment later. */
  readonly at: Date;
}

/** Whether {@link checkpointOf} has to see a record of this manager and kind. */
export function marksCheckpoint(manager: number, info: number): boolean {
  return manager === RESOURCE_MANAGER.xlog && isCheckpoint(info);
}

/** @see CheckPoint in src/include/catalog/pg_control.h of PostgreSQL */
export function checkpointOf(record: WalRecord, major: number): CheckpointMark | undefined {
  if (!marksCheckpoint(record.manager, record.info)) return undefined;
  const { mainData } = recordParts(record.bytes, major);
  if (mainData.length < 72) return undefined;
  return { redoLsn: mainData.readBigUInt64LE(0), at: new Date(Number(mainData.readBigInt64LE(64)) * 1000) };
}

function isCheckpoint(info: number): boolean {
  return info === XLOG_CHECKPOINT_ONLINE || info === XLOG_CHECKPOINT_SHUTDOWN;
}

function timeAt(data: Buffer): bigint {
  return data.length < 8 ? 0n : data.readBigInt64LE(0) + UNIX_US_OF_POSTGRES_EPOCH;
}

interface Rest {
  readonly subtransactions: readonly number[];
  readonly preparedXid: number | undefined;
}

const NOTHING_MORE: Rest = { subtransactions: [], preparedXid: undefined };
const HAS_DATABASE = 1;
const HAS_SUBTRANSACTIONS = 2;
const HAS_RELATIONS = 4;
const HAS_INVALIDATIONS = 8;
const HAS_TWO_PHASE = 16;
const HAS_DROPPED_STATISTICS = 256;

/** What follows the time in a commit or an abort. @see ParseCommitRecord in src/backend/access/rmgrdesc/xactdesc.c of PostgreSQL */
function parseRest(data: Buffer, isCommit: boolean, major: number): Rest {
  if (data.length < 12) return NOTHING_MORE;
  const parts = data.readUInt32LE(8);
  let offset = 12;
  const list = (flag: number, itemBytes: number): Buffer => {
    if ((parts & flag) === 0) return data.subarray(0, 0);
    const start = offset + 4;
    offset = start + data.readInt32LE(offset) * itemBytes;
    return data.subarray(start, offset);
  };
  if ((parts & HAS_DATABASE) !== 0) offset += 8;
  const xids = list(HAS_SUBTRANSACTIONS, 4);
  list(HAS_RELATIONS, 12);
  list(HAS_DROPPED_STATISTICS, major >= 18 ? 16 : 12);
  if (isCommit) list(HAS_INVALIDATIONS, 16);
  return {
    subtransactions: Array.from({ length: xids.length / 4 }, (_, index) => xids.readUInt32LE(index * 4)),
    preparedXid: (parts & HAS_TWO_PHASE) === 0 ? undefined : data.readUInt32LE(offset),
  };
}
