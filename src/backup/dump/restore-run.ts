import { randomBytes } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Sql } from 'postgres';
import { DbadminError, isDbadminError, messageOf, reasonOf } from '../../base/errors.ts';
import { openClient } from '../../postgres/client.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import type { Environment, FoundProgram } from '../../postgres/programs.ts';
import { quoteIdentifier, quoteName } from '../../postgres/quote.ts';
import type { Repository } from '../../repository/repository.ts';
import { withAbsentRoles } from './absent-roles.ts';
import { createDatabase, nameDatabase, type NotApplied } from './database-apply.ts';
import { applyGlobals, type AppliedGlobals } from './globals-apply.ts';
import { readGlobals } from './globals-text.ts';
import type { DumpedDatabase, DumpedObject, DumpManifest } from './manifest.ts';
import { inspectLeftSpools, type LeftSpool } from './left-spools-inspect.ts';
import { missingSchemas } from './missing-schemas-run.ts';
import { restoreFromFile } from './pg-dump-restore.ts';
import { makeSpool, removeLeftSpools, removeSpool, spoolFailure } from './spool-run.ts';
import { spoolDumped, verifyStored } from './stored-dump.ts';
import { isWorkingName, workingNameOf } from './working-name.ts';

export interface RestoreDumpRequest {
  readonly repository: Repository;
  readonly manifest: DumpManifest;
  /** Databases of the dump, and the names they get. None of those may be there. */
  readonly databases: ReadonlyMap<string, string>;
  /** Whether roles and tablespaces that are not there are made first; those that are stay as they are. */
  readonly globals: boolean;
  /** Leads to any database of the cluster that gets them, as a role that may create databases. */
  readonly parameters: ConnectionParameters;
  /** pg_restore of the dump's major or a newer one. */
  readonly program: FoundProgram;
  readonly jobs: number;
  readonly env: Environment;
  /** Where a dump lies until it is restored: room for the largest is needed. */
  readonly spoolDirectory: string;
  readonly signal: AbortSignal;
  /** What dumps and restores left in the spool directory that were killed, and is gone now. */
  readonly onRemoved?: (spools: readonly string[]) => void;
  /** What lies in the spool directory of others, or of runs that were killed: nobody can tell from here. */
  readonly onLeft?: (spools: readonly LeftSpool[]) => void;
  /** Gets databases that restores were filling and did not finish: those that were killed, or are at work. */
  readonly onUnfinished?: (names: readonly string[]) => void;
  readonly onGlobals?: (globals: AppliedGlobals) => void;
  readonly onDatabase?: (database: RestoredDatabase) => void;
}

export interface RestoredDatabase {
  readonly database: string;
  readonly name: string;
  /** Whether the dump knows owner, privileges, settings, encoding and locale; without them it has those of a new database. */
  readonly hasProperties: boolean;
  /** Those of them that this server refused, or that could not be said to it any more. */
  readonly notApplied: readonly NotApplied[];
  /** Made because the dump has tables in them and, as one of single tables, not them: with owner and privileges of new ones. */
  readonly newSchemas: readonly string[];
}

export interface RestoredDump {
  readonly databases: readonly RestoredDatabase[];
  readonly globals: AppliedGlobals | null;
}

/**
 * Restores databases of a dump into new databases. Each is filled under a name that says so and gets its own as the last step: killed, a
 * restore leaves nothing that looks done. A database whose content does not come whole is dropped again, or, where the server is lost, named.
 *
 * @throws {DbadminError} `refused` when a name is taken, `privilege-missing`, `program-failed` with what pg_restore said,
 * `query-failed` where the server makes no database, `repository-damaged`.
 */
export async function restoreDump(request: RestoreDumpRequest): Promise<RestoredDump> {
  const { manifest, repository, parameters, signal } = request;
  const removed = await removeLeftSpools(request.spoolDirectory);
  if (removed.length > 0) request.onRemoved?.(removed);
  const left = await inspectLeftSpools(request.spoolDirectory, new Date());
  if (left.length > 0) request.onLeft?.(left);
  const spool = await makeSpool(request.spoolDirectory, 'restore');
  try {
    const file = path.join(spool, 'dump');
    const { serverMajor, globals } = await inSession(parameters, async (sql) => {
      const [server] = await sql<{ major: number }[]>`select current_setting('server_version_num')::int / 10000 as major`;
      await refuseRole(sql);
      await refuseTakenNames(sql, [...request.databases.values()]);
      const unfinished = await listUnfinished(sql);
      if (unfinished.length > 0) request.onUnfinished?.(unfinished);
      return { serverMajor: server?.major, globals: request.globals ? await restoreGlobals(request, sql, file) : null };
    });
    if (globals !== null) request.onGlobals?.(globals);
    const databases: RestoredDatabase[] = [];
    for (const [database, name] of request.databases) {
      const dumped = manifest.databases.find((each) => each.database === database);
      if (dumped === undefined) throw new DbadminError('usage', `dump ${manifest.label} has no database ${database}`);
      await verifyStored(repository, dumped, signal);
      await toSpool(request, dumped, file);
      const content = await restoreOne(request, name, { file, dumped, serverMajor });
      await rm(file, { recursive: true, force: true });
      const restored = { database, name, hasProperties: dumped.properties !== undefined, ...content };
      request.onDatabase?.(restored);
      databases.push(restored);
    }
    return { databases, globals };
  } finally {
    await removeSpool(spool);
  }
}

/** Sessions are short: one that waits for the content of a database may be cut off before its next statement. */
async function inSession<T>(parameters: ConnectionParameters, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = await openClient(parameters);
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Asked before a dump is fetched, as the server itself decides it. */
async function refuseRole(sql: Sql): Promise<void> {
  const [role] = await sql<{ name: string; may: boolean }[]>`
    select quote_ident(rolname) as name, rolcreatedb or rolsuper as may from pg_catalog.pg_roles where rolname = current_user`;
  if (role === undefined || role.may) return;
  throw new DbadminError('privilege-missing', `role ${role.name} may not create databases`, {
    detail: 'A dump is restored into new databases. Nothing was made.',
    hint: `An administrator may allow it: ALTER ROLE ${role.name} CREATEDB; or give another role with --into-url.`,
  });
}

async function refuseTakenNames(sql: Sql, names: readonly string[]): Promise<void> {
  const taken = await sql<{ name: string }[]>`select datname as name from pg_catalog.pg_database where datname in ${sql(['', ...names])}`;
  if (taken.length === 0) return;
  throw new DbadminError('refused', `there is a database ${taken.map(({ name }) => name).join(', ')} already`, {
    detail: 'A dump is restored beside what is there, never over it.',
    hint: 'Choose another name with --name OLD=NEW, or rename or drop that database.',
  });
}

async function listUnfinished(sql: Sql): Promise<readonly string[]> {
  const databases = await sql<{ name: string }[]>`select datname as name from pg_catalog.pg_database order by 1`;
  return databases.map(({ name }) => name).filter(isWorkingName);
}

async function restoreOne(
  request: RestoreDumpRequest,
  name: string,
  { file, dumped, serverMajor }: { readonly file: string; readonly dumped: DumpedDatabase; readonly serverMajor: number | undefined },
): Promise<Pick<RestoredDatabase, 'notApplied' | 'newSchemas'>> {
  const { properties, format = 'custom' } = dumped;
  const { program, parameters, env, signal, jobs } = request;
  const workingName = workingNameOf(name, randomBytes(4).toString('hex'));
  const refused = await inSession(parameters, async (sql) => await createDatabase(sql, workingName, properties)).catch((error: unknown) => {
    throw notCreated(error, name);
  });
  const within = { ...parameters, database: workingName };
  const tables = request.manifest.selection?.tables ?? [];
  let newSchemas: readonly string[] = [];
  try {
    const call = { program, parameters: within, env, signal };
    if (tables.length > 0) {
      newSchemas = await missingSchemas(call, file, format);
      await inSession(within, async (sql) => {
        for (const schema of newSchemas) await sql.unsafe(`CREATE SCHEMA ${quoteName(schema)}`);
      });
    }
    await restoreFromFile(call, file, { format, jobs, exitOnError: true }, serverMajor);
  } catch (failed) {
    const error = withAbsentRoles(failed, request.globals);
    const drop = `DROP DATABASE IF EXISTS ${quoteIdentifier(workingName)} WITH (FORCE)`;
    try {
      await inSession(within, dropSubscriptions);
      await inSession(parameters, async (sql) => await sql.unsafe(drop));
    } catch (failure) {
      throw halfRestored(error, failure, workingName, drop);
    }
    throw tables.length > 0 ? withoutRest(error, request, dumped) : error;
  }
  const locale = refused.map(({ statement, reason }) => ({
    statement: statement.replace(quoteName(workingName), () => quoteName(name)),
    reason,
  }));
  return { notApplied: [...locale, ...(await nameDatabase(parameters, workingName, name, properties))], newSchemas };
}

/** A dump of single tables has nothing else of their database, and its restore ends at the first thing that one of them needs. */
function withoutRest(error: unknown, { manifest }: RestoreDumpRequest, { database }: DumpedDatabase): unknown {
  if (!isDbadminError(error, 'program-failed')) return error;
  const part = `The dump has only the tables ${manifest.selection?.tables.join(', ')} of ${database}: types, functions and extensions that they use, and tables that they refer to, are not in it.`;
  const byHand = ` dbadmin restore --dump ${manifest.label} --into DIR lays its file down, which pg_restore by hand brings into a database that has them.`;
  return new DbadminError(error.code, error.message, {
    detail: error.detail,
    hint: [part + byHand, 'A dump without --table restores by itself.', ...(error.hint === undefined ? [] : [error.hint])].join('\n'),
    cause: error,
  });
}

/**
 * No database is dropped that has subscriptions, and each of them comes with the name of the original's slot at the publisher: dropped with that, it
 * takes the slot away, and the original's replication ends. pg_restore makes them without connecting, and disabled.
 */
async function dropSubscriptions(sql: Sql): Promise<void> {
  const subscriptions = await sql<{ name: string }[]>`
    select subname as name from pg_catalog.pg_subscription s join pg_catalog.pg_database d on d.oid = s.subdbid where d.datname = current_database()`;
  for (const { name } of subscriptions) {
    await sql.unsafe(`ALTER SUBSCRIPTION ${quoteName(name)} SET (slot_name = NONE)`);
    await sql.unsafe(`DROP SUBSCRIPTION ${quoteName(name)}`);
  }
}

/** The server may have no room for a database, or sessions in its template. */
function notCreated(error: unknown, name: string): unknown {
  if (error instanceof DbadminError) return error;
  return new DbadminError('query-failed', `the server does not make the database that is to be ${quoteName(name)}`, {
    detail: `${messageOf(error)}.`,
    cause: error,
  });
}

/** What ended the restore, with what it left behind. */
function halfRestored(error: unknown, failure: unknown, name: string, drop: string): DbadminError {
  const ended = isDbadminError(error) ? error : undefined;
  const half = `Half of database ${quoteIdentifier(name)} is there, and could not be taken away: ${reasonOf(failure)}`;
  const gone = `It is not to be used. Once the server answers: ${drop};`;
  return new DbadminError(ended?.code ?? 'program-failed', messageOf(error), {
    detail: [...(ended?.detail === undefined ? [] : [ended.detail]), half].join('\n'),
    hint: [...(ended?.hint === undefined ? [] : [ended.hint]), gone].join('\n'),
    cause: error,
  });
}

async function toSpool({ repository, spoolDirectory, signal }: RestoreDumpRequest, dumped: DumpedObject, place: string): Promise<void> {
  try {
    await spoolDumped(repository, dumped, place, signal);
  } catch (error) {
    throw spoolFailure(error, spoolDirectory, 'restore');
  }
}

async function restoreGlobals(request: RestoreDumpRequest, sql: Sql, file: string): Promise<AppliedGlobals> {
  const { repository, manifest, signal } = request;
  await verifyStored(repository, manifest.globals, signal);
  await toSpool(request, manifest.globals, file);
  const text = readGlobals(await readFile(file));
  await rm(file);
  return await applyGlobals(sql, text, signal);
}
