import { DbadminError } from '../base/errors.ts';
import type { Queryable } from './session.ts';
import { LOCK_HELD_SQL } from './lock.ts';
import type { Directives } from './directives.ts';

/** What every file starts from. */
export interface SessionSettings {
  readonly lockTimeoutMs: number;
  /** The server notices a client that died while a statement runs; not every platform can. */
  readonly checksClient: boolean;
}

/**
 * Gives the session the settings a file starts with, whatever the file before it set, and with a transaction opens it.
 *
 * @throws {DbadminError} `migration-failed` when the session lost the lock of the run.
 */
export async function beginFile(session: Queryable, settings: SessionSettings, directives: Directives, file: string): Promise<void> {
  const [row] = await session.query<{ held: boolean }>(beginFileSql(settings, directives));
  if (row?.held === true) return;
  throw new DbadminError('migration-failed', `${file}: the lock of this run is gone`, {
    detail: 'Something released the advisory lock of this session, or a connection pooler put another session in its place.',
    hint: 'Do not call pg_advisory_unlock_all() in migrations, and connect directly to the server.',
  });
}

function beginFileSql(settings: SessionSettings, directives: Directives): string {
  const lockTimeoutMs = directives.lockTimeoutMs ?? settings.lockTimeoutMs;
  const local = directives.transaction ? 'local ' : '';
  return [
    freshSessionSql(settings),
    ...(directives.transaction ? ['begin'] : []),
    `set ${local}lock_timeout = '${lockTimeoutMs}ms'`,
    `set ${local}statement_timeout = '${directives.statementTimeoutMs ?? 0}ms'`,
    LOCK_HELD_SQL,
  ].join(';\n');
}

/** SQL that undoes all a file may have set, the role included. */
export function freshSessionSql({ checksClient }: SessionSettings): string {
  return [
    'reset all',
    'set session authorization default',
    'reset role',
    "set timezone = 'UTC'",
    'set standard_conforming_strings = on',
    "set idle_in_transaction_session_timeout = '60s'",
    ...(checksClient ? ["set client_connection_check_interval = '2s'"] : []),
  ].join(';\n');
}

/** SQL in the transaction that writes the history: not as the role, nor over the search path, that a file chose. */
export const BEFORE_RECORD_SQL = 'set local session authorization default; set local role none; set local search_path = pg_catalog';
