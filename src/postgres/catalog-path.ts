import type { TransactionSql } from 'postgres';

/**
 * Does `work` where functions and operators without a schema are those of the catalog, whatever the session, its role or its database are set
 * to; afterwards the path is as it was, for the triggers, domains and constraints of tables.
 *
 * Whoever may make functions in a schema of the path makes one that fits the arguments better, such as quote_ident(name), and it runs with the
 * rights of whoever asks.
 *
 * @see https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058
 */
export async function byCatalogAlone<Value>(transaction: TransactionSql, work: () => Promise<Value>): Promise<Value> {
  const [before] = await transaction<{ path: string }[]>`select pg_catalog.current_setting('search_path') as path`;
  await transaction`select pg_catalog.set_config('search_path', '', true)`;
  const value = await work();
  await transaction`select pg_catalog.set_config('search_path', ${before?.path ?? ''}, true)`;
  return value;
}
