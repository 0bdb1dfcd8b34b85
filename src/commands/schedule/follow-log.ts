import type { Clock } from '../../base/clock.ts';
import { DbadminError } from '../../base/errors.ts';
import type { ControlPlace } from '../../schedule/control/due-apply.ts';
import { inspectAttempts, inspectNewestRun, inspectRun, type AttemptRecord } from '../../schedule/control/runs-inspect.ts';
import { readTail } from '../../schedule/log-tail.ts';
import type { RunRecord } from '../../schedule/run-record.ts';

/** What a run printed in one of its attempts, as much of it as is kept. */
export interface RunLog {
  readonly run: RunRecord;
  readonly attempts: readonly AttemptRecord[];
  /** Undefined while it waits for its first. */
  readonly attempt: number | undefined;
  /** Of the first of `lines`, from 1; those before it are not kept. */
  readonly firstLine: number;
  readonly lines: readonly string[];
  /** Nothing more comes. */
  readonly isOver: boolean;
}

export interface WhichRun {
  readonly job: string;
  /** Undefined for the one that goes on, or else the last. */
  readonly runId: string | undefined;
  /** Undefined for the last. */
  readonly attempt: number | undefined;
}

const LOOK_MS = 1000;
const OVER: ReadonlySet<string> = new Set(['succeeded', 'failed', 'missed', 'skipped']);

/**
 * What a run printed.
 *
 * @throws {DbadminError} `usage` when there is no such run or attempt.
 */
export async function readRunLog({ pool, schema }: ControlPlace, { job, runId, attempt }: WhichRun): Promise<RunLog> {
  const run = runId === undefined ? await inspectNewestRun(pool, schema, job) : await inspectRun(pool, schema, runId);
  if (run === undefined || run.job !== job) {
    throw new DbadminError('usage', runId === undefined ? `no run of ${job} is recorded` : `${job} has no run ${runId}`, {
      hint: `See dbadmin schedule history --job ${job}.`,
    });
  }
  const attempts = await inspectAttempts(pool, schema, run.runId);
  const chosen = attempt === undefined ? attempts.at(-1) : attempts.find((each) => each.attempt === attempt);
  if (chosen === undefined && attempt !== undefined)
    throw new DbadminError('usage', `the run has no attempt ${attempt}`, { hint: `It was begun ${attempts.length} times.` });
  const { dropped, lines } = readTail(chosen?.logTail ?? '');
  const isOver = OVER.has(run.state) || (attempt !== undefined && chosen?.endedAt !== undefined);
  return { run, attempts, attempt: chosen?.attempt, firstLine: dropped + 1, lines, isOver };
}

/**
 * What a run prints, as it prints it: first everything that is kept, then with each look what is new, until it is over or the
 * signal. A line that was not at its end comes again. A new attempt begins anew with line 1.
 */
export async function* followRunLog(
  control: ControlPlace,
  which: WhichRun,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<RunLog> {
  let before: RunLog | undefined;
  while (!signal.aborted) {
    const log = await readRunLog(control, before === undefined ? which : { ...which, runId: before.run.runId });
    if (before === undefined || before.attempt !== log.attempt) yield log;
    else {
      const news = newLines(before, log);
      if (before.run.state !== log.run.state || news.lines.length > 0) yield news;
    }
    if (log.isOver) return;
    before = log;
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
  }
}

/** The lines that were not there before, and the last of those that were if it has changed. */
export function newLines(before: RunLog, now: RunLog): RunLog {
  const lastBefore = before.firstLine + before.lines.length - 1;
  const last = before.lines.at(-1);
  const isSame = last === undefined || now.lines[lastBefore - now.firstLine] === last;
  const from = Math.max(now.firstLine, isSame ? lastBefore + 1 : lastBefore);
  return { ...now, firstLine: from, lines: now.lines.slice(from - now.firstLine) };
}
