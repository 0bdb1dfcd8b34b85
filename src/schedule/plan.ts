import type { CatchUp, Job } from './policies.ts';
import { nextTimes } from './recurrence.ts';
import { periodBounds } from './upcoming.ts';

/** For so long after its time a job is started late without being called missed: a restart, a failover, a long garbage collection. */
export const LATE_GRACE_MS = 5 * 60_000;
/** So many of the newest times are made up for at most, and about as many looked for: each costs a tenth of a millisecond. */
const MOST_CAUGHT_UP = 1000;
const HOUR_MS = 3_600_000;
/** How far is looked back, further only while there are few times; whoever was away for longer than the last starts anew. */
const LOOKED_BACK_MS = [1, 6, 24, 7 * 24, 31 * 24, 366 * 24].map((hours) => hours * HOUR_MS);
const BATCH = 500;

/** Between two instants: after the first, up to and with the second. */
export interface Window {
  readonly after: Date;
  readonly upTo: Date;
  /** When the schedule first saw the job: the beginning of a `for` without `from`. */
  readonly since: Date;
}

/** Times at which a job did not run, told as one: a week without a worker is one line of history, not ten thousand. */
export interface MissedTimes {
  /** Of those that were looked for: with very many of them there may have been more. */
  readonly count: number;
  readonly first: Date;
  readonly last: Date;
}

/** What becomes of the times at which a job was due. */
export interface DuePlan {
  /** Oldest first. */
  readonly queue: readonly Date[];
  readonly missed: MissedTimes | undefined;
}

/** The times of a job in a window, oldest first: its cron line in its zone, within its period. None for a job that waits for others or is paused. */
export function dueTimes(job: Job, { after, upTo, since }: Window): readonly Date[] {
  if (job.trigger.kind === 'after' || job.paused) return [];
  const { from, until } = periodBounds(job.period, since);
  // Times come strictly after what they are asked from, and the first moment of the period belongs to it.
  let cursor = from !== undefined && from > after ? new Date(from.getTime() - 1) : after;
  const end = until !== undefined && until <= upTo ? new Date(until.getTime() - 1) : upTo;
  const times: Date[] = [];
  while (cursor < end) {
    const found = nextTimes(job.trigger.recurrence, cursor, cursor === after && times.length === 0 ? 2 : BATCH);
    for (const time of found) {
      if (time > end) return times;
      times.push(time);
    }
    const last = found.at(-1);
    if (last === undefined) return times;
    cursor = last;
  }
  return times;
}

/**
 * What is to be queued of the times in a window, and what nobody kept. A time that is not older than the grace is kept, late
 * as it may be; of several such only the newest, unless each is asked for. Older ones are made up for as `catch_up` says.
 */
export function planDue(job: Job, window: Window): DuePlan {
  const { upTo } = window;
  const times = newestTimes(job, window);
  const kept = keptTimes(job.catchUp, times, upTo);
  return { queue: kept, missed: summary(times.slice(0, times.length - kept.length)) };
}

/** The times of a window, oldest first; of very many the newest. */
function newestTimes(job: Job, window: Window): readonly Date[] {
  let times: readonly Date[] = [];
  let { upTo } = window;
  for (const backMs of LOOKED_BACK_MS) {
    const back = new Date(window.upTo.getTime() - backMs);
    const after = back < window.after ? window.after : back;
    times = [...dueTimes(job, { ...window, after, upTo }), ...times];
    if (after <= window.after || times.length >= MOST_CAUGHT_UP) break;
    upTo = after;
  }
  return times;
}

function keptTimes(catchUp: CatchUp, times: readonly Date[], now: Date): readonly Date[] {
  if (catchUp === 'all') return times.slice(-MOST_CAUGHT_UP);
  const newest = times.at(-1);
  if (newest === undefined) return [];
  return catchUp === 'once' || now.getTime() - newest.getTime() <= LATE_GRACE_MS ? [newest] : [];
}

function summary(times: readonly Date[]): MissedTimes | undefined {
  const [first, last] = [times[0], times.at(-1)];
  return first === undefined || last === undefined ? undefined : { count: times.length, first, last };
}

/** What a due time meets: the runs of the same job that are not over. */
export interface LiveRuns {
  /** Queued or running; never more than one. */
  readonly current: boolean;
  /** Waiting for the current one to end. */
  readonly waiting: number;
}

/**
 * Whether a due time becomes a run. No job overlaps itself: while one is queued or running, a new time is dropped, unless the
 * job catches up, when it waits: one of them for `once`, each for `all`.
 */
export function admit(catchUp: CatchUp, { current, waiting }: LiveRuns): 'queue' | 'wait' | 'drop' {
  if (!current && waiting === 0) return 'queue';
  if (catchUp === 'all') return 'wait';
  return catchUp === 'once' && waiting === 0 ? 'wait' : 'drop';
}
