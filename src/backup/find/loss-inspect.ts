import { DbadminError } from '../../base/errors.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { concernsTransactions, TransactionEnds, type TransactionOutcome } from '../../postgres/wal-records.ts';
import { BlobIndex } from '../../repository/blob-index.ts';
import { BlobReader } from '../../repository/blob-reader.ts';
import { candidatesOf, type Candidate } from '../restore/candidates.ts';
import { isCommit } from '../restore/commits-inspect.ts';
import { readStoredRecords } from '../restore/stored-records.ts';
import { withCatalogs } from './catalog-inspect.ts';
import type { CatalogReplay } from './catalog-replay.ts';
import { namedRow, type ClassRow } from './catalog-rows.ts';
import { add, LossCount, type ChangedFile, type RowChanges } from './loss-count.ts';
import type { Search } from './search-inspect.ts';

export interface LossSearch extends Search {
  readonly database: string;
  readonly restorePoint: { readonly name: string; readonly lsn: string };
  /** Transactions (32 bits) whose changes are to go: the migrations' own. */
  readonly own: ReadonlySet<number>;
}

export interface TableChanges extends RowChanges {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
}

/** What a recovery to a restore point would not bring back, as far as the stored WAL tells. */
export interface PitrLoss extends RowChanges {
  /** When the restore point was set, by the server's clock. */
  readonly at: Date;
  /** Of others, that changed rows of tables. */
  readonly commits: number;
  /** Of others, that changed none: DDL, maintenance. */
  readonly otherCommits: number;
  readonly lastCommit: Date | undefined;
  /** Most changes first. */
  readonly tables: readonly TableChanges[];
  /** The migrations' own, which are meant to go. */
  readonly own: RowChanges & { readonly commits: number };
  /** The stored WAL ends here; what came later is not counted. */
  readonly untilLsn: bigint;
}

/**
 * Counts what was committed after a restore point, in every database, in the stored WAL.
 *
 * @throws {DbadminError} `target-unreachable` when the stored WAL does not hold the restore point after a backup's end.
 */
export async function countLoss(search: LossSearch): Promise<PitrLoss> {
  const { repository, contents, lineage, restorePoint } = search;
  const lsn = parseLsn(restorePoint.lsn);
  const candidate = candidatesOf(contents.backups, lineage, contents.coverage).find(({ stopLsn, reach }) => stopLsn <= lsn && lsn <= reach);
  if (candidate === undefined) throw notStored(restorePoint.name);
  const { systemIdentifier } = contents.cluster;
  const blobs = new BlobReader(repository, systemIdentifier, await BlobIndex.load(repository, systemIdentifier));
  const first = await countIn(search, candidate, blobs, search.database);
  if (first.at === undefined) throw notStored(restorePoint.name);
  const tables = new Map<string, TableChanges>();
  addTables(tables, first, first.database, search.database);
  for (const oid of new Set([...first.others.values()].map(({ database }) => database))) {
    const name = first.names.get(oid);
    if (oid === first.database || name === undefined) continue;
    addTables(tables, await countIn(search, candidate, blobs, name), oid, name);
  }
  const total = { inserted: 0, updated: 0, deleted: 0 };
  for (const { inserted, updated, deleted } of tables.values()) {
    total.inserted += inserted;
    total.updated += updated;
    total.deleted += deleted;
  }
  const sizeOf = ({ inserted, updated, deleted }: RowChanges): number => inserted + updated + deleted;
  const { at, commits, otherCommits, lastCommit, own } = first;
  const ordered = [...tables.values()].sort((a, b) => sizeOf(b) - sizeOf(a));
  return { ...total, at, commits, otherCommits, lastCommit, own, tables: ordered, untilLsn: candidate.reach };
}

interface Counted {
  readonly at: Date | undefined;
  readonly commits: number;
  readonly otherCommits: number;
  readonly lastCommit: Date | undefined;
  readonly own: RowChanges & { readonly commits: number };
  /** Changes by others, by database and file. */
  readonly others: ReadonlyMap<string, ChangedFile>;
  /** What each file of the database was, whatever became of it. */
  readonly files: ReadonlyMap<number, ClassRow>;
  readonly schemas: ReadonlyMap<number, string>;
  readonly database: number | undefined;
  /** Databases by OID. */
  readonly names: ReadonlyMap<number, string>;
}

async function countIn(search: LossSearch, candidate: Candidate, blobs: BlobReader, database: string): Promise<Counted> {
  const { repository } = search;
  return await withCatalogs(
    { repository, backup: candidate.backup, blobs },
    database,
    async (catalog) => await replay(search, candidate, catalog),
  );
}

async function replay(search: LossSearch, candidate: Candidate, catalog: CatalogReplay): Promise<Counted> {
  const major = Math.floor(candidate.backup.serverVersion / 10_000);
  const ends = new TransactionEnds(major);
  const counting = new LossCount(major);
  const files = new Map<number, ClassRow>();
  const schemas = new Map<number, string>();
  const names = new Map<number, string>();
  const others = new Map<string, ChangedFile>();
  const own = { commits: 0, inserted: 0, updated: 0, deleted: 0 };
  let [at, lastCommit, commits, otherCommits]: [Date | undefined, Date | undefined, number, number] = [undefined, undefined, 0, 0];
  let databaseOfFiles: number | undefined;
  const look = (): void => {
    for (const tuple of catalog.alive('namespace')) remember(schemas, tuple);
    for (const tuple of catalog.alive('database')) remember(names, tuple);
    if (catalog.database === undefined || catalog.database === databaseOfFiles) return;
    // Another database has the name now, and may have files of the same numbers.
    databaseOfFiles = catalog.database;
    files.clear();
    for (const row of catalog.classes()) noteFile(files, row);
  };
  look();
  const count = (outcome: TransactionOutcome): void => {
    const changes = counting.end(outcome);
    if (at === undefined || !isCommit(outcome)) return;
    if (search.own.has(outcome.xid)) {
      own.commits += 1;
      for (const { inserted, updated, deleted } of changes) {
        own.inserted += inserted;
        own.updated += updated;
        own.deleted += deleted;
      }
      return;
    }
    for (const change of changes) add(others, `${change.database}/${change.file}`, change);
    // Of other databases nobody has looked yet which files are TOAST.
    if (changes.some(({ database, file }) => database !== catalog.database || isTable(files.get(file)))) commits += 1;
    else otherCommits += 1;
    lastCommit = new Date(Number(outcome.time / 1000n));
  };
  const wants = (manager: number, info: number, bytes: Buffer, offset: number): boolean =>
    concernsTransactions(manager, info) || catalog.wants(manager, info, bytes, offset) || counting.wants(manager, info, bytes, offset);
  const { contents, lineage } = search;
  const stretch = { archive: contents.archive, lineage, major, fromLsn: candidate.startLsn, untilLsn: candidate.reach };
  for await (const record of readStoredRecords(stretch, wants)) {
    search.signal.throwIfAborted();
    const end = ends.take(record);
    if (end === undefined) {
      if (!catalog.wants(record.manager, record.info, record.bytes, 0)) counting.take(record);
      else for (const row of catalog.apply(record)) noteFile(files, row);
    } else if (end.kind === 'restore-point') {
      if (end.name === search.restorePoint.name) at = new Date(Number(end.time / 1000n));
    } else {
      const changed = isCommit(end) && catalog.changesOf(end).length > 0;
      catalog.end(end);
      count(end);
      if (changed) look();
    }
  }
  return { at, commits, otherCommits, lastCommit, own, others, files, schemas, database: catalog.database, names };
}

/** What fills a table anew has a name of this form for a moment, and leaves it to the table's old file. */
const REWRITE = /^pg_temp_\d+$/;

function noteFile(files: Map<number, ClassRow>, row: ClassRow): void {
  if (row.file !== 0 && !(REWRITE.test(row.name) && files.has(row.file))) files.set(row.file, row);
}

/** False for TOAST, indexes and sequences; true for a file that nobody knows. */
function isTable(row: ClassRow | undefined): boolean {
  return row === undefined || ['r', 'm', 'p'].includes(row.kind);
}

function remember(names: Map<number, string>, tuple: Parameters<typeof namedRow>[0]): void {
  const row = namedRow(tuple);
  if (row !== undefined) names.set(row.oid, row.name);
}

/** Tables of one database, TOAST left out; a table that was rewritten is one all the same. */
function addTables(to: Map<string, TableChanges>, { others, files, schemas }: Counted, oid: number | undefined, database: string): void {
  for (const change of others.values()) {
    if (change.database !== oid) continue;
    const row = files.get(change.file);
    if (!isTable(row)) continue;
    const schema = schemas.get(row?.namespace ?? 0) ?? '?';
    const table = row === undefined ? `file ${change.file}` : row.name;
    const { inserted, updated, deleted } = change;
    add(to, JSON.stringify([database, row?.oid ?? table]), { database, schema, table, inserted, updated, deleted });
  }
}

function notStored(name: string): DbadminError {
  return new DbadminError('target-unreachable', `the stored WAL does not hold restore point ${name} after a backup`, {
    hint: 'Wait until dbadmin wal receive has sent it, or see dbadmin backup info for what can be restored.',
  });
}
