import { readWalRecords, RECORD_HEADER_BYTES, type WalReadOptions, type WalRecord } from './wal-reader.ts';

export type { WalReadOptions } from './wal-reader.ts';

interface Place {
  /** Where the record begins: what recovery_target_lsn compares with. */
  readonly lsn: bigint;
  /** Where the next one may begin. */
  readonly endLsn: bigint;
  /** Microseconds since 1970, by the server's clock. */
  readonly time: bigint;
}

/** The end of a transaction, or a named restore point: what a recovery target can name. */
export type TransactionEnd =
  | (Place & { readonly kind: 'commit' | 'abort' | 'commit-prepared' | 'abort-prepared'; readonly xid: number })
  | (Place & { readonly kind: 'restore-point'; readonly name: string });

const MANAGER_XLOG = 0;
const MANAGER_XACT = 1;
const XLOG_RESTORE_POINT = 0x70;
const XACT_OPERATION = 0x70;
const XACT_KINDS: Readonly<Record<number, 'commit' | 'abort' | 'commit-prepared' | 'abort-prepared'>> = {
  0x00: 'commit',
  0x20: 'abort',
  0x30: 'commit-prepared',
  0x40: 'abort-prepared',
};
const UNIX_US_OF_POSTGRES_EPOCH = 946_684_800_000_000n;

/**
 * The ends of transactions and the restore points in WAL, in WAL order: the order in which recovery sees them, which is not
 * that of their times. Subtransactions are not listed by themselves.
 *
 * @throws {DbadminError} as {@link readWalRecords} says.
 */
export async function* readTransactionEnds(source: AsyncIterable<Uint8Array>, options: WalReadOptions): AsyncGenerator<TransactionEnd> {
  for await (const record of readWalRecords(source, options)) {
    if (record.manager > MANAGER_XACT) continue;
    const end = transactionEndOf(record, options.major);
    if (end !== undefined) yield end;
  }
}

function transactionEndOf(record: WalRecord, major: number): TransactionEnd | undefined {
  const place = { lsn: record.lsn, endLsn: record.endLsn };
  if (record.manager === MANAGER_XLOG) {
    if (record.info !== XLOG_RESTORE_POINT) return undefined;
    const data = mainData(record.bytes);
    const zero = data.indexOf(0, 8);
    return { ...place, kind: 'restore-point', name: data.toString('utf8', 8, zero < 0 ? data.length : zero), time: timeAt(data) };
  }
  const kind = XACT_KINDS[record.info & XACT_OPERATION];
  if (kind === undefined) return undefined;
  const data = mainData(record.bytes);
  const xid = kind.endsWith('-prepared') ? preparedXid(data, kind === 'commit-prepared', major) : record.xid;
  return { ...place, kind, xid: xid ?? record.xid, time: timeAt(data) };
}

/** The record's own data: behind the headers, which for these records say only its length, the origin and the top-level transaction. */
function mainData(bytes: Buffer): Buffer {
  let offset = RECORD_HEADER_BYTES;
  for (;;) {
    switch (bytes[offset] ?? 0) {
      case 253: // replication origin
        offset += 3;
        break;
      case 252: // top-level transaction
        offset += 5;
        break;
      case 255: // short length
        return bytes.subarray(offset + 2, offset + 2 + (bytes[offset + 1] ?? 0));
      case 254: // long length
        return bytes.subarray(offset + 5, offset + 5 + bytes.readUInt32LE(offset + 1));
      default:
        // No block belongs to these records; the data would be last in any case.
        return bytes.subarray(bytes.length);
    }
  }
}

function timeAt(data: Buffer): bigint {
  return data.length < 8 ? 0n : data.readBigInt64LE(0) + UNIX_US_OF_POSTGRES_EPOCH;
}

const HAS_DATABASE = 1;
const HAS_SUBTRANSACTIONS = 2;
const HAS_RELATIONS = 4;
const HAS_INVALIDATIONS = 8;
const HAS_TWO_PHASE = 16;
const HAS_DROPPED_STATISTICS = 256;

/** The transaction that COMMIT PREPARED or ROLLBACK PREPARED ended: the record's own header holds that of the command, usually none. */
function preparedXid(data: Buffer, isCommit: boolean, major: number): number | undefined {
  if (data.length < 12) return undefined;
  const parts = data.readUInt32LE(8);
  let offset = 12;
  const skipList = (flag: number, itemBytes: number): void => {
    if ((parts & flag) !== 0) offset += 4 + data.readInt32LE(offset) * itemBytes;
  };
  if ((parts & HAS_DATABASE) !== 0) offset += 8;
  skipList(HAS_SUBTRANSACTIONS, 4);
  skipList(HAS_RELATIONS, 12);
  skipList(HAS_DROPPED_STATISTICS, major >= 18 ? 16 : 12);
  if (isCommit) skipList(HAS_INVALIDATIONS, 16);
  return (parts & HAS_TWO_PHASE) === 0 ? undefined : data.readUInt32LE(offset);
}
