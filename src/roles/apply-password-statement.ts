import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { openClient } from '../postgres/client.ts';
import { isConnectionLoss } from '../postgres/connection-error.ts';
import { CommitInDoubt, guard, retrying, type TransactionOptions } from './apply-transaction.ts';
import { APPLICATION_NAME } from './inspect.ts';
import { passwordSql } from './print.ts';
import { SCRAM_ITERATIONS } from './scram.ts';

/** What could write the statement down. Each is turned off where the role may; a verifier is a secret too. */
const SILENCED = [
  ['log_statement', 'none'],
  ['log_min_duration_statement', '-1'],
  ['log_min_duration_sample', '-1'],
  ['log_transaction_sample_rate', '0'],
  ['log_min_error_statement', 'panic'],
  ['track_activities', 'off'],
  ['pg_stat_statements.track_utility', 'off'],
  ['pgaudit.log', 'none'],
] as const;

/** With these values nothing is written down; what is not known to the server writes nothing either. */
const SILENT: Readonly<Record<string, readonly string[]>> = {
  log_statement: ['none'],
  log_min_duration_statement: ['-1'],
  log_min_duration_sample: ['-1'],
  log_transaction_sample_rate: ['0'],
  'pg_stat_statements.track_utility': ['off'],
  'pgaudit.log': ['none', ''],
};

/**
 * Stores a verifier for `role`, or takes its password away with undefined, in a transaction of its own in `database`.
 *
 * The statement is sent only when the server will not write it down, neither in its log nor in pg_stat_statements: what the
 * role that is connected may not turn off must be off. It is tried without the verifier first, so that a refusal, which the
 * server logs with its statement, has none in it.
 *
 * @throws {DbadminError} `privilege-missing` or `query-failed`, always without the statement; nothing was changed. `CommitInDoubt`.
 */
export async function storeVerifier(
  role: string,
  verifier: Secret | undefined,
  database: string,
  options: TransactionOptions,
): Promise<void> {
  const client = await openClient({ ...options.connection, database }, { applicationName: APPLICATION_NAME });
  let isCommitting = false;
  try {
    await silence(client);
    await retrying(options, async () => {
      isCommitting = false;
      await client.begin(async (sql) => {
        await guard(sql, options.lockTimeoutMs);
        await sql.unsafe(passwordSql(role, undefined));
        if (verifier !== undefined) {
          await refuseWrittenDown(sql, [role]);
          await sql.unsafe(passwordSql(role, verifier.reveal()));
        }
        isCommitting = true;
      });
    });
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    if (isCommitting && isConnectionLoss(error)) {
      const hint =
        'Run the same command again: it looks, and does what is left. Where the role that is connected may not read pg_authid, it cannot see that: then set it with dbadmin roles rotate.';
      // Without the driver's error, as below.
      throw new CommitInDoubt(`the password of role ${role} was`, database, new Error(messageOf(error)), hint);
    }
    const denied = systemCodeOf(error) === '42501';
    throw new DbadminError(denied ? 'privilege-missing' : 'query-failed', `the server did not take the password of role ${role}`, {
      detail: `${messageOf(error)} (SQLSTATE ${systemCodeOf(error) ?? 'unknown'}).`,
    });
  } finally {
    await client.end({ timeout: 1 });
  }
}

/**
 * Refuses before anything is done what {@link storeVerifier} would refuse in the end, when the roles would be made already.
 *
 * @throws {DbadminError} `privilege-missing` when the server would write the verifiers of `roles` down.
 */
export async function refuseLoud(roles: readonly string[], database: string, options: TransactionOptions): Promise<void> {
  if (roles.length === 0) return;
  const client = await openClient({ ...options.connection, database }, { applicationName: APPLICATION_NAME });
  try {
    await silence(client);
    await refuseWrittenDown(client, roles);
  } finally {
    await client.end({ timeout: 1 });
  }
}

/** How often the server itself would hash a password: `scram_iterations` from 16 on, as many as always before. */
export async function readScramIterations(sql: Sql): Promise<number> {
  const [row] = await sql<{ iterations: number | null }[]>`select current_setting('scram_iterations', true)::int as iterations`;
  return row?.iterations ?? SCRAM_ITERATIONS;
}

/**
 * For the session, which is ours alone, and before the transaction begins: that is when the server decides whether all
 * statements of it go to the log (`log_transaction_sample_rate`).
 */
async function silence(client: Sql): Promise<void> {
  for (const [name, value] of SILENCED) await client`select set_config(${name}, ${value}, false)`.catch(() => undefined);
}

async function refuseWrittenDown(sql: Sql | TransactionSql, roles: readonly string[]): Promise<void> {
  const rows = await sql<{ name: string; setting: string }[]>`
    select name, setting from pg_catalog.pg_settings
     where name in (select json_array_elements_text(${JSON.stringify(Object.keys(SILENT))}::text::json)) order by name`;
  const loud = rows.filter(({ name, setting }) => SILENT[name]?.includes(setting) === false);
  if (loud.length === 0) return;
  const names = loud.map(({ name }) => name).join(', ');
  const what = roles.length === 1 ? `verifier of role ${roles[0] ?? ''}` : `verifiers of roles ${roles.join(', ')}`;
  throw new DbadminError(
    'privilege-missing',
    `the server would write the ${what} down, so ${roles.length === 1 ? 'it was' : 'they were'} not sent`,
    {
      detail: `${loud.map(({ name, setting }) => `${name} is ${setting}`).join(', ')}, and the role that is connected may not change that.`,
      hint: `As superuser: GRANT SET ON PARAMETER ${names} TO the role (15 and later), or ALTER ROLE … SET each of them to a silent value; or turn it off.`,
    },
  );
}
