import type { TransactionSql } from 'postgres';
import type { RawAclEntry } from '../acl.ts';
import { PUBLIC, role } from '../state.ts';
import type { AccessEntry, AccessGroup, AccessKind, ColumnAccess } from './graph.ts';
import { parseAccessPrivilege } from './privilege-table.ts';
import { ROUTINE_NAME_SQL } from '../routine-name.ts';

export type FullAclEntry = RawAclEntry;

/** The entries of a list, the owner's own among them. PUBLIC is OID 0. */
export function fullAcl(raw: readonly FullAclEntry[] | null): readonly AccessEntry[] {
  return (raw ?? []).flatMap(([grantor, granteeOid, grantee, word, grantable]) => {
    const privilege = parseAccessPrivilege(word);
    return privilege === undefined ? [] : [{ grantee: granteeOid === 0 ? PUBLIC : role(grantee), grantor, privilege, grantable }];
  });
}

interface GroupRow {
  readonly kind: AccessKind;
  readonly schema: string | null;
  readonly owner: string;
  readonly catalog: boolean;
  readonly names: readonly string[];
  readonly acl: readonly FullAclEntry[] | null;
}

/**
 * Every object of the database in groups of equal privileges, the server's own schemas among them.
 *
 * Left out is what has no privileges of its own: arrays, row types, what the server keeps for itself and the temporary tables
 * of sessions; from 17 on also multiranges, which follow their range. The tables below 12000 are the catalog, to which the server has a rule of its own.
 */
export async function inspectObjects(sql: TransactionSql): Promise<readonly AccessGroup[]> {
  const rows = await sql<GroupRow[]>`
    with objects(kind, letter, namespace, name, owner, acl, catalog) as (
      select 'schema', 'n', 0::oid, n.nspname::text, n.nspowner, n.nspacl::text, false
        from pg_catalog.pg_namespace n where n.nspname !~ '^pg_(toast|temp_)'
      union all
      select case c.relkind when 'S' then 'sequence' else 'table' end, case c.relkind when 'S' then 's' else 'r' end,
             c.relnamespace, c.relname::text, c.relowner, c.relacl::text, c.oid < 12000 and c.relkind <> 'v'
        from pg_catalog.pg_class c where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
      union all
      select 'routine', 'f', p.pronamespace,
             ${sql.unsafe(ROUTINE_NAME_SQL)},
             p.proowner, p.proacl::text, false
        from pg_catalog.pg_proc p
      union all
      select 'type', 'T', t.typnamespace, t.typname::text, t.typowner, t.typacl::text, false
        from pg_catalog.pg_type t
       where (t.typtype in ('b', 'd', 'e', 'r', 'c', 'p') or t.typtype = 'm' and current_setting('server_version_num')::int < 170000)
         and not exists (select from pg_catalog.pg_type a where a.typarray = t.oid)
         and (t.typrelid = 0 or exists (select from pg_catalog.pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
      union all select 'language', 'l', 0::oid, l.lanname::text, l.lanowner, l.lanacl::text, false from pg_catalog.pg_language l
      union all select 'foreign data wrapper', 'F', 0::oid, f.fdwname::text, f.fdwowner, f.fdwacl::text, false from pg_catalog.pg_foreign_data_wrapper f
      union all select 'server', 'S', 0::oid, s.srvname::text, s.srvowner, s.srvacl::text, false from pg_catalog.pg_foreign_server s
      union all select 'large object', 'L', 0::oid, m.oid::text, m.lomowner, m.lomacl::text, false from pg_catalog.pg_largeobject_metadata m
    ), grouped as (
      select o.kind, o.letter, n.nspname::text as schema, o.owner, o.acl, o.catalog, array_to_json(array_agg(o.name order by o.name)) as names
        from objects o left join pg_catalog.pg_namespace n on n.oid = o.namespace
       where n.nspname is null or n.nspname !~ '^pg_(toast|temp_)'
       group by 1, 2, 3, 4, 5, 6
    )
    select g.kind, g.schema, pg_catalog.pg_get_userbyid(g.owner)::text as owner, g.catalog, g.names,
           (select json_agg(json_build_array(pg_catalog.pg_get_userbyid(a.grantor), a.grantee::bigint, pg_catalog.pg_get_userbyid(a.grantee), a.privilege_type, a.is_grantable))
              from pg_catalog.aclexplode(case when g.acl is distinct from '{}' then coalesce(g.acl::aclitem[], pg_catalog.acldefault(g.letter::"char", g.owner)) end) a) as acl
      from grouped g
     order by g.kind, g.schema, g.owner, g.acl`;
  return rows.map(({ schema, catalog, acl, ...row }) => ({ ...row, schema: schema ?? undefined, isCatalog: catalog, acl: fullAcl(acl) }));
}

/** The columns that have privileges of their own. */
export async function inspectColumnAcls(sql: TransactionSql): Promise<readonly ColumnAccess[]> {
  const rows = await sql<{ schema: string; table: string; column: string; acl: readonly FullAclEntry[] | null }[]>`
    select n.nspname::text as schema, c.relname::text as "table", a.attname::text as "column",
           (select json_agg(json_build_array(pg_catalog.pg_get_userbyid(e.grantor), e.grantee::bigint, pg_catalog.pg_get_userbyid(e.grantee), e.privilege_type, e.is_grantable))
              from pg_catalog.aclexplode(a.attacl) e) as acl
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_class c on c.oid = a.attrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where a.attacl is not null and not a.attisdropped and n.nspname !~ '^pg_(toast|temp_)'
     order by 1, 2, a.attnum`;
  return rows.map(({ acl, ...row }) => ({ ...row, acl: fullAcl(acl) }));
}
