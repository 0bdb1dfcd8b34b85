import type { Sql } from 'postgres';
import type { DatabasePrivilege, DatabaseProperties, DatabaseSetting } from './database-properties.ts';

interface Row {
  readonly database: string;
  readonly encoding: string;
  readonly provider: string | null;
  readonly collate: string;
  readonly ctype: string;
  readonly locale: string | null;
  readonly rules: string | null;
  readonly owner: string;
  readonly limit: number;
  readonly comment: string | null;
  readonly privileges: readonly DatabasePrivilege[] | null;
  readonly settings: readonly DatabaseSetting[] | null;
}

/** The properties of every database of the cluster, by its name. */
export async function inspectDatabaseProperties(sql: Sql): Promise<ReadonlyMap<string, DatabaseProperties>> {
  // What a version's catalog has not is missing in its JSON. A database in which nothing was granted or revoked has no list at all.
  const rows = await sql<Row[]>`
    select d.datname as database, pg_encoding_to_char(d.encoding) as encoding, j.d ->> 'datlocprovider' as provider, d.datcollate as collate,
      d.datctype as ctype, coalesce(j.d ->> 'datlocale', j.d ->> 'daticulocale') as locale, j.d ->> 'daticurules' as rules,
      pg_get_userbyid(d.datdba) as owner, d.datconnlimit as limit, shobj_description(d.oid, 'pg_database') as comment,
      case when d.datacl is not null then (
        select coalesce(jsonb_agg(distinct jsonb_build_object('grantee', pg_get_userbyid(nullif(a.grantee, 0)),
          'privilege', a.privilege_type, 'grantable', a.is_grantable)), '[]') from aclexplode(d.datacl) a) end as privileges,
      (select jsonb_agg(jsonb_build_object('role', r.rolname, 'name', split_part(c.pair, '=', 1),
          'value', substr(c.pair, strpos(c.pair, '=') + 1)) order by r.rolname nulls first, c.place)
        from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_roles r on r.oid = s.setrole
          cross join lateral unnest(s.setconfig) with ordinality c (pair, place)
        where s.setdatabase = d.oid) as settings
    from pg_catalog.pg_database d cross join lateral (select to_jsonb(d) as d) j`;
  return new Map(rows.map((row) => [row.database, propertiesOf(row)]));
}

function propertiesOf(row: Row): DatabaseProperties {
  return {
    encoding: row.encoding,
    locale: {
      provider: row.provider === 'i' ? 'icu' : row.provider === 'b' ? 'builtin' : 'libc',
      collate: row.collate,
      ctype: row.ctype,
      name: row.locale,
      rules: row.rules,
    },
    owner: row.owner,
    privileges: row.privileges,
    connectionLimit: row.limit,
    comment: row.comment,
    settings: row.settings ?? [],
  };
}
