import { quoteName } from '../../postgres/quote.ts';
import type { Queryable } from '../session/session.ts';
import type { Dependent, DroppedDependent, ReplaceTarget } from './plan.ts';

export interface FoundTarget {
  readonly classId: string;
  readonly oid: string;
  /** Qualified and quoted. */
  readonly identity: string;
  /** DROP in full; undefined for what holds data of its own. */
  readonly dropSql: string | undefined;
}

/** What the target is now, or undefined when there is none. */
export async function findTarget(session: Queryable, target: ReplaceTarget): Promise<FoundTarget | undefined> {
  const routine = target.text.includes('(') ? 'to_regprocedure' : 'to_regproc';
  const [row] = await session.query<{ class: string; oid: string; identity: string; kind: string }>(
    target.kind === 'relation'
      ? `select 'pg_catalog.pg_class'::regclass::oid::text as class, c.oid::text as oid, c.relkind as kind,
           (pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity
         from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)::oid`
      : `select 'pg_catalog.pg_proc'::regclass::oid::text as class, p.oid::text as oid, 'routine' as kind,
           (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0)).identity
         from pg_catalog.pg_proc p where p.oid = pg_catalog.${routine}($1)`,
    [target.text],
  );
  return row === undefined
    ? undefined
    : { classId: row.class, oid: row.oid, identity: row.identity, dropSql: dropSql(row.kind, row.identity) };
}

function dropSql(kind: string, identity: string): string | undefined {
  if (kind === 'routine') return `drop routine ${identity}`;
  if (kind === 'v') return `drop view ${identity}`;
  return kind === 'm' ? `drop materialized view ${identity}` : undefined;
}

/**
 * Everything that needs the target, directly or not: what has to go first stands first. Parts that come and go with their whole
 * (a view's type and rule) are not listed, what needs them is. A trigger on a view counts: its file has to make it again.
 */
const DEPENDENTS_SQL = `
with recursive needs(classid, objid, depth) as (
  select $1::oid, $2::oid, 0
  union
  select case when r.oid is null then d.classid else 'pg_catalog.pg_class'::regclass::oid end, coalesce(r.ev_class, d.objid), n.depth + 1
  from needs n
  join pg_catalog.pg_depend d on d.refclassid = n.classid and d.refobjid = n.objid
  left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::regclass::oid and r.oid = d.objid and r.rulename = '_RETURN'
  where n.depth < 50 and d.deptype in ('n', 'a', 'i') and (coalesce(r.ev_class, d.objid) <> n.objid or d.classid <> n.classid and r.oid is null)
), found as (
  select classid, objid, max(depth) as depth from needs where (classid, objid) <> ($1::oid, $2::oid) group by classid, objid
)
select i.type, i.identity, f.depth, c.relkind as kind, coalesce(c.relname, p.proname, t.tgname)::text as name, n.nspname::text as schema,
  tc.relname::text as of_name, tn.nspname::text as of_schema, p.oid is not null as is_routine, t.oid is not null as is_trigger
from found f
cross join lateral pg_catalog.pg_identify_object(f.classid, f.objid, 0) i
left join pg_catalog.pg_class c on f.classid = 'pg_catalog.pg_class'::regclass::oid and c.oid = f.objid
left join pg_catalog.pg_proc p on f.classid = 'pg_catalog.pg_proc'::regclass::oid and p.oid = f.objid
left join pg_catalog.pg_namespace n on n.oid = coalesce(c.relnamespace, p.pronamespace)
left join pg_catalog.pg_trigger t on f.classid = 'pg_catalog.pg_trigger'::regclass::oid and t.oid = f.objid
left join pg_catalog.pg_class tc on tc.oid = t.tgrelid
left join pg_catalog.pg_namespace tn on tn.oid = tc.relnamespace
where not exists (
  select from pg_catalog.pg_depend d where d.classid = f.classid and d.objid = f.objid and d.deptype = 'i'
) and coalesce(t.tgisinternal, false) = false and coalesce(c.relkind, 'r') <> 't'
order by f.depth desc, i.type, i.identity`;

interface DependentRow {
  readonly type: string;
  readonly identity: string;
  readonly kind: string | null;
  readonly name: string | null;
  readonly schema: string | null;
  readonly of_name: string | null;
  readonly of_schema: string | null;
  readonly is_routine: boolean;
  readonly is_trigger: boolean;
}

export async function findDependents(session: Queryable, target: FoundTarget): Promise<readonly Dependent[]> {
  const rows = await session.query<DependentRow>(DEPENDENTS_SQL, [target.classId, target.oid]);
  return rows.map(readDependent);
}

function readDependent(row: DependentRow): Dependent {
  const { type, identity, kind, name, schema } = row;
  const made = (key: string | undefined, sql: string | undefined): Dependent => ({ type, identity, key, dropSql: sql, name: name ?? '' });
  if (row.is_routine) return made(`function ${schema ?? ''}.${name ?? ''}`, `drop routine ${identity}`);
  if (row.is_trigger) {
    const table = `${quoteName(row.of_schema ?? '')}.${quoteName(row.of_name ?? '')}`;
    const sql = `drop trigger ${quoteName(name ?? '')} on ${table}`;
    return made(`trigger ${name ?? ''} on ${row.of_schema ?? ''}.${row.of_name ?? ''}`, sql);
  }
  if (kind === 'v' || kind === 'm') return made(`view ${schema ?? ''}.${name ?? ''}`, dropSql(kind, identity));
  if (kind === 'i') return made(`index ${schema ?? ''}.${name ?? ''}`, `drop index ${identity}`);
  return made(undefined, undefined);
}

/** Those of the dropped that are not there now; another kind of relation or routine in the same place counts as there. */
export async function findMissing(session: Queryable, dropped: readonly DroppedDependent[]): Promise<readonly DroppedDependent[]> {
  if (dropped.length === 0) return [];
  // Not by to_regprocedure: before PostgreSQL 16 it fails when the type of an argument is gone too.
  const rows = await session.query<{ identity: string }>(
    `select w.identity from unnest($1::text[], $2::text[]) w(name, identity)
     where not exists (select from pg_catalog.pg_class c where c.relname = w.name
         and (pg_catalog.pg_identify_object('pg_catalog.pg_class'::regclass, c.oid, 0)).identity = w.identity)
       and not exists (select from pg_catalog.pg_proc p where p.proname = w.name
         and (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0)).identity = w.identity)
       and not exists (select from pg_catalog.pg_trigger t where t.tgname = w.name
         and (pg_catalog.pg_identify_object('pg_catalog.pg_trigger'::regclass, t.oid, 0)).identity = w.identity)`,
    [dropped.map(({ dependent }) => dependent.name), dropped.map(({ dependent }) => dependent.identity)],
  );
  const missing = new Set(rows.map(({ identity }) => identity));
  return dropped.filter(({ dependent }) => missing.has(dependent.identity));
}

/**
 * How PostgreSQL identifies a routine that need not be there any more, read with the search path of now. By the names of its types:
 * the row of a view that was made anew is another type of the same name.
 */
export async function routineIdentity(
  session: Queryable,
  names: readonly string[],
  inputs: readonly string[],
): Promise<string | undefined> {
  const [row] = await session.query<{ identity: string }>(
    `select pg_catalog.format('%I.%I(%s)', coalesce($1, pg_catalog.current_schema()), $2::text, pg_catalog.array_to_string(array(
       select (pg_catalog.pg_identify_object('pg_catalog.pg_type'::regclass, pg_catalog.to_regtype(u.t), 0)).identity
       from pg_catalog.unnest($3::text[]) with ordinality u(t, n) order by u.n), ',', '?')) as identity`,
    [names.length > 1 ? names.at(-2) : null, names.at(-1), inputs],
  );
  return row?.identity;
}
