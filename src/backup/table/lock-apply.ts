import type { Sql, TransactionSql } from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { quoteName } from '../../postgres/quote.ts';
import { qualified } from './definition.ts';

const UNDEFINED_TABLE: ReadonlySet<string> = new Set(['42P01', '3F000']);
const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Reads in one snapshot with a lock on a table, its partitions too: nobody truncates, rewrites or drops it until the end. The lock comes
 * first. A snapshot from before a TRUNCATE or a rewriting ALTER TABLE was committed sees an empty table
 * afterwards, one that was empty at no moment; LOCK waits for both and takes no snapshot.
 *
 * A materialized view cannot be locked so and need not be: what REFRESH writes, every snapshot sees.
 *
 * @throws {DbadminError} `usage` when there is no such table, `privilege-missing` without SELECT on the table itself: for LOCK the
 * privileges on its columns do not count. A SELECT of them cannot take its place, since it takes the snapshot before it waits.
 * @see https://www.postgresql.org/docs/current/mvcc-caveats.html
 */
export async function inLockedSnapshot<Value>(
  sql: Sql,
  table: { readonly schema: string; readonly name: string },
  work: (transaction: TransactionSql) => Promise<Value>,
): Promise<Value> {
  const name = qualified(table.schema, table.name);
  const [found] = await sql<Found[]>`
    select c.relkind as kind, quote_ident(current_user) as role, has_schema_privilege(n.oid, 'USAGE') as "mayUseSchema",
      has_table_privilege(c.oid, 'SELECT') as "mayRead", has_any_column_privilege(c.oid, 'SELECT') as "mayReadColumns"
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${table.schema} and c.relname = ${table.name} and c.relkind in ('r', 'p', 'm')`;
  if (found === undefined) throw missing(name);
  return (await sql.begin('isolation level repeatable read read only', async (transaction) => {
    if (found.kind !== 'm') await lock(transaction, table, found);
    return await work(transaction);
  })) as Value;
}

interface Found {
  readonly kind: string;
  /** Quoted where it has to be. */
  readonly role: string;
  readonly mayUseSchema: boolean;
  readonly mayRead: boolean;
  /** Some of them at least. */
  readonly mayReadColumns: boolean;
}

async function lock(
  transaction: TransactionSql,
  table: { readonly schema: string; readonly name: string },
  { role, mayUseSchema, mayRead, mayReadColumns }: Found,
): Promise<void> {
  const name = qualified(table.schema, table.name);
  try {
    await transaction.unsafe(`LOCK TABLE ${name} IN ACCESS SHARE MODE`);
  } catch (error) {
    if (UNDEFINED_TABLE.has(systemCodeOf(error) ?? '')) throw missing(name);
    if (systemCodeOf(error) !== INSUFFICIENT_PRIVILEGE) throw error;
    const grants = [
      ...(mayUseSchema ? [] : [`GRANT USAGE ON SCHEMA ${quoteName(table.schema)} TO ${role}`]),
      ...(mayRead ? [] : [`GRANT SELECT ON ${name} TO ${role}`]),
    ];
    const columns =
      mayReadColumns && !mayRead ? ' That it may read its columns is not enough: the whole table is locked while it is read.' : '';
    throw new DbadminError('privilege-missing', `role ${role} may not read ${name}`, {
      detail: `${messageOf(error)}.${columns}`,
      ...(grants.length === 0 ? {} : { hint: `An administrator may allow it: ${grants.join('; ')}` }),
      cause: error,
    });
  }
}

function missing(name: string): DbadminError {
  return new DbadminError('usage', `there is no table ${name}`);
}
