import type { TransactionSql } from 'postgres';
import { aclJson, parseAcl, type RawAclEntry } from './acl.ts';
import type { ObjectForm } from './object-forms.ts';
import type { ObjectKind } from './privileges.ts';
import type { ColumnGroup, ObjectGroup } from './state.ts';
import { ROUTINE_NAME_SQL } from './routine-name.ts';

interface GroupRow {
  readonly schema: string;
  readonly kind: ObjectKind;
  readonly form: ObjectForm;
  readonly linked: boolean;
  readonly owner: string;
  readonly extension: string | null;
  readonly acl: readonly RawAclEntry[] | null;
  readonly names: readonly string[];
}

/**
 * Everything in schemas that has privileges: one row per distinct privileges, not per object, so that fifty thousand tables
 * alike are one row.
 *
 * Types leave out what has the privileges of something else: arrays, row types, and multiranges from 17 on.
 */
export async function readGroups(sql: TransactionSql): Promise<readonly ObjectGroup[]> {
  const rows = await sql<GroupRow[]>`
    with objects as (
      select 'pg_catalog.pg_class'::pg_catalog.regclass as class, c.oid, c.relnamespace as namespace,
             case c.relkind when 'S' then 'sequence' else 'table' end as kind,
             case c.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'f' then 'foreign table' when 'v' then 'view'
                            when 'm' then 'materialized view' else 'sequence' end as form,
             c.relkind = 'S' and exists (
               select from pg_catalog.pg_depend l
                where l.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and l.objid = c.oid and l.deptype in ('a', 'i')
                  and l.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and l.refobjsubid > 0) as linked,
             case c.relkind when 'S' then 's' else 'r' end as letter, c.relowner as owner, c.relacl as acl, c.relname::text as name
        from pg_catalog.pg_class c where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
      union all
      select 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.pronamespace, 'routine',
             case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' when 'w' then 'window function' else 'function' end, false,
             'f', p.proowner, p.proacl,
             ${sql.unsafe(ROUTINE_NAME_SQL)}
        from pg_catalog.pg_proc p where p.pronamespace not in ('pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace)
      union all
      select 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typnamespace, 'type',
             case t.typtype when 'd' then 'domain' else 'type' end, false, 'T', t.typowner, t.typacl, t.typname::text
        from pg_catalog.pg_type t
       where (t.typtype in ('b', 'd', 'e', 'r') or (t.typtype = 'm' and current_setting('server_version_num')::int < 170000)
              or (t.typtype = 'c' and t.typrelid in (select c.oid from pg_catalog.pg_class c where c.relkind = 'c')))
         and t.typisdefined and not (t.typelem <> 0 and t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc)
    ), members as (
      select d.classid, d.objid, e.extname::text as extension
        from pg_catalog.pg_depend d join pg_catalog.pg_extension e on e.oid = d.refobjid
       where d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.objsubid = 0 and d.deptype = 'e'
    ), grouped as (
      select o.namespace, o.kind, o.form, o.linked, o.letter, o.owner, o.acl, m.extension,
             pg_catalog.array_to_json(pg_catalog.array_agg(o.name)) as names
        from objects o left join members m on m.classid = o.class and m.objid = o.oid
       where o.namespace in (select n.oid from pg_catalog.pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema')
       group by 1, 2, 3, 4, 5, 6, 7, 8
    )
    select n.nspname::text as schema, g.kind, g.form, g.linked, pg_catalog.pg_get_userbyid(g.owner)::text as owner, g.extension, g.names,
           ${aclJson(sql, 'coalesce(g.acl, pg_catalog.acldefault(g.letter::"char", g.owner))')} as acl
      from grouped g join pg_catalog.pg_namespace n on n.oid = g.namespace
     order by n.nspname, g.kind, g.form, 5, g.acl::text, g.extension, g.linked`;
  return rows.map(({ extension, acl, names, ...row }) => ({
    ...row,
    // Sorted here: the server would compare a hundred thousand names by the rules of a language.
    names: [...names].sort(),
    extension: extension ?? undefined,
    acl: parseAcl(acl, row.owner),
  }));
}

interface ColumnRow {
  readonly schema: string;
  readonly table: string;
  readonly owner: string;
  readonly columns: readonly string[];
  readonly acl: readonly RawAclEntry[] | null;
}

/** Privileges on columns; a column without an entry of its own has none. System columns can have them too. */
export async function readColumns(sql: TransactionSql): Promise<readonly ColumnGroup[]> {
  const rows = await sql<ColumnRow[]>`
    with grouped as (
      select a.attrelid, a.attacl::text as acl, pg_catalog.array_to_json(pg_catalog.array_agg(a.attname::text order by a.attnum)) as columns
        from pg_catalog.pg_attribute a where a.attacl is not null and a.attnum <> 0 and not a.attisdropped
       group by 1, 2
    )
    select n.nspname::text as schema, c.relname::text as table, pg_catalog.pg_get_userbyid(c.relowner)::text as owner, g.columns,
           ${aclJson(sql, `case when g.acl <> '{}' then g.acl::aclitem[] end`)} as acl
      from grouped g
      join pg_catalog.pg_class c on c.oid = g.attrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
     order by 1, 2, g.acl`;
  return rows.map((row) => ({ ...row, acl: parseAcl(row.acl, row.owner) }));
}
