import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { ConnectionPool, PoolQueries } from '../../postgres/pool.ts';
import { quoteIdentifier } from '../../postgres/quote.ts';
import { TABLE_STEPS, TABLES_VERSION } from './tables.ts';

const MARK = /^dbadmin schedule, tables (\d+)$/;

/** The version of our tables in a schema, undefined where there are none. */
export async function inspectTables(queries: PoolQueries, schema: string): Promise<number | undefined> {
  const [row] = await queries.query<{ mark: string | null }>(
    `select obj_description(oid, 'pg_namespace') as mark from pg_namespace where nspname = $1`,
    [schema],
  );
  const version = MARK.exec(row?.mark ?? '')?.[1];
  return version === undefined ? undefined : Number(version);
}

/**
 * Makes the tables, or leads them to the version of this dbadmin; several may do so at once.
 *
 * @throws {DbadminError} `history-newer` when a newer dbadmin made them; `privilege-missing` when the role may not.
 */
export async function ensureTables(pool: ConnectionPool, schema: string): Promise<void> {
  const found = await inspectTables(pool, schema);
  if (found === TABLES_VERSION) return;
  const quoted = quoteIdentifier(schema);
  try {
    await pool.transaction(async (queries) => {
      await queries.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`dbadmin schedule ${schema}`]);
      // Asked first: CREATE SCHEMA IF NOT EXISTS wants the privilege even where there is one.
      const present = await queries.query('select from pg_namespace where nspname = $1', [schema]);
      if (present.length === 0) await queries.query(`create schema ${quoted}`);
      const before = (await inspectTables(queries, schema)) ?? 0;
      if (before > TABLES_VERSION) throw newer(schema, before);
      for (const step of TABLE_STEPS.slice(before)) await queries.query(step(quoted));
      await queries.query(`comment on schema ${quoted} is 'dbadmin schedule, tables ${TABLES_VERSION}'`);
    });
  } catch (error) {
    if (systemCodeOf(error) !== '42501') throw error;
    throw new DbadminError('privilege-missing', `the role may not make schema ${schema} in the control database`, {
      detail: messageOf(error),
      hint: `Let an administrator run: CREATE SCHEMA ${quoted} AUTHORIZATION the_role; or name another database under control in dbadmin.yaml.`,
      cause: error,
    });
  }
}

/** @throws {DbadminError} `history-newer` when the tables are of a newer dbadmin than this. */
export function refuseNewer(schema: string, found: number): void {
  if (found > TABLES_VERSION) throw newer(schema, found);
}

function newer(schema: string, found: number): DbadminError {
  return new DbadminError('history-newer', `schema ${schema} of the control database was made by a newer dbadmin`, {
    detail: `Its tables have version ${found}; this dbadmin knows ${TABLES_VERSION}.`,
    hint: 'Update dbadmin on this machine.',
  });
}
