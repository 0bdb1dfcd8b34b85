import type { ConnectionPool, PoolQueries } from '../../postgres/pool.ts';
import type { DoneRepository } from '../attempt.ts';
import { queueName } from '../labels.ts';
import { letsPass, type PauseSpan } from '../pause.ts';
import { admit, type DuePlan } from '../plan.ts';
import type { Job } from '../policies.ts';
import type { RunCause } from '../run-record.ts';
import type { RunQueue } from './queue-run.ts';

export interface ControlPlace {
  readonly pool: ConnectionPool;
  readonly schema: string;
}

/** What became of a time: a run in the queue, one that waits for the current, or nothing. */
export type Admission = 'queued' | 'waiting' | 'dropped' | 'paused' | 'known';

/**
 * Writes down what becomes of the times of a job: those that run are queued, in the same transaction; those that nobody kept
 * are recorded as missed. Every worker may do it for the same times: the key is the job and its moment, and the first wins.
 */
export async function applyDue(
  { pool, schema }: ControlPlace,
  queue: RunQueue,
  job: Job,
  plan: DuePlan,
  now: Date,
): Promise<readonly Admission[]> {
  return await pool.transaction(async (tx) => {
    const pause = await lockJob(tx, schema, job.name);
    const passes = (due: Date): boolean => pause !== undefined && letsPass(pause, due, now);
    const { missed } = plan;
    if (missed !== undefined && !passes(missed.last)) {
      const reason =
        missed.count === 1
          ? 'nobody was there to run it'
          : `nobody was there to run it, ${missed.count} times since ${missed.first.toISOString()}`;
      await insertEnded(tx, schema, job, missed.last, 'missed', reason, missed.count);
    }
    const admissions: Admission[] = [];
    for (const due of plan.queue) admissions.push(passes(due) ? 'paused' : await admitTime(tx, schema, queue, job, due, 'time'));
    return admissions;
  });
}

/** Queues a run because somebody asked for it; even of a paused job. Dropped when the job is queued or running. */
export async function applyManual({ pool, schema }: ControlPlace, queue: RunQueue, job: Job, now: Date): Promise<Admission> {
  return await pool.transaction(async (tx) => {
    await tx.query(`insert into ${schema}.scheduled_job (name) values ($1) on conflict do nothing`, [job.name]);
    await lockJob(tx, schema, job.name);
    const [current] = await tx.query(`select from ${schema}.run where job = $1 and state in ('queued', 'running')`, [job.name]);
    return current === undefined ? await enqueue(tx, schema, queue, job, now, 'manual') : 'dropped';
  });
}

/** Locks the job against others who decide about it, and gives its last pause. */
export async function lockJob(tx: PoolQueries, schema: string, job: string): Promise<PauseSpan | undefined> {
  const [row] = await tx.query<{ paused_at: Date | null; paused_until: Date | null }>(
    `select paused_at, paused_until from ${schema}.scheduled_job where name = $1 for update`,
    [job],
  );
  return row === undefined || row.paused_at === null ? undefined : { at: row.paused_at, until: row.paused_until ?? undefined };
}

/** The job is locked by the caller. */
export async function admitTime(
  tx: PoolQueries,
  schema: string,
  queue: RunQueue,
  job: Job,
  due: Date,
  cause: RunCause,
): Promise<Admission> {
  const rows = await tx.query<{ state: string; count: number; known: boolean }>(
    `select state, count(*)::integer as count, bool_or(due = $2) as known from ${schema}.run
      where job = $1 and (state in ('queued', 'running', 'waiting') or due = $2) group by state`,
    [job.name, due],
  );
  if (rows.some(({ known }) => known)) return 'known';
  const waiting = rows.find(({ state }) => state === 'waiting')?.count ?? 0;
  const current = rows.some(({ state }) => state === 'queued' || state === 'running');
  switch (admit(cause === 'after' ? 'once' : job.catchUp, { current, waiting })) {
    case 'queue':
      return await enqueue(tx, schema, queue, job, due, cause);
    case 'wait':
      await tx.query(`insert into ${schema}.run (job, due, cause, state, labels) values ($1, $2, $3, 'waiting', $4)`, [
        job.name,
        due,
        cause,
        job.labels,
      ]);
      return 'waiting';
    case 'drop':
    default:
      await insertEnded(tx, schema, job, due, 'missed', 'its run before was not over', 1);
      return 'dropped';
  }
}

async function enqueue(
  tx: PoolQueries,
  schema: string,
  queue: RunQueue,
  job: Job,
  due: Date,
  cause: RunCause,
): Promise<'queued' | 'known'> {
  const [row] = await tx.query<{ run_id: string }>(
    `insert into ${schema}.run (job, due, cause, state, labels) values ($1, $2, $3, 'queued', $4)
      on conflict (job, due) do nothing returning run_id`,
    [job.name, due, cause, job.labels],
  );
  if (row === undefined) return 'known';
  await handOver(tx, schema, queue, row.run_id, job.labels, undefined);
  return 'queued';
}

/** Gives a run that stands as queued to the queue. */
export async function handOver(
  tx: PoolQueries,
  schema: string,
  queue: RunQueue,
  runId: string,
  labels: readonly string[],
  startAfter: Date | undefined,
  done: readonly DoneRepository[] = [],
): Promise<void> {
  const queueId = await queue.send(tx, queueName(labels), { runId, ...(done.length === 0 ? {} : { done }) }, startAfter);
  await tx.query(`update ${schema}.run set queue_id = $2, retry_at = $3 where run_id = $1`, [runId, queueId, startAfter ?? null]);
}

/** The run that waited longest comes after the one that is over. */
export async function promoteWaiting(tx: PoolQueries, schema: string, queue: RunQueue, job: string): Promise<void> {
  const [next] = await tx.query<{ run_id: string; labels: readonly string[] }>(
    `update ${schema}.run set state = 'queued'
      where run_id = (select run_id from ${schema}.run where job = $1 and state = 'waiting' order by due limit 1)
        and not exists (select from ${schema}.run where job = $1 and state in ('queued', 'running'))
      returning run_id, labels`,
    [job],
  );
  if (next !== undefined) await handOver(tx, schema, queue, next.run_id, next.labels, undefined);
}

/**
 * Queues what waits behind a run that is over and was ended by nobody who has a queue: one without a worker, or one whose process
 * died. Left as it is, it would wait for ever, and keep every later time of its job from running.
 */
export async function promoteLeftWaiting({ pool, schema }: ControlPlace, queue: RunQueue): Promise<void> {
  const rows = await pool.query<{ job: string }>(
    `select distinct job from ${schema}.run w where state = 'waiting'
        and not exists (select from ${schema}.run r where r.job = w.job and r.state in ('queued', 'running'))`,
  );
  for (const { job } of rows) {
    await pool.transaction(async (tx) => {
      await lockJob(tx, schema, job);
      await promoteWaiting(tx, schema, queue, job);
    });
  }
}

/** A time that did not become a run. */
export async function insertEnded(
  tx: PoolQueries,
  schema: string,
  job: Job,
  due: Date,
  state: 'missed' | 'skipped',
  reason: string,
  times: number,
): Promise<void> {
  await tx.query(
    `insert into ${schema}.run (job, due, cause, state, ended_at, error, times)
      values ($1, $2, $3, $4, clock_timestamp(), $5, $6) on conflict (job, due) do nothing`,
    [job.name, due, state === 'skipped' ? 'after' : 'time', state, reason, times],
  );
}
