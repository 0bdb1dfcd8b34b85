import { DbadminError, isDbadminError, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { databaseRecord } from '../../postgres/database-records.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { RESOURCE_MANAGER } from '../../postgres/resource-managers.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import { readStoredRecords } from '../restore/stored-records.ts';
import { MovedDatabases } from './moved-databases.ts';
import { leadsTo, type OrdinarySession } from './ordinary-session.ts';

/** The databases of a cluster by their numbers: name, and what is another with every change of their row. */
export type Databases = ReadonlyMap<number, { readonly name: string; readonly row: string }>;

/** Undefined where there is nobody to ask. */
export async function inspectDatabases(session: OrdinarySession | undefined, systemIdentifier: string): Promise<Databases | undefined> {
  try {
    const sql = await session?.open();
    if (sql === undefined || !(await leadsTo(sql, systemIdentifier))) return undefined;
    const rows = await sql<{ oid: string; name: string; row: string }[]>`
      select oid::text, datname::text as name, xmin::text || ' ' || dattablespace::text as row from pg_catalog.pg_database`;
    return new Map(rows.map(({ oid, name, row }) => [Number(oid), { name, row }]));
  } catch {
    return undefined;
  }
}

/** The names, by their numbers, of databases that were made or altered from one look to the other. Moving one alters its row. */
export function changedDatabases(before: Databases | undefined, after: Databases | undefined): ReadonlyMap<number, string> {
  const changed = new Map<number, string>();
  if (before === undefined) return changed;
  for (const [oid, { name, row }] of after ?? []) if (before.get(oid)?.row !== row) changed.set(oid, name);
  return changed;
}

export interface MovedDatabasesOptions {
  /** Has the WAL of the backup. */
  readonly repository: Repository;
  /** Made or altered while the backup was being taken. The WAL is read only where there are such. */
  readonly changed: ReadonlyMap<number, string>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Refuses a backup that {@link MovedDatabases} are not in: a restore of it would start, and these databases would be empty.
 *
 * @throws {DbadminError} `backup-failed`, `interrupted`.
 */
export async function refuseMovedDatabases(summary: BackupSummary, options: MovedDatabasesOptions): Promise<void> {
  const { changed, log } = options;
  if (changed.size === 0) return;
  let lost: readonly number[];
  try {
    lost = await inspectMoved(summary, options);
  } catch (error) {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    log.warn(`${summary.label}: the WAL of the backup does not say whether databases were moved: ${reasonOf(error)}`);
    return;
  }
  const names = lost.flatMap((oid) => changed.get(oid) ?? []).map((name) => `"${name}"`);
  if (names.length === 0) return;
  throw new DbadminError(
    'backup-failed',
    `files of ${names.length === 1 ? 'database' : 'databases'} ${names.join(', ')} were moved away while the backup was being taken`,
    {
      detail:
        'ALTER DATABASE SET TABLESPACE, or the DROP of the template of a new database, deletes files that recovery has to copy: a database in whose place it does not find them is empty.',
      hint: 'Take the backup again; what was stored of it is used again where it can be.',
    },
  );
}

async function inspectMoved(
  { systemIdentifier, walSegmentBytes, serverVersion, startLsn, stopLsn, stopTimeline }: BackupSummary,
  { repository, signal }: MovedDatabasesOptions,
): Promise<readonly number[]> {
  const major = Math.floor(serverVersion / 10_000);
  const stretch = {
    archive: new WalArchive(repository, systemIdentifier, walSegmentBytes),
    lineage: { timeline: stopTimeline, history: [] },
    major,
    fromLsn: parseLsn(startLsn),
    untilLsn: parseLsn(stopLsn),
  };
  const moved = new MovedDatabases();
  for await (const record of readStoredRecords(stretch, (manager) => manager === RESOURCE_MANAGER.database)) {
    signal.throwIfAborted();
    const change = databaseRecord(record, major);
    if (change !== undefined) moved.add(change);
  }
  return moved.lost();
}
