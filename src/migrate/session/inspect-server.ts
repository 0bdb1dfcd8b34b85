import { supportedMajor } from '../../postgres/server-version.ts';
import type { Queryable } from './session.ts';

/** What `migrate` must know of the server it talks to. */
export interface ServerFacts {
  readonly major: number;
  /** As `server_version` has it: `17.10`. */
  readonly version: string;
  readonly database: string;
  readonly user: string;
  readonly isStandby: boolean;
  readonly walLevel: string;
  /** Has EXECUTE on pg_create_restore_point. */
  readonly maySetRestorePoint: boolean;
  /** Has EXECUTE on pg_switch_wal. */
  readonly maySwitchWal: boolean;
  /** The process that answered. */
  readonly pid: number;
}

/**
 * Asks the server.
 *
 * @throws {DbadminError} `server-unsupported`.
 */
export async function inspectServer(session: Queryable): Promise<ServerFacts> {
  const [row] = await session.query(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as version,
       current_database() as database, current_user as "user", pg_is_in_recovery() as standby, current_setting('wal_level') as wal_level,
       has_function_privilege('pg_catalog.pg_create_restore_point(text)', 'execute') as may_mark,
       has_function_privilege('pg_catalog.pg_switch_wal()', 'execute') as may_switch, pg_backend_pid() as pid`,
  );
  return {
    major: supportedMajor(Number(row?.['number'] ?? 0)),
    version: String(row?.['version']),
    database: String(row?.['database']),
    user: String(row?.['user']),
    isStandby: row?.['standby'] === true,
    walLevel: String(row?.['wal_level']),
    maySetRestorePoint: row?.['may_mark'] === true,
    maySwitchWal: row?.['may_switch'] === true,
    pid: Number(row?.['pid']),
  };
}

/** Whether the server can notice that a client died while its statement runs. */
export async function canCheckClient(session: Queryable): Promise<boolean> {
  try {
    await session.query("set client_connection_check_interval = '2s'");
    return true;
  } catch {
    return false;
  }
}
