import type { Sql, TransactionSql } from 'postgres';
import { DbadminError } from '../../base/errors.ts';
import { qualified, TABLE_MARK, type ColumnDefinition, type TableDefinition } from './definition.ts';

/**
 * The definition of a table, out of the catalog. Also of a partitioned table, whose rows are those of its partitions.
 *
 * @throws {DbadminError} `usage` when there is no such table.
 */
export async function inspectTable(sql: Sql | TransactionSql, schema: string, name: string): Promise<TableDefinition> {
  const [table] = await sql<{ oid: string; kind: string; comment: string | null }[]>`
    select c.oid::text as oid, c.relkind as kind, obj_description(c.oid, 'pg_class') as comment
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${name} and c.relkind in ('r', 'p', 'm')`;
  if (table === undefined) throw new DbadminError('usage', `there is no table ${qualified(schema, name)}`);
  return {
    schema,
    name,
    columns: await columnsOf(sql, table.oid),
    constraints: await sql<{ name: string; definition: string }[]>`
      select conname as name, pg_get_constraintdef(oid) as definition from pg_catalog.pg_constraint
      where conrelid = ${table.oid}::oid and (contype in ('c', 'p', 'u', 'x') or contype = 'n' and not convalidated) order by contype = 'c' desc, conname`,
    indexes: table.kind === 'r' ? await indexesOf(sql, table.oid, schema, name) : [],
    comment: table.comment,
  };
}

async function columnsOf(sql: Sql | TransactionSql, oid: string): Promise<readonly ColumnDefinition[]> {
  // Types that are not built in are written with their schema, whatever the search_path.
  return await sql<ColumnDefinition[]>`
    select a.attname as name, case when tn.nspname = 'pg_catalog' then format_type(a.atttypid, a.atttypmod)
        else quote_ident(tn.nspname) || '.' || regexp_replace(format_type(a.atttypid, a.atttypmod), '^("([^"]|"")+"|[^".]+)\\.', '') end as type,
      a.attnotnull and not exists (select 1 from pg_catalog.pg_constraint k where k.conrelid = a.attrelid and k.contype = 'n'
        and not k.convalidated and a.attnum = any (k.conkey)) as "notNull",
      case when a.attcollation <> t.typcollation then quote_ident(cn.nspname) || '.' || quote_ident(co.collname) end as collation,
      col_description(a.attrelid, a.attnum) as comment
    from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
      join pg_catalog.pg_type base on base.oid = case when t.typelem <> 0 and t.typlen = -1 and t.typcategory = 'A' then t.typelem else t.oid end
      join pg_catalog.pg_namespace tn on tn.oid = base.typnamespace
      left join pg_catalog.pg_collation co on co.oid = a.attcollation left join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
    where a.attrelid = ${oid}::oid and a.attnum > 0 and not a.attisdropped order by a.attnum`;
}

async function indexesOf(sql: Sql | TransactionSql, oid: string, schema: string, name: string): Promise<TableDefinition['indexes']> {
  const rows = await sql<{ name: string; definition: string }[]>`
    select c.relname as name, pg_get_indexdef(i.indexrelid) as definition
    from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid
    where i.indrelid = ${oid}::oid and i.indisvalid
      and not exists (select 1 from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid) order by c.relname`;
  const [written] = await sql<{ table: string }[]>`select quote_ident(${schema}) || '.' || quote_ident(${name}) as table`;
  return rows.map((row) => ({ name: row.name, definition: row.definition.replace(` ON ${written?.table} `, ` ON ${TABLE_MARK} `) }));
}
