import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import type { ConnectionParameters } from './parameters.ts';
import { openSession } from './session-client.ts';

/**
 * How values are written as text, and read: both ends of a copy need the same, whatever their roles and databases are set to. A date
 * written as `SQL, DMY` is another date to a session of `MDY`, and no error.
 */
export const TEXT_SETTINGS = {
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  extra_float_digits: '3',
  bytea_output: 'hex',
  lc_monetary: 'C',
  xmloption: 'content',
  array_nulls: 'on',
} as const;

/** As pg_dump has it: the server refuses what a policy would filter, and whatever takes long may. */
const WHOLE_TABLE_SETTINGS = {
  row_security: 'off',
  statement_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  synchronize_seqscans: 'off',
} as const;

/**
 * A client that reads whole tables: all their rows or none, values as TEXT_SETTINGS have them, definitions with the schema of
 * every name. Close it with `end()`.
 *
 * @throws {DbadminError} as openClient.
 * @see rowSecurityRefusal for what its statements throw where a policy would leave rows out.
 */
export async function openTableReader(parameters: ConnectionParameters): Promise<Sql> {
  return await openSession(parameters, { ...WHOLE_TABLE_SETTINGS, ...TEXT_SETTINGS, search_path: '', quote_all_identifiers: 'off' });
}

/**
 * Reads several tables of a client of {@link openTableReader} in one transaction. Outside of one, a session that is cut off between two
 * statements, as by idle_session_timeout while the other end builds an index, is replaced by one without the settings, and nobody is told.
 */
export async function inOneSession<Value>(from: Sql, work: (from: TransactionSql) => Promise<Value>): Promise<Value> {
  return (await from.begin('isolation level repeatable read read only', work)) as Value;
}

/**
 * The same for writing, with the search_path of the session, on which triggers, domains and constraints may rely: for what is asked of the
 * catalog see byCatalogAlone. `own`: values are read as the session is set, for texts that were not written by an openTableReader.
 */
export async function openTableWriter(parameters: ConnectionParameters, text: 'fixed' | 'own' = 'fixed'): Promise<Sql> {
  const settings = { ...WHOLE_TABLE_SETTINGS, ...(text === 'fixed' ? TEXT_SETTINGS : {}) };
  return await openSession(parameters, settings, { path: 'own' });
}

/** The server's refusal to show or take only a part of the rows, as an error that says so; undefined for any other error. */
export function rowSecurityRefusal({ user }: ConnectionParameters, error: unknown): DbadminError | undefined {
  const { routine } = error as { readonly routine?: unknown };
  if (systemCodeOf(error) !== '42501' || routine !== 'check_enable_rls') return undefined;
  return new DbadminError('privilege-missing', `row-level security policies would leave rows out for role ${user}`, {
    detail: `${messageOf(error)}. All rows are copied, or none.`,
    hint: 'Connect as a superuser, as a role with BYPASSRLS, or as the owner of a table without FORCE ROW LEVEL SECURITY.',
    cause: error,
  });
}
