import type { Job, Period } from './policies.ts';
import { nextTimes, type Recurrence } from './recurrence.ts';

/** A job that will run at a moment. */
export interface Upcoming {
  readonly job: Job;
  readonly at: Date;
  readonly timeZone: string;
}

/** The moments between which a job is in force. A length without a beginning counts from `now`. */
export function periodBounds(
  { from, until, lengthMs }: Period,
  now: Date,
): { readonly from: Date | undefined; readonly until: Date | undefined } {
  if (lengthMs === undefined) return { from, until };
  return { from, until: new Date((from ?? now).getTime() + lengthMs) };
}

/** The next `count` runs of all jobs with times of their own, soonest first; at one moment in the order of `jobs`. */
export function upcomingRuns(jobs: readonly Job[], now: Date, count: number): readonly Upcoming[] {
  return jobs
    .flatMap((job) => {
      if (job.trigger.kind === 'after' || job.paused) return [];
      const { recurrence } = job.trigger;
      return timesInForce(job, recurrence, now, count).map((at) => ({ job, at, timeZone: recurrence.timeZone }));
    })
    .toSorted((left, right) => left.at.getTime() - right.at.getTime())
    .slice(0, count);
}

function timesInForce(job: Job, recurrence: Recurrence, now: Date, count: number): readonly Date[] {
  const { from, until } = periodBounds(job.period, now);
  // Times come strictly after what they are asked from, and the first moment of the period belongs to it.
  const after = from !== undefined && from > now ? new Date(from.getTime() - 1) : now;
  return nextTimes(recurrence, after, count).filter((at) => until === undefined || at < until);
}

/** The jobs that run after `job` and nothing else, and those after them, in an order in which each follows its own. */
export function followers(job: Job, jobs: readonly Job[]): readonly Job[] {
  return jobs.flatMap((other) => {
    const follows =
      other.trigger.kind === 'after' && other.trigger.jobs.length === 1 && other.trigger.jobs[0] === job.name && !other.paused;
    return follows ? [other, ...followers(other, jobs)] : [];
  });
}
