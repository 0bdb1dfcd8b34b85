import type { Sql, TransactionSql } from 'postgres';
import { qualified } from './definition.ts';

/** What a table does with the rows that are inserted into it, beyond keeping them. */
export interface InsertBehaviour {
  /** Columns whose values it makes itself. */
  readonly generated: readonly string[];
  /** Triggers that fire, those of its partitions too, and not those of its constraints. */
  readonly triggers: readonly string[];
  /** Rules that rewrite the statement. */
  readonly rules: readonly string[];
}

/** Asks what becomes of an INSERT by this session. */
export async function inspectInsert(
  sql: Sql | TransactionSql,
  { schema, name }: { readonly schema: string; readonly name: string },
): Promise<InsertBehaviour> {
  const table = qualified(schema, name);
  const generated = await sql<{ name: string }[]>`
    select attname as name from pg_catalog.pg_attribute
    where attrelid = ${table}::regclass and attgenerated <> '' and attnum > 0 and not attisdropped order by attnum`;
  // In a partitioned table no row fires anything: the trigger has a twin in each partition, which may be switched off by itself. The
  // triggers of foreign keys and the like have a constraint of another type than 't'.
  const triggers = await sql<{ name: string }[]>`
    with recursive part as (
      select c.oid, c.relkind, true as named from pg_catalog.pg_class c where c.oid = ${table}::regclass
      union all
      select c.oid, c.relkind, false from part join pg_catalog.pg_inherits i on i.inhparent = part.oid
        join pg_catalog.pg_class c on c.oid = i.inhrelid where c.relispartition
    )
    select distinct t.tgname as name from part join pg_catalog.pg_trigger t on t.tgrelid = part.oid
    where (t.tgtype & 4) <> 0 and (not t.tgisinternal or t.tgparentid <> 0)
      and case when (t.tgtype & 1) <> 0 then part.relkind <> 'p' else part.named end
      and not exists (select from pg_catalog.pg_constraint k where k.oid = t.tgconstraint and k.contype <> 't')
      and t.tgenabled in ('A', case current_setting('session_replication_role') when 'replica' then 'R' else 'O' end)
    order by 1`;
  const rules = await sql<{ name: string }[]>`
    select rulename as name from pg_catalog.pg_rewrite where ev_class = ${table}::regclass and ev_type = '3'
      and ev_enabled in ('A', case current_setting('session_replication_role') when 'replica' then 'R' else 'O' end)
    order by 1`;
  const names = (rows: readonly { readonly name: string }[]): readonly string[] => rows.map((row) => row.name);
  return { generated: names(generated), triggers: names(triggers), rules: names(rules) };
}
