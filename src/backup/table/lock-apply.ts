import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { qualified } from './definition.ts';

const UNDEFINED_TABLE: ReadonlySet<string> = new Set(['42P01', '3F000']);

/**
 * Reads in one snapshot with a lock on a table, its partitions too: nobody truncates, rewrites or drops it until the end. The lock comes
 * first. A snapshot from before a TRUNCATE or a rewriting ALTER TABLE was committed sees an empty table
 * afterwards, one that was empty at no moment; LOCK waits for both and takes no snapshot.
 *
 * A materialized view cannot be locked so and need not be: what REFRESH writes, every snapshot sees.
 *
 * @throws {DbadminError} `usage` when there is no such table.
 * @see https://www.postgresql.org/docs/current/mvcc-caveats.html
 */
export async function inLockedSnapshot<Value>(
  sql: Sql,
  table: { readonly schema: string; readonly name: string },
  work: (transaction: TransactionSql) => Promise<Value>,
): Promise<Value> {
  const name = qualified(table.schema, table.name);
  const [found] = await sql<{ kind: string }[]>`
    select c.relkind as kind from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${table.schema} and c.relname = ${table.name} and c.relkind in ('r', 'p', 'm')`;
  if (found === undefined) throw missing(name);
  return (await sql.begin('isolation level repeatable read read only', async (transaction) => {
    if (found.kind !== 'm') await lock(transaction, name);
    return await work(transaction);
  })) as Value;
}

async function lock(transaction: TransactionSql, name: string): Promise<void> {
  try {
    await transaction.unsafe(`LOCK TABLE ${name} IN ACCESS SHARE MODE`);
  } catch (error) {
    if (UNDEFINED_TABLE.has(systemCodeOf(error) ?? '')) throw missing(name);
    throw error;
  }
}

function missing(name: string): DbadminError {
  return new DbadminError('usage', `there is no table ${name}`);
}
