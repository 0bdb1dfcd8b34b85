import { offsetMinutes } from './recurrence.ts';
import type { RunRecord, RunState } from './run-record.ts';

/** What came of a job on a day; `mended`: a run failed and a later one succeeded; undefined: nothing was due. */
export type DayCell = 'done' | 'failed' | 'mended' | 'missed' | 'running' | undefined;

export interface HistoryGrid {
  /** `2026-11-21`, oldest first. */
  readonly days: readonly string[];
  readonly rows: readonly {
    readonly job: string;
    readonly cells: readonly DayCell[];
    readonly runs: number;
    readonly failed: number;
  }[];
}

/**
 * Job by day, as clocks in `timeZone` have days: those of `jobs` that ran at all, in their order, and after them jobs that ran
 * and are in the policies no more. `runs` are oldest first.
 */
export function historyGrid(
  runs: readonly RunRecord[],
  jobs: readonly string[],
  { now, days, timeZone }: { readonly now: Date; readonly days: number; readonly timeZone: string },
): HistoryGrid {
  const today = Date.parse(dayOf(now, timeZone));
  const names = Array.from({ length: days }, (_, index) => new Date(today - (days - 1 - index) * 86_400_000).toISOString().slice(0, 10));
  const byJob = Map.groupBy(runs, ({ job }) => job);
  const listed = [...jobs.filter((job) => byJob.has(job)), ...[...byJob.keys()].filter((job) => !jobs.includes(job)).sort()];
  return {
    days: names,
    rows: listed.map((job) => {
      const own = byJob.get(job) ?? [];
      const byDay = Map.groupBy(own, ({ due }) => dayOf(due, timeZone));
      return {
        job,
        cells: names.map((day) => cellOf((byDay.get(day) ?? []).map(({ state }) => state))),
        runs: own.filter(({ state }) => state === 'succeeded' || state === 'failed').length,
        failed: own.filter(({ state }) => state === 'failed').length,
      };
    }),
  };
}

function cellOf(states: readonly RunState[]): DayCell {
  if (states.some((state) => state === 'running' || state === 'queued')) return 'running';
  const [failed, done] = [states.lastIndexOf('failed'), states.lastIndexOf('succeeded')];
  if (failed > done) return 'failed';
  if (failed >= 0) return 'mended';
  if (done >= 0) return 'done';
  return states.length > 0 ? 'missed' : undefined;
}

function dayOf(moment: Date, timeZone: string): string {
  return new Date(moment.getTime() + offsetMinutes(timeZone, moment) * 60_000).toISOString().slice(0, 10);
}
