import type { TransactionSql } from 'postgres';
import { aclJson, parseAcl, type RawAclEntry } from './acl.ts';
import { readColumns, readGroups } from './inspect-groups.ts';
import { inspectOther } from './inspect-other.ts';
import type { NamedObjects, RoutineName } from './named-objects.ts';
import type { GlobalKind } from './privileges.ts';
import { quoteIdentifier } from './quote.ts';
import {
  globalDefaultKey,
  relationKey,
  routineKey,
  type DatabaseState,
  type DefaultEntry,
  type GlobalObject,
  type OwnedAcl,
} from './state.ts';
import { ROUTINE_NAME_SQL } from './routine-name.ts';

/** Schemas, objects in groups of equal privileges, and default privileges. `named` is what the file names. */
export async function inspectDatabase(sql: TransactionSql, name: string, named: NamedObjects): Promise<DatabaseState> {
  const defaults = await readDefaults(sql);
  return {
    name,
    schemas: await readSchemas(sql),
    groups: await readGroups(sql),
    columns: await readColumns(sql),
    relationColumns: await readRelationColumns(sql, named.relations),
    globals: await readGlobals(sql),
    ...defaults,
    other: await inspectOther(sql),
    routines: await resolveRoutines(sql, named.routines),
  };
}

async function readSchemas(sql: TransactionSql): Promise<ReadonlyMap<string, OwnedAcl>> {
  const rows = await sql<{ name: string; owner: string; acl: readonly RawAclEntry[] | null }[]>`
    select n.nspname::text as name, pg_catalog.pg_get_userbyid(n.nspowner)::text as owner,
           ${aclJson(sql, "coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))")} as acl
      from pg_catalog.pg_namespace n
     where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;
  return new Map(rows.map(({ name, owner, acl }) => [name, { owner, acl: parseAcl(acl, owner) }]));
}

async function readRelationColumns(sql: TransactionSql, relations: NamedObjects['relations']): Promise<DatabaseState['relationColumns']> {
  if (relations.length === 0) return new Map();
  const names = JSON.stringify(relations.map(({ schema, name }) => [schema, name]));
  const rows = await sql<{ schema: string; name: string; columns: readonly string[] }[]>`
    select n.nspname::text as schema, c.relname::text as name,
           pg_catalog.array_to_json(pg_catalog.array_agg(a.attname::text order by a.attnum)) as columns
      from pg_catalog.json_array_elements(${names}::text::json) as asked(pair)
      join pg_catalog.pg_namespace n on n.nspname = asked.pair ->> 0
      join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = asked.pair ->> 1
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     group by 1, 2`;
  return new Map(rows.map(({ columns, ...relation }) => [relationKey(relation), columns]));
}

interface GlobalRow {
  readonly kind: GlobalKind;
  readonly name: string;
  readonly owner: string;
  readonly extension: string | null;
  readonly can: boolean;
  readonly acl: readonly RawAclEntry[] | null;
}

/** Languages, foreign data wrappers and servers, without the languages that every database has inside. */
async function readGlobals(sql: TransactionSql): Promise<readonly GlobalObject[]> {
  const rows = await sql<GlobalRow[]>`
    with objects(kind, class, oid, name, owner, can, acl) as (
      select 'language', 'pg_catalog.pg_language'::pg_catalog.regclass, l.oid, l.lanname::text, l.lanowner, l.lanpltrusted,
             coalesce(l.lanacl, pg_catalog.acldefault('l', l.lanowner))
        from pg_catalog.pg_language l
      union all
      select 'foreign data wrapper', 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, f.oid, f.fdwname::text, f.fdwowner, true,
             coalesce(f.fdwacl, pg_catalog.acldefault('F', f.fdwowner))
        from pg_catalog.pg_foreign_data_wrapper f
      union all
      select 'server', 'pg_catalog.pg_foreign_server'::pg_catalog.regclass, s.oid, s.srvname::text, s.srvowner, true,
             coalesce(s.srvacl, pg_catalog.acldefault('S', s.srvowner))
        from pg_catalog.pg_foreign_server s
    )
    select o.kind, o.name, pg_catalog.pg_get_userbyid(o.owner)::text as owner, e.extname::text as extension, o.can,
           ${aclJson(sql, 'o.acl')} as acl
      from objects o
      left join pg_catalog.pg_depend d on d.classid = o.class and d.objid = o.oid and d.deptype = 'e'
      left join pg_catalog.pg_extension e on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and e.oid = d.refobjid
     order by 1, 2`;
  return rows.map(({ extension, can, acl, ...row }) => ({
    ...row,
    extension: extension ?? undefined,
    canBeGranted: can,
    acl: parseAcl(acl, row.owner),
  }));
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
           ${aclJson(sql, 'd.defaclacl')} as acl
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
  const together = await tryResolve(sql, routines);
  if (together !== undefined) return together;
  // One of them is no text of a signature: it is found alone, so that it alone is refused.
  const found = new Map<string, string | undefined>();
  for (const routine of routines) {
    const name = (await tryResolve(sql, [routine]))?.get(routineKey(routine));
    found.set(routineKey(routine), name);
  }
  return found;
}

async function tryResolve(sql: TransactionSql, routines: readonly RoutineName[]): Promise<DatabaseState['routines'] | undefined> {
  if (routines.length === 0) return new Map();
  const texts = routines.map(({ schema, name, argumentTypes }) => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}(${argumentTypes})`);
  try {
    const rows = await sql.savepoint(
      async (attempt) =>
        await attempt<{ place: number; name: string }[]>`
      select asked.place::int as place, ${attempt.unsafe(ROUTINE_NAME_SQL)} as name
        from pg_catalog.json_array_elements_text(${JSON.stringify(texts)}::text::json) with ordinality as asked(signature, place)
        join pg_catalog.pg_proc p on p.oid = pg_catalog.to_regprocedure(asked.signature)`,
    );
    const names = new Map(rows.map(({ place, name }) => [place, name]));
    return new Map(routines.map((routine, index) => [routineKey(routine), names.get(index + 1)]));
  } catch {
    return undefined;
  }
}
