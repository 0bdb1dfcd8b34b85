import { DbadminError } from '../../base/errors.ts';
import { concernsTransactions, TransactionEnds, type TransactionEnd } from '../../postgres/wal-records.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import type { Repository } from '../../repository/repository.ts';
import type { LineageContents } from '../lineage-inspect.ts';
import { candidatesOf, oldestOfStretches, stretchesSince, type Candidate } from '../restore/candidates.ts';
import type { Lineage } from '../restore/recover-along.ts';
import { databaseNames, withCatalogs } from './catalog-inspect.ts';
import type { CatalogReplay } from './catalog-replay.ts';
import { readStoredRecords } from '../restore/stored-records.ts';
import { formatTableName, type TableName } from './table-name.ts';
import { TableWatch, type DropEvent, type TableEvent } from './table-watch.ts';

/** Where to search: a lineage's stored WAL, and the backups that know its catalogs. */
export interface Search {
  readonly repository: Repository;
  readonly contents: LineageContents;
  readonly lineage: Lineage;
  readonly signal: AbortSignal;
}

export interface TableSearch extends Search {
  readonly database: string;
  readonly table: TableName;
  /** Deleted rows are counted only on demand: it means to look at every deletion. */
  readonly countsDeletes: boolean;
}

/** What the WAL tells of a table. */
export interface TableHistory {
  /** In WAL order. */
  readonly events: readonly TableEvent[];
  /** Whether the table is there where the stored WAL ends. */
  readonly exists: boolean;
  readonly readBytes: number;
}

/** What the WAL tells from one backup on. */
interface Reading extends TableHistory {
  /** Whether there was a database of the name. */
  readonly knowsDatabase: boolean;
  /** Of the databases where it ends. */
  readonly databases: readonly string[];
}

/**
 * What happened to a table in all of the stored WAL that a backup leads to: from the end of the oldest backup on.
 *
 * @throws {DbadminError} `backup-missing`, `usage` when there is no such database, and what reading WAL throws.
 */
export async function findTableHistory(search: TableSearch): Promise<TableHistory> {
  const stretches = [...oldestOfStretches(candidatesFor(search))].reverse();
  const histories: Reading[] = [];
  for (const candidate of stretches) histories.push(await readHistory(search, candidate, candidate.reach));
  if (!histories.some(({ knowsDatabase }) => knowsDatabase)) throw noDatabase(search.database, histories.at(-1)?.databases ?? []);
  return {
    events: histories.flatMap(({ events }) => events),
    exists: histories.at(-1)?.exists === true,
    readBytes: histories.reduce((sum, { readBytes }) => sum + readBytes, 0),
  };
}

/**
 * The last drop of a table: the newest backups and their WAL are read first, and no more than is needed.
 *
 * @throws {DbadminError} `target-unreachable` when the stored WAL holds none; it says whether the table is there, or never was.
 */
export async function findLastDrop(search: TableSearch): Promise<DropEvent> {
  let until: bigint | undefined;
  const histories: Reading[] = [];
  for (const candidate of candidatesFor(search)) {
    const history = await readHistory(search, candidate, until === undefined || until > candidate.reach ? candidate.reach : until);
    histories.push(history);
    const drop = history.events.findLast((event) => event.kind === 'dropped');
    if (drop !== undefined) return drop;
    until = candidate.stopLsn;
  }
  const [latest] = histories;
  if (!histories.some(({ knowsDatabase }) => knowsDatabase)) throw noDatabase(search.database, latest?.databases ?? []);
  const name = formatTableName(search.table);
  const last = histories.find(({ events }) => events.length > 0)?.events.at(-1);
  throw new DbadminError('target-unreachable', `the stored WAL holds no drop of ${name} in database ${search.database}`, {
    detail:
      latest?.exists === true
        ? `The table is there where the WAL ends.`
        : last?.kind === 'renamed'
          ? `It has another name, or its schema or database has, since transaction ${last.outcome.fullXid ?? last.outcome.xid}.`
          : `There was no such table since the oldest backup; drops before it cannot be found.`,
    hint: 'See dbadmin wal find for what happened, and dbadmin backup info for how far back the backups go.',
  });
}

/** How far the clocks of a server and of dbadmin may differ, and times be out of the order of the WAL, before something is overlooked. */
const CLOCKS_DIFFER_MS = 3_600_000;

/**
 * Ends of transactions and restore points in the stored WAL, in WAL order: all of them, or those between two moments, where
 * some before and after come too. Then it is read from the newest backup that ended an hour before `from`, until an hour after `until`.
 */
export async function* readStoredEnds(
  search: Search,
  wants: (manager: number, info: number) => boolean,
  between?: { readonly from: Date; readonly until: Date },
): AsyncGenerator<TransactionEnd> {
  const lastUs = between === undefined ? undefined : BigInt(between.until.getTime() + CLOCKS_DIFFER_MS) * 1000n;
  for (const candidate of stretchesSince(
    candidatesFor(search),
    between === undefined ? -Infinity : between.from.getTime() - CLOCKS_DIFFER_MS,
  )) {
    const ends = new TransactionEnds(majorOf(candidate));
    for await (const record of readStoredRecords(stretchOf(search, candidate, candidate.reach), wants)) {
      search.signal.throwIfAborted();
      const end = ends.take(record);
      if (end === undefined) continue;
      if (lastUs !== undefined && end.time > lastUs) return;
      yield end;
    }
  }
}

async function readHistory(search: TableSearch, candidate: Candidate, untilLsn: bigint): Promise<Reading> {
  const { repository, database, contents } = search;
  const { systemIdentifier } = contents.cluster;
  const blobs = new BlobReader(repository, systemIdentifier, await BlobIndex.load(repository, systemIdentifier));
  return await withCatalogs({ repository, backup: candidate.backup, blobs }, database, async (catalog) => {
    const history = await replay(search, candidate, untilLsn, catalog);
    return { ...history, knowsDatabase: catalog.wasNamed, databases: databaseNames(catalog) };
  });
}

async function replay(search: TableSearch, candidate: Candidate, untilLsn: bigint, catalog: CatalogReplay): Promise<TableHistory> {
  const major = majorOf(candidate);
  const watch = new TableWatch(catalog, search.table, major, search.countsDeletes);
  const ends = new TransactionEnds(major);
  const events: TableEvent[] = [];
  const wants = (manager: number, info: number, bytes: Buffer, offset: number): boolean =>
    concernsTransactions(manager, info) || watch.wants(manager, info, bytes, offset);
  for await (const record of readStoredRecords(stretchOf(search, candidate, untilLsn), wants)) {
    search.signal.throwIfAborted();
    const end = ends.take(record);
    if (end !== undefined && end.kind !== 'restore-point') {
      const found = watch.end(end);
      // Before the backup's end its pages may be of a later time than the record.
      if (end.lsn >= candidate.stopLsn) events.push(...found);
    } else if (end === undefined) watch.take(record);
  }
  return { events, exists: watch.exists, readBytes: Number(untilLsn - candidate.startLsn) };
}

function stretchOf({ contents, lineage }: Search, candidate: Candidate, untilLsn: bigint): Parameters<typeof readStoredRecords>[0] {
  return { archive: contents.archive, lineage, major: majorOf(candidate), fromLsn: candidate.startLsn, untilLsn };
}

function majorOf({ backup }: Candidate): number {
  return Math.floor(backup.serverVersion / 10_000);
}

function candidatesFor({ contents, lineage }: Search): readonly Candidate[] {
  const candidates = candidatesOf(contents.backups, lineage, contents.coverage);
  if (candidates.length > 0) return candidates;
  throw new DbadminError('backup-missing', `no backup leads to timeline ${lineage.timeline}`, {
    detail: 'Which table a file in the WAL belongs to is read from a backup.',
    hint: 'Take one with dbadmin backup run, or name another timeline with --timeline.',
  });
}

function noDatabase(name: string, known: readonly string[]): DbadminError {
  return new DbadminError('usage', `there was no database ${name} in the stored WAL and its backups`, {
    hint: `Name one with --database: ${known.join(', ')}.`,
  });
}
