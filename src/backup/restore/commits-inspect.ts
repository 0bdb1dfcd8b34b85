import { makesTablespace, tablespaceMadeBy, type MadeTablespace } from '../../postgres/tablespace-records.ts';
import {
  checkpointOf,
  concernsTransactions,
  marksCheckpoint,
  TransactionEnds,
  type TransactionEnd,
  type TransactionOutcome,
} from '../../postgres/wal-records.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { Candidate } from './candidates.ts';
import type { Lineage } from './recover-along.ts';
import { readStoredRecords, type StoredStretch } from './stored-records.ts';

/** A commit found in the stored WAL. */
export interface CommitMark {
  /** With its epoch, as `pg_current_xact_id()` gives it, where the WAL tells it. */
  readonly xid: string;
  /** Where its record begins and ends. */
  readonly lsn: bigint;
  readonly endLsn: bigint;
  /** Cut to the millisecond. */
  readonly time: Date;
  /** Microseconds since 1970: as a target, the commit comes back with it. */
  readonly timeUs: bigint;
}

interface Source {
  readonly archive: WalArchive;
  readonly lineage: Lineage;
}

export function isCommit(end: TransactionEnd): end is TransactionOutcome {
  return end.kind === 'commit' || end.kind === 'commit-prepared';
}

/** Ends of transactions and restore points from a backup's start on, in WAL order. */
export async function* readEnds(source: Source, candidate: Candidate): AsyncGenerator<TransactionEnd> {
  const stretch = stretchOf(source, candidate);
  const ends = new TransactionEnds(stretch.major);
  for await (const record of readStoredRecords(stretch, concernsTransactions)) {
    const end = ends.take(record);
    if (end !== undefined) yield end;
  }
}

/** What a recovery from a backup's start comes by. */
export interface Surroundings {
  readonly before: CommitMark | undefined;
  readonly after: CommitMark | undefined;
  /** Those made before `after`, in WAL order. */
  readonly tablespaces: readonly MadeTablespace[];
}

/** The last commit before the first one that is `beyond`, and that one. Reads from the backup's start, and no further. */
export async function surroundings(
  source: Source,
  candidate: Candidate,
  beyond: (end: TransactionOutcome) => boolean,
): Promise<Surroundings> {
  const stretch = stretchOf(source, candidate);
  const ends = new TransactionEnds(stretch.major);
  const tablespaces: MadeTablespace[] = [];
  let before: TransactionOutcome | undefined;
  for await (const record of readStoredRecords(stretch, concernsSurroundings)) {
    const made = tablespaceMadeBy(record, stretch.major);
    if (made !== undefined) tablespaces.push(made);
    const end = ends.take(record);
    if (end === undefined || !isCommit(end)) continue;
    if (beyond(end)) return { before: before && markOf(before), after: markOf(end), tablespaces };
    before = end;
  }
  return { before: before && markOf(before), after: undefined, tablespaces };
}

function concernsSurroundings(manager: number, info: number): boolean {
  return concernsTransactions(manager, info) || makesTablespace(manager, info);
}

/** When the checkpoint that a backup starts from began, by the server's clock, cut to the second. Undefined where its record is not there. */
export async function checkpointTime(source: Source, candidate: Candidate): Promise<Date | undefined> {
  const stretch = stretchOf(source, candidate);
  for await (const record of readStoredRecords(stretch, marksCheckpoint)) {
    const checkpoint = checkpointOf(record, stretch.major);
    if (checkpoint?.redoLsn === candidate.startLsn) return checkpoint.at;
  }
  return undefined;
}

/** The first record from `lsn` on, the last one before it, and how far valid WAL was read. Only the segments around it are read. */
export async function lastRecordBefore(
  source: Source,
  candidate: Candidate,
  lsn: bigint,
): Promise<{ readonly at: RecordPlace | undefined; readonly before: RecordPlace | undefined; readonly validUntil: bigint }> {
  const stretch = stretchOf(source, candidate);
  const size = BigInt(source.archive.segmentBytes);
  // A record may begin in the segment before; a position just behind a segment's end belongs to the one before, too.
  const from = (lsn / size) * size - size;
  const fromLsn = from > stretch.fromLsn ? from : stretch.fromLsn;
  let before: RecordPlace | undefined;
  for await (const record of readStoredRecords({ ...stretch, fromLsn }, () => true)) {
    const place = { lsn: record.lsn, endLsn: record.endLsn };
    if (record.lsn >= lsn) return { at: place, before, validUntil: record.endLsn };
    before = place;
  }
  return { at: undefined, before, validUntil: before?.endLsn ?? fromLsn };
}

export interface RecordPlace {
  readonly lsn: bigint;
  readonly endLsn: bigint;
}

function stretchOf({ archive, lineage }: Source, { backup, startLsn, reach }: Candidate): StoredStretch {
  return { archive, lineage, major: Math.floor(backup.serverVersion / 10_000), fromLsn: startLsn, untilLsn: reach };
}

export function markOf({ xid, fullXid, lsn, endLsn, time }: TransactionOutcome): CommitMark {
  return { xid: String(fullXid ?? xid), lsn, endLsn, time: new Date(Number(time / 1000n)), timeUs: time };
}
