import { formatDuration } from '../../../../base/durations.ts';
import { counted } from '../../words.ts';
import { triggerWords } from './cron-words.ts';
import { dayOf } from './days.ts';
import type { DayDocument, HistoryDocument, JobDocument, JobHistory, ListDocument } from './documents.ts';

/** What a cell shows: what came of the day, or why nothing did. */
export type CellKind = 'done' | 'late' | 'mended' | 'failed' | 'missed' | 'skipped' | 'running' | 'waiting' | 'paused' | 'outside' | 'none';

export interface Cell {
  readonly day: string;
  readonly kind: CellKind;
  /** Shown beside the mark when the day had more than one run. */
  readonly count: string;
  /** Everything that is known of the day, in words. */
  readonly facts: string;
}

export interface GridRow {
  readonly job: string;
  readonly cluster: string | null;
  /** `daily 02:00`, `after main.full`; of a job that is gone: `no longer scheduled`. */
  readonly due: string;
  readonly took: string;
  readonly isPaused: boolean;
  readonly cells: readonly Cell[];
}

export type StateFilter = 'all' | 'failed' | 'unplanned' | 'running' | 'paused';

export interface GridFilter {
  readonly cluster: string | undefined;
  readonly policy: string | undefined;
  readonly state: StateFilter;
}

export const CELL_WORDS: Readonly<Record<CellKind, string>> = {
  done: 'done',
  late: 'done, late or some missed',
  mended: 'done after a failure',
  failed: 'failed',
  missed: 'missed',
  skipped: 'left out',
  running: 'running or queued',
  waiting: 'waiting',
  paused: 'paused',
  outside: 'not in force',
  none: 'nothing recorded',
};

const UNPLANNED: ReadonlySet<CellKind> = new Set(['late', 'mended', 'failed', 'missed', 'skipped']);

/** Job by day: the jobs of the file in its order, then those that ran and are in it no more; only what the filter lets through. */
export function layOutGrid(list: ListDocument, history: Pick<HistoryDocument, 'days' | 'jobs'>, filter: GridFilter): readonly GridRow[] {
  const ran = new Map(history.jobs.map((each) => [each.job, each]));
  const listed = new Set(list.jobs.map(({ name }) => name));
  const rows = [
    ...list.jobs.filter((job) => isOf(job, filter)).map((job) => rowOf(job.name, job, ran.get(job.name), history.days, list.timeZone)),
    // Of a job that is gone nobody knows whose it was.
    ...(filter.cluster === undefined && filter.policy === undefined
      ? history.jobs.filter(({ job }) => !listed.has(job)).map((each) => rowOf(each.job, undefined, each, history.days, list.timeZone))
      : []),
  ];
  return rows.filter((row) => meets(row, filter.state));
}

function isOf({ cluster, policy }: JobDocument, filter: GridFilter): boolean {
  return (
    (filter.cluster === undefined || cluster === filter.cluster) &&
    (filter.policy === undefined || (policy ?? '') === (filter.policy === '-' ? '' : filter.policy))
  );
}

function meets({ cells, isPaused }: GridRow, state: StateFilter): boolean {
  switch (state) {
    case 'all':
      return true;
    case 'failed':
      return cells.some(({ kind }) => kind === 'failed');
    case 'unplanned':
      return cells.some(({ kind }) => UNPLANNED.has(kind));
    case 'running':
      return cells.some(({ kind }) => kind === 'running' || kind === 'waiting');
    case 'paused':
      return isPaused;
    default:
      return state satisfies never;
  }
}

function rowOf(
  name: string,
  job: JobDocument | undefined,
  history: JobHistory | undefined,
  days: readonly string[],
  timeZone: string,
): GridRow {
  return {
    job: name,
    cluster: job?.cluster ?? null,
    due: job === undefined ? 'no longer scheduled' : triggerWords(job),
    took: history?.took === null || history === undefined ? '–' : formatDuration(history.took.medianMs),
    isPaused: job?.paused === true,
    cells: days.map((day, index) => cellOf(day, history?.days[index] ?? null, job, timeZone)),
  };
}

function cellOf(day: string, came: DayDocument | null, job: JobDocument | undefined, timeZone: string): Cell {
  if (came !== null) {
    const total = came.done + came.failed + came.current;
    return { day, kind: came.state, count: total > 1 ? short(total) : '', facts: describeDay(came) };
  }
  const quiet = quietKind(day, job, timeZone);
  return { day, kind: quiet, count: '', facts: CELL_WORDS[quiet] };
}

/** Why nothing is recorded of a day, as far as it is known. */
function quietKind(day: string, job: JobDocument | undefined, timeZone: string): CellKind {
  if (job === undefined) return 'none';
  if (job.pausedInFile || (job.pause !== null && day >= dayOf(job.pause.at, timeZone))) return 'paused';
  const isBefore = job.from !== null && day < dayOf(job.from, timeZone);
  const isAfter = job.endsAt !== null && day > dayOf(job.endsAt, timeZone);
  return isBefore || isAfter ? 'outside' : 'none';
}

/** `3 done (1 at the second try), 1 failed, 2 missed; median 4.0 s, at most 9.1 s`. */
export function describeDay(day: DayDocument): string {
  const extra = [...(day.retried > 0 ? [`${day.retried} after a failure`] : []), ...(day.late > 0 ? [`${day.late} late`] : [])];
  const parts = [
    ...(day.done > 0 ? [`${day.done} done${extra.length === 0 ? '' : ` (${extra.join(', ')})`}`] : []),
    ...(day.failed > 0 ? [`${day.failed} failed`] : []),
    ...(day.missed > 0 ? [`${day.missed} missed`] : []),
    ...(day.skipped > 0 ? [`${counted(day.skipped, 'time')} left out`] : []),
    ...(day.current > 0 ? [`${day.current} running or queued`] : []),
    ...(day.waiting > 0 ? [`${day.waiting} waiting`] : []),
  ];
  if (day.took === null) return parts.join(', ');
  const { medianMs, mostMs } = day.took;
  const took = day.done === 1 ? `took ${formatDuration(mostMs)}` : `median ${formatDuration(medianMs)}, at most ${formatDuration(mostMs)}`;
  return `${parts.join(', ')}; ${took}`;
}

function short(count: number): string {
  return count < 1000 ? String(count) : `${(count / 1000).toFixed(1)}k`;
}
