import type { TransactionSql } from 'postgres';
import { PUBLIC, role, type OtherPrivilege } from './state.ts';

interface OtherRow {
  readonly public: boolean;
  readonly grantee: string;
  readonly privileges: string;
  readonly kind: string;
  readonly name: string;
}

/**
 * Explicit privileges of kinds that the file cannot speak of yet: columns, languages, foreign data wrappers and servers,
 * tablespaces, parameters, large objects. They are reported, so that nobody takes silence for absence.
 */
export async function inspectOther(sql: TransactionSql): Promise<readonly OtherPrivilege[]> {
  const [version] = await sql<{ major: number }[]>`select current_setting('server_version_num')::int / 10000 as major`;
  const parameters =
    (version?.major ?? 0) >= 15
      ? sql`union all select 'parameter', p.parname, p.paracl, 10::oid from pg_catalog.pg_parameter_acl p`
      : sql``;
  const rows = await sql<OtherRow[]>`
    with objects(kind, name, acl, owner) as (
      select 'column', n.nspname || '.' || c.relname || '.' || a.attname, a.attacl, c.relowner
        from pg_catalog.pg_attribute a
        join pg_catalog.pg_class c on c.oid = a.attrelid
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where a.attacl is not null and a.attnum > 0 and not a.attisdropped and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      union all select 'language', l.lanname::text, l.lanacl, l.lanowner from pg_catalog.pg_language l
      union all select 'foreign data wrapper', f.fdwname::text, f.fdwacl, f.fdwowner from pg_catalog.pg_foreign_data_wrapper f
      union all select 'server', s.srvname::text, s.srvacl, s.srvowner from pg_catalog.pg_foreign_server s
      union all select 'tablespace', t.spcname::text, t.spcacl, t.spcowner from pg_catalog.pg_tablespace t
      union all select 'large object', m.oid::text, m.lomacl, m.lomowner from pg_catalog.pg_largeobject_metadata m
      ${parameters}
    )
    select a.grantee = 0 as public, pg_catalog.pg_get_userbyid(a.grantee)::text as grantee, o.kind, o.name,
           string_agg(distinct a.privilege_type, ', ' order by a.privilege_type) as privileges
      from objects o cross join lateral pg_catalog.aclexplode(o.acl) a
     where a.grantee <> o.owner
     group by 1, 2, 3, 4 order by 2, 3, 4`;
  return rows.map((row) => ({ grantee: row.public ? PUBLIC : role(row.grantee), text: `${row.privileges} on ${row.kind} ${row.name}` }));
}
