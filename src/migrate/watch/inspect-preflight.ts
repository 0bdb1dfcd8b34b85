import { PREFLIGHT_LIMITS, type PreflightFacts, type PreflightLimits, type Touched } from './preflight.ts';
import type { Queryable } from '../session/session.ts';

/** Asks a primary what is in the way of a run: one query over views in memory. */
export async function inspectPreflight(
  session: Queryable,
  { relations, waitsForAll }: Touched,
  limits: PreflightLimits = PREFLIGHT_LIMITS,
): Promise<PreflightFacts> {
  const [row] = await session.query<Row>(PREFLIGHT_SQL, [relations, waitsForAll, limits.transactionMs, limits.replicaBytes]);
  return {
    transactions: (row?.transactions ?? []).map(({ pid, user, application, state, openMs, query }) => ({
      pid,
      user: user ?? undefined,
      application: application ?? undefined,
      state: state ?? undefined,
      openMs: openMs ?? undefined,
      query: query ?? undefined,
    })),
    frozenTables: row?.frozen ?? [],
    archiver: row?.archiver ?? undefined,
    replicas: row?.replicas ?? [],
  };
}

interface Row {
  readonly transactions:
    | readonly {
        readonly pid: number;
        readonly user: string | null;
        readonly application: string | null;
        readonly state: string | null;
        readonly openMs: number | null;
        readonly query: string | null;
      }[]
    | null;
  readonly frozen: PreflightFacts['frozenTables'] | null;
  readonly archiver: PreflightFacts['archiver'] | null;
  readonly replicas: PreflightFacts['replicas'] | null;
}

const PREFLIGHT_SQL = `
with touched as materialized (
  select distinct pg_catalog.to_regclass(name)::oid as oid from pg_catalog.unnest($1::text[]) name
), held as materialized (
  select l.pid, l.relation from pg_catalog.pg_locks l join touched on touched.oid = l.relation
  where l.granted and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
), here as materialized (
  select * from pg_catalog.pg_stat_activity where datname = pg_catalog.current_database() and pid <> pg_catalog.pg_backend_pid()
)
select
  (select pg_catalog.json_agg(pg_catalog.json_build_object('pid', pid, 'user', usename, 'application', application_name, 'state', state,
      'openMs', round(extract(epoch from clock_timestamp() - xact_start) * 1000), 'query', left(query, 300)) order by xact_start)
     from here
     where backend_type = 'client backend' and xact_start < clock_timestamp() - make_interval(secs => $3::float8 / 1000)
       and ($2::boolean or exists (select from held where held.pid = here.pid))) as transactions,
  (select pg_catalog.json_agg(distinct pg_catalog.jsonb_build_object('table', held.relation::regclass::text, 'pid', here.pid))
     from here join held using (pid)
     where backend_type = 'autovacuum worker' and query like '%(to prevent wraparound)') as frozen,
  (select pg_catalog.json_build_object('segment', last_failed_wal, 'failures', failed_count,
      'sinceMs', round(extract(epoch from clock_timestamp() - last_failed_time) * 1000))
     from pg_catalog.pg_stat_archiver
     where current_setting('archive_mode') <> 'off' and last_failed_time > coalesce(last_archived_time, '-infinity')) as archiver,
  (select pg_catalog.json_agg(pg_catalog.json_build_object('name', coalesce(nullif(application_name, ''), client_addr::text, pid::text), 'lagBytes', lag))
     from (select *, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn) as lag from pg_catalog.pg_stat_replication) r
     where lag > $4::bigint) as replicas`;
