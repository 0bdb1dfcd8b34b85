import type { Queryable } from '../session/session.ts';
import type { ColumnGrants, Grant, ObjectGrants } from './plan.ts';

const EXPLODED = `pg_catalog.jsonb_build_object('privilege', a.privilege_type, 'grantable', a.is_grantable,
  'grantee', case when a.grantee <> 0 then pg_catalog.pg_get_userbyid(a.grantee) end)`;

const NOT_SYSTEM = `n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** `where` sees `c` or `p`, and `n`. */
function grantsSql(relations: string, routines: string): string {
  return `
select 'relation' as class, c.oid::text as oid, pg_catalog.format('%I.%I', n.nspname, c.relname) as identity,
  case c.relkind when 'v' then 'VIEW' when 'm' then 'MATERIALIZED VIEW' when 'S' then 'SEQUENCE' when 'f' then 'FOREIGN TABLE' else 'TABLE' end as type,
  pg_catalog.pg_get_userbyid(c.relowner)::text as owner, c.relacl is null as untouched, pg_catalog.obj_description(c.oid, 'pg_class') as comment,
  (select pg_catalog.jsonb_agg(${EXPLODED}) from pg_catalog.aclexplode(
    coalesce(c.relacl, pg_catalog.acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) a) as grants,
  (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', t.attname, 'comment', d.description,
      'grants', (select pg_catalog.jsonb_agg(${EXPLODED}) from pg_catalog.aclexplode(t.attacl) a)) order by t.attnum)
   from pg_catalog.pg_attribute t left join pg_catalog.pg_description d
     on d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass::oid and d.objoid = t.attrelid and d.objsubid = t.attnum
   where t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped and (t.attacl is not null or d.description is not null)) as columns,
  (select pg_catalog.array_agg(t.attname::text) from pg_catalog.pg_attribute t
   where t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped) as column_names
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and ${NOT_SYSTEM} and ${relations}
union all
select 'routine', p.oid::text, (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0)).identity,
  case p.prokind when 'a' then 'AGGREGATE' else 'ROUTINE' end, pg_catalog.pg_get_userbyid(p.proowner)::text, p.proacl is null,
  pg_catalog.obj_description(p.oid, 'pg_proc'),
  (select pg_catalog.jsonb_agg(${EXPLODED}) from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) a), null, null
from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where ${NOT_SYSTEM} and ${routines}`;
}

interface GrantsRow {
  readonly class: 'relation' | 'routine';
  readonly oid: string;
  readonly identity: string;
  readonly type: string;
  readonly owner: string;
  readonly untouched: boolean;
  readonly comment: string | null;
  readonly grants: readonly GrantRow[] | null;
  readonly columns:
    | readonly { readonly name: string; readonly comment: string | null; readonly grants: readonly GrantRow[] | null }[]
    | null;
  readonly column_names: readonly string[] | null;
}

interface GrantRow {
  readonly grantee: string | null;
  readonly privilege: string;
  readonly grantable: boolean;
}

/** A table of that name takes the sequences of its columns along. */
const NAMED = `(c.relname = any ($1) or c.relkind = 'S' and exists (
  select from pg_catalog.pg_depend d join pg_catalog.pg_class t on t.oid = d.refobjid
  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::oid and d.objid = c.oid and d.deptype in ('a', 'i')
    and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::oid and t.relname = any ($1)))`;

/** Relations and routines of these names in any schema but the system's, or all of them. */
export async function readGrants(session: Queryable, names: readonly string[] | undefined): Promise<readonly ObjectGrants[]> {
  if (names === undefined) return (await session.query<GrantsRow>(grantsSql('true', 'true'))).map(readRow);
  return (await session.query<GrantsRow>(grantsSql(NAMED, 'p.proname = any ($1)'), [names])).map(readRow);
}

/** What now stands under the identities of `lost` and is not what stood there. */
export async function findMadeAnew(session: Queryable, lost: readonly ObjectGrants[]): Promise<readonly ObjectGrants[]> {
  const of = (wanted: ObjectGrants['class']): readonly ObjectGrants[] => lost.filter((each) => each.class === wanted);
  const [relations, routines] = [of('relation'), of('routine')];
  const rows = await session.query<GrantsRow>(
    grantsSql(
      'c.oid in (select pg_catalog.to_regclass(i)::oid from pg_catalog.unnest($1::text[]) i) and c.oid <> all ($2::oid[])',
      'p.oid in (select pg_catalog.to_regprocedure(i)::oid from pg_catalog.unnest($3::text[]) i) and p.oid <> all ($4::oid[])',
    ),
    [relations.map(identityOf), relations.map(oidOf), routines.map(identityOf), routines.map(oidOf)],
  );
  return rows.map(readRow);
}

/** Those of `objects` that are not there any more. */
export async function findGone(session: Queryable, objects: readonly ObjectGrants[]): Promise<readonly ObjectGrants[]> {
  const rows = await session.query<{ class: string; oid: string }>(
    `select o.class, o.oid::text as oid from unnest($1::text[], $2::oid[]) o(class, oid)
     where not exists (select from pg_catalog.pg_class c where o.class = 'relation' and c.oid = o.oid)
       and not exists (select from pg_catalog.pg_proc p where o.class = 'routine' and p.oid = o.oid)`,
    [objects.map((each) => each.class), objects.map(oidOf)],
  );
  const gone = new Set(rows.map((row) => `${row.class} ${row.oid}`));
  return objects.filter((each) => gone.has(`${each.class} ${each.oid}`));
}

/** All roles. */
export async function readRoleNames(session: Queryable): Promise<ReadonlySet<string>> {
  const rows = await session.query<{ name: string }>('select rolname::text as name from pg_catalog.pg_roles');
  return new Set(rows.map(({ name }) => name));
}

function readRow(row: GrantsRow): ObjectGrants {
  return {
    class: row.class,
    oid: row.oid,
    identity: row.identity,
    type: row.type,
    owner: row.owner,
    untouched: row.untouched,
    grants: readGrantRows(row.grants),
    comment: row.comment ?? undefined,
    columns: (row.columns ?? []).map((each): ColumnGrants => ({
      name: each.name,
      comment: each.comment ?? undefined,
      grants: readGrantRows(each.grants),
    })),
    columnNames: row.column_names ?? [],
  };
}

function readGrantRows(rows: readonly GrantRow[] | null): readonly Grant[] {
  return (rows ?? []).map((each) => ({ grantee: each.grantee ?? undefined, privilege: each.privilege, grantable: each.grantable }));
}

function identityOf({ identity }: ObjectGrants): string {
  return identity;
}

function oidOf({ oid }: ObjectGrants): string {
  return oid;
}
