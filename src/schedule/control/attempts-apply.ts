import type { PoolQueries } from '../../postgres/pool.ts';
import { doneBy, exitStatusOf, messageOfOutcome, nextStep, type AttemptOutcome, type NextStep } from '../attempt.ts';
import { allDependents, directDependents, isInForce, isReady } from '../dependents.ts';
import { letsPass } from '../pause.ts';
import type { Job } from '../policies.ts';
import type { RunRecord } from '../run-record.ts';
import { SET_BACK_MS } from '../timetable.ts';
import { admitTime, handOver, insertEnded, lockJob, promoteWaiting, type ControlPlace } from './due-apply.ts';
import type { HandedOut, RunQueue } from './queue-run.ts';
import { RUN_COLUMNS, runOf, type RunRow } from './runs-inspect.ts';

/** An attempt that has ended. */
export interface EndedAttempt {
  readonly run: RunRecord;
  readonly outcome: AttemptOutcome;
  readonly logTail: string;
  /** The job as the policies have it now, and all others, for what follows it. */
  readonly job: Pick<Job, 'name' | 'retries' | 'retryDelayMs' | 'labels'>;
  readonly jobs: readonly Job[];
}

/** An attempt that has begun. `isDone`: an attempt before it had its effect, and died before it could say so. */
export interface BegunAttempt {
  readonly run: RunRecord;
  readonly isDone: boolean;
}

/** What an attempt that goes on has printed. */
export interface PrintedLog {
  readonly runId: string;
  readonly attempt: number;
  readonly logTail: string;
}

/** What was written: the next step, or that the run had passed to another worker or was over already. */
export type WrittenEnd = NextStep | { readonly kind: 'lost' };

/**
 * Begins an attempt of a run that was handed out. An attempt before it that has no end lost its worker. Undefined when the run
 * is over, or handed out anew meanwhile: then the queue has nothing to do with it any more.
 */
export async function beginAttempt(
  { pool, schema }: ControlPlace,
  queue: RunQueue,
  handed: HandedOut,
  worker: string,
): Promise<BegunAttempt | undefined> {
  return await pool.transaction(async (tx) => {
    const [row] = await tx.query<RunRow>(
      `update ${schema}.run set state = 'running', attempt = attempt + 1, worker = $3, alive_at = clock_timestamp(),
          started_at = coalesce(started_at, clock_timestamp()), retry_at = null
        where run_id = $1 and queue_id = $2 and state in ('queued', 'running') returning ${RUN_COLUMNS}`,
      [handed.runId, handed.queueId, worker],
    );
    if (row === undefined) {
      await queue.finish(tx, handed);
      return undefined;
    }
    await endOpenAttempts(tx, schema, handed.runId);
    await tx.query(`insert into ${schema}.run_attempt (run_id, attempt, worker) values ($1, $2, $3)`, [handed.runId, row.attempt, worker]);
    const done = await tx.query(`select from ${schema}.run_attempt where run_id = $1 and outcome = 'succeeded'`, [handed.runId]);
    return { run: runOf(row), isDone: done.length > 0 };
  });
}

/** Shows what running attempts print while they do; what has ended keeps what its end was written with. */
export async function writeLogs({ pool, schema }: ControlPlace, logs: readonly PrintedLog[]): Promise<void> {
  for (const { runId, attempt, logTail } of logs) {
    await pool.query(`update ${schema}.run_attempt set log_tail = $3 where run_id = $1 and attempt = $2 and ended_at is null`, [
      runId,
      attempt,
      logTail,
    ]);
  }
}

async function endOpenAttempts(tx: PoolQueries, schema: string, runId: string): Promise<void> {
  await tx.query(
    `update ${schema}.run_attempt set outcome = 'lost', ended_at = clock_timestamp(), error = 'its worker gave no sign of life any more'
      where run_id = $1 and ended_at is null`,
    [runId],
  );
}

/**
 * Writes down how an attempt ended and what follows, all in one transaction: the run's state, its place in the queue, the run
 * that waited behind it, the jobs after it.
 *
 * Whoever lost the claim meanwhile changes nothing, except that success is success: a backup that was taken is there,
 * whoever was to take it.
 */
export async function endAttempt(
  place: ControlPlace,
  queue: RunQueue,
  handed: HandedOut | undefined,
  ended: EndedAttempt,
): Promise<WrittenEnd> {
  const { run, job } = ended;
  const { schema } = place;
  return await place.pool.transaction(async (tx) => {
    await lockJobs(tx, schema, [job.name, ...allDependents(job.name, ended.jobs).map(({ name }) => name)]);
    const [row] = await tx.query<RunRow & { since_start_ms: number }>(
      `select ${RUN_COLUMNS}, (extract(epoch from clock_timestamp() - started_at) * 1000)::float8 as since_start_ms
        from ${schema}.run where run_id = $1 for update`,
      [run.runId],
    );
    // Its effect was written by the job's own transaction, though the answer may have been lost on the way.
    const [done] = await tx.query(`select from ${schema}.run_attempt where run_id = $1 and outcome = 'succeeded'`, [run.runId]);
    const outcome: AttemptOutcome = done === undefined || ended.outcome.kind === 'succeeded' ? ended.outcome : { kind: 'succeeded' };
    const settled = { ...ended, outcome };
    await writeAttempt(tx, schema, settled);
    const isOurs = row?.state === 'running' && row.attempt === run.attempt;
    const isOpen = row?.state === 'running' || row?.state === 'queued';
    if (row === undefined || !(isOurs || (outcome.kind === 'succeeded' && isOpen))) {
      if (handed !== undefined) await queue.finish(tx, handed);
      return { kind: 'lost' };
    }
    const step = nextStep(outcome, job, { failures: row.failures, attempt: row.attempt, sinceStartMs: row.since_start_ms });
    if (handed !== undefined) await queue.finish(tx, handed);
    if (step.kind === 'again') await writeAgain(tx, schema, queue, settled, step);
    else await writeOver(tx, schema, queue, settled, step.state);
    return step;
  });
}

/** In the order of their names, so that two who end at once do not wait for each other. */
async function lockJobs(tx: PoolQueries, schema: string, names: readonly string[]): Promise<void> {
  await tx.query(`insert into ${schema}.scheduled_job (name) select unnest($1::text[]) on conflict do nothing`, [[...names].sort()]);
  await tx.query(`select from ${schema}.scheduled_job where name = any($1::text[]) order by name for update`, [names]);
}

async function writeAttempt(tx: PoolQueries, schema: string, { run, outcome, logTail }: EndedAttempt): Promise<void> {
  await tx.query(
    `update ${schema}.run_attempt
        set outcome = $3, ended_at = clock_timestamp(), exit_status = $4, error = $5, log_tail = $6
      where run_id = $1 and attempt = $2`,
    [run.runId, run.attempt, outcome.kind, exitStatusOf(outcome) ?? null, messageOfOutcome(outcome) ?? null, logTail],
  );
}

async function writeAgain(
  tx: PoolQueries,
  schema: string,
  queue: RunQueue,
  { run, outcome, job }: EndedAttempt,
  step: Extract<NextStep, { kind: 'again' }>,
): Promise<void> {
  const [row] = await tx.query<{ retry_at: Date }>(
    `update ${schema}.run set state = 'queued', failures = failures + $2, error = $3, exit_status = $4
      where run_id = $1 returning clock_timestamp() + $5 * interval '1 millisecond' as retry_at`,
    [run.runId, step.isFailure ? 1 : 0, messageOfOutcome(outcome) ?? null, exitStatusOf(outcome) ?? null, step.afterMs],
  );
  await handOver(tx, schema, queue, run.runId, job.labels, step.afterMs === 0 ? undefined : row?.retry_at, doneBy(outcome));
}

async function writeOver(
  tx: PoolQueries,
  schema: string,
  queue: RunQueue,
  ended: EndedAttempt,
  state: 'succeeded' | 'failed',
): Promise<void> {
  const { run, outcome, job, jobs } = ended;
  const [row] = await tx.query<{ ended_at: Date }>(
    `update ${schema}.run
        set state = $2, ended_at = date_trunc('milliseconds', clock_timestamp()), failures = failures + $3, error = $4, exit_status = $5
      where run_id = $1 returning ended_at`,
    [run.runId, state, state === 'failed' ? 1 : 0, messageOfOutcome(outcome) ?? null, exitStatusOf(outcome) ?? null],
  );
  await promoteWaiting(tx, schema, queue, job.name);
  if (row === undefined) return;
  if (state === 'succeeded') await callDependents(tx, schema, queue, directDependents(job.name, jobs), row.ended_at);
  else
    for (const other of allDependents(job.name, jobs))
      await insertEnded(tx, schema, other, row.ended_at, 'skipped', `${job.name} failed`, 1);
}

/** Leaves out what a clock that was ahead has written down; `$2` is now. */
const hasCome = (column: string): string => `${column} <= $2::timestamptz + interval '${SET_BACK_MS} milliseconds'`;

/** Those whose others have all succeeded are due now. Whatever of them is paused or not in force lets it pass. */
async function callDependents(tx: PoolQueries, schema: string, queue: RunQueue, jobs: readonly Job[], now: Date): Promise<void> {
  for (const job of jobs) {
    const pause = await lockJob(tx, schema, job.name);
    if (pause !== undefined && letsPass(pause, now, now)) continue;
    const parents = job.trigger.kind === 'after' ? job.trigger.jobs : [];
    const [facts] = await tx.query<{ since: Date; called: Date | null }>(
      `select since, (select max(due) from ${schema}.run
          where job = $1 and cause = 'after' and state <> 'skipped' and ${hasCome('due')}) as called
        from ${schema}.scheduled_job where name = $1`,
      [job.name, now],
    );
    const rows = await tx.query<{ job: string; success: Date }>(
      `select name as job, success from unnest($1::text[]) as parent(name),
        lateral (select max(ended_at) as success from ${schema}.run where job = name and state = 'succeeded' and ${hasCome('ended_at')}) as newest
        where success is not null`,
      [parents, now],
    );
    const successes = new Map(rows.map((row) => [row.job, row.success]));
    if (!isInForce(job, now, facts?.since ?? now) || !isReady(job, successes, facts?.called ?? undefined)) continue;
    await admitTime(tx, schema, queue, job, now, 'after');
  }
}

/**
 * Ends runs that nobody will end: those without a worker whose process gave no sign of life, and those that the queue has given
 * up, since worker after worker died over them.
 */
export async function endAbandoned({ pool, schema }: ControlPlace): Promise<readonly RunRecord[]> {
  const rows = await pool.query<RunRow>(
    `update ${schema}.run set state = 'failed', ended_at = clock_timestamp(), failures = failures + 1,
        error = case when queue_id is null then 'its process ended without a word' else 'the workers that ran it died, again and again' end
      where (state = 'running' and queue_id is null and alive_at < clock_timestamp() - interval '2 minutes')
         or (state in ('queued', 'running') and queue_id is not null and created_at < clock_timestamp() - interval '1 minute'
             and not exists (select from ${schema}.job where id = queue_id and job.state < 'completed'))
      returning ${RUN_COLUMNS}`,
  );
  for (const { run_id: runId } of rows) await endOpenAttempts(pool, schema, runId);
  return rows.map(runOf);
}
