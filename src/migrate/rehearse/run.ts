import { DbadminError, isDbadminError, systemCodeOf } from '../../base/errors.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { inspectServer } from '../session/inspect-server.ts';
import { migrateUp, type MigrateUpOptions, type MigrateUpResult } from '../run.ts';
import { openSession, type Session } from '../session/session.ts';
import { overLimit, type OverLimit } from './limit.ts';
import { Measurement } from './measure-run.ts';
import type { RehearsedFile } from './record.ts';

export interface RehearseOptions {
  /** A superuser of the clone. */
  readonly superuser: ConnectionParameters;
  readonly database: string;
  /** The role that `up` connects as; where the clone has no such login, the superuser stands in. */
  readonly user: string;
  /** How `up` is run; it connects to the clone. */
  readonly up: Omit<MigrateUpOptions, 'connection' | 'wantsRestorePoint' | 'awaitArchived' | 'observer'>;
  /** Who waits longer for a table is over the limit; undefined: no limit. */
  readonly maxBlockMs: number | undefined;
}

/** What a rehearsal saw. */
export interface Rehearsed {
  readonly user: string;
  readonly serverVersion: string;
  readonly files: readonly RehearsedFile[];
  readonly over: readonly OverLimit[];
  readonly warnings: readonly string[];
  /** The failure of `up`, as it would throw it. */
  readonly failure: unknown;
}

/**
 * Runs what is pending in a clone that nobody else uses, exactly as `up` runs it, and measures.
 *
 * @throws {DbadminError} `connection-failed`, or `refused` when the clone has no such database. A failing file is no failure of
 * the rehearsal: it comes back in the result.
 */
export async function rehearse(options: RehearseOptions): Promise<Rehearsed> {
  const watcher = await openWatcher(options);
  try {
    const user = await roleFor(watcher, options);
    await quieten(watcher, options);
    const { version: serverVersion } = await inspectServer(watcher);
    const measurement = new Measurement(watcher, options.up.clock, options.up.schema);
    let result: MigrateUpResult | undefined;
    let failure: unknown;
    try {
      result = await migrateUp({
        ...options.up,
        connection: { ...options.superuser, database: options.database, user: user.name },
        wantsRestorePoint: false,
        observer: measurement,
      });
    } catch (error) {
      options.up.signal.throwIfAborted();
      failure = error;
    }
    const { files, statements } = await measurement.end();
    const { maxBlockMs } = options;
    const over = maxBlockMs === undefined ? [] : files.flatMap((file, index) => overLimit(file, statements[index] ?? [], maxBlockMs));
    const warnings = [...user.warnings, ...(result?.warnings ?? [])];
    return { user: user.name, serverVersion, files, over, warnings, failure };
  } finally {
    await watcher.close();
  }
}

async function openWatcher({ superuser, database }: RehearseOptions): Promise<Session> {
  try {
    return await openSession({ ...superuser, database }, { applicationName: 'dbadmin rehearse' });
  } catch (error) {
    const cause = isDbadminError(error) ? error.cause : error;
    if (systemCodeOf(cause) !== '3D000') throw error;
    throw new DbadminError('refused', `the backup has no database ${database}`, {
      hint: 'It was made since: take a backup, or rehearse at the newest moment with --to now.',
      cause: error,
    });
  }
}

async function roleFor(
  watcher: Session,
  { user, superuser }: RehearseOptions,
): Promise<{ readonly name: string; readonly warnings: readonly string[] }> {
  const [role] = await watcher.query<{ login: boolean }>('select rolcanlogin as login from pg_catalog.pg_roles where rolname = $1', [user]);
  if (role?.login === true) return { name: user, warnings: [] };
  const why = role === undefined ? 'is not in the backup' : 'may not log in there';
  return { name: superuser.user, warnings: [`role ${user} ${why}; the files ran as ${superuser.user}, who may do everything`] };
}

/** Autovacuum would take locks and write WAL of its own; and pages are written whole once after a checkpoint, which must not come in between. */
async function quieten(watcher: Session, { up }: RehearseOptions): Promise<void> {
  await watcher.query('alter system set autovacuum = off');
  await watcher.query("alter system set checkpoint_timeout = '1d'");
  await watcher.query('select pg_catalog.pg_reload_conf()');
  for (let tries = 0; tries < 100; tries += 1) {
    const [row] = await watcher.query<{ setting: string }>("select pg_catalog.current_setting('autovacuum') as setting");
    if (row?.setting === 'off') break;
    await up.clock.sleep(20, up.signal);
  }
  await watcher.query(
    "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where backend_type = 'autovacuum worker'",
  );
  await watcher.query('checkpoint');
}
