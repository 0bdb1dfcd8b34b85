import type { PoolQueries } from '../../postgres/pool.ts';
import type { PauseSpan } from '../pause.ts';
import { SET_BACK_MS } from '../timetable.ts';

/** Who paused a job, when, why, and how long. */
export interface JobPause extends PauseSpan {
  readonly by: string;
  readonly reason: string | undefined;
}

/** What the control database knows of a job beside its runs. */
export interface KnownJob {
  readonly since: Date;
  /** The last there was; whether it goes on says its end. */
  readonly pause: JobPause | undefined;
}

interface JobRow {
  readonly name: string;
  readonly since: Date;
  readonly paused_at: Date | null;
  readonly paused_until: Date | null;
  readonly paused_by: string | null;
  readonly pause_reason: string | null;
}

/** Makes the jobs known that are not; gives what is known of all of them. */
export async function registerJobs(db: PoolQueries, schema: string, names: readonly string[]): Promise<ReadonlyMap<string, KnownJob>> {
  await db.query(`insert into ${schema}.scheduled_job (name) select unnest($1::text[]) on conflict do nothing`, [names]);
  return await knownJobs(db, schema, names);
}

/** What is known of jobs, by name; those that no worker has seen are not among them. */
export async function knownJobs(db: PoolQueries, schema: string, names: readonly string[]): Promise<ReadonlyMap<string, KnownJob>> {
  // Tables that no newer worker has led on have no column for the end; whoever only reads goes on with them.
  const rows = await db.query<JobRow>(
    `select name, since, paused_at, (to_jsonb(j) ->> 'paused_until')::timestamptz as paused_until, paused_by, pause_reason
       from ${schema}.scheduled_job j where name = any($1::text[])`,
    [names],
  );
  return new Map(
    rows.map(({ name, since, paused_at: at, paused_until: until, paused_by: by, pause_reason: reason }) => [
      name,
      { since, pause: at === null ? undefined : { at, until: until ?? undefined, by: by ?? '', reason: reason ?? undefined } },
    ]),
  );
}

export interface PauseRequest {
  readonly by: string;
  readonly reason: string | undefined;
  /** It ends by itself then; undefined until somebody resumes it. */
  readonly until: Date | undefined;
  readonly now: Date;
}

/**
 * Pauses a job. One that is paused already stays as it was, but for its end: another that is asked for takes the place of that
 * one, with who asked and the reason if one is given.
 */
export async function pauseJob(
  db: PoolQueries,
  schema: string,
  name: string,
  { by, reason, until, now }: PauseRequest,
): Promise<'paused' | 'moved' | 'unchanged'> {
  await db.query(`insert into ${schema}.scheduled_job (name) values ($1) on conflict do nothing`, [name]);
  const begun = await db.query(
    `update ${schema}.scheduled_job set paused_at = $4, paused_until = $5, paused_by = $2, pause_reason = $3
      where name = $1 and (paused_at is null or paused_until <= $4) returning name`,
    [name, by, reason ?? null, now, until ?? null],
  );
  if (begun.length === 1) return 'paused';
  if (until === undefined) return 'unchanged';
  const moved = await db.query(
    `update ${schema}.scheduled_job set paused_until = $4, paused_by = $2, pause_reason = coalesce($3, pause_reason)
      where name = $1 and paused_until is distinct from $4 returning name`,
    [name, by, reason ?? null, until],
  );
  return moved.length === 1 ? 'moved' : 'unchanged';
}

/**
 * Lets a paused job run again from its next time on; false when it was not paused. The pause is kept, ended now: times that
 * were due in it are not late afterwards. One that began in a time to come, by a clock that was ahead, has not begun.
 */
export async function resumeJob(db: PoolQueries, schema: string, name: string, now: Date): Promise<boolean> {
  const changed = await db.query(
    `update ${schema}.scheduled_job set paused_at = least(paused_at, $2), paused_until = $2
      where name = $1 and paused_at is not null and (paused_until is null or paused_until > $2) returning name`,
    [name, now],
  );
  return changed.length === 1;
}

/** A worker as the control database knows it. */
export interface WorkerRecord {
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly labels: readonly string[];
  readonly slots: number;
}

/** What a worker learns when it gives a sign of life. */
export interface SignOfLife {
  /** The clock of the control database. */
  readonly at: Date;
  /** Whose sign of life was there before under this name; undefined when nobody's was. */
  readonly before: { readonly host: string; readonly pid: number } | undefined;
}

/** A sign of life of a worker; those that gave none for a day are forgotten. */
export async function markWorker(db: PoolQueries, schema: string, worker: WorkerRecord): Promise<SignOfLife> {
  const [row] = await db.query<{ readonly at: Date; readonly host: string | null; readonly pid: number | null }>(
    `with before as (select host, pid from ${schema}.worker where name = $1),
      sign as (insert into ${schema}.worker (name, host, pid, version, labels, slots) values ($1, $2, $3, $4, $5, $6)
      on conflict (name) do update set seen_at = clock_timestamp(), labels = excluded.labels, slots = excluded.slots,
        version = excluded.version, host = excluded.host, pid = excluded.pid,
        started_at = case when (worker.host, worker.pid) = (excluded.host, excluded.pid) then worker.started_at
          else clock_timestamp() end)
      select clock_timestamp() as at, (select host from before) as host, (select pid from before) as pid`,
    [worker.name, worker.host, worker.pid, worker.version, worker.labels, worker.slots],
  );
  await db.query(`delete from ${schema}.worker where seen_at < clock_timestamp() - interval '1 day'`);
  if (row === undefined) throw new Error('a query without FROM gives a row');
  const { at, host, pid } = row;
  return { at, before: host === null || pid === null ? undefined : { host, pid } };
}

export async function forgetWorker(db: PoolQueries, schema: string, name: string): Promise<void> {
  await db.query(`delete from ${schema}.worker where name = $1`, [name]);
}

/** Up to when the times of all jobs are queued; undefined before the first worker. */
export async function plannedUntil(db: PoolQueries, schema: string): Promise<Date | undefined> {
  const [row] = await db.query<{ planned_until: Date | null }>(`select planned_until from ${schema}.schedule_state`);
  return row?.planned_until ?? undefined;
}

/**
 * Does not go back by as little as another worker may be ahead. What is further ahead was written by a clock that was wrong:
 * if it stayed, workers that start would plan nothing until then.
 */
export async function markPlanned(db: PoolQueries, schema: string, until: Date): Promise<void> {
  await db.query(
    `update ${schema}.schedule_state
      set planned_until = case when planned_until > $1::timestamptz + $2 * interval '1 millisecond' then $1 else greatest(planned_until, $1) end`,
    [until, SET_BACK_MS],
  );
}
