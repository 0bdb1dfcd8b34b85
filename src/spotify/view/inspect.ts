import type postgres from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';

/** A table or view of the warehouse. */
export interface Relation {
  /** With its schema. */
  readonly name: string;
  readonly kind: 'table' | 'view';
  /** As the server last estimated; undefined for a view, and for a table it never looked at. */
  readonly estimatedRows: number | undefined;
  readonly comment: string;
}

export interface ViewOptions {
  /** A condition in SQL. */
  readonly where: string | undefined;
  /** An ORDER BY list in SQL; without one, the first column. */
  readonly order: string | undefined;
  /** Undefined for all rows. */
  readonly limit: number | undefined;
}

/** Rows as the server writes them as text. */
export interface ViewedRows {
  readonly columns: readonly string[];
  readonly rows: AsyncIterable<readonly (string | null)[]>;
}

const SCHEMAS = ['raw', 'quality', 'core', 'mart', 'reco', 'audit', 'api'];
const BATCH_ROWS = 500;

/** The tables and views of the warehouse that this role may read, floor by floor. */
export async function listRelations(sql: postgres.Sql): Promise<readonly Relation[]> {
  const rows = await sql<{ name: string; kind: 'table' | 'view'; rows: string | null; comment: string | null }[]>`
    select n.nspname || '.' || c.relname as name, case when c.relkind in ('r', 'p') then 'table' else 'view' end as kind,
      case when c.relkind in ('r', 'p', 'm') and c.reltuples >= 0 then c.reltuples::bigint end as rows,
      obj_description(c.oid, 'pg_class') as comment
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ${sql(SCHEMAS)} and c.relkind in ('r', 'p', 'v', 'm')
      and has_schema_privilege(n.oid, 'usage') and has_any_column_privilege(c.oid, 'select')
    order by array_position(string_to_array(${SCHEMAS.join(',')}, ','), n.nspname::text), c.relname`;
  return rows.map(({ name, kind, rows: estimate, comment }) => ({
    name,
    kind,
    estimatedRows: estimate === null ? undefined : Number(estimate),
    comment: comment ?? '',
  }));
}

/**
 * Hands `use` the rows of `name` (`core.track`, or `track` where only one schema has it) that meet the condition, read in
 * one read-only transaction: whatever the condition says, nothing can be changed by it.
 *
 * @throws {DbadminError} `usage` for a table that is not there or that several schemas have, and for a condition that is
 * no SQL; `privilege-missing`.
 */
export async function viewRows<T>(
  sql: postgres.Sql,
  name: string,
  options: ViewOptions,
  use: (rows: ViewedRows) => Promise<T>,
): Promise<T> {
  const relation = await findRelation(sql, name);
  const columns = await sql<{ name: string }[]>`
    select a.attname as name from pg_attribute as a
    where a.attrelid = ${relation.oid} and a.attnum > 0 and not a.attisdropped and has_column_privilege(a.attrelid, a.attnum, 'select')
    order by a.attnum`;
  if (columns.length === 0) throw new DbadminError('privilege-missing', `this role may not read ${relation.name}`);
  const names = columns.map((column) => quote(column.name));
  const where = options.where === undefined ? '' : ` where (${options.where}\n)`;
  const inner = `select ${names.join(', ')} from ${relation.sql}${where} order by ${options.order ?? '1'}\n limit $1`;
  const query = `select ${names.map((column) => `${column}::text`).join(', ')} from (${inner}) as viewed`;
  try {
    const given = await sql.begin('isolation level repeatable read read only', async (transaction) => {
      // With a parameter the query goes by the extended protocol, which takes one statement only.
      const cursor = transaction
        .unsafe(query, [options.limit ?? null])
        .values()
        .cursor(BATCH_ROWS);
      const rows = async function* (): AsyncGenerator<readonly (string | null)[]> {
        for await (const batch of cursor) for (const row of batch) yield row;
      };
      return { value: await use({ columns: columns.map((column) => column.name), rows: rows() }) };
    });
    return given.value;
  } catch (error) {
    throw viewError(relation.name, error) ?? error;
  }
}

async function findRelation(
  sql: postgres.Sql,
  name: string,
): Promise<{ readonly oid: string; readonly name: string; readonly sql: string }> {
  const [schema, table] = name.includes('.') ? name.split('.', 2) : [undefined, name];
  const found = await sql<{ oid: string; schema: string; table: string }[]>`
    select c.oid::text as oid, n.nspname as schema, c.relname as table
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname in ${sql(SCHEMAS)} and c.relkind in ('r', 'p', 'v', 'm') and c.relname = ${table ?? ''}
      and (${schema ?? null}::text is null or n.nspname = ${schema ?? null})
    order by array_position(string_to_array(${SCHEMAS.join(',')}, ','), n.nspname::text)`;
  const [only, ...others] = found;
  if (only === undefined) {
    throw new DbadminError('usage', `the warehouse has no table or view ${name}`, { hint: 'dbadmin spotify view lists them.' });
  }
  if (others.length > 0) {
    const names = found.map((each) => `${each.schema}.${each.table}`).join(', ');
    throw new DbadminError('usage', `several schemas have ${name}`, { hint: `Name one of: ${names}.` });
  }
  return { oid: only.oid, name: `${only.schema}.${only.table}`, sql: `${quote(only.schema)}.${quote(only.table)}` };
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function viewError(name: string, error: unknown): DbadminError | undefined {
  const code = systemCodeOf(error);
  if (code === '42501')
    return new DbadminError('privilege-missing', `this role may not read ${name}`, { detail: messageOf(error), cause: error });
  if (code === '25006') {
    return new DbadminError('usage', 'the condition would change something', { detail: messageOf(error), cause: error });
  }
  if (code !== undefined && /^(42|22)/.test(code)) {
    return new DbadminError('usage', `the server does not understand the condition or order: ${messageOf(error)}`, { cause: error });
  }
  return undefined;
}
