import type { Job } from './policies.ts';
import { periodBounds } from './upcoming.ts';

/** The jobs that run after `name`, in the order of the file; those that are paused there are not among them. */
export function directDependents(name: string, jobs: readonly Job[]): readonly Job[] {
  return jobs.filter(({ trigger, paused }) => trigger.kind === 'after' && !paused && trigger.jobs.includes(name));
}

/** All that would have followed, each once: what a failure takes with it. */
export function allDependents(name: string, jobs: readonly Job[]): readonly Job[] {
  const found = new Map<string, Job>();
  const visit = (parent: string): void => {
    for (const job of directDependents(parent, jobs)) {
      if (found.has(job.name)) continue;
      found.set(job.name, job);
      visit(job.name);
    }
  };
  visit(name);
  return [...found.values()];
}

/**
 * Whether a job that waits for others may run now: each of them has succeeded since its own last run was called for.
 *
 * `lastCalled` is when that was, undefined for never; `successes` are the newest successes by job.
 */
export function isReady(job: Job, successes: ReadonlyMap<string, Date>, lastCalled: Date | undefined): boolean {
  if (job.trigger.kind !== 'after') return false;
  return job.trigger.jobs.every((parent) => {
    const success = successes.get(parent);
    return success !== undefined && (lastCalled === undefined || success > lastCalled);
  });
}

/** Whether a job is in force at a moment. */
export function isInForce({ period }: Job, now: Date, since: Date): boolean {
  const { from, until } = periodBounds(period, since);
  return (from === undefined || now >= from) && (until === undefined || now < until);
}
