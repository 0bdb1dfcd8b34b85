import type postgres from 'postgres';
import { quoteIdentifier } from '../../postgres/quote.ts';

/**
 * Lets the clone's databases that take no connections, as template0, take them: they came out of the backup as the others did, and nobody can look into them
 * otherwise. Gives their names. One whose drop was interrupted never takes any again.
 */
export async function openDatabases(sql: postgres.Sql): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select datname as name from pg_catalog.pg_database where not datallowconn and datconnlimit <> -2 order by datname`;
  const names = rows.map(({ name }) => name);
  await allowConnections(sql, names, true);
  return names;
}

/** Puts them back to what they were. */
export async function closeDatabases(sql: postgres.Sql, names: readonly string[]): Promise<void> {
  await allowConnections(sql, names, false);
}

async function allowConnections(sql: postgres.Sql, names: readonly string[], isAllowed: boolean): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction.unsafe('set local transaction_read_only = off');
    for (const name of names) await transaction.unsafe(`alter database ${quoteIdentifier(name)} allow_connections ${isAllowed}`);
  });
}
