import { planDue, type DuePlan } from './plan.ts';
import type { Job } from './policies.ts';
import { nextTimes } from './recurrence.ts';

/** A job whose time has come, and what becomes of its times. */
export interface DueJob extends DuePlan {
  readonly job: Job;
}

/** A clock that was set back further than this was wrong before it, or is wrong now: nobody waits for it to be where it was. */
export const SET_BACK_MS = 5 * 60_000;

/** Whether the schedule is planned so far ahead of the clock that the clock must have been set back. */
export function isSetBack(plannedUntil: Date, now: Date): boolean {
  return plannedUntil.getTime() - now.getTime() > SET_BACK_MS;
}

interface Entry {
  readonly job: Job;
  readonly since: Date;
  /** Milliseconds; Infinity when it never comes again. */
  nextMs: number;
}

/**
 * Which jobs have become due since it was last asked. It remembers each job's next time, so that asking every second costs a
 * comparison a job and cron lines are read only when a time has come.
 */
export class Timetable {
  readonly #entries: readonly Entry[];
  #plannedUntil: Date;

  /** Plans on from `plannedUntil`; `since` says when a job was first seen. */
  constructor(jobs: readonly Job[], since: ReadonlyMap<string, Date>, plannedUntil: Date) {
    this.#plannedUntil = plannedUntil;
    this.#entries = jobs
      .filter(({ trigger, paused }) => trigger.kind === 'times' && !paused)
      .map((job) => ({ job, since: since.get(job.name) ?? plannedUntil, nextMs: nextOf(job, plannedUntil) }));
  }

  get plannedUntil(): Date {
    return this.#plannedUntil;
  }

  /**
   * The jobs due up to `now` and not told before. A clock that was set back a little gives nothing until it is past where it
   * was. One that was set back further, as after a wrong one has been put right, goes on from `now`: times that come a second
   * time are told a second time, and whoever queues them knows them by job and moment.
   */
  take(now: Date): readonly DueJob[] {
    const after = this.#plannedUntil;
    if (isSetBack(after, now)) this.rewind(now);
    if (now <= after) return [];
    this.#plannedUntil = now;
    const due: DueJob[] = [];
    for (const entry of this.#entries) {
      if (entry.nextMs > now.getTime()) continue;
      // Nobody promised the times before a job was first seen; by a clock that was ahead it was seen in a time to come.
      const since = isSetBack(entry.since, now) ? after : entry.since;
      const plan = planDue(entry.job, { after: since > after ? since : after, upTo: now, since });
      if (plan.queue.length > 0 || plan.missed !== undefined) due.push({ job: entry.job, ...plan });
      entry.nextMs = nextOf(entry.job, now);
    }
    return due;
  }

  /** Tells again from `moment` on: what was taken could not be written down. */
  rewind(moment: Date): void {
    if (moment >= this.#plannedUntil) return;
    this.#plannedUntil = moment;
    for (const entry of this.#entries) entry.nextMs = nextOf(entry.job, moment);
  }
}

function nextOf({ trigger }: Job, after: Date): number {
  return trigger.kind === 'after' ? Infinity : (nextTimes(trigger.recurrence, after, 1)[0]?.getTime() ?? Infinity);
}
