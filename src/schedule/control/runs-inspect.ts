import type { PoolQueries } from '../../postgres/pool.ts';
import { LATE_GRACE_MS } from '../plan.ts';
import { SET_BACK_MS } from '../timetable.ts';
import type { RunCause, RunRecord, RunState } from '../run-record.ts';

/** A row of the table of runs. */
export interface RunRow {
  readonly run_id: string;
  readonly job: string;
  readonly due: Date;
  readonly cause: RunCause;
  readonly state: RunState;
  readonly labels: readonly string[];
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly attempt: number;
  readonly failures: number;
  readonly worker: string | null;
  readonly exit_status: number | null;
  readonly error: string | null;
  readonly times: number;
}

export const RUN_COLUMNS =
  'run_id, job, due, cause, state, labels, created_at, started_at, ended_at, attempt, failures, worker, exit_status, error, times';

export function runOf(row: RunRow): RunRecord {
  return {
    runId: row.run_id,
    job: row.job,
    due: row.due,
    cause: row.cause,
    state: row.state,
    labels: row.labels,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    attempt: row.attempt,
    failures: row.failures,
    worker: row.worker ?? undefined,
    exitStatus: row.exit_status ?? undefined,
    error: row.error ?? undefined,
    times: row.times,
  };
}

/** A run that was begun later after its time than a restart of a worker takes. */
export const IS_LATE = `cause = 'time' and started_at - due > interval '${LATE_GRACE_MS} milliseconds'`;
const IS_NOTABLE = `(state <> 'succeeded' or failures > 0 or error is not null or (${IS_LATE}))`;

/** Runs due in a window, oldest first, of one job or all; `notable`: without those that succeeded at once, in time and without a warning. */
export async function inspectRuns(
  db: PoolQueries,
  schema: string,
  {
    from,
    to,
    job,
    most,
    notable = false,
  }: { readonly from: Date; readonly to: Date; readonly job: string | undefined; readonly most: number; readonly notable?: boolean },
): Promise<readonly RunRecord[]> {
  const rows = await db.query<RunRow>(
    `select * from (select ${RUN_COLUMNS} from ${schema}.run
        where due >= $1 and due <= $2 and ($3::text is null or job = $3)${notable ? ` and ${IS_NOTABLE}` : ''} order by due desc limit $4) as newest
      order by due`,
    [from, to, job ?? null, most],
  );
  return rows.map(runOf);
}

/** What is known of each job that ever ran: its newest run that is over, its newest success and what goes on now. */
export interface JobRuns {
  readonly last: RunRecord | undefined;
  readonly lastSuccess: RunRecord | undefined;
  readonly current: RunRecord | undefined;
  /** When `current` gave its last sign of life, or was to be tried again, where nobody will go on with it by itself. */
  readonly silentSince: Date | undefined;
}

/** Whoever runs something without a worker gives a sign of life each 20 s, a worker four with each heartbeat. */
const SILENT_SECONDS = 120;

/**
 * By job, for those of `names`. A skipped or missed time is no run and does not hide the one before. What a worker left behind is
 * not silent while another is there who will be given it; `heartbeatSeconds` is after how long.
 */
export async function inspectJobRuns(
  db: PoolQueries,
  schema: string,
  names: readonly string[],
  heartbeatSeconds: number,
): Promise<ReadonlyMap<string, JobRuns>> {
  const of = (condition: string): string => `
    select ${RUN_COLUMNS} from unnest($1::text[]) as wanted(name),
      lateral (select * from ${schema}.run where job = wanted.name and ${condition}
        order by coalesce(ended_at, created_at) desc limit 1) as newest`;
  const byJob = async (condition: string): Promise<ReadonlyMap<string, RunRecord>> =>
    new Map((await db.query<RunRow>(of(condition), [names])).map((row) => [row.job, runOf(row)]));
  // What a clock that was ahead has written down would hide all that has come since, until then.
  const hasCome = `ended_at <= clock_timestamp() + interval '${SET_BACK_MS} milliseconds'`;
  const last = await byJob(`state in ('succeeded', 'failed') and ${hasCome}`);
  const lastSuccess = await byJob(`state = 'succeeded' and ${hasCome}`);
  const current = await byJob(`state in ('queued', 'running')`);
  const silent = await db.query<{ readonly job: string; readonly since: Date }>(
    `select job, greatest(alive_at, retry_at) as since from ${schema}.run r
      where job = any($1::text[]) and state in ('queued', 'running')
        and greatest(alive_at, retry_at) < clock_timestamp() - (case when queue_id is null then 0 else $2 end + $3) * interval '1 second'
        and not (queue_id is not null and exists (
          select from ${schema}.worker w where w.seen_at > clock_timestamp() - interval '1 minute'
            and not exists (select from unnest(r.labels) as l where lower(l) <> all (select lower(o) from unnest(w.labels) as o))))`,
    [names, heartbeatSeconds, SILENT_SECONDS],
  );
  const silentSince = new Map(silent.map(({ job, since }) => [job, since]));
  return new Map(
    names.map(
      (name) =>
        [
          name,
          {
            last: last.get(name),
            lastSuccess: lastSuccess.get(name),
            current: current.get(name),
            silentSince: silentSince.get(name),
          },
        ] as const,
    ),
  );
}

/** One try of a run. */
export interface AttemptRecord {
  readonly attempt: number;
  readonly worker: string;
  readonly startedAt: Date;
  readonly endedAt: Date | undefined;
  readonly outcome: string | undefined;
  readonly exitStatus: number | undefined;
  readonly error: string | undefined;
  readonly logTail: string | undefined;
}

/** A run by its id; undefined when there is none. */
export async function inspectRun(db: PoolQueries, schema: string, runId: string): Promise<RunRecord | undefined> {
  const [row] = await db.query<RunRow>(`select ${RUN_COLUMNS} from ${schema}.run where run_id = $1`, [runId]);
  return row === undefined ? undefined : runOf(row);
}

/** The run of a job that goes on or is about to, or the last that was begun; undefined when none ever was. */
export async function inspectNewestRun(db: PoolQueries, schema: string, job: string): Promise<RunRecord | undefined> {
  const [row] = await db.query<RunRow>(
    `select ${RUN_COLUMNS} from ${schema}.run where job = $1 and (attempt > 0 or state = 'queued')
      order by state in ('queued', 'running') desc, coalesce(ended_at, created_at) desc limit 1`,
    [job],
  );
  return row === undefined ? undefined : runOf(row);
}

/** The attempts of a run, first to last. */
export async function inspectAttempts(db: PoolQueries, schema: string, runId: string): Promise<readonly AttemptRecord[]> {
  const rows = await db.query<{
    readonly attempt: number;
    readonly worker: string;
    readonly started_at: Date;
    readonly ended_at: Date | null;
    readonly outcome: string | null;
    readonly exit_status: number | null;
    readonly error: string | null;
    readonly log_tail: string | null;
  }>(
    `select attempt, worker, started_at, ended_at, outcome, exit_status, error, log_tail from ${schema}.run_attempt
      where run_id = $1 order by attempt`,
    [runId],
  );
  return rows.map((row) => ({
    attempt: row.attempt,
    worker: row.worker,
    startedAt: row.started_at,
    endedAt: row.ended_at ?? undefined,
    outcome: row.outcome ?? undefined,
    exitStatus: row.exit_status ?? undefined,
    error: row.error ?? undefined,
    logTail: row.log_tail ?? undefined,
  }));
}
