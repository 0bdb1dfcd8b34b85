import type postgres from 'postgres';
import { readGrants, type AclRow } from './acl.ts';
import type { Routine, UserType } from './catalog.ts';

const VOLATILITY: Readonly<Record<string, Routine['volatility']>> = { i: 'immutable', s: 'stable', v: 'volatile' };
const TYPES: Readonly<Record<string, UserType['kind']>> = { e: 'enum', d: 'domain', c: 'composite', r: 'range' };

interface RoutineRow {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly isTrigger: boolean;
  readonly signature: string;
  readonly identity: string;
  readonly returns: string | null;
  readonly language: string;
  readonly volatility: string;
  readonly isSecurityDefiner: boolean;
  readonly settings: readonly string[] | null;
  readonly owner: string;
  readonly comment: string | null;
  readonly acl: readonly AclRow[] | null;
}

/** Functions, procedures and aggregates of these schemas, by name and types. */
export async function inspectRoutines(sql: postgres.TransactionSql, schemas: readonly string[]): Promise<readonly Routine[]> {
  if (schemas.length === 0) return [];
  const rows = await sql<RoutineRow[]>`
    select n.nspname as schema, p.proname as name, p.prokind as kind,
      p.prorettype in ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype) as "isTrigger",
      pg_catalog.pg_get_function_arguments(p.oid) as signature, pg_catalog.oidvectortypes(p.proargtypes) as identity,
      pg_catalog.pg_get_function_result(p.oid) as returns, l.lanname as language, p.provolatile as volatility, p.prosecdef as "isSecurityDefiner",
      pg_catalog.to_jsonb(p.proconfig) as settings, pg_catalog.pg_get_userbyid(p.proowner) as owner, pg_catalog.obj_description(p.oid, 'pg_proc') as comment,
      (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('grantee', g.grantee::pg_catalog.text::pg_catalog.int8,
         'role', pg_catalog.pg_get_userbyid(g.grantee), 'privilege', g.privilege_type, 'grantable', g.is_grantable))
       from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as g where g.grantee <> p.proowner) as acl
    from pg_catalog.pg_proc as p
    join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
    join pg_catalog.pg_language as l on l.oid = p.prolang
    where n.nspname in ${sql(schemas)}
      -- What a range type brings with it is of the type.
      and not exists (select from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype in ('e', 'i'))
    order by n.nspname collate "C", p.proname collate "C", pg_catalog.oidvectortypes(p.proargtypes) collate "C"`;
  return rows.map((row) => ({
    schema: row.schema,
    name: row.name,
    kind: kindOf(row),
    signature: row.signature,
    identity: row.identity,
    returns: row.returns ?? undefined,
    language: row.language,
    volatility: VOLATILITY[row.volatility] ?? 'volatile',
    isSecurityDefiner: row.isSecurityDefiner,
    settings: row.settings ?? [],
    owner: row.owner,
    comment: row.comment ?? undefined,
    grants: readGrants(row.acl),
  }));
}

function kindOf({ kind, isTrigger }: RoutineRow): Routine['kind'] {
  if (kind === 'p') return 'procedure';
  if (kind === 'a') return 'aggregate';
  if (kind === 'w') return 'window function';
  return isTrigger ? 'trigger function' : 'function';
}

interface TypeRow {
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly definition: readonly string[] | null;
  readonly owner: string;
  readonly comment: string | null;
  readonly acl: readonly AclRow[] | null;
}

/** Enums, domains, composite and range types; not the row types of tables, nor array types. */
export async function inspectTypes(sql: postgres.TransactionSql, schemas: readonly string[]): Promise<readonly UserType[]> {
  if (schemas.length === 0) return [];
  const rows = await sql<TypeRow[]>`
    select n.nspname as schema, t.typname as name, t.typtype as kind, pg_catalog.pg_get_userbyid(t.typowner) as owner,
      pg_catalog.obj_description(t.oid, 'pg_type') as comment,
      case t.typtype
        when 'e' then (select pg_catalog.jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum as e where e.enumtypid = t.oid)
        when 'd' then pg_catalog.jsonb_build_array(pg_catalog.format_type(t.typbasetype, t.typtypmod))
          || case when t.typnotnull then '["NOT NULL"]'::pg_catalog.jsonb else '[]'::pg_catalog.jsonb end
          || case when t.typdefault is null then '[]'::pg_catalog.jsonb else pg_catalog.jsonb_build_array('DEFAULT ' || t.typdefault) end
          || coalesce((select pg_catalog.jsonb_agg(pg_catalog.format('CONSTRAINT %I %s', k.conname, pg_catalog.pg_get_constraintdef(k.oid)) order by k.conname collate "C")
                       from pg_catalog.pg_constraint as k where k.contypid = t.oid and k.contype = 'c'), '[]')
        when 'c' then (select pg_catalog.jsonb_agg(pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)) order by a.attnum)
                       from pg_catalog.pg_attribute as a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)
        when 'r' then (select pg_catalog.jsonb_build_array('of ' || pg_catalog.format_type(r.rngsubtype, null)) from pg_catalog.pg_range as r where r.rngtypid = t.oid)
      end as definition,
      (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('grantee', g.grantee::pg_catalog.text::pg_catalog.int8,
         'role', pg_catalog.pg_get_userbyid(g.grantee), 'privilege', g.privilege_type, 'grantable', g.is_grantable))
       from pg_catalog.aclexplode(t.typacl) as g where g.grantee <> t.typowner) as acl
    from pg_catalog.pg_type as t join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
    where n.nspname in ${sql(schemas)} and t.typtype in ('e', 'd', 'c', 'r')
      and (t.typtype <> 'c' or exists (select from pg_catalog.pg_class as c where c.oid = t.typrelid and c.relkind = 'c'))
      and not exists (select from pg_catalog.pg_depend as d where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid and d.deptype = 'e')
    order by n.nspname collate "C", t.typname collate "C"`;
  return rows.map((row) => ({
    schema: row.schema,
    name: row.name,
    kind: TYPES[row.kind] ?? 'composite',
    definition: row.definition ?? [],
    owner: row.owner,
    comment: row.comment ?? undefined,
    grants: readGrants(row.acl),
  }));
}
