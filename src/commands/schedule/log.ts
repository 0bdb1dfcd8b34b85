import { formatDuration } from '../../base/durations.ts';
import { DbadminError } from '../../base/errors.ts';
import { formatMoment } from '../../schedule/recurrence.ts';
import { flagOption, textOption, wholeNumberOption, type CommandContext, type CommandInput } from '../command.ts';
import { openControl } from '../control-database.ts';
import { followRunLog, readRunLog, type RunLog, type WhichRun } from './follow-log.ts';
import { findPolicies } from './load-policies.ts';
import { attemptDocument, runDocument } from './show-run.ts';

/** `dbadmin schedule log`: what a run printed, or prints now, wherever it runs. */
export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { output } = context;
  const { config, localZone } = await findPolicies(context, input);
  const which: WhichRun = { job: input.args[0] ?? '', runId: runOption(input), attempt: wholeNumberOption(input, 'attempt', 1) };
  const control = await openControl(config, 'dbadmin schedule log');
  try {
    const log = flagOption(input, 'follow') ? await follow(context, control, which) : await readRunLog(control, which);
    if (!flagOption(input, 'follow')) {
      tellDropped(context, log);
      for (const line of log.lines) output.line(line);
    }
    output.note(describeEnd(log, localZone));
    output.result(logDocument(log));
    return 0;
  } finally {
    await control.pool.close();
  }
}

async function follow(context: CommandContext, control: Parameters<typeof followRunLog>[0], which: WhichRun): Promise<RunLog> {
  const { output } = context;
  let shown: RunLog | undefined;
  for await (const log of followRunLog(control, which, context)) {
    if (log.attempt !== undefined && log.attempt !== shown?.attempt && log.attempt > 1) output.note(`attempt ${log.attempt}`);
    if (shown === undefined) tellDropped(context, log);
    for (const line of log.lines) output.line(line);
    shown = log;
    if (output.isUnread) break;
  }
  context.signal.throwIfAborted();
  return await readRunLog(control, { ...which, runId: shown?.run.runId });
}

function tellDropped({ output }: CommandContext, { firstLine }: RunLog): void {
  if (firstLine > 1) output.note(`(${firstLine - 1} earlier lines are not kept)`);
}

function describeEnd({ run, attempts }: RunLog, zone: string): string {
  const begun = run.startedAt === undefined ? '' : `, begun ${formatMoment(run.startedAt, zone)}`;
  const took =
    run.startedAt === undefined || run.endedAt === undefined
      ? ''
      : ` after ${formatDuration(run.endedAt.getTime() - run.startedAt.getTime())}`;
  const tries = attempts.length > 1 ? `, ${attempts.length} attempts` : '';
  return `${run.job}: ${run.state}${took}${begun}${run.worker === undefined ? '' : ` by ${run.worker}`}${tries}${run.error === undefined ? '' : `: ${run.error}`}`;
}

/** A log as `--json` shows it. */
export function logDocument({ run, attempts, attempt, firstLine, lines, isOver }: RunLog): object {
  return { run: runDocument(run), attempts: attempts.map(attemptDocument), attempt: attempt ?? null, firstLine, lines, isOver };
}

function runOption(input: CommandInput): string | undefined {
  const text = textOption(input, 'run');
  if (text === undefined || /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text)) return text;
  throw new DbadminError('usage', `--run takes the runId that dbadmin schedule history --json gives, not "${text}"`);
}
