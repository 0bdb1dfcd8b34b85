import { DbadminError, isDbadminError, messageOf, reasonOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { databaseRecord } from '../../postgres/database-records.ts';
import { parseLsn } from '../../postgres/lsn.ts';
import { RESOURCE_MANAGER } from '../../postgres/resource-managers.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { Repository } from '../../repository/repository.ts';
import { WalArchive } from '../../repository/wal-archive.ts';
import { readStoredRecords } from '../restore/stored-records.ts';
import { MovedDatabases, type Databases } from './moved-databases.ts';
import { BACKUP_APPLICATION, type OrdinarySession } from './ordinary-session.ts';

/** A look at the databases, or why there was none: part of a sentence. */
export type DatabasesLook = Databases | { readonly unknown: string };

/**
 * How the databases stand at the server whose replication connection is served by the process `serverPid`. Another server of the cluster, a
 * standby that lags behind or the primary of one, makes and drops databases at other moments than the one that is read.
 */
export async function inspectDatabases(session: OrdinarySession | undefined, serverPid: number | undefined): Promise<DatabasesLook> {
  if (session === undefined) return { unknown: 'there is no ordinary connection' };
  try {
    const sql = await session.open();
    const [here] = await sql`
      select from pg_catalog.pg_stat_activity where pid = ${serverPid ?? 0} and datid is null and application_name = ${BACKUP_APPLICATION}`;
    if (here === undefined) return { unknown: 'the ordinary connection leads to another server than the one that is backed up' };
    const rows = await sql<{ oid: string; name: string; version: string; tablespace: string; going: boolean }[]>`
      select oid::text, datname::text as name, xmin::text as version, dattablespace::text as tablespace,
        datconnlimit = ${DROP_BEGAN} or oid in (select objid from pg_catalog.pg_locks where locktype = 'object'
          and classid = 'pg_catalog.pg_database'::pg_catalog.regclass and mode = 'AccessExclusiveLock' and granted) as going
      from pg_catalog.pg_database`;
    return new Map(
      rows.map(({ oid, name, version, tablespace, going }) => [
        Number(oid),
        { name, version, tablespace: Number(tablespace), mayGo: going },
      ]),
    );
  } catch (error) {
    return { unknown: messageOf(error) };
  }
}

/** The connection limit of a database whose DROP has begun. Minor versions of before July 2023 set none; then its lock tells. */
const DROP_BEGAN = -2;

/** What became of the databases while the cluster was read. */
export interface DatabaseChanges {
  /** Whether some were made or altered, moved ones among them; true where that is not known. */
  readonly areLikely: boolean;
  /** How they stood when everything had been read. */
  readonly last: Databases | undefined;
  /** Why one of these is not known. */
  readonly unknown: string | undefined;
}

export function databaseChanges(before: DatabasesLook, after: DatabasesLook): DatabaseChanges {
  if ('unknown' in after) return { areLikely: true, last: undefined, unknown: after.unknown };
  if ('unknown' in before) return { areLikely: true, last: after, unknown: before.unknown };
  const areLikely = after.entries().some(([oid, { version }]) => before.get(oid)?.version !== version);
  return { areLikely, last: after, unknown: undefined };
}

export interface MovedDatabasesOptions {
  /** Has the WAL of the backup. It is read only where databases were made or altered, or where that is not known. */
  readonly repository: Repository;
  readonly changes: DatabaseChanges;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Refuses a backup that {@link MovedDatabases} are not in: a restore of it would start, and these databases would be empty.
 * Gives sentences, without the last stop, on what could not be found out.
 *
 * @throws {DbadminError} `backup-failed`, `interrupted`.
 */
export async function refuseMovedDatabases(summary: BackupSummary, options: MovedDatabasesOptions): Promise<readonly string[]> {
  const { changes, log } = options;
  const { last, unknown } = changes;
  if (!changes.areLikely) return [];
  if (unknown !== undefined) log.debug(`${summary.label}: looking in its WAL whether databases were moved: ${unknown}`);
  let moved: MovedDatabases;
  try {
    moved = await inspectMoved(summary, options);
  } catch (error) {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    return [
      `nobody knows whether databases were moved while the backup was being taken, which would be empty in it: its WAL does not say it (${reasonOf(error)})`,
    ];
  }
  const { lost, open } = moved.outcome(last);
  if (lost.length === 0) return open.map((copy) => openWarning(copy, unknown ?? ''));
  const names = lost.map((oid) => nameOf(oid, last));
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

function nameOf(oid: number, databases: Databases | undefined): string {
  const row = databases?.get(oid);
  return row === undefined ? `with OID ${oid}` : `"${row.name}"`;
}

function openWarning({ database, source }: { readonly database: number; readonly source: number }, reason: string): string {
  return `the database with OID ${database} was made from the files of the one with OID ${source} while the backup was being taken: if that was dropped before the end, the new one is empty in this backup, and nobody could be asked (${reason}); take another backup where it may have been`;
}

async function inspectMoved(
  { systemIdentifier, walSegmentBytes, serverVersion, startLsn, stopLsn, stopTimeline }: BackupSummary,
  { repository, signal }: MovedDatabasesOptions,
): Promise<MovedDatabases> {
  const major = Math.floor(serverVersion / 10_000);
  const stretch = {
    archive: new WalArchive(repository, systemIdentifier, walSegmentBytes),
    lineage: { timeline: stopTimeline, history: [] },
    major,
    fromLsn: parseLsn(startLsn),
    untilLsn: parseLsn(stopLsn),
  };
  const moved = new MovedDatabases();
  // At every record: hours of WAL may hold none that is given.
  const isWanted = (manager: number): boolean => {
    signal.throwIfAborted();
    return manager === RESOURCE_MANAGER.database;
  };
  for await (const record of readStoredRecords(stretch, isWanted)) {
    const change = databaseRecord(record, major);
    if (change !== undefined) moved.add(change);
  }
  return moved;
}
