import os from 'node:os';
import path from 'node:path';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { NOT_EXPIRED, WRONG_USAGE } from '../../base/exit-status.ts';
import { suggestion } from '../../base/spelling.ts';
import type { Config } from '../../config/config.ts';
import { doneBy, nextStep, type AttemptOutcome, type DoneRepository } from '../../schedule/attempt.ts';
import {
  beginTimerRun,
  endTimerRun,
  logTimerRun,
  markTimerRun,
  repeatTimerRun,
  type TimerRun,
} from '../../schedule/control/timer-runs-apply.ts';
import type { ControlPlace } from '../../schedule/control/due-apply.ts';
import { LogTail } from '../../schedule/log-tail.ts';
import { describeWork, type Job, type Policies } from '../../schedule/policies.ts';
import { claimJob } from '../../schedule/run.ts';
import { periodBounds } from '../../schedule/upcoming.ts';
import { flagOption, textOption, type CommandContext, type CommandInput } from '../command.ts';
import { openControlToRecord } from '../control-database.ts';
import { commandNames, commandsOf, type JobCommands } from './job-commands.ts';
import { loadPolicies } from './load-policies.ts';
import { findPause, pauseText, type Pause } from './find-pause.ts';
import { noteNotExpired, readNotExpired } from './not-expired.ts';
import { performJob } from './perform.ts';
import { queueRun } from './queue-run.ts';

const LOG_TAIL_CHARACTERS = 16 * 1024;
const SIGN_OF_LIFE_MS = 20_000;
/** Whoever follows the log sees what was printed this long ago. */
const LOG_MS = 1000;
const NOTHING_DONE = { inForce: true, paused: null, attempts: 0, tookMs: 0, recorded: false, warning: undefined } as const;

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, policies } = await loadPolicies(context, input);
  const job = findJob(policies.jobs, input.args[0] ?? '');
  const chain = { into: fileOption(context, input, 'notExpiredInto'), from: fileOption(context, input, 'notExpiredFrom') };
  if (flagOption(input, 'worker')) {
    if (chain.into !== undefined || chain.from !== undefined)
      throw new DbadminError('usage', '--not-expired-into and --not-expired-from do not go with --worker', {
        hint: 'A worker runs what is after a job by itself.',
      });
    return await queueRun(context, config, policies, job, flagOption(input, 'evenIfPaused'));
  }
  const { COMMANDS } = await import('../catalogue.ts');
  const todo = commandsOf(job, policies, commandNames(COMMANDS));
  if (todo.kind === 'refusal') throw new DbadminError('refused', `job ${job.name} cannot run: ${todo.reason}`);
  const { warning, ...done } = await runIfDue(context, config, policies, job, todo, flagOption(input, 'evenIfPaused'));
  if (warning !== undefined) context.output.warn(`${job.name}: ${warning}`);
  const before = await readNotExpired(chain.from);
  for (const line of before) context.output.warn(line);
  const all = [...(warning === undefined ? [] : [warning]), ...before];
  context.output.result({ job: job.name, ...done, warning: all.length === 0 ? null : all.join('\n') });
  if (all.length === 0) return 0;
  return (await noteNotExpired(context, chain.into, `${job.name}: ${warning ?? ''}`)) ? 0 : NOT_EXPIRED;
}

function fileOption(context: CommandContext, input: CommandInput, name: string): string | undefined {
  const file = textOption(input, name);
  return file === undefined ? undefined : path.resolve(context.cwd, file);
}

/** Unless its period or a pause keeps it from running. */
async function runIfDue(
  context: CommandContext,
  config: Config,
  policies: Policies,
  job: Job,
  todo: Exclude<JobCommands, { kind: 'refusal' }>,
  evenIfPaused: boolean,
): Promise<Ran> {
  const started = context.clock.now();
  const { from, until } = periodBounds(job.period, started);
  if ((from !== undefined && started < from) || (until !== undefined && started >= until)) {
    context.output.note(`${job.name} is not in force now: nothing was done`);
    return { ...NOTHING_DONE, inForce: false };
  }
  const control = await openRecord(context, config);
  let done: Done;
  try {
    const paused = evenIfPaused ? undefined : await findPause(control, policies, job, started);
    if (paused !== undefined) return sayPaused(context, job, paused);
    const release = await claimJob(config.paths.policies, job.name);
    try {
      context.output.note(`${job.name}: ${describeWork(job.work)}`);
      done = await attempt(context, config, job, todo, control);
    } finally {
      await release();
    }
  } finally {
    await control?.pool.close();
  }
  const tookMs = context.clock.now().getTime() - started.getTime();
  context.output.note(`${job.name} done in ${formatDuration(tookMs)}${done.attempts === 1 ? '' : `, at attempt ${done.attempts}`}`);
  return { inForce: true, paused: null, ...done, tookMs };
}

/** Not a failure: timers call this, and a pause is there to be kept by them. */
function sayPaused({ log }: CommandContext, job: Job, paused: Pause): Ran {
  log.warn(`${pauseText(job, paused)}: nothing was done. With --even-if-paused it runs`);
  const { by, reason, at, until } = paused;
  return { ...NOTHING_DONE, paused: { job: paused.job, at: at ?? null, until: until ?? null, by, reason: reason ?? null } };
}

/** The job of that name. @throws {DbadminError} `usage` */
export function findJob(jobs: readonly Job[], name: string): Job {
  const job = jobs.find((candidate) => candidate.name === name);
  if (job !== undefined) return job;
  const names = jobs.map((candidate) => candidate.name);
  throw new DbadminError('usage', `there is no job "${name}"${suggestion(name, names)}`, { hint: 'See dbadmin schedule list.' });
}

/** What a timer calls must not fail because nobody can write it down. */
async function openRecord({ log }: CommandContext, config: Config): Promise<ControlPlace | undefined> {
  try {
    return await openControlToRecord(config, 'dbadmin schedule run');
  } catch (error) {
    const text = `this run is not recorded: ${messageOf(error)}`;
    if (config.control.isStated) log.warn(text);
    else log.debug(text);
    return undefined;
  }
}

/** A job that succeeded, at which attempt, and what somebody has to be told all the same. */
interface Done {
  readonly attempts: number;
  readonly recorded: boolean;
  readonly warning: string | undefined;
}

/** What is told as JSON. */
interface Ran extends Done {
  readonly inForce: boolean;
  readonly paused: object | null;
  readonly tookMs: number;
}

/** Does it until it succeeds or the retries are used up. */
async function attempt(
  context: CommandContext,
  config: Config,
  job: Job,
  todo: Exclude<JobCommands, { kind: 'refusal' }>,
  control: ControlPlace | undefined,
): Promise<Done> {
  const { clock, log, signal, output } = context;
  const by = `schedule run on ${os.hostname()} (${process.pid})`;
  const due = clock.now();
  let run = control === undefined ? undefined : await beginTimerRun(control, { job: job.name, due, cause: 'timer', by });
  let done: readonly DoneRepository[] = [];
  for (let failures = 0; ; failures += 1) {
    const tail = new LogTail(LOG_TAIL_CHARACTERS);
    const take = (text: string): void => tail.add(text);
    const isSilent = output.quiet || output.json;
    const outcome = await alive(control, run, tail, async () => {
      // What SQL prints comes through us and nobody else.
      const tell = (text: string): void => (take(text), output.note(text.trimEnd()));
      const printed =
        todo.kind === 'sql' && !isSilent
          ? tell
          : run === undefined
            ? isSilent
              ? 'errors'
              : 'inherit'
            : isSilent
              ? take
              : { beside: take };
      return await performJob(context, config, todo, { job: job.name, due, done, run, signal, output: printed });
    });
    const step = nextStep(outcome, job, { failures, attempt: failures + 1, sinceStartMs: clock.now().getTime() - due.getTime() });
    const isLast = step.kind === 'over' || outcome.kind === 'interrupted' || (outcome.kind === 'locked' && failures >= job.retries);
    run = await record(log, control, run, async (place, current) => {
      if (!isLast) return await repeatTimerRun(place, current, outcome, tail.text(), by);
      await endTimerRun(place, current, outcome, tail.text());
      return current;
    });
    if (outcome.kind === 'succeeded') return { attempts: failures + 1, recorded: run !== undefined, warning: outcome.warning };
    if (isLast) throw failure(outcome, signal);
    done = doneBy(outcome);
    const waitMs = step.afterMs;
    log.warn(`${job.name}: ${outcome.error}; attempt ${failures + 2} of ${job.retries + 1} in ${formatDuration(waitMs)}`);
    // Who gives no sign of life counts as dead.
    await alive(control, run, new LogTail(LOG_TAIL_CHARACTERS), async () => await clock.sleep(waitMs, signal));
  }
}

/** Gives signs of life while the work goes on, and shows what it prints. */
async function alive<T>(control: ControlPlace | undefined, run: TimerRun | undefined, tail: LogTail, work: () => Promise<T>): Promise<T> {
  if (control === undefined || run === undefined) return await work();
  const life = setInterval(() => void markTimerRun(control, run).catch(() => undefined), SIGN_OF_LIFE_MS);
  let shownVersion = 0;
  let isWriting = false;
  const show = async (): Promise<void> => {
    if (isWriting || tail.version === shownVersion) return;
    isWriting = true;
    shownVersion = tail.version;
    await logTimerRun(control, run, tail.text()).catch(() => undefined);
    isWriting = false;
  };
  const log = setInterval(() => void show(), LOG_MS);
  try {
    return await work();
  } finally {
    clearInterval(life);
    clearInterval(log);
  }
}

/** Undefined from the first failure to record on: the job matters more. */
async function record(
  log: CommandContext['log'],
  control: ControlPlace | undefined,
  run: TimerRun | undefined,
  write: (control: ControlPlace, run: TimerRun) => Promise<TimerRun>,
): Promise<TimerRun | undefined> {
  if (control === undefined || run === undefined) return undefined;
  try {
    return await write(control, run);
  } catch (error) {
    log.warn(`how the run ended is not recorded: ${messageOf(error)}`);
    return undefined;
  }
}

function failure(outcome: Exclude<AttemptOutcome, { kind: 'succeeded' }>, signal: AbortSignal): Error {
  // It says more than the signal: what may go on or stay in the server.
  if (signal.aborted && outcome.kind === 'interrupted') return new DbadminError('interrupted', outcome.error, { cause: signal.reason });
  if (signal.aborted) return signal.reason as Error;
  if (outcome.kind === 'locked') return new DbadminError('locked', outcome.error);
  return new DbadminError(outcome.kind === 'failed' && outcome.exitStatus === WRONG_USAGE ? 'usage' : 'program-failed', outcome.error);
}
