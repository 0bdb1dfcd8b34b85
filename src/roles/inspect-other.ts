import type { TransactionSql } from 'postgres';
import { PUBLIC, role, type OtherPrivilege } from './state.ts';

interface OtherRow {
  readonly public: boolean;
  readonly grantee: string;
  readonly privileges: string;
  readonly what: string;
}

/**
 * Explicit privileges that the file cannot speak of: on large objects, now and by default, and on the server's own relations
 * and routines; and the security labels of roles, by which an extension may decide what they see. They are reported, so that
 * nobody takes silence for absence. What initdb gave its own roles is left out.
 */
export async function inspectOther(sql: TransactionSql): Promise<readonly OtherPrivilege[]> {
  const rows = await sql<OtherRow[]>`
    with objects(what, acl, owner) as (
      select 'large object ' || m.oid, m.lomacl, m.lomowner from pg_catalog.pg_largeobject_metadata m
      union all
      select 'large objects that ' || pg_catalog.pg_get_userbyid(d.defaclrole) || ' will make', d.defaclacl, d.defaclrole
        from pg_catalog.pg_default_acl d where d.defaclobjtype = 'L'
      union all
      select c.oid::pg_catalog.regclass::text, c.relacl, c.relowner from pg_catalog.pg_class c
       where c.relnamespace in ('pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace) and c.relacl is not null
      union all
      select 'routine ' || p.oid::pg_catalog.regprocedure, p.proacl, p.proowner from pg_catalog.pg_proc p
       where p.pronamespace in ('pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace) and p.proacl is not null
    )
    select a.grantee = 0 as public, pg_catalog.pg_get_userbyid(a.grantee)::text as grantee, o.what,
           pg_catalog.string_agg(distinct a.privilege_type, ', ' order by a.privilege_type) as privileges
      from objects o cross join lateral pg_catalog.aclexplode(o.acl) a
     where a.grantee <> o.owner and (a.grantee >= 16384 or (a.grantee = 0 and o.what like 'large object%'))
     group by 1, 2, 3 order by 2, 3`;
  const labels = await sql<{ role: string; provider: string; label: string }[]>`
    select r.rolname::text as role, l.provider, l.label from pg_catalog.pg_shseclabel l join pg_catalog.pg_roles r on r.oid = l.objoid
     where l.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass order by 1, 2`;
  return [
    ...rows.map((row) => ({ grantee: row.public ? PUBLIC : role(row.grantee), text: `${row.privileges} on ${row.what}` })),
    ...labels.map((each) => ({ grantee: role(each.role), text: `security label ${JSON.stringify(each.label)} of ${each.provider}` })),
  ];
}
