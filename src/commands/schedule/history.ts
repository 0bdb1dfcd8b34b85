import { parseDuration, formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { inspectAttempts, inspectRuns } from '../../schedule/control/runs-inspect.ts';
import { historyGrid, type DayCell } from '../../schedule/history-grid.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import type { RunRecord } from '../../schedule/run-record.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import type { Output } from '../output.ts';
import { loadPolicies } from './load-policies.ts';
import { findJob } from './run.ts';

const MOST_RUNS = 100_000;
const LISTED = 20;
const DAY_MS = 86_400_000;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output, clock } = context;
  const { config, policies, localZone } = await loadPolicies(context, input);
  const days = daysOption(input);
  const name = textOption(input, 'job');
  const job = name === undefined ? undefined : findJob(policies.jobs, name).name;
  const control = await openControl(config, 'dbadmin schedule history');
  try {
    const now = clock.now();
    const runs = await inspectRuns(control.pool, control.schema, {
      from: new Date(now.getTime() - days * DAY_MS),
      to: now,
      job,
      most: MOST_RUNS,
    });
    const jobs = job === undefined ? policies.jobs.map((each) => each.name) : [job];
    const grid = historyGrid(runs, jobs, { now, days, timeZone: localZone });
    showGrid(output, grid, days);
    const shown = job === undefined ? runs.filter(({ state }) => state === 'failed') : runs;
    if (shown.length > 0) output.line('');
    showRuns(output, shown.slice(-LISTED), localZone);
    const newest = shown.at(-1);
    const attempts = newest === undefined ? [] : await inspectAttempts(control.pool, control.schema, newest.runId);
    const log = attempts.at(-1)?.logTail ?? '';
    if (flagOption(input, 'log') && log !== '') output.line(`\nWhat ${newest?.job ?? ''} printed last:\n${log.replace(/^/gm, '  ')}`);
    output.result({
      from: new Date(now.getTime() - days * DAY_MS).toISOString(),
      to: now.toISOString(),
      runs: runs.map(runDocument),
      attempts,
    });
    return 0;
  } finally {
    await control.pool.close();
  }
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
function showGrid(output: Output, grid: ReturnType<typeof historyGrid>, days: number): void {
  if (grid.rows.length === 0) {
    output.line(`Nothing ran in the last ${days} days.`);
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
  output.line(`${grid.days[0] ?? ''} to ${grid.days.at(-1) ?? ''}   ✓ done  ✗ failed  ~ failed, then done  – missed or left out  ▶ now`);
}

function markOf(output: Output, cell: DayCell): string {
  switch (cell) {
    case 'done':
      return output.style('good', '✓');
    case 'failed':
      return output.style('bad', '✗');
    case 'mended':
      return output.style('warn', '~');
    case 'missed':
      return output.style('warn', '–');
    case 'running':
      return '▶';
    case undefined:
      return '';
    default:
      return cell satisfies never;
  }
}

function showRuns(output: Output, runs: readonly RunRecord[], zone: string): void {
  if (runs.length === 0) return;
  output.table(
    ['due', 'job', 'came to', { head: 'took', align: 'right' }, 'tries', 'by', 'why'],
    runs.map((each) => [
      formatMoment(each.due, zone),
      each.job,
      each.state,
      each.startedAt === undefined || each.endedAt === undefined ? '' : formatDuration(each.endedAt.getTime() - each.startedAt.getTime()),
      each.attempt > 1 ? String(each.attempt) : '',
      each.worker ?? '',
      each.error ?? '',
    ]),
  );
}

/** A run as `--json` shows it. */
function runDocument(run: RunRecord): object {
  return {
    ...run,
    startedAt: run.startedAt ?? null,
    endedAt: run.endedAt ?? null,
    worker: run.worker ?? null,
    exitStatus: run.exitStatus ?? null,
    error: run.error ?? null,
  };
}
