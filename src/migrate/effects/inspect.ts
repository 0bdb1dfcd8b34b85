import { systemCodeOf } from '../../base/errors.ts';
import type { Queryable } from '../session/session.ts';
import type { CatalogFacts, ConstraintFacts, RelationFacts } from './known-objects.ts';
import { relationKey, type RelationName } from './relation-name.ts';

/** What statements name, and facts are wanted of. */
export interface WantedFacts {
  readonly relations: readonly RelationName[];
  readonly functions: readonly string[];
}

interface RelationRow {
  readonly schema: string;
  readonly name: string;
  readonly visible: boolean;
  readonly kind: string;
  readonly rows: number | null;
  readonly sizeBytes: number;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly notNull: boolean }[] | null;
  readonly constraints:
    | readonly (Omit<ConstraintFacts, 'references' | 'columns'> & {
        readonly references: Named | null;
        readonly columns: readonly string[] | null;
      })[]
    | null;
  readonly referencedBy: readonly { readonly table: Named; readonly columns: readonly string[] | null }[] | null;
  readonly table: Named | null;
  readonly parents: readonly Named[] | null;
  readonly children: readonly Named[] | null;
  readonly defaultPartition: Named | null;
  readonly views: readonly { readonly view: Named; readonly columns: readonly string[] | null }[] | null;
  readonly indexed: readonly string[] | null;
}

interface Named {
  readonly schema: string;
  readonly name: string;
}

interface FunctionRow {
  readonly schema: string;
  readonly name: string;
  readonly visible: boolean;
  readonly volatility: string;
}

/**
 * Reads from the catalog what is known of relations and of those tied to them by keys, partitions and views, in one question.
 *
 * Rows are estimated from the last VACUUM or ANALYZE. Sizes are measured, unless a table is locked against reading: then they are
 * those of the last VACUUM, too.
 */
export async function inspectRelations(session: Queryable, serverMajor: number, wanted: WantedFacts): Promise<CatalogFacts> {
  const names = [
    wanted.relations.map(({ schema }) => schema ?? null),
    wanted.relations.map(({ name }) => name),
    [...wanted.functions],
  ] as const;
  const row = await ask(session, names);
  const relations = new Map<string, RelationFacts>();
  for (const each of row.relations ?? []) {
    const facts = factsOfRow(each);
    relations.set(relationKey(facts.relation), facts);
    if (each.visible) relations.set(relationKey({ schema: undefined, name: each.name }), facts);
  }
  const functions = row.functions ?? [];
  return {
    serverMajor,
    relation: (name) => relations.get(relationKey(name)),
    volatility: ({ schema, name }) => {
      const found = functions.filter((each) => each.name === name && (schema === undefined ? each.visible : each.schema === schema));
      return ['v', 's', 'i'].find((wanted) => found.some(({ volatility }) => volatility === wanted));
    },
  };
}

interface Answer {
  readonly relations: readonly RelationRow[] | null;
  readonly functions: readonly FunctionRow[] | null;
}

const EMPTY: Answer = { relations: null, functions: null };

async function ask(session: Queryable, names: readonly (readonly (string | null)[])[]): Promise<Answer> {
  const [before] = await session.query<{ timeout: string }>(`select current_setting('lock_timeout') as timeout`);
  try {
    await session.query(`set lock_timeout = '1s'`);
    return (await session.query<{ facts: Answer }>(factsSql('pg_relation_size'), names))[0]?.facts ?? EMPTY;
  } catch (error) {
    if (systemCodeOf(error) !== '55P03') throw error;
    return (await session.query<{ facts: Answer }>(factsSql('relpages'), names))[0]?.facts ?? EMPTY;
  } finally {
    await session.query(`select set_config('lock_timeout', $1, false)`, [before?.timeout ?? '0']).catch(() => undefined);
  }
}

function factsOfRow(row: RelationRow): RelationFacts {
  const columns = row.columns ?? [];
  return {
    relation: { schema: row.schema, name: row.name },
    kind: row.kind,
    rows: row.rows ?? undefined,
    sizeBytes: row.sizeBytes,
    columns: new Map(columns.map(({ name, type }) => [name, type])),
    notNull: new Set(columns.filter(({ notNull }) => notNull).map(({ name }) => name)),
    constraints: (row.constraints ?? []).map((each) => ({
      ...each,
      references: each.references ?? undefined,
      columns: each.columns ?? [],
    })),
    referencedBy: (row.referencedBy ?? []).map(({ table, columns }) => ({ table, columns: columns ?? [] })),
    table: row.table ?? undefined,
    parents: row.parents ?? [],
    children: row.children ?? [],
    defaultPartition: row.defaultPartition ?? undefined,
    views: (row.views ?? []).map(({ view, columns }) => ({ view, columns: columns ?? [] })),
    indexed: new Set(row.indexed ?? []),
  };
}

/** Name of the relation with an oid, as JSON. */
const named = (oid: string): string =>
  `(select pg_catalog.jsonb_build_object('schema', nn.nspname, 'name', cc.relname) from pg_catalog.pg_class cc
     join pg_catalog.pg_namespace nn on nn.oid = cc.relnamespace where cc.oid = ${oid})`;

/** Sizes are asked of the files, which waits for whoever holds a table, or taken from what the last VACUUM noted. */
function factsSql(sizes: 'pg_relation_size' | 'relpages'): string {
  const size =
    sizes === 'relpages'
      ? `(c.relpages + coalesce((select pg_catalog.sum(i.relpages) from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid
           where x.indrelid = c.oid), 0))::bigint * pg_catalog.current_setting('block_size')::bigint`
      : 'pg_catalog.pg_total_relation_size(c.oid)';
  const pages =
    sizes === 'relpages' ? 'c.relpages' : `pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint`;
  return `
with recursive asked as (
  select c.oid, c.relkind from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) w(schema, name) on w.name = c.relname
    and case when w.schema is null then pg_catalog.pg_table_is_visible(c.oid) else n.nspname = w.schema end
  where c.relkind in ('r', 'p', 'i', 'I', 'v', 'm', 'S', 'f') and n.nspname <> 'pg_catalog'
), base as (
  select oid from asked union select x.indrelid from asked join pg_catalog.pg_index x on x.indexrelid = asked.oid
), pointing as (
  select oid from base union select k.conrelid from pointing p join pg_catalog.pg_constraint k on k.confrelid = p.oid and k.contype = 'f'
), keys as (
  select oid from base union select k.confrelid from base join pg_catalog.pg_constraint k on k.conrelid = base.oid and k.contype = 'f'
  union select oid from pointing
), above as (
  select oid from keys union select h.inhparent from above join pg_catalog.pg_inherits h on h.inhrelid = above.oid
), below as (
  select oid as root, oid from keys union select b.root, h.inhrelid from below b join pg_catalog.pg_inherits h on h.inhparent = b.oid
), depending as (
  select oid as root, 0 as attnum, oid from base
  union select d.root, case when d.oid = d.root then p.refobjsubid else d.attnum end, r.ev_class from depending d
    join pg_catalog.pg_depend p on p.refclassid = 'pg_catalog.pg_class'::regclass::oid and p.refobjid = d.oid and p.classid = 'pg_catalog.pg_rewrite'::regclass::oid
    join pg_catalog.pg_rewrite r on r.oid = p.objid where r.ev_class <> p.refobjid
), every as (
  select oid from above union select oid from below union select oid from depending
), sized as (
  select c.oid, case when c.relkind in ('r', 'm', 'i', 't') then ${size} else 0 end as size,
    case when c.reltuples < 0 or c.relkind not in ('r', 'm') then null when c.relpages = 0 then c.reltuples
      else c.reltuples / c.relpages * (${pages}) end as rows
  from every join pg_catalog.pg_class c on c.oid = every.oid
)
select pg_catalog.jsonb_build_object(
  'relations', (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
    'schema', n.nspname, 'name', c.relname, 'visible', pg_catalog.pg_table_is_visible(c.oid), 'kind', c.relkind,
    'rows', pg_catalog.round((case when c.relkind = 'p'
      then (select pg_catalog.sum(s.rows) from below b join sized s on s.oid = b.oid where b.root = c.oid) else sized.rows end)::numeric),
    'sizeBytes', case when c.relkind = 'p'
      then (select coalesce(pg_catalog.sum(s.size), 0) from below b join sized s on s.oid = b.oid where b.root = c.oid) else sized.size end,
    'columns', (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', a.attname,
        'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull) order by a.attnum)
      from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'constraints', (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', k.conname, 'kind', k.contype, 'validated', k.convalidated,
        'definition', pg_catalog.pg_get_constraintdef(k.oid), 'references', ${named('k.confrelid')},
        'columns', (select pg_catalog.jsonb_agg(a.attname) from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum = any (k.conkey)))
        order by k.conname)
      from pg_catalog.pg_constraint k where k.conrelid = c.oid),
    'referencedBy', (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('table', ${named('k.conrelid')},
        'columns', (select pg_catalog.jsonb_agg(a.attname) from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum = any (k.confkey))))
      from pg_catalog.pg_constraint k where k.confrelid = c.oid and k.contype = 'f'),
    'table', (select ${named('x.indrelid')} from pg_catalog.pg_index x where x.indexrelid = c.oid),
    'parents', (select pg_catalog.jsonb_agg(${named('h.inhparent')}) from pg_catalog.pg_inherits h where h.inhrelid = c.oid),
    'children', (select pg_catalog.jsonb_agg(${named('b.oid')}) from below b where b.root = c.oid and b.oid <> c.oid),
    'defaultPartition', (select ${named('t.partdefid')} from pg_catalog.pg_partitioned_table t where t.partrelid = c.oid and t.partdefid <> 0),
    'views', (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('view', ${named('v.oid')}, 'columns', v.columns)) from (
        select d.oid, pg_catalog.jsonb_agg(distinct a.attname) filter (where a.attname is not null) as columns from depending d
        left join pg_catalog.pg_attribute a on a.attrelid = d.root and a.attnum = d.attnum and d.attnum > 0
        where d.root = c.oid and d.oid <> c.oid group by d.oid) v),
    'indexed', (select pg_catalog.jsonb_agg(distinct a.attname) from pg_catalog.pg_index x
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and (a.attnum = any (x.indkey) or exists (select from pg_catalog.pg_depend p
          where p.classid = 'pg_catalog.pg_class'::regclass::oid and p.objid = x.indexrelid and p.refobjid = c.oid and p.refobjsubid = a.attnum))
        where x.indrelid = c.oid)))
    from sized join pg_catalog.pg_class c on c.oid = sized.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace),
  'functions', (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('schema', n.nspname, 'name', f.proname,
      'visible', pg_catalog.pg_function_is_visible(f.oid), 'volatility', f.provolatile))
    from pg_catalog.pg_proc f join pg_catalog.pg_namespace n on n.oid = f.pronamespace where f.proname = any ($3::text[]))
) as facts`;
}
