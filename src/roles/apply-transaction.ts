import type { TransactionSql } from 'postgres';
import type { Clock } from '../base/clock.ts';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { openClient } from '../postgres/client.ts';
import { isConnectionLoss } from '../postgres/connection-error.ts';
import type { ConnectionParameters } from '../postgres/parameters.ts';
import type { Change } from './change.ts';
import { describeChange } from './describe.ts';
import { fixForms } from './inspect-forms.ts';
import { APPLICATION_NAME } from './inspect.ts';
import { changeSql } from './print.ts';
import type { Transaction } from './transactions.ts';

export interface TransactionOptions {
  readonly connection: ConnectionParameters;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly lockTimeoutMs: number;
  /** Roles that we make are to be ours to use: for a role that is no superuser, on 16 and later. */
  readonly selfGrant?: boolean;
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 200;
/** The server's way to say that nothing, or not all, was revoked or granted. It calls that success; we do not. */
const FALSE_SUCCESS = ['01006', '01007'];

/** The connection was lost on a commit: nobody knows whether what it was to make is made. */
export class CommitInDoubt extends DbadminError {
  /** `what` was on its way, with its verb: `changes were`. */
  constructor(what: string, database: string, loss: unknown, hint = 'Run the same command again: it looks, and makes what is left.') {
    super('connection-failed', `the connection was lost while ${what} being committed in database ${database}`, {
      detail: `Whether that is done, the server did not say: ${messageOf(loss)}.`,
      hint,
      cause: loss,
    });
  }
}

/**
 * Makes the changes of one transaction; tries again when another session was in the way.
 *
 * @throws {DbadminError} what the server refused; then nothing of it was changed. `CommitInDoubt`.
 */
export async function runTransaction(transaction: Transaction, options: TransactionOptions): Promise<void> {
  const notices: { readonly code: string; readonly message: string }[] = [];
  const client = await openClient(
    { ...options.connection, database: transaction.database },
    { applicationName: APPLICATION_NAME, onNotice: (notice) => void notices.push(notice) },
  );
  let isCommitting = false;
  try {
    await retrying(options, async () => {
      notices.length = 0;
      isCommitting = false;
      await client.begin(async (sql) => {
        await guard(sql, options.lockTimeoutMs);
        if (options.selfGrant === true) await sql`select set_config('createrole_self_grant', 'set, inherit', true)`;
        for (const change of transaction.changes) await makeChange(sql, change, transaction.database, notices);
        isCommitting = true;
      });
    });
  } catch (error) {
    if (isCommitting && isConnectionLoss(error)) throw new CommitInDoubt('changes were', transaction.database, error);
    throw error;
  } finally {
    await client.end({ timeout: 1 });
  }
}

/** What every transaction of ours begins with. */
export async function guard(sql: TransactionSql, lockTimeoutMs: number): Promise<void> {
  await fixForms(sql);
  // A login may be set to be told no warnings, and by them alone the server says that nothing came of a GRANT.
  await sql`select set_config('lock_timeout', ${`${lockTimeoutMs}ms`}, true), set_config('client_min_messages', 'warning', true)`;
}

async function makeChange(
  sql: TransactionSql,
  change: Change,
  database: string,
  notices: readonly { readonly code: string; readonly message: string }[],
): Promise<void> {
  for (const statement of changeSql(change)) {
    try {
      await sql.unsafe(statement);
    } catch (error) {
      throw refusedBy(error, change, database, statement);
    }
    const wrong = notices.find((notice) => FALSE_SUCCESS.includes(notice.code));
    if (wrong !== undefined) {
      const { subject, text } = describeChange(change);
      throw new DbadminError('privilege-missing', `the server did not do what it was asked for ${subject}: ${text}`, {
        detail: `In database ${database}: ${wrong.message} (SQLSTATE ${wrong.code}).\n${shorten(statement)}`,
        hint: 'The role that is connected lacks the grant option or the membership this needs; a superuser has both.',
      });
    }
  }
}

const MAX_SHOWN_SQL = 500;

function shorten(statement: string): string {
  return statement.length > MAX_SHOWN_SQL ? `${statement.slice(0, MAX_SHOWN_SQL)} …` : statement;
}

function refusedBy(error: unknown, change: Change, database: string, statement: string): DbadminError {
  const code = systemCodeOf(error);
  const { subject, text } = describeChange(change);
  const hints: Readonly<Record<string, string>> = {
    '42501':
      'The role that is connected may not do this: connect as a superuser, or give it ADMIN OPTION on the role or membership in the owner.',
    '2BP01': 'Somebody out of scope got this privilege from the one that loses it: revoke that by hand, or take it into scope.',
    '55P03': 'Another session holds the lock: find it in pg_stat_activity and pg_locks, or try again later.',
    '53200': 'The lock table is full: raise max_locks_per_transaction.',
  };
  return new DbadminError(code === '42501' ? 'privilege-missing' : 'query-failed', `the server refused a change for ${subject}: ${text}`, {
    detail: `In database ${database}: ${messageOf(error)} (SQLSTATE ${code ?? 'unknown'}).\n${shorten(statement)}`,
    ...(code !== undefined && hints[code] !== undefined ? { hint: hints[code] } : {}),
    cause: error,
  });
}

/** Runs `attempt`, again after a pause when it lost to another session: a deadlock, a lock not had in time, a row changed under it. */
export async function retrying(options: Pick<TransactionOptions, 'clock' | 'log' | 'signal'>, attempt: () => Promise<void>): Promise<void> {
  for (let count = 1; ; count += 1) {
    options.signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (count >= ATTEMPTS || !isCollision(error)) throw error;
      options.log.info(`another session was in the way (${messageOf(error)}): trying again, ${ATTEMPTS - count} left`);
      await options.clock.sleep(FIRST_PAUSE_MS * 2 ** (count - 1), options.signal);
    }
  }
}

function isCollision(error: unknown): boolean {
  const found = error instanceof DbadminError ? error.cause : error;
  const code = systemCodeOf(found);
  return code === '40P01' || code === '55P03' || code === '40001' || (code === 'XX000' && messageOf(found).includes('tuple concurrently'));
}
