import type { Activity, Blocker, CommandProgress, LockWait } from './activity.ts';
import type { Queryable } from '../session/session.ts';

/** What the server says of the process `pid` and of those it waits for. Asked from another session. */
export async function inspectActivity(session: Queryable, pid: number, runningMs: number): Promise<Activity> {
  const [row] = await session.query<Row>(ACTIVITY_SQL, [pid]);
  return {
    runningMs,
    wait: row?.wait === null || row?.wait === undefined ? undefined : readWait(row.wait),
    blockers: (row?.blockers ?? []).map(readBlocker),
    progress: row?.progress === null || row?.progress === undefined ? undefined : readProgress(row.progress),
    held: row?.held ?? [],
  };
}

/** One session, as pg_stat_activity names it: for an error that only has its number. */
export async function inspectProcess(session: Queryable, pid: number): Promise<Blocker> {
  const [row] = await session.query<{ blocker: BlockerRow }>(
    `select ${blockerSql('$1::integer')} as blocker from (select $1::integer) one`,
    [pid],
  );
  return row === undefined
    ? readBlocker({ pid, user: null, application: null, state: null, openMs: null, query: null })
    : readBlocker(row.blocker);
}

interface BlockerRow {
  readonly pid: number;
  readonly user: string | null;
  readonly application: string | null;
  readonly state: string | null;
  readonly openMs: number | null;
  readonly query: string | null;
}

interface Row {
  readonly blockers: readonly BlockerRow[] | null;
  readonly wait: { readonly mode: string; readonly relation: string | null; readonly waitedMs: number | null } | null;
  readonly held: Activity['held'] | null;
  readonly progress: ProgressRow | null;
}

interface ProgressRow {
  readonly phase: string;
  readonly counts: readonly {
    readonly of: 'blocks' | 'rows' | 'bytes' | 'sessions';
    readonly count: number | null;
    readonly total: number | null;
  }[];
}

function readBlocker({ pid, user, application, state, openMs, query }: BlockerRow): Blocker {
  return {
    pid: pid === 0 ? undefined : pid,
    user: user ?? undefined,
    application: application ?? undefined,
    state: state ?? undefined,
    openMs: openMs ?? undefined,
    query: query === '<insufficient privilege>' ? undefined : (query ?? undefined),
  };
}

function readWait({ mode, relation, waitedMs }: NonNullable<Row['wait']>): LockWait {
  return { mode, relation: relation ?? undefined, waitedMs: Math.max(0, waitedMs ?? 0) };
}

/** Of the things that a command counts, the one that it counts now: the server leaves the others at zero or at their end. */
function readProgress({ phase, counts }: ProgressRow): CommandProgress {
  const live = counts.flatMap(({ of, count, total }) => (total === null || count === null || total <= 0 ? [] : [{ of, count, total }]));
  return { phase, done: live.find(({ count, total }) => count < total) ?? live.at(-1) };
}

function blockerSql(pid: string): string {
  return `(select pg_catalog.json_build_object('pid', ${pid}, 'user', a.usename,
      'application', coalesce(nullif(a.application_name, ''), nullif(a.backend_type, 'client backend')), 'state', a.state,
      'openMs', round(extract(epoch from clock_timestamp() - a.xact_start) * 1000), 'query', left(a.query, 300))
    from (select) one left join pg_catalog.pg_stat_activity a on a.pid = ${pid})`;
}

const PROGRESS_SQL = `
  select pg_catalog.json_build_object('phase', phase, 'counts', pg_catalog.json_build_array(
      pg_catalog.json_build_object('of', 'sessions', 'count', lockers_done, 'total', lockers_total),
      pg_catalog.json_build_object('of', 'rows', 'count', tuples_done, 'total', tuples_total),
      pg_catalog.json_build_object('of', 'blocks', 'count', blocks_done, 'total', blocks_total)))
    from pg_catalog.pg_stat_progress_create_index where pid = $1
  union all select pg_catalog.json_build_object('phase', phase, 'counts', pg_catalog.json_build_array(
      pg_catalog.json_build_object('of', 'blocks', 'count', case phase when 'vacuuming heap' then heap_blks_vacuumed else heap_blks_scanned end, 'total', heap_blks_total)))
    from pg_catalog.pg_stat_progress_vacuum where pid = $1
  union all select pg_catalog.json_build_object('phase', phase, 'counts', pg_catalog.json_build_array(
      pg_catalog.json_build_object('of', 'blocks', 'count', heap_blks_scanned, 'total', heap_blks_total)))
    from pg_catalog.pg_stat_progress_cluster where pid = $1
  union all select pg_catalog.json_build_object('phase', phase, 'counts', pg_catalog.json_build_array(
      pg_catalog.json_build_object('of', 'blocks', 'count', sample_blks_scanned, 'total', sample_blks_total)))
    from pg_catalog.pg_stat_progress_analyze where pid = $1`;

const ACTIVITY_SQL = `
select
  (select pg_catalog.json_agg(${blockerSql('b.pid')} order by b.pid)
     from (select distinct pg_catalog.unnest(pg_catalog.pg_blocking_pids($1)) as pid) b) as blockers,
  (select pg_catalog.json_build_object('mode', l.mode, 'relation', n.nspname::text || '.' || c.relname::text,
      'waitedMs', round(extract(epoch from clock_timestamp() - l.waitstart) * 1000))
     from pg_catalog.pg_locks l
     left join pg_catalog.pg_class c on c.oid = l.relation
     left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where l.pid = $1 and not l.granted limit 1) as wait,
  (select pg_catalog.json_agg(distinct pg_catalog.jsonb_build_object('relation', n.nspname::text || '.' || c.relname::text, 'mode', l.mode))
     from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where l.pid = $1 and l.granted and l.locktype = 'relation' and c.relkind in ('r', 'p', 'm')
       and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
       and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')) as held,
  (select p.said from (${PROGRESS_SQL}) p(said) limit 1) as progress`;
