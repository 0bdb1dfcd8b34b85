import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { formatDuration } from '../../base/durations.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { suggestion } from '../../base/spelling.ts';
import type { Config } from '../../config/config.ts';
import { selectCluster } from '../../config/load.ts';
import { openClient } from '../../postgres/client.ts';
import { describeWork, type Job } from '../../schedule/policies.ts';
import { claimJob } from '../../schedule/run.ts';
import { periodBounds } from '../../schedule/upcoming.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { commandNames, commandsOf, programFile, type JobCommands } from './job-commands.ts';
import { loadPolicies } from './load-policies.ts';

export async function run(context: CommandContext, input: CommandInput): Promise<number> {
  const { config, policies } = await loadPolicies(context, input);
  const job = findJob(policies.jobs, input.args[0] ?? '');
  const { COMMANDS } = await import('../catalogue.ts');
  const todo = commandsOf(job, policies, commandNames(COMMANDS));
  if (todo.kind === 'refusal') throw new DbadminError('refused', `job ${job.name} cannot run: ${todo.reason}`);

  const started = context.clock.now();
  const { from, until } = periodBounds(job.period, started);
  if ((from !== undefined && started < from) || (until !== undefined && started >= until)) {
    context.output.note(`${job.name} is not in force now: nothing was done`);
    context.output.result({ job: job.name, inForce: false, attempts: 0, tookMs: 0 });
    return 0;
  }
  const release = await claimJob(config.paths.policies, job.name);
  context.output.note(`${job.name}: ${describeWork(job.work)}`);
  let attempts: number;
  try {
    attempts = await attempt(context, job, async () => await perform(context, config, todo));
  } finally {
    await release();
  }
  const tookMs = context.clock.now().getTime() - started.getTime();
  context.output.note(`${job.name} done in ${formatDuration(tookMs)}${attempts === 1 ? '' : `, at attempt ${attempts}`}`);
  context.output.result({ job: job.name, inForce: true, attempts, tookMs });
  return 0;
}

function findJob(jobs: readonly Job[], name: string): Job {
  const job = jobs.find((candidate) => candidate.name === name);
  if (job !== undefined) return job;
  const names = jobs.map((candidate) => candidate.name);
  throw new DbadminError('usage', `there is no job "${name}"${suggestion(name, names)}`, { hint: 'See dbadmin schedule list.' });
}

/** Does it until it succeeds or the retries are used up; gives the number of attempts. */
async function attempt(context: CommandContext, job: Job, action: () => Promise<void>): Promise<number> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      await action();
      return attempts;
    } catch (error) {
      if (attempts > job.retries || context.signal.aborted || isDbadminError(error, 'usage')) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      context.log.warn(`${job.name}: ${reason}; attempt ${attempts + 1} of ${job.retries + 1} in ${formatDuration(job.retryDelayMs)}`);
      await context.clock.sleep(job.retryDelayMs, context.signal);
    }
  }
}

async function perform(context: CommandContext, config: Config, todo: Exclude<JobCommands, { kind: 'refusal' }>): Promise<void> {
  if (todo.kind === 'commands') {
    for (const words of todo.commands) await runCommand(context, config, words);
    return;
  }
  const { connection } = selectCluster(config, todo.cluster);
  const sql = await openClient({ ...connection, database: todo.database ?? connection.database }, { applicationName: 'dbadmin schedule' });
  try {
    await sql.unsafe(todo.sql);
  } catch (error) {
    throw new DbadminError('query-failed', `the database refused: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** A process of its own, so that a command that fails leaves nothing behind in the next attempt. */
async function runCommand(context: CommandContext, config: Config, words: readonly string[]): Promise<void> {
  const configuration = config.file === undefined ? [] : ['--config', config.file];
  const quiet = context.output.quiet ? ['--quiet'] : [];
  const shown = context.output.quiet || context.output.json ? 'ignore' : 'inherit';
  const child = spawn(process.execPath, [programFile(), ...words, ...configuration, ...quiet, '--yes'], {
    cwd: config.directory,
    env: { ...context.env },
    stdio: ['ignore', shown, 'inherit'],
    signal: context.signal,
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  if (code === 0) return;
  throw new DbadminError(
    code === 64 ? 'usage' : 'program-failed',
    `dbadmin ${words.join(' ')} ended with ${code === null ? `signal ${signal ?? ''}` : `status ${code}`}`,
  );
}
