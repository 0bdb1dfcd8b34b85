import type postgres from 'postgres';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { selectCluster } from '../../config/load.ts';
import { openClient } from '../../postgres/client.ts';
import type { AttemptOutcome } from '../../schedule/attempt.ts';
import { HAS_RUNS, markEffect } from '../../schedule/control/effect.ts';
import type { CommandContext } from '../command.ts';
import { runChild, type ChildEnd, type ChildOptions, type Take } from './child.ts';
import { isFinalStatus } from './final-status.ts';
import type { JobCommands } from './job-commands.ts';
import { lastSaid } from './last-said.ts';

export interface PerformOptions extends Pick<ChildOptions, 'signal' | 'output'> {
  readonly job: string;
  readonly due: Date;
  /** The run in the control database that this is; without one, nothing but the job is done. */
  readonly run: { readonly runId: string; readonly attempt: number } | undefined;
}

const LOCKED_STATUS = 11;
const INTERRUPTED_STATUS = 130;

/**
 * Does a job once. A command runs as a process of its own, and finds the job and its time in DBADMIN_JOB and DBADMIN_DUE;
 * SQL runs from here, and finds them in the settings dbadmin.job and dbadmin.due. Of several commands, one for each
 * repository, all are run, whatever became of those before.
 */
export async function performJob(
  context: Pick<CommandContext, 'env'>,
  config: Config,
  todo: Exclude<JobCommands, { kind: 'refusal' }>,
  options: PerformOptions,
): Promise<AttemptOutcome> {
  if (todo.kind === 'sql') return await performSql(config, todo, options);
  const outcomes: AttemptOutcome[] = [];
  for (const words of todo.commands) outcomes.push(await performCommand(context, config, words, options));
  return worst(outcomes);
}

/** A failure that can pass is told before one that cannot, so that what can still be done is tried again. */
function worst(outcomes: readonly AttemptOutcome[]): AttemptOutcome {
  const rank = (outcome: AttemptOutcome): number => {
    if (outcome.kind === 'failed') return outcome.final ? 1 : 2;
    return outcome.kind === 'succeeded' ? 0 : outcome.kind === 'locked' ? 3 : 4;
  };
  return outcomes.toSorted((left, right) => rank(right) - rank(left))[0] ?? { kind: 'succeeded' };
}

async function performCommand(
  { env }: Pick<CommandContext, 'env'>,
  config: Config,
  words: readonly string[],
  { job, due, signal, output }: PerformOptions,
): Promise<AttemptOutcome> {
  let tail = '';
  const told = typeof output === 'function' ? output : typeof output === 'object' ? output.beside : undefined;
  const take: Take = (text, stream) => {
    tail = (tail + text).slice(-4000);
    told?.(text, stream);
  };
  const end = await runChild([...words, ...configOption(config), ...(output === 'errors' ? ['--quiet'] : []), '--yes'], {
    cwd: config.directory,
    env: { ...env, DBADMIN_JOB: job, DBADMIN_DUE: due.toISOString() },
    signal,
    output: typeof output === 'function' ? take : typeof output === 'object' ? { beside: take } : output,
  });
  return outcomeOf(words, end, signal, lastSaid(tail, end.status));
}

/** What names the configuration to a command of ours. */
export function configOption({ file }: Config): readonly string[] {
  return file === undefined ? [] : ['--config', file];
}

function outcomeOf(
  words: readonly string[],
  { status, signal: by }: ChildEnd,
  signal: AbortSignal,
  said: string | undefined,
): AttemptOutcome {
  if (status === 0) return { kind: 'succeeded' };
  if (signal.aborted) return { kind: 'interrupted', error: messageOf(signal.reason) };
  const ended = `dbadmin ${words.join(' ')} ended with ${status === null ? `signal ${by ?? ''}` : `status ${status}`}`;
  const error = said === undefined ? ended : `${said} (${ended})`;
  if (status === LOCKED_STATUS) return { kind: 'locked', error };
  if (status === INTERRUPTED_STATUS) return { kind: 'interrupted', error };
  return { kind: 'failed', exitStatus: status ?? undefined, error, final: isFinalStatus(words, status) };
}

async function performSql(config: Config, todo: Extract<JobCommands, { kind: 'sql' }>, options: PerformOptions): Promise<AttemptOutcome> {
  const { connection } = selectCluster(config, todo.cluster);
  let sql: postgres.Sql;
  try {
    sql = await openClient(
      { ...connection, database: todo.database ?? connection.database },
      {
        applicationName: `dbadmin job ${options.job}`.slice(0, 63),
        onNotice: ({ severity, message }) => print(options, `${severity}: ${message}\n`),
      },
    );
  } catch (error) {
    return failed(error);
  }
  const cancel = (): void => void sql.end({ timeout: 0 }).catch(() => undefined);
  options.signal.addEventListener('abort', cancel, { once: true });
  try {
    await sql`select set_config('dbadmin.job', ${options.job}, false), set_config('dbadmin.due', ${options.due.toISOString()}, false)`;
    return await runSql(sql, config.control.schema, todo.sql, options);
  } catch (error) {
    return options.signal.aborted ? { kind: 'interrupted', error: messageOf(options.signal.reason) } : failed(error);
  } finally {
    options.signal.removeEventListener('abort', cancel);
    await sql.end({ timeout: 5 }).catch(() => undefined);
  }
}

/** Not possible inside of a transaction: VACUUM and the like, and procedures that commit. */
const NEEDS_NO_TRANSACTION: ReadonlySet<string> = new Set(['25001', '2D000']);

/**
 * In the control database the effect and the mark that it is there are one transaction: however the worker ends, it happens
 * once. What cannot run in a transaction runs without, and after a worker's death in the wrong moment once more.
 */
async function runSql(sql: postgres.Sql, schema: string, text: string, { run }: PerformOptions): Promise<AttemptOutcome> {
  if (run !== undefined && (await isControlDatabase(sql, schema, run.runId))) {
    try {
      return await sql.begin(async (tx): Promise<AttemptOutcome> => {
        await tx.unsafe(text);
        const marked = await tx.unsafe(markEffect(schema), [run.runId, run.attempt]);
        if (marked.length === 0) throw new DbadminError('interrupted', 'the run was given to another worker, and nothing was changed');
        return { kind: 'succeeded' };
      });
    } catch (error) {
      if (error instanceof DbadminError && error.code === 'interrupted') return { kind: 'interrupted', error: error.message };
      if (!NEEDS_NO_TRANSACTION.has(systemCodeOf(error) ?? '')) throw error;
    }
  }
  await sql.unsafe(text);
  return { kind: 'succeeded' };
}

async function isControlDatabase(sql: postgres.Sql, schema: string, runId: string): Promise<boolean> {
  const tables = await sql.unsafe(HAS_RUNS, [`${schema}.run_attempt`]).catch(() => []);
  if (tables.length === 0) return false;
  return (await sql.unsafe(`select from ${schema}.run where run_id = $1`, [runId])).length > 0;
}

function failed(error: unknown): AttemptOutcome {
  const said = error instanceof DbadminError && error.detail !== undefined ? `${error.message}: ${error.detail}` : messageOf(error);
  const code = systemCodeOf(error);
  return { kind: 'failed', exitStatus: undefined, error: code === undefined ? said : `${said} (${code})`, final: false };
}

function print({ output }: PerformOptions, text: string): void {
  if (typeof output === 'function') output(text, 'stderr');
  else if (typeof output === 'object') output.beside(text, 'stderr');
}
