import { randomUUID } from 'node:crypto';
import { queueName } from '../labels.ts';
import type { Job } from '../policies.ts';
import { applyDue, type Admission, type ControlPlace } from './due-apply.ts';
import type { RunQueue } from './queue-run.ts';
import type { DueJob } from '../timetable.ts';

/** Jobs queued in one transaction: few trips for many, and no lock held for long. */
const AT_ONCE = 250;

/** What became of a time of a job. */
export interface Admitted {
  readonly job: Job;
  readonly due: Date;
  readonly admission: Admission;
}

/**
 * What {@link applyDue} does, for as many jobs as there are. Those with a single time that meets nothing, which is nearly all
 * of them, go together; the others one by one. Jobs at midnight come by the thousand.
 */
export async function applyAllDue(place: ControlPlace, queue: RunQueue, due: readonly DueJob[], now: Date): Promise<readonly Admitted[]> {
  const simple = due.filter(({ queue: times, missed }) => times.length === 1 && missed === undefined);
  const admitted: Admitted[] = [];
  const left = new Set(due);
  for (const [name, ofQueue] of Map.groupBy(simple.length > 1 ? simple : [], ({ job }) => queueName(job.labels))) {
    for (let first = 0; first < ofQueue.length; first += AT_ONCE) {
      const some = ofQueue.slice(first, first + AT_ONCE);
      const queued = await queueTogether(place, queue, name, some, now);
      for (const each of some) {
        if (!queued.has(each.job.name)) continue;
        left.delete(each);
        admitted.push(...each.queue.map((time) => ({ job: each.job, due: time, admission: 'queued' as const })));
      }
    }
  }
  for (const { job, ...plan } of left) {
    const admissions = await applyDue(place, queue, job, plan, now);
    admitted.push(
      ...admissions.map((admission, index) => ({ job, due: plan.queue[index] ?? plan.missed?.last ?? new Date(0), admission })),
    );
  }
  return admitted;
}

/** Queues those that meet no run of theirs, are not paused and not known; gives their names. */
async function queueTogether(
  { pool, schema }: ControlPlace,
  queue: RunQueue,
  queueNamed: string,
  due: readonly DueJob[],
  now: Date,
): Promise<ReadonlySet<string>> {
  const times = due.map(({ job, queue: [time] }) => ({ runId: randomUUID(), job: job.name, due: time }));
  return await pool.transaction(async (tx) => {
    // The run is put in under its own id.
    const rows = await tx.query<{ run_id: string; job: string }>(
      `with wanted as (
         select run_id, job, due from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as w(run_id, job, due)),
       free as (
         select name, paused_at, paused_until from ${schema}.scheduled_job
           where name in (select job from wanted) and (paused_at is null or paused_until <= $5) order by name for update)
       insert into ${schema}.run (run_id, job, due, cause, state, labels, queue_id)
         select run_id, job, due, 'time', 'queued', $4::text[], run_id from wanted join free on name = job
           where not coalesce(due >= paused_at and due < paused_until, false)
             and not exists (select from ${schema}.run r where r.job = wanted.job and (r.state in ('waiting', 'queued', 'running') or r.due = wanted.due))
         on conflict do nothing returning run_id, job`,
      [times.map(({ runId }) => runId), times.map(({ job }) => job), times.map(({ due: time }) => time), due[0]?.job.labels ?? [], now],
    );
    if (rows.length > 0)
      await queue.sendAll(
        tx,
        queueNamed,
        rows.map(({ run_id: runId }) => runId),
      );
    return new Set(rows.map(({ job }) => job));
  });
}
