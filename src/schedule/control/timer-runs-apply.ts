import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { exitStatusOf, messageOfOutcome, type AttemptOutcome } from '../attempt.ts';
import type { RunCause } from '../run-record.ts';
import { SET_BACK_MS } from '../timetable.ts';
import { lockJob, type ControlPlace } from './due-apply.ts';

/** A run without a worker, as it is recorded: by `schedule run`, which a timer of the system calls, or a person. */
export interface TimerRun {
  readonly runId: string;
  readonly attempt: number;
}

/**
 * Records that a job begins here and now.
 *
 * @throws {DbadminError} `locked` while a worker or another process runs it, or it is queued for one.
 */
export async function beginTimerRun(
  { pool, schema }: ControlPlace,
  run: { readonly job: string; readonly due: Date; readonly cause: RunCause; readonly by: string },
): Promise<TimerRun> {
  // A sign of life by a clock that was ahead is one of now at the latest: whoever is dead is not waited for until then. Not in the
  // transaction, so that it stays though the job is refused this time.
  await pool.query(
    `update ${schema}.run set alive_at = clock_timestamp()
      where job = $1 and state = 'running' and queue_id is null and alive_at > clock_timestamp() + interval '${SET_BACK_MS} milliseconds'`,
    [run.job],
  );
  return await pool.transaction(async (tx) => {
    await tx.query(`insert into ${schema}.scheduled_job (name) values ($1) on conflict do nothing`, [run.job]);
    await lockJob(tx, schema, run.job);
    await tx.query(
      `update ${schema}.run set state = 'failed', ended_at = clock_timestamp(), error = 'its process ended without a word'
        where job = $1 and state = 'running' and queue_id is null and alive_at < clock_timestamp() - interval '2 minutes'`,
      [run.job],
    );
    const [other] = await tx.query<{ state: string; worker: string | null }>(
      `select state, worker from ${schema}.run where job = $1 and state in ('queued', 'running')`,
      [run.job],
    );
    if (other !== undefined)
      throw stillRunning(run.job, other.state === 'queued' ? 'queued for a worker' : `running on ${other.worker ?? 'a worker'}`);
    const [row] = await tx.query<{ run_id: string }>(
      `insert into ${schema}.run (job, due, cause, state, started_at, attempt, worker, alive_at)
        values ($1, $2, $3, 'running', clock_timestamp(), 1, $4, clock_timestamp()) returning run_id`,
      [run.job, run.due, run.cause, run.by],
    );
    const runId = row?.run_id ?? '';
    await tx.query(`insert into ${schema}.run_attempt (run_id, attempt, worker) values ($1, 1, $2)`, [runId, run.by]);
    return { runId, attempt: 1 };
  });
}

/** A sign of life; without one for two minutes a run counts as ended. */
export async function markTimerRun({ pool, schema }: ControlPlace, { runId }: TimerRun): Promise<void> {
  await pool.query(`update ${schema}.run set alive_at = clock_timestamp() where run_id = $1`, [runId]);
}

/** What it has printed so far. */
export async function logTimerRun({ pool, schema }: ControlPlace, { runId, attempt }: TimerRun, logTail: string): Promise<void> {
  await pool.query(`update ${schema}.run_attempt set log_tail = $3 where run_id = $1 and attempt = $2 and ended_at is null`, [
    runId,
    attempt,
    logTail,
  ]);
}

/** The attempt ended and another follows. */
export async function repeatTimerRun(
  place: ControlPlace,
  run: TimerRun,
  outcome: AttemptOutcome,
  logTail: string,
  by: string,
): Promise<TimerRun> {
  const { pool, schema } = place;
  const attempt = run.attempt + 1;
  await pool.transaction(async (tx) => {
    await tx.query(ENDED_ATTEMPT(schema), attemptValues(run, outcome, logTail));
    await tx.query(
      `update ${schema}.run set attempt = $2, failures = failures + 1, error = $3, alive_at = clock_timestamp() where run_id = $1`,
      [run.runId, attempt, messageOfOutcome(outcome) ?? null],
    );
    await tx.query(`insert into ${schema}.run_attempt (run_id, attempt, worker) values ($1, $2, $3)`, [run.runId, attempt, by]);
  });
  return { ...run, attempt };
}

/** The run is over. Jobs after it are not called: whoever wrote the timers chained them. */
export async function endTimerRun({ pool, schema }: ControlPlace, run: TimerRun, outcome: AttemptOutcome, logTail: string): Promise<void> {
  const succeeded = outcome.kind === 'succeeded';
  await pool.transaction(async (tx) => {
    await tx.query(ENDED_ATTEMPT(schema), attemptValues(run, outcome, logTail));
    await tx.query(
      `update ${schema}.run set state = $2, ended_at = clock_timestamp(), failures = failures + $3, error = $4, exit_status = $5
        where run_id = $1`,
      [run.runId, succeeded ? 'succeeded' : 'failed', succeeded ? 0 : 1, messageOfOutcome(outcome) ?? null, exitStatusOf(outcome) ?? null],
    );
  });
}

const ENDED_ATTEMPT = (schema: string): string =>
  `update ${schema}.run_attempt set outcome = $3, ended_at = clock_timestamp(), exit_status = $4, error = $5, log_tail = $6
    where run_id = $1 and attempt = $2`;

function attemptValues(run: TimerRun, outcome: AttemptOutcome, logTail: string): readonly unknown[] {
  return [run.runId, run.attempt, outcome.kind, exitStatusOf(outcome) ?? null, messageOfOutcome(outcome) ?? null, logTail];
}

function stillRunning(job: string, how: string): DbadminError {
  return new DbadminError('locked', `job ${job} is ${how}`, {
    detail: 'A job never overlaps itself.',
    hint: 'See dbadmin schedule history; wait for it, or end the process that runs it.',
  });
}

/** Whether a failure only says that the control database has none of our tables, or not for this role. */
export function isNotRecorded(error: unknown): boolean {
  return ['42P01', '3F000', '42501'].includes(systemCodeOf(error) ?? '');
}
