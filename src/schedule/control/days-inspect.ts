import type { PoolQueries } from '../../postgres/pool.ts';
import { IS_LATE } from './runs-inspect.ts';

/** What the runs of a job came to that were due on one day. */
export interface JobDay {
  readonly job: string;
  /** `2026-11-21`, as clocks of the zone asked for have days. */
  readonly day: string;
  readonly done: number;
  readonly failed: number;
  /** Times at which nobody was there to run it. */
  readonly missed: number;
  readonly skipped: number;
  /** Queued or running. */
  readonly current: number;
  readonly waiting: number;
  /** Of those done: after a failure, and begun later than a worker that was there would have. */
  readonly retried: number;
  readonly late: number;
  /** Whether the last run that is over failed. */
  readonly endedBadly: boolean;
  /** Of those done; undefined where none was. */
  readonly took: Took | undefined;
}

/** How long runs took. */
export interface Took {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly mostMs: number;
}

interface Window {
  readonly from: Date;
  readonly to: Date;
  readonly job: string | undefined;
}

interface TookRow {
  readonly median_ms: number | null;
  readonly p95_ms: number | null;
  readonly most_ms: number | null;
}

const TOOK_MS = 'extract(epoch from ended_at - started_at) * 1000';
const IS_TIMED = `state = 'succeeded' and started_at is not null and ended_at is not null`;
const TOOK = `
  percentile_cont(0.5) within group (order by ${TOOK_MS}) filter (where ${IS_TIMED}) as median_ms,
  percentile_cont(0.95) within group (order by ${TOOK_MS}) filter (where ${IS_TIMED}) as p95_ms,
  max((${TOOK_MS})::float8) filter (where ${IS_TIMED}) as most_ms`;
const IS_WANTED = `due >= $1 and due <= $2 and ($3::text is null or job = $3)`;

/** Job by day, days as clocks in `timeZone` have them: counted by the server, since a job may run every minute for a year. */
export async function inspectDays(
  db: PoolQueries,
  schema: string,
  { from, to, job, timeZone }: Window & { readonly timeZone: string },
): Promise<readonly JobDay[]> {
  const rows = await db.query<
    TookRow & {
      readonly job: string;
      readonly day: string;
      readonly done: number;
      readonly failed: number;
      readonly missed: number;
      readonly skipped: number;
      readonly current: number;
      readonly waiting: number;
      readonly retried: number;
      readonly late: number;
      readonly ended_badly: boolean;
    }
  >(
    `select job, to_char(due at time zone $4, 'YYYY-MM-DD') as day,
        count(*) filter (where state = 'succeeded')::integer as done,
        count(*) filter (where state = 'failed')::integer as failed,
        coalesce(sum(times) filter (where state = 'missed'), 0)::integer as missed,
        count(*) filter (where state = 'skipped')::integer as skipped,
        count(*) filter (where state in ('queued', 'running'))::integer as current,
        count(*) filter (where state = 'waiting')::integer as waiting,
        count(*) filter (where state = 'succeeded' and failures > 0)::integer as retried,
        count(*) filter (where state = 'succeeded' and ${IS_LATE})::integer as late,
        coalesce(max(due) filter (where state = 'failed') > coalesce(max(due) filter (where state = 'succeeded'), '-infinity'), false)
          as ended_badly, ${TOOK}
      from ${schema}.run where ${IS_WANTED} group by 1, 2`,
    [from, to, job ?? null, timeZone],
  );
  return rows.map(({ median_ms, p95_ms, most_ms, ended_badly: endedBadly, ...row }) => ({
    ...row,
    endedBadly,
    took: tookOf({ median_ms, p95_ms, most_ms }),
  }));
}

/** How long the runs of each job took that are done, all days together. */
export async function inspectTook(db: PoolQueries, schema: string, { from, to, job }: Window): Promise<ReadonlyMap<string, Took>> {
  const rows = await db.query<TookRow & { readonly job: string }>(
    `select job, ${TOOK} from ${schema}.run where ${IS_WANTED} group by job`,
    [from, to, job ?? null],
  );
  return new Map(
    rows.flatMap((row) => {
      const took = tookOf(row);
      return took === undefined ? [] : [[row.job, took] as const];
    }),
  );
}

function tookOf({ median_ms: median, p95_ms: p95, most_ms: most }: TookRow): Took | undefined {
  if (median === null || p95 === null || most === null) return undefined;
  return { medianMs: Math.round(median), p95Ms: Math.round(p95), mostMs: Math.round(most) };
}
