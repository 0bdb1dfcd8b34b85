import { inspectRelations } from '../effects/inspect.ts';
import { foresee } from '../effects/foresee.ts';
import type { CatalogFacts } from '../effects/known-objects.ts';
import { relationKey, type RelationName } from '../effects/relation-name.ts';
import { wantedFacts } from '../effects/wanted-facts.ts';
import { embeddedStatements } from '../sql/embedded.ts';
import type { ExpectedPlan, FoundPlan } from '../hooks.ts';
import type { Statement } from '../files/migration.ts';
import type { SqlParser } from '../sql/parser.ts';
import type { MigrationPlan, PlanPolicy } from '../plan.ts';
import type { Queryable } from '../session/session.ts';
import { refuseStalePlan } from './compare.ts';
import { planState, type PlanState, type SavedPlan } from './format.ts';

/** The statements of a plan, file by file, in the order of the run. */
export function statementsOf({ versioned, routines }: MigrationPlan): readonly (readonly Statement[])[] {
  return [...versioned, ...routines].map(({ parsed }) => parsed.statements);
}

/** What the catalog says of the relations that a plan names, those in DO blocks and routine bodies included. */
export async function inspectPlanned(session: Queryable, major: number, plan: MigrationPlan, parser: SqlParser): Promise<CatalogFacts> {
  const statements = statementsOf(plan).map((file) =>
    file.flatMap((each) => [each, ...embeddedStatements(each, parser).flatMap((inner) => (inner.kind === 'sql' ? [inner] : []))]),
  );
  return await inspectRelations(session, major, wantedFacts(statements));
}

/** What a plan rests on right now: see {@link SavedPlan}. `also`: relations that an earlier look found, which may be gone. */
export async function inspectPlanState(
  found: FoundPlan,
  policy: PlanPolicy,
  parser: SqlParser,
  also: readonly RelationName[] = [],
): Promise<PlanState> {
  const { plan, observed, server, session } = found;
  const catalog = await inspectPlanned(session, server.major, plan, parser);
  const relations = await digestRelations(session, touchedRelations(plan, catalog, parser, also));
  const system = await systemIdentifier(session);
  return planState({ plan, history: observed.history, policy, database: server.database, system, relations });
}

/** The check that `up` makes right before it applies anything. */
export function expectedPlan(saved: SavedPlan, parser: SqlParser): ExpectedPlan {
  return {
    compare: async (found) => {
      const looked = saved.relations.map(({ schema, name }) => ({ schema: schema ?? undefined, name }));
      refuseStalePlan(saved, await inspectPlanState(found, saved.policy, parser, looked));
    },
  };
}

/** Relations that a statement locks and that the files do not make, by their names in the catalog where they are there. */
function touchedRelations(
  plan: MigrationPlan,
  catalog: CatalogFacts,
  parser: SqlParser,
  also: readonly RelationName[],
): readonly RelationName[] {
  const touched = new Map(also.map((name) => [relationKey(name), name]));
  for (const statements of foresee(statementsOf(plan), catalog, parser)) {
    for (const { effects } of statements) {
      for (const { relation, facts, isNew } of effects) {
        if (isNew) continue;
        const name = facts?.relation ?? relation;
        touched.set(relationKey(name), name);
      }
    }
  }
  return [...touched.values()];
}

async function systemIdentifier(session: Queryable): Promise<string | undefined> {
  const [may] = await session.query<{ may: boolean }>(`select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may`);
  if (may?.may !== true) return undefined;
  const [row] = await session.query<{ system: string }>('select system_identifier::text as system from pg_catalog.pg_control_system()');
  return row?.system;
}

async function digestRelations(session: Queryable, relations: readonly RelationName[]): Promise<SavedPlan['relations']> {
  const rows = await session.query<{ number: number; digest: string | null }>(DIGEST_SQL, [
    relations.map(({ schema }) => schema ?? null),
    relations.map(({ name }) => name),
  ]);
  const digests = new Map(rows.map(({ number, digest }) => [number, digest]));
  return relations
    .map(({ schema, name }, index) => ({ schema: schema ?? null, name, sha256: digests.get(index + 1) ?? null }))
    .toSorted((a, b) =>
      relationKey({ ...a, schema: a.schema ?? undefined }) < relationKey({ ...b, schema: b.schema ?? undefined }) ? -1 : 1,
    );
}

/**
 * One digest for each name, in order; null for what is not there. Waits for those who lock a relation against reading.
 *
 * Constants in defaults, checks and predicates are written by settings, and whoever plans may have others than whoever applies, whose session
 * has TimeZone UTC. Those of `forms` end with the statement's transaction.
 */
const DIGEST_SQL = `
with forms as materialized (
  select pg_catalog.set_config('timezone', 'UTC', true), pg_catalog.set_config('datestyle', 'ISO', true), pg_catalog.set_config('intervalstyle', 'postgres', true),
    pg_catalog.set_config('bytea_output', 'hex', true), pg_catalog.set_config('extra_float_digits', '1', true), pg_catalog.set_config('quote_all_identifiers', 'off', true))
select w.number::int as number, (
  select pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.jsonb_build_array(
    n.nspname, c.relname, c.relkind, c.relpersistence, c.relowner::regrole::text, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions, c.relispartition,
    (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
        a.attgenerated, a.attcollation, a.attstorage, (select pg_catalog.pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef d
          where d.adrelid = c.oid and d.adnum = a.attnum)) order by a.attnum)
      from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(k.conname, pg_catalog.pg_get_constraintdef(k.oid), k.convalidated, k.conrelid::regclass::text)
        order by k.conname, k.conrelid) from pg_catalog.pg_constraint k where k.conrelid = c.oid or k.confrelid = c.oid),
    (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(pg_catalog.pg_get_indexdef(x.indexrelid), x.indisvalid) order by x.indexrelid::regclass::text)
      from pg_catalog.pg_index x where x.indrelid = c.oid or x.indexrelid = c.oid),
    (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(pg_catalog.pg_get_triggerdef(t.oid), t.tgenabled) order by t.tgname)
      from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal),
    (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(p.polname, p.polcmd, p.polpermissive, pg_catalog.pg_get_expr(p.polqual, p.polrelid),
        pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)) order by p.polname) from pg_catalog.pg_policy p where p.polrelid = c.oid),
    (select pg_catalog.jsonb_agg(pg_catalog.pg_get_ruledef(r.oid) order by r.rulename) from pg_catalog.pg_rewrite r where r.ev_class = c.oid),
    (select pg_catalog.jsonb_agg(h.inhparent::regclass::text order by h.inhseqno) from pg_catalog.pg_inherits h where h.inhrelid = c.oid),
    (select pg_catalog.jsonb_agg(h.inhrelid::regclass::text order by h.inhrelid::regclass::text) from pg_catalog.pg_inherits h where h.inhparent = c.oid)
  )::text, 'UTF8')), 'hex')
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relname = w.name and case when w.schema is null then pg_catalog.pg_table_is_visible(c.oid) else n.nspname = w.schema end
) as digest
from forms, rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) with ordinality w(schema, name, number)`;
