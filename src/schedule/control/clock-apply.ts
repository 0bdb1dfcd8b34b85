import { SET_BACK_MS } from '../timetable.ts';
import type { ControlPlace } from './due-apply.ts';

/** A worker whose clock is ahead by less than this runs jobs early, and others need not run them again. */
const RAN_AHEAD_MS = 3_600_000;

/**
 * Puts right what was written down while clocks were ahead and which would be waited for until they are there again: runs that are in the
 * queue from then on, signs of life of that time, times that were told as missed before they came, and ends of runs that have not come.
 * A run that was made for a time to come counts for when it was made, and that time is run when it comes.
 *
 * `now` is our own clock. Only what is ahead of that and of the control database's is put right, so that one of them may be behind.
 */
export async function putClockRight({ pool, schema }: ControlPlace, now: Date): Promise<void> {
  // Not clock_timestamp(), by which no index can be asked.
  const clock = 'now()';
  const ahead = `${clock} + interval '${SET_BACK_MS} milliseconds'`;
  const of = (latestMs: number): string => `greatest(${clock}, $1::timestamptz) + interval '${latestMs} milliseconds'`;
  const notAfterNow = (column: string): string => `${column} = case when ${column} > ${clock} then ${clock} else ${column} end`;
  await pool.query(`update ${schema}.scheduled_job set since = ${clock} where since > ${ahead}`);
  // Whoever is alive gives the next sign of life soon; whoever is not is taken for dead from now on, and not from then.
  await pool.query(
    `with held as (
       update ${schema}.run set ${['created_at', 'started_at', 'alive_at', 'retry_at'].map(notAfterNow).join(', ')}
         where state in ('queued', 'running') and greatest(created_at, alive_at) > ${ahead} returning queue_id)
     update ${schema}.job set ${['start_after', 'started_on', 'heartbeat_on'].map(notAfterNow).join(', ')}
       where id in (select queue_id from held)`,
  );
  const dueAfter = (moment: string): string =>
    `select later.* from ${schema}.scheduled_job, lateral (select * from ${schema}.run where job = name and due > ${moment}) as later`;
  await pool.query(
    `delete from ${schema}.run where run_id in (
       select run_id from (${dueAfter(of(SET_BACK_MS))}) as later
         where state in ('missed', 'skipped') or (state = 'waiting' and cause = 'time'))`,
    [now],
  );
  await pool.query(
    `with over as (
       select run_id from (${dueAfter(of(RAN_AHEAD_MS))}) as later where state in ('succeeded', 'failed')
       union select run_id from ${schema}.run where ended_at > ${ahead}),
     shifted as (
       -- All by as much: their order stays, and no two come to one moment.
       select run_id, case when ended_at > ${ahead} then max(ended_at) over () - ${clock} else interval '0' end as by
         from ${schema}.run join over using (run_id))
     update ${schema}.run r set ended_at = ended_at - by, started_at = started_at - by, created_at = created_at - by,
         due = least(due, created_at - by)
       from shifted where shifted.run_id = r.run_id`,
    [now],
  );
}
