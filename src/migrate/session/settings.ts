import type { Queryable } from './session.ts';
import { LOCK_HELD_SQL, lockGoneError } from './lock.ts';
import type { Directives } from '../files/directives.ts';

/** What every file starts from. */
export interface SessionSettings {
  readonly lockTimeoutMs: number;
  /** The server notices a client that died while a statement runs; not every platform can. */
  readonly checksClient: boolean;
}

/**
 * Gives the session the settings a file starts with, whatever the file before it set, and with a transaction opens it. Temporary
 * tables of files before it go, unless the file itself goes on (`goesOn`) and may have made them. All is sent when this returns. With a transaction the file's first statement may be sent right behind, before the answer: when something
 * fails here, that statement finds a transaction that has failed, or one to be rolled back, and never none.
 *
 * Whether the lock of the run is still held is asked here only without a transaction. With one, the row in the history asks: see
 * {@link recordHistory}.
 *
 * @throws {DbadminError} `migration-failed` when the session lost the lock of the run.
 */
export async function beginFile(
  session: Queryable,
  settings: SessionSettings,
  directives: Directives,
  file: string,
  goesOn = false,
): Promise<void> {
  // By itself: BEGIN is to come even when this fails, and after it, since it goes by what this sets.
  const fresh = session.query(goesOn ? freshSessionSql(settings) : `${freshSessionSql(settings)};\ndiscard temp`);
  const begun = session.query(beginFileSql(settings, directives));
  const asked = directives.transaction ? undefined : session.query<{ held: boolean }>(LOCK_HELD_SQL);
  const [, , rows] = await Promise.all([fresh, begun, asked]);
  if (rows !== undefined && rows[0]?.held !== true) throw lockGoneError(file);
}

function beginFileSql(settings: SessionSettings, directives: Directives): string {
  const lockTimeoutMs = directives.lockTimeoutMs ?? settings.lockTimeoutMs;
  const local = directives.transaction ? 'local ' : '';
  return [
    ...(directives.transaction ? ['begin'] : []),
    `set ${local}lock_timeout = '${lockTimeoutMs}ms'`,
    `set ${local}statement_timeout = '${directives.statementTimeoutMs ?? 0}ms'`,
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
