import type { Sql, TransactionSql } from 'postgres';
import { TAKES_CONNECTIONS_SQL } from '../postgres/open-database.ts';
import type { RetiredInDatabase, RetiredRole } from './lifecycle-state.ts';
import { NOT_REASSIGNED } from './print-lifecycle.ts';
import type { ClusterState } from './state.ts';

interface NeedRow {
  readonly role: string;
  readonly database: string | null;
  readonly open: boolean | null;
  readonly owned: number;
}

/** Opens a snapshot in a database of the cluster. */
export type InDatabase = <T>(database: string, read: (sql: TransactionSql) => Promise<T>) => Promise<T>;

/**
 * What stands in the way of dropping `roles`, in every database of the cluster and not only in those the file declares:
 * DROP ROLE is refused as long as anything anywhere belongs to the role or names it.
 */
export async function inspectRetirement(
  maintenance: Sql,
  maintenanceDatabase: string,
  roles: readonly string[],
  cluster: ClusterState,
  inDatabase: InDatabase,
): Promise<ReadonlyMap<string, RetiredRole>> {
  if (roles.length === 0) return new Map();
  const names = JSON.stringify(roles);
  const needs = await maintenance<NeedRow[]>`
    select r.rolname::text as role, d.datname::text as database, ${maintenance.unsafe(TAKES_CONNECTIONS_SQL)} as open,
           count(*) filter (where s.deptype = 'o' and s.classid not in (${maintenance.unsafe(NOT_REASSIGNED)}))::int as owned
      from pg_catalog.pg_shdepend s
      join pg_catalog.pg_roles r on r.oid = s.refobjid
      left join pg_catalog.pg_database d on d.oid = s.dbid
     where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
       and r.rolname in (select json_array_elements_text(${names}::text::json))
     group by 1, 2, 3 order by 1, 2`;
  const sessions = await maintenance<{ role: string; count: number }[]>`
    select usename::text as role, count(*)::int as count from pg_catalog.pg_stat_activity
     where pid <> pg_catalog.pg_backend_pid() and usename in (select json_array_elements_text(${names}::text::json))
     group by 1`;
  const found = new Map<string, RetiredRole>();
  for (const role of roles) {
    found.set(role, {
      role,
      login: cluster.roles.get(role)?.login ?? false,
      sessions: sessions.find((each) => each.role === role)?.count ?? 0,
      databases: await lookInside(
        needs.filter((each) => each.role === role),
        role,
        maintenanceDatabase,
        inDatabase,
      ),
    });
  }
  return found;
}

/** What belongs to the cluster counts with the maintenance database: there it can be given away, too. */
async function lookInside(
  needs: readonly NeedRow[],
  role: string,
  maintenanceDatabase: string,
  inDatabase: InDatabase,
): Promise<readonly RetiredInDatabase[]> {
  const places = new Map<string, { open: boolean; owned: number }>();
  for (const need of needs) {
    const database = need.database ?? maintenanceDatabase;
    const before = places.get(database);
    places.set(database, { open: (need.open ?? true) && (before?.open ?? true), owned: need.owned + (before?.owned ?? 0) });
  }
  const found: RetiredInDatabase[] = [];
  for (const [database, { open, owned }] of [...places].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const inside = open
      ? await inDatabase(database, async (sql) => await readInside(sql, role, database === maintenanceDatabase))
      : { examples: [], loses: [] };
    found.push({ database, open, owned, ...inside });
  }
  return found;
}

const MAX_EXAMPLES = 3;

async function readInside(sql: TransactionSql, role: string, withShared: boolean): Promise<Pick<RetiredInDatabase, 'examples' | 'loses'>> {
  const examples = await sql<{ text: string }[]>`
    select pg_catalog.pg_describe_object(s.classid, s.objid, s.objsubid) as text
      from pg_catalog.pg_shdepend s
     where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and s.deptype = 'o'
       and s.classid not in (${sql.unsafe(NOT_REASSIGNED)})
       and s.refobjid = (select r.oid from pg_catalog.pg_roles r where r.rolname = ${role})
       and (s.dbid = 0 and ${withShared} or s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
     order by 1 limit ${MAX_EXAMPLES}`;
  const loses = await sql<{ text: string }[]>`
    with gone as (select r.oid from pg_catalog.pg_roles r where r.rolname = ${role}),
    named as (
      select s.classid, s.objid, s.objsubid from pg_catalog.pg_shdepend s, gone
       where s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and s.refobjid = gone.oid and s.deptype = 'a'
         and (s.dbid = 0 and ${withShared} or s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()))
    ),
    lists(class, object, part, owner, acl) as (
      select 'pg_catalog.pg_class'::pg_catalog.regclass, oid, 0, relowner, relacl from pg_catalog.pg_class
      union all select 'pg_catalog.pg_class'::pg_catalog.regclass, a.attrelid, a.attnum::int, c.relowner, a.attacl
        from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid where a.attacl is not null
      union all select 'pg_catalog.pg_proc'::pg_catalog.regclass, oid, 0, proowner, proacl from pg_catalog.pg_proc
      union all select 'pg_catalog.pg_type'::pg_catalog.regclass, oid, 0, typowner, typacl from pg_catalog.pg_type
      union all select 'pg_catalog.pg_namespace'::pg_catalog.regclass, oid, 0, nspowner, nspacl from pg_catalog.pg_namespace
      union all select 'pg_catalog.pg_language'::pg_catalog.regclass, oid, 0, lanowner, lanacl from pg_catalog.pg_language
      union all select 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, oid, 0, fdwowner, fdwacl from pg_catalog.pg_foreign_data_wrapper
      union all select 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, oid, 0, srvowner, srvacl from pg_catalog.pg_foreign_server
      union all select 'pg_catalog.pg_database'::pg_catalog.regclass, oid, 0, datdba, datacl from pg_catalog.pg_database
      union all select 'pg_catalog.pg_tablespace'::pg_catalog.regclass, oid, 0, spcowner, spcacl from pg_catalog.pg_tablespace
    )
    select string_agg(distinct a.privilege_type, ', ' order by a.privilege_type) || ' on ' ||
           pg_catalog.pg_describe_object(n.classid, n.objid, n.objsubid) || ' from ' ||
           case when a.grantee = 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(a.grantee)::text end as text
      from named n
      join lists l on l.class = n.classid and l.object = n.objid and l.part = n.objsubid
     cross join gone cross join lateral pg_catalog.aclexplode(l.acl) a
     -- As an owner's, a grant stays and becomes the new owner's.
     where a.grantor = gone.oid and l.owner <> gone.oid and a.grantee <> gone.oid
     group by n.classid, n.objid, n.objsubid, a.grantee
    union all
    select 'row policy ' || p.polname::text || ' of ' || p.polrelid::pg_catalog.regclass::text
      from pg_catalog.pg_policy p, gone where p.polroles = array[gone.oid]
    union all
    select 'user mapping for ' || u.srvname::text from pg_catalog.pg_user_mappings u, gone where u.umuser = gone.oid
    union all
    select 'membership of ' || g.rolname::text || ' in ' || m.rolname::text || ', which it granted'
      from pg_catalog.pg_auth_members e
      join pg_catalog.pg_roles g on g.oid = e.roleid
      join pg_catalog.pg_roles m on m.oid = e.member, gone
     where e.grantor = gone.oid and ${withShared} and current_setting('server_version_num')::int >= 160000
     order by 1`;
  return { examples: examples.map(({ text }) => text), loses: loses.map(({ text }) => text) };
}
