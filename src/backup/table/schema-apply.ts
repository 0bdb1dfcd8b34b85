import type { TransactionSql } from 'postgres';
import { quoteName } from '../../postgres/quote.ts';

/** Makes a schema where there is none of the name. One that is there may be filled by who may not make any, which IF NOT EXISTS asks for first. */
export async function makeMissingSchema(sql: TransactionSql, schema: string): Promise<void> {
  if ((await sql`select 1 from pg_catalog.pg_namespace where nspname operator(pg_catalog.=) ${schema}`).length > 0) return;
  await sql.unsafe(`CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)}`);
}

/** Names that no new table or index of the schema can have. */
export async function takenNames(sql: TransactionSql, schema: string): Promise<Set<string>> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
    where n.nspname operator(pg_catalog.=) ${schema}`;
  return new Set(rows.map(({ name }) => name));
}
