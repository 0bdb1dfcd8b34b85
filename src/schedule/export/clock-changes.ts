import { nextTimes, offsetMinutes, type Recurrence } from '../recurrence.ts';
import { cronSets, isDayOf, type CronSets } from './cron-sets.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** How far before and after a change of the clock its times can lie; no zone changes by more than two hours. */
const AROUND_MS = 4 * 60 * MINUTE_MS;

/** The times of a recurrence around one change of the clock, in milliseconds. */
export interface ClockChange {
  readonly at: Date;
  /** As this dbadmin has them. */
  readonly ours: ReadonlySet<number>;
  /** Moments at which clocks show a time of the line: none in a skipped hour, the first of two in a repeated one. */
  readonly shownFirst: ReadonlySet<number>;
  /** The same, with both of a repeated hour. */
  readonly shownEach: ReadonlySet<number>;
}

/** What a recurrence does at each change of its zone's clocks within `years` from `from`. */
export function clockChanges(recurrence: Recurrence, from: Date, years: number): readonly ClockChange[] {
  const sets = cronSets(recurrence.cron);
  return changesOf(recurrence.timeZone, from, years).map((at) => aroundChange(recurrence, sets, at));
}

/** The moments from which on the clocks of a zone are set otherwise, within `years` (a fraction will do) from `from`. */
export function changesOf(timeZone: string, from: Date, years: number): readonly Date[] {
  const changes: Date[] = [];
  const offsetAt = (moment: number): number => offsetMinutes(timeZone, new Date(moment));
  const first = Math.floor(from.getTime() / DAY_MS) * DAY_MS;
  let before = offsetAt(first);
  for (let day = first; day < first + years * 366 * DAY_MS; day += DAY_MS) {
    const after = offsetAt(day + DAY_MS);
    if (after === before) continue;
    let [low, high] = [day, day + DAY_MS];
    while (high - low > MINUTE_MS) {
      const middle = Math.floor((low + high) / 2 / MINUTE_MS) * MINUTE_MS;
      if (offsetAt(middle) === before) low = middle;
      else high = middle;
    }
    changes.push(new Date(high));
    before = after;
  }
  return changes;
}

function aroundChange(recurrence: Recurrence, sets: CronSets, at: Date): ClockChange {
  const from = at.getTime() - AROUND_MS;
  const to = at.getTime() + AROUND_MS;
  const before = offsetMinutes(recurrence.timeZone, new Date(at.getTime() - MINUTE_MS));
  const after = offsetMinutes(recurrence.timeZone, at);
  const ours = timesBetween(recurrence, from, to);
  const shownFirst = new Set<number>();
  const shownEach = new Set<number>();
  for (let moment = from; moment < to; moment += MINUTE_MS) {
    const isAfter = moment >= at.getTime();
    if (!isShown(sets, moment + (isAfter ? after : before) * MINUTE_MS)) continue;
    shownEach.add(moment);
    const isSecond = isAfter && moment < at.getTime() + (before - after) * MINUTE_MS;
    if (!isSecond) shownFirst.add(moment);
  }
  return { at, ours, shownFirst, shownEach };
}

/** One by one: a job that runs once a month is not to be followed for years. */
function timesBetween(recurrence: Recurrence, from: number, to: number): ReadonlySet<number> {
  const times = new Set<number>();
  for (let last = from - 1; ;) {
    const next = nextTimes(recurrence, new Date(last), 1)[0]?.getTime();
    if (next === undefined || next >= to) return times;
    times.add(next);
    last = next;
  }
}

function isShown(sets: CronSets, wallClock: number): boolean {
  const wall = new Date(wallClock);
  return (
    sets.minutes.includes(wall.getUTCMinutes()) &&
    sets.hours.includes(wall.getUTCHours()) &&
    isDayOf(sets, wall.getUTCMonth() + 1, wall.getUTCDate(), wall.getUTCDay())
  );
}
