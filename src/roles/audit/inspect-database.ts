import type { TransactionSql } from 'postgres';
import { fullAcl, type FullAclEntry } from '../access/inspect-objects.ts';
import { relationKey } from '../access/graph.ts';
import { splitList } from '../settings.ts';
import { inspectRowSecurity } from './inspect-row-security.ts';
import type { AuditedDatabase, AuditedRoutine, EventTrigger, Hook, UserMapping } from './state.ts';
import { ROUTINE_NAME_SQL } from '../routine-name.ts';

/** What of a database the access graph does not hold. The server's own schemas and what belongs to extensions are left out. */
export async function inspectAuditedDatabase(sql: TransactionSql, name: string): Promise<AuditedDatabase> {
  return {
    name,
    routines: await readRoutines(sql),
    hooks: await readHooks(sql),
    eventTriggers: await readEventTriggers(sql),
    languages: await readLanguages(sql),
    userMappings: await readUserMappings(sql),
    ...(await inspectRowSecurity(sql)),
    publicDefaults: await readPublicDefaults(sql),
    extensionRelations: await readExtensionRelations(sql),
    hasTables: await readHasTables(sql),
  };
}

/** No member of an extension, for `oid` in the catalog `of`. */
function notOfExtension(of: string, oid: string): string {
  return `not exists (select from pg_catalog.pg_depend x where x.classid = 'pg_catalog.${of}'::pg_catalog.regclass and x.objid = ${oid} and x.deptype = 'e')`;
}

interface RoutineRow {
  readonly schema: string;
  readonly name: string;
  readonly owner: string;
  readonly language: string;
  readonly trusted: boolean;
  readonly definer: boolean;
  readonly settings: readonly string[] | null;
  readonly acl: readonly FullAclEntry[] | null;
}

async function readRoutines(sql: TransactionSql): Promise<readonly AuditedRoutine[]> {
  const rows = await sql.unsafe<RoutineRow[]>(`
    select n.nspname::text as schema, ${ROUTINE_NAME_SQL} as name, pg_catalog.pg_get_userbyid(p.proowner)::text as owner,
           l.lanname::text as language, p.prosecdef as definer, to_json(p.proconfig) as settings,
           l.lanpltrusted and l.lanname not in ('c', 'internal') as trusted,
           (select json_agg(json_build_array(pg_catalog.pg_get_userbyid(a.grantor), a.grantee::bigint, pg_catalog.pg_get_userbyid(a.grantee), a.privilege_type, a.is_grantable))
              from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a) as acl
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      join pg_catalog.pg_language l on l.oid = p.prolang
     where (p.prosecdef or not l.lanpltrusted or l.lanname in ('c', 'internal'))
       and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and ${notOfExtension('pg_proc', 'p.oid')}
     order by 1, 2`);
  return rows.map(({ schema, name, owner, language, trusted, definer, settings, acl }) => ({
    schema,
    name,
    owner,
    language,
    languageIsTrusted: trusted,
    isDefiner: definer,
    searchPath: searchPathIn(settings ?? []),
    acl: fullAcl(acl),
  }));
}

function searchPathIn(settings: readonly string[]): readonly string[] | undefined {
  const prefix = 'search_path=';
  const found = settings.find((setting) => setting.startsWith(prefix));
  return found === undefined ? undefined : splitList(found.slice(prefix.length));
}

/**
 * Routines that a table's trigger, policy, default, constraint, view or index calls and that another role owns than the table.
 * The server's own have no such rows, and an extension's belong to whoever made the extension.
 */
async function readHooks(sql: TransactionSql): Promise<readonly Hook[]> {
  return await sql.unsafe<Hook[]>(`
    with uses(routine, via, relation) as (
      select t.tgfoid, 'trigger', t.tgrelid from pg_catalog.pg_trigger t where not t.tgisinternal
      union
      select d.refobjid, u.via, u.relation
        from pg_catalog.pg_depend d
        join (select 'pg_catalog.pg_policy'::pg_catalog.regclass as class, oid, 'policy' as via, polrelid as relation from pg_catalog.pg_policy
              union all select 'pg_catalog.pg_attrdef'::pg_catalog.regclass, oid, 'default', adrelid from pg_catalog.pg_attrdef
              union all select 'pg_catalog.pg_constraint'::pg_catalog.regclass, oid, 'constraint', conrelid from pg_catalog.pg_constraint where conrelid <> 0
              union all select 'pg_catalog.pg_rewrite'::pg_catalog.regclass, oid, 'view', ev_class from pg_catalog.pg_rewrite
              union all select 'pg_catalog.pg_class'::pg_catalog.regclass, indexrelid, 'index', indrelid from pg_catalog.pg_index
             ) u on u.class = d.classid and u.oid = d.objid
       where d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    )
    select distinct rn.nspname::text as "routineSchema", ${ROUTINE_NAME_SQL} as routine, pg_catalog.pg_get_userbyid(p.proowner)::text as "routineOwner",
           u.via, cn.nspname::text as "relationSchema", c.relname::text as relation, pg_catalog.pg_get_userbyid(c.relowner)::text as "relationOwner"
      from uses u
      join pg_catalog.pg_proc p on p.oid = u.routine
      join pg_catalog.pg_namespace rn on rn.oid = p.pronamespace
      join pg_catalog.pg_class c on c.oid = u.relation
      join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
     where p.proowner <> c.relowner and rn.nspname <> 'pg_catalog' and ${notOfExtension('pg_proc', 'p.oid')}
     order by 1, 2, 5, 6, 4`);
}

async function readEventTriggers(sql: TransactionSql): Promise<readonly EventTrigger[]> {
  return await sql.unsafe<EventTrigger[]>(`
    select e.evtname::text as name, pg_catalog.pg_get_userbyid(e.evtowner)::text as owner, n.nspname::text as "routineSchema",
           ${ROUTINE_NAME_SQL} as routine, pg_catalog.pg_get_userbyid(p.proowner)::text as "routineOwner"
      from pg_catalog.pg_event_trigger e
      join pg_catalog.pg_proc p on p.oid = e.evtfoid
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where e.evtenabled <> 'D' order by 1`);
}

/** By their names: C and internal, and the ones that end in u by custom (plpython3u, plperlu, pltclu). */
async function readLanguages(sql: TransactionSql): Promise<readonly string[]> {
  const rows = await sql<{ name: string }[]>`
    select lanname::text as name from pg_catalog.pg_language
     where lanpltrusted and (lanname in ('c', 'internal') or lanname ~ '^pl.*u$') order by 1`;
  return rows.map(({ name }) => name);
}

interface MappingRow {
  readonly server: string;
  readonly user: string | null;
  readonly remote: string | null;
  readonly host: string | null;
  readonly port: string | null;
}

/** Only the user of the options is read; the passwords stay where they are. */
async function readUserMappings(sql: TransactionSql): Promise<readonly UserMapping[]> {
  const rows = await sql<MappingRow[]>`
    select m.srvname::text as server, case when m.umuser <> 0 then m.usename::text end as user,
           (select o.option_value from pg_catalog.pg_options_to_table(m.umoptions) o where o.option_name = 'user') as remote,
           (select o.option_value from pg_catalog.pg_options_to_table(s.srvoptions) o where o.option_name in ('host', 'hostaddr') limit 1) as host,
           (select o.option_value from pg_catalog.pg_options_to_table(s.srvoptions) o where o.option_name = 'port') as port
      from pg_catalog.pg_user_mappings m join pg_catalog.pg_foreign_server s on s.oid = m.srvid order by 1, 2`;
  return rows.map(({ server, user, remote, host, port }) => ({
    server,
    user: user ?? undefined,
    remoteUser: remote ?? undefined,
    host: host ?? undefined,
    port: port ?? undefined,
  }));
}

interface DefaultRow {
  readonly creator: string;
  readonly schema: string | null;
  readonly of: 'table' | 'sequence' | 'schema';
  readonly privilege: AuditedDatabase['publicDefaults'][number]['privilege'];
}

/** Of routines and types PUBLIC has its privileges by default; of these it has none. */
async function readPublicDefaults(sql: TransactionSql): Promise<AuditedDatabase['publicDefaults']> {
  const rows = await sql<DefaultRow[]>`
    select pg_catalog.pg_get_userbyid(d.defaclrole)::text as creator, n.nspname::text as schema,
           case d.defaclobjtype when 'r' then 'table' when 'S' then 'sequence' else 'schema' end as of, a.privilege_type as privilege
      from pg_catalog.pg_default_acl d
     cross join lateral pg_catalog.aclexplode(d.defaclacl) a
      left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
     where a.grantee = 0 and d.defaclobjtype in ('r', 'S', 'n') order by 1, 2, 3, 4`;
  return rows.map(({ schema, ...row }) => ({ ...row, schema: schema ?? undefined }));
}

/** Those that are as the extension's script left them: what it gave to PUBLIC is its own design. */
async function readExtensionRelations(sql: TransactionSql): Promise<ReadonlySet<string>> {
  const rows = await sql<{ schema: string; name: string }[]>`
    select n.nspname::text as schema, c.relname::text as name
      from pg_catalog.pg_depend d
      join pg_catalog.pg_class c on c.oid = d.objid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_init_privs i on i.classoid = d.classid and i.objoid = c.oid and i.objsubid = 0 and i.initprivs::text = c.relacl::text
     where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.deptype = 'e'`;
  return new Set(rows.map(relationKey));
}

/** dbadmin's own record of applies is in a schema that nobody else may use. */
async function readHasTables(sql: TransactionSql): Promise<boolean> {
  const [row] = await sql<{ some: boolean }[]>`
    select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                    where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'dbadmin')) as some`;
  return row?.some === true;
}
