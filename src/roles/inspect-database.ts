import type { TransactionSql } from 'postgres';
import { parseAcl, type RawAclEntry } from './acl.ts';
import type { ObjectName } from './document/document.ts';
import { inspectOther } from './inspect-other.ts';
import { quoteIdentifier } from './print.ts';
import {
  globalDefaultKey,
  routineKey,
  type DatabaseState,
  type DefaultEntry,
  type ObjectGroup,
  type ObjectKind,
  type OwnedAcl,
} from './state.ts';

type RoutineName = Extract<ObjectName, { kind: 'routine' }>;

/** Schemas, objects in groups of equal privileges, and default privileges. `routines` are those the file names. */
export async function inspectDatabase(sql: TransactionSql, name: string, routines: readonly RoutineName[]): Promise<DatabaseState> {
  const defaults = await readDefaults(sql);
  return {
    name,
    schemas: await readSchemas(sql),
    groups: await readGroups(sql),
    ...defaults,
    other: await inspectOther(sql),
    routines: await resolveRoutines(sql, routines),
  };
}

async function readSchemas(sql: TransactionSql): Promise<ReadonlyMap<string, OwnedAcl>> {
  const rows = await sql<{ name: string; owner: string; acl: readonly RawAclEntry[] | null }[]>`
    select n.nspname::text as name, pg_catalog.pg_get_userbyid(n.nspowner)::text as owner,
           (select json_agg(json_build_array(pg_catalog.pg_get_userbyid(a.grantor), a.grantee::bigint, pg_catalog.pg_get_userbyid(a.grantee), a.privilege_type, a.is_grantable))
              from pg_catalog.aclexplode(coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) a) as acl
      from pg_catalog.pg_namespace n
     where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;
  return new Map(rows.map(({ name, owner, acl }) => [name, { owner, acl: parseAcl(acl, owner) }]));
}

interface GroupRow {
  readonly schema: string;
  readonly kind: ObjectKind;
  readonly owner: string;
  readonly extension: string | null;
  readonly acl: readonly RawAclEntry[] | null;
  readonly names: readonly string[];
}

/**
 * One row per distinct privileges, not per object: fifty thousand tables alike are one row.
 *
 * Types leave out arrays, which have no privileges, and row types, which follow their table.
 */
async function readGroups(sql: TransactionSql): Promise<readonly ObjectGroup[]> {
  const rows = await sql<GroupRow[]>`
    with objects as (
      select 'pg_catalog.pg_class'::pg_catalog.regclass as class, c.oid, c.relnamespace as namespace,
             case c.relkind when 'S' then 'sequence' else 'table' end as kind,
             case c.relkind when 'S' then 's' else 'r' end as letter, c.relowner as owner, c.relacl::text as acl, c.relname::text as name
        from pg_catalog.pg_class c where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
      union all
      select 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, p.pronamespace, 'routine', 'f', p.proowner, p.proacl::text,
             pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.array_to_string(array(
               select pg_catalog.format_type(t.type, null) from unnest(p.proargtypes) with ordinality as t(type, place) order by place), ', ') || ')'
        from pg_catalog.pg_proc p where p.pronamespace not in ('pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace)
      union all
      select 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, t.typnamespace, 'type', 'T', t.typowner, t.typacl::text, t.typname::text
        from pg_catalog.pg_type t
       where t.typtype in ('b', 'd', 'e', 'r', 'm', 'c') and t.typisdefined
         and not exists (select from pg_catalog.pg_type e where e.typarray = t.oid)
         and (t.typrelid = 0 or exists (select from pg_catalog.pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
    ), grouped as (
      select n.nspname::text as schema, o.kind, o.letter, o.owner, o.acl, e.extname::text as extension,
             array_to_json(array_agg(o.name order by o.name)) as names
        from objects o
        join pg_catalog.pg_namespace n on n.oid = o.namespace
        left join pg_catalog.pg_depend d on d.classid = o.class and d.objid = o.oid and d.objsubid = 0 and d.deptype = 'e'
        left join pg_catalog.pg_extension e on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.oid = d.refobjid
       where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       group by 1, 2, 3, 4, 5, 6
    )
    select g.schema, g.kind, pg_catalog.pg_get_userbyid(g.owner)::text as owner, g.extension, g.names,
           (select json_agg(json_build_array(pg_catalog.pg_get_userbyid(a.grantor), a.grantee::bigint, pg_catalog.pg_get_userbyid(a.grantee), a.privilege_type, a.is_grantable))
              from pg_catalog.aclexplode(coalesce(g.acl::aclitem[], pg_catalog.acldefault(g.letter::"char", g.owner))) a) as acl
      from grouped g
     order by g.schema, g.kind, g.owner, g.acl, g.extension`;
  return rows.map(({ extension, acl, ...row }) => ({ ...row, extension: extension ?? undefined, acl: parseAcl(acl, row.owner) }));
}

interface DefaultRow {
  readonly creator: string;
  readonly schema: string | null;
  readonly letter: string;
  readonly acl: readonly RawAclEntry[] | null;
}

// Not the letters of acldefault(): there, S is a foreign server.
const DEFAULT_KINDS: Readonly<Record<string, DefaultEntry['of']>> = { r: 'table', S: 'sequence', f: 'routine', T: 'type', n: 'schema' };

async function readDefaults(sql: TransactionSql): Promise<Pick<DatabaseState, 'defaults' | 'globalDefaults'>> {
  const rows = await sql<DefaultRow[]>`
    select pg_catalog.pg_get_userbyid(d.defaclrole)::text as creator, n.nspname::text as schema, d.defaclobjtype::text as letter,
           (select json_agg(json_build_array(pg_catalog.pg_get_userbyid(a.grantor), a.grantee::bigint, pg_catalog.pg_get_userbyid(a.grantee), a.privilege_type, a.is_grantable))
              from pg_catalog.aclexplode(d.defaclacl) a) as acl
      from pg_catalog.pg_default_acl d left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
     order by 1, 2, 3`;
  const defaults: DefaultEntry[] = [];
  const globalDefaults = new Set<string>();
  for (const { creator, schema, letter, acl } of rows) {
    const of = DEFAULT_KINDS[letter];
    if (of === undefined) continue;
    if (schema === null) globalDefaults.add(globalDefaultKey(creator, of));
    for (const { grantee, privilege, grantable } of parseAcl(acl, creator)) {
      defaults.push({ creator, schema: schema ?? undefined, of, grantee, privilege, grantable });
    }
  }
  return { defaults, globalDefaults };
}

/** The server says which routine is meant: it knows that `int` is `integer`. A type that does not exist means there is none. */
async function resolveRoutines(sql: TransactionSql, routines: readonly RoutineName[]): Promise<DatabaseState['routines']> {
  const found = new Map<string, string | undefined>();
  for (const routine of routines) {
    const text = `${quoteIdentifier(routine.schema)}.${quoteIdentifier(routine.name)}(${routine.argumentTypes})`;
    const [row] = await sql
      .savepoint(
        async (attempt) =>
          await attempt<{ name: string }[]>`
        select pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.array_to_string(array(
                 select pg_catalog.format_type(t.type, null) from unnest(p.proargtypes) with ordinality as t(type, place) order by place), ', ') || ')' as name
          from pg_catalog.pg_proc p where p.oid = pg_catalog.to_regprocedure(${text})`,
      )
      .catch(() => []);
    found.set(routineKey(routine), row?.name);
  }
  return found;
}
