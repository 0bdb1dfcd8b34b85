import type { JobDay } from './control/days-inspect.ts';
import { offsetMinutes } from './recurrence.ts';

/**
 * What came of a job on a day. `mended`: a run failed and it succeeded later; `late`: done, but begun long after its time;
 * undefined: nothing is recorded of that day.
 */
export type DayCell = 'done' | 'late' | 'mended' | 'failed' | 'missed' | 'skipped' | 'running' | 'waiting' | undefined;

export interface HistoryGrid {
  /** `2026-11-21`, oldest first. */
  readonly days: readonly string[];
  readonly rows: readonly {
    readonly job: string;
    readonly cells: readonly DayCell[];
    /** What the cells are made from, undefined where nothing is recorded. */
    readonly counts: readonly (JobDay | undefined)[];
    readonly runs: number;
    readonly failed: number;
  }[];
}

/**
 * Job by day, as clocks in `timeZone` have days: those of `jobs` that ran at all, in their order, and after them jobs that ran
 * and are in the policies no more.
 */
export function historyGrid(
  counted: readonly JobDay[],
  jobs: readonly string[],
  { now, days, timeZone }: { readonly now: Date; readonly days: number; readonly timeZone: string },
): HistoryGrid {
  const names = daysBefore(now, days, timeZone);
  const byJob = Map.groupBy(counted, ({ job }) => job);
  const listed = [...jobs.filter((job) => byJob.has(job)), ...[...byJob.keys()].filter((job) => !jobs.includes(job)).sort()];
  return {
    days: names,
    rows: listed.map((job) => {
      const own = byJob.get(job) ?? [];
      const byDay = new Map(own.map((each) => [each.day, each]));
      return {
        job,
        cells: names.map((day) => cellOf(byDay.get(day))),
        counts: names.map((day) => byDay.get(day)),
        runs: own.reduce((sum, { done, failed }) => sum + done + failed, 0),
        failed: own.reduce((sum, { failed }) => sum + failed, 0),
      };
    }),
  };
}

/** The last `count` days up to now, oldest first. */
export function daysBefore(now: Date, count: number, timeZone: string): readonly string[] {
  const shown = new Date(now.getTime() + offsetMinutes(timeZone, now) * 60_000);
  const today = Date.parse(shown.toISOString().slice(0, 10));
  return Array.from({ length: count }, (_, index) => new Date(today - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10));
}

function cellOf(day: JobDay | undefined): DayCell {
  if (day === undefined) return undefined;
  if (day.current > 0) return 'running';
  if (day.endedBadly) return 'failed';
  if (day.failed > 0 || day.retried > 0) return 'mended';
  if (day.missed > 0 && day.done === 0) return 'missed';
  if (day.late > 0 || day.missed > 0) return 'late';
  if (day.done > 0) return 'done';
  return day.waiting > 0 ? 'waiting' : 'skipped';
}
