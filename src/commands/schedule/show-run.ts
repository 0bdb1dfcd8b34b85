import { formatDuration } from '../../base/durations.ts';
import type { AttemptRecord } from '../../schedule/control/runs-inspect.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import type { RunRecord } from '../../schedule/run-record.ts';
import type { Output } from '../output.ts';

/** Runs as a table for people. */
export function showRuns(output: Output, runs: readonly RunRecord[], zone: string): void {
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
export function runDocument(run: RunRecord): object {
  return {
    ...run,
    startedAt: run.startedAt ?? null,
    endedAt: run.endedAt ?? null,
    worker: run.worker ?? null,
    exitStatus: run.exitStatus ?? null,
    error: run.error ?? null,
  };
}

/** An attempt as `--json` shows it, without what it printed. */
export function attemptDocument({ attempt, worker, startedAt, endedAt, outcome, exitStatus, error }: AttemptRecord): object {
  return {
    attempt,
    worker,
    startedAt,
    endedAt: endedAt ?? null,
    outcome: outcome ?? null,
    exitStatus: exitStatus ?? null,
    error: error ?? null,
  };
}
