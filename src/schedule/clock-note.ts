import { changesOf } from './export/clock-changes.ts';
import { cronSets } from './export/cron-sets.ts';
import { offsetMinutes, type Recurrence } from './recurrence.ts';

const MINUTE_MS = 60_000;
const MOST_SHIFT_MINUTES = 180;

/** A moment from which on the clocks of a zone are set otherwise; forward is positive. */
export interface ClockShift {
  readonly timeZone: string;
  readonly at: Date;
  readonly byMinutes: number;
}

/** The changes of the clocks of zones within `days` from `from`, soonest first. */
export function clockShifts(timeZones: Iterable<string>, from: Date, days: number): readonly ClockShift[] {
  return [...new Set(timeZones)]
    .flatMap((timeZone) =>
      changesOf(timeZone, from, days / 366).flatMap((at) => {
        const byMinutes = offsetMinutes(timeZone, at) - offsetMinutes(timeZone, new Date(at.getTime() - MINUTE_MS));
        return at <= from ? [] : [{ timeZone, at, byMinutes }];
      }),
    )
    .toSorted((left, right) => left.at.getTime() - right.at.getTime());
}

/**
 * Why a time of a recurrence is not what its line says, or undefined: its own time is skipped that day, or comes twice.
 * `at` is one of its times.
 */
export function clockNote({ cron, timeZone }: Recurrence, at: Date): string | undefined {
  const { hours, minutes } = cronSets(cron);
  const offset = offsetMinutes(timeZone, at);
  const wall = new Date(at.getTime() + offset * MINUTE_MS);
  if (!hours.includes(wall.getUTCHours()) || !minutes.includes(wall.getUTCMinutes()))
    return 'clocks go forward then and skip its time: it runs at the first moment after';
  // One that runs every hour goes by elapsed time.
  if (hours.length === 24) return undefined;
  for (const change of changesOf(timeZone, new Date(at.getTime() - MINUTE_MS), 2 / 366)) {
    const back = offset - offsetMinutes(timeZone, change);
    const isRepeated = back > 0 && back <= MOST_SHIFT_MINUTES && at < change && at.getTime() >= change.getTime() - back * MINUTE_MS;
    if (isRepeated) return 'clocks go back after it and show its time twice: it runs once, the first time';
  }
  return undefined;
}
