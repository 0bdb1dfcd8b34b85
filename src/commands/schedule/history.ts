import { parseDuration } from '../../base/durations.ts';
import { DbadminError, reasonOf } from '../../base/errors.ts';
import { inspectDays, inspectTook, type Took } from '../../schedule/control/days-inspect.ts';
import { inspectAttempts, inspectRuns } from '../../schedule/control/runs-inspect.ts';
import { historyGrid, type DayCell, type HistoryGrid } from '../../schedule/history-grid.ts';
import { parseMoment } from '../../schedule/recurrence.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import type { Output } from '../output.ts';
import { findPolicies } from './load-policies.ts';
import { findJob } from './run.ts';
import { runDocument, showRuns } from './show-run.ts';

const MOST_RUNS = 100_000;
const MOST_BRIEF = 200;
const LISTED = 20;
const DAY_MS = 86_400_000;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const { config, policies, localZone, problem } = await findPolicies(context, input);
  const now = clock.now();
  const { from, to, days, upTo } = windowOption(input, now, localZone);
  const name = textOption(input, 'job');
  const isBrief = flagOption(input, 'brief');
  if (problem !== undefined) output.warn(`jobs that did not run are left out: ${reasonOf(problem)}`);
  const scheduled = policies?.jobs ?? [];
  const control = await openControl(config, 'dbadmin schedule history');
  try {
    const window = { from, to, job: name };
    const counted = await inspectDays(control.pool, control.schema, { ...window, timeZone: localZone });
    // What ran once and is in the file no more can still be asked for.
    const job = name === undefined || counted.some((each) => each.job === name) ? name : findJob(scheduled, name).name;
    const runs = await inspectRuns(control.pool, control.schema, { ...window, most: isBrief ? MOST_BRIEF : MOST_RUNS, notable: isBrief });
    const jobs = job === undefined ? scheduled.map((each) => each.name) : [job];
    const grid = historyGrid(counted, jobs, { now: upTo, days, timeZone: localZone });
    showGrid(output, grid, days);
    const shown =
      job === undefined ? runs.filter(({ state, error }) => state === 'failed' || (state === 'succeeded' && error !== undefined)) : runs;
    if (shown.length > 0) output.line('');
    showRuns(output, shown.slice(-LISTED), localZone);
    const newest = shown.at(-1);
    const attempts = newest === undefined ? [] : await inspectAttempts(control.pool, control.schema, newest.runId);
    const log = attempts.at(-1)?.logTail ?? '';
    if (flagOption(input, 'log') && log !== '') output.line(`\nWhat ${newest?.job ?? ''} printed last:\n${log.replace(/^/gm, '  ')}`);
    if (output.json) {
      output.result({
        from: from.toISOString(),
        to: to.toISOString(),
        timeZone: localZone,
        days: grid.days,
        jobs: gridDocument(grid, await inspectTook(control.pool, control.schema, window)),
        runs: runs.map(runDocument),
        attempts,
      });
    }
    return 0;
  } finally {
    await control.pool.close();
  }
}

interface HistoryWindow {
  readonly from: Date;
  readonly to: Date;
  readonly days: number;
  /** A moment of the last day. */
  readonly upTo: Date;
}

function windowOption(input: CommandInput, now: Date, timeZone: string): HistoryWindow {
  const day = textOption(input, 'on');
  if (day === undefined) {
    const days = daysOption(input);
    return { from: new Date(now.getTime() - days * DAY_MS), to: now, days, upTo: now };
  }
  if (textOption(input, 'since') !== undefined) throw new DbadminError('usage', '--on and --since do not go together');
  const from = /^\d{4}-\d{2}-\d{2}$/.test(day) ? parseMoment(day, timeZone) : undefined;
  if (from === undefined) throw new DbadminError('usage', `--on takes a day such as 2026-11-21, not "${day}"`);
  const next = new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10);
  const end = parseMoment(next, timeZone) ?? new Date(from.getTime() + DAY_MS);
  return { from, to: new Date(end.getTime() - 1), days: 1, upTo: from };
}

function daysOption(input: CommandInput): number {
  const text = textOption(input, 'since') ?? '14d';
  try {
    const days = Math.ceil(parseDuration(text) / DAY_MS);
    if (days >= 1 && days <= 400) return days;
  } catch {
    // Told below.
  }
  throw new DbadminError('usage', `--since takes a time from 1d to 400d, not "${text}"`);
}

/** One letter a day for each job: what a person looks for is the day that is not like the others. */
function showGrid(output: Output, grid: HistoryGrid, days: number): void {
  if (grid.rows.length === 0) {
    output.line(days === 1 ? `Nothing ran on ${grid.days[0] ?? ''}.` : `Nothing ran in the last ${days} days.`);
    return;
  }
  output.table(
    [
      'job',
      ...grid.days.map((day) => day.slice(8)),
      { head: 'runs', align: 'right' as const },
      { head: 'failed', align: 'right' as const },
    ],
    grid.rows.map(({ job, cells, runs, failed }) => [
      job,
      ...cells.map((cell) => markOf(output, cell)),
      String(runs),
      failed === 0 ? '' : String(failed),
    ]),
  );
  output.line(
    `${grid.days[0] ?? ''} to ${grid.days.at(-1) ?? ''}   ✓ done  ✗ failed  ~ failed or late, then done  – missed or left out  ▶ now`,
  );
}

function markOf(output: Output, cell: DayCell): string {
  switch (cell) {
    case 'done':
      return output.style('good', '✓');
    case 'failed':
      return output.style('bad', '✗');
    case 'mended':
    case 'late':
      return output.style('warn', '~');
    case 'missed':
    case 'skipped':
      return output.style('warn', '–');
    case 'running':
    case 'waiting':
      return '▶';
    case undefined:
      return '';
    default:
      return cell satisfies never;
  }
}

function gridDocument(grid: HistoryGrid, took: ReadonlyMap<string, Took>): readonly object[] {
  return grid.rows.map(({ job, cells, counts, runs, failed }) => ({
    job,
    runs,
    failed,
    took: took.get(job) ?? null,
    days: counts.map((each, index) => {
      if (each === undefined) return null;
      const { job: _job, endedBadly: _badly, took: own, ...numbers } = each;
      return { ...numbers, state: cells[index], took: own ?? null };
    }),
  }));
}
