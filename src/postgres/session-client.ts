import type { Sql } from 'postgres';
import { openClient, type ClientOptions } from './client.ts';
import type { ConnectionParameters } from './parameters.ts';

/** Whatever the role or the database are set to, nothing ends a session because it takes long. */
export const UNTIMED_SETTINGS = {
  statement_timeout: '0',
  lock_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
} as const;

/**
 * A client whose session has these settings, of those that its server knows. Close it with `end()`.
 *
 * @throws {DbadminError} as openClient.
 */
export async function openSession(
  parameters: ConnectionParameters,
  settings: Readonly<Record<string, string>>,
  options: ClientOptions = {},
): Promise<Sql> {
  const sql = await openClient(parameters, options);
  try {
    await applySettings(sql, settings);
  } catch (error) {
    await sql.end({ timeout: 1 });
    throw error;
  }
  return sql;
}

/** Gives a session these settings, of those that its server knows. A client that was cut off while it was idle has a new session. */
export async function applySettings(sql: Sql, settings: Readonly<Record<string, string>>): Promise<void> {
  // Not every version has each of them.
  await sql`
    select set_config(wanted.key, wanted.value, false) from json_each_text(${JSON.stringify(settings)}::text::json) as wanted
    where exists (select 1 from pg_catalog.pg_settings s where lower(s.name) = wanted.key)`;
}
