import type postgres from 'postgres';
import { DbadminError, ERROR_CODES, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { NOT_EXPIRED } from '../../base/exit-status.ts';
import { lastSaid } from '../../base/last-said.ts';
import type { Config } from '../../config/config.ts';
import { selectCluster } from '../../config/load.ts';
import { requestCancel, type BackendKey } from '../../postgres/cancel-request.ts';
import { addressOf, openClient } from '../../postgres/client.ts';
import type { AttemptOutcome, DoneRepository } from '../../schedule/attempt.ts';
import { HAS_RUNS, markEffect } from '../../schedule/control/effect.ts';
import type { CommandContext } from '../command.ts';
import { cancellable, type Cancel } from './cancellable.ts';
import { runChild, type ChildEnd, type ChildOptions, type Take } from './child.ts';
import { leftOf, outcomeIn, overWith, readDone, repositoriesOf } from './done-repositories.ts';
import { isFinalStatus } from './final-status.ts';
import type { JobCommands } from './job-commands.ts';
import { whatIsLeft } from './what-is-left.ts';

export interface PerformOptions extends Pick<ChildOptions, 'signal' | 'output'> {
  readonly job: string;
  readonly due: Date;
  /** With what an attempt before is over: it is left out. */
  readonly done?: readonly DoneRepository[];
  /** The run in the control database that this is; without one, nothing but the job is done. */
  readonly run: { readonly runId: string; readonly attempt: number } | undefined;
}

/**
 * Does a job once. A command runs as a process of its own, and finds the job and its time in DBADMIN_JOB and DBADMIN_DUE;
 * SQL runs from here, and finds them in the settings dbadmin.job and dbadmin.due. Of several commands, one for each
 * repository, all are run, whatever became of those before; what of the repositories is done is not done again with the next attempt.
 */
export async function performJob(
  context: Pick<CommandContext, 'env'>,
  config: Config,
  todo: Exclude<JobCommands, { kind: 'refusal' }>,
  options: PerformOptions,
): Promise<AttemptOutcome> {
  if (todo.kind === 'sql') return await performSql(config, todo, options);
  const named = new Set(todo.commands.flatMap(repositoriesOf));
  const before = (options.done ?? []).filter(({ repository }) => named.has(repository));
  const done = new Map(before.map((each) => [each.repository, each]));
  const outcomes = before.map(outcomeIn);
  for (const words of todo.commands) {
    const left = leftOf(words, new Set(done.keys()));
    if (left === undefined) continue;
    const { outcome, told } = await performCommand(context, config, left, options);
    outcomes.push(outcome);
    for (const each of [...told, ...overWith(left, outcome)]) done.set(each.repository, each);
  }
  const outcome = worst(outcomes);
  return outcome.kind === 'succeeded' || done.size === 0 ? outcome : { ...outcome, done: [...done.values()] };
}

/** A failure that can pass is told before one that cannot, so that what can still be done is tried again. */
function worst(outcomes: readonly AttemptOutcome[]): AttemptOutcome {
  const rank = (outcome: AttemptOutcome): number => {
    if (outcome.kind === 'succeeded') return outcome.warning === undefined ? 0 : 1;
    if (outcome.kind === 'failed') return outcome.final ? 2 : 3;
    return outcome.kind === 'locked' ? 4 : 5;
  };
  return outcomes.toSorted((left, right) => rank(right) - rank(left))[0] ?? { kind: 'succeeded' };
}

async function performCommand(
  { env }: Pick<CommandContext, 'env'>,
  config: Config,
  words: readonly string[],
  { job, due, signal, output }: PerformOptions,
): Promise<{ readonly outcome: AttemptOutcome; readonly told: readonly DoneRepository[] }> {
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
  return { outcome: outcomeOf(words, end, signal, lastSaid(tail, end.status)), told: readDone(end.told) };
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
  if (signal.aborted && status !== NOT_EXPIRED) return { kind: 'interrupted', error: messageOf(signal.reason) };
  const ended = `dbadmin ${words.join(' ')} ended with ${status === null ? `signal ${by ?? ''}` : `status ${status}`}`;
  const error = said === undefined ? ended : `${said} (${ended})`;
  // What was taken is there for whatever comes after it; trying again would take one more.
  if (status === NOT_EXPIRED) return { kind: 'succeeded', warning: error };
  if (status === ERROR_CODES.locked.exit) return { kind: 'locked', error };
  if (status === ERROR_CODES.interrupted.exit) return { kind: 'interrupted', error };
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
        path: 'own',
        onNotice: ({ severity, message }) => print(options, `${severity}: ${message}\n`),
      },
    );
  } catch (error) {
    return failed(error);
  }
  /** The session, once it may be at the job's own SQL. */
  let begun: BackendKey | undefined;
  let goesOn: string | undefined;
  let unheeded: NodeJS.Timeout | undefined;
  const giveUp = (): void => {
    if (begun !== undefined) {
      goesOn = `its SQL did not end within ${CANCEL_MS / 1000} s of being cancelled, and may go on in the server (process ${begun.pid})`;
      print(options, `${goesOn}\n`);
    }
    void sql.end({ timeout: 0 }).catch(() => undefined);
  };
  const onAbort = (): void => {
    unheeded = setTimeout(giveUp, CANCEL_MS);
  };
  options.signal.addEventListener('abort', onAbort, { once: true });
  try {
    const { state } =
      await sql`select pg_catalog.set_config('dbadmin.job', ${options.job}, false), pg_catalog.set_config('dbadmin.due', ${options.due.toISOString()}, false)`;
    return await runSql(
      {
        sql,
        cancel: async (signal) => await requestCancel(connection, addressOf(sql), state, signal),
        onBegin: () => (begun = state),
      },
      config.control.schema,
      todo.sql,
      options,
    );
  } catch (error) {
    if (!options.signal.aborted) return failed(error);
    const why = isDbadminError(error, 'interrupted') ? error.message : messageOf(options.signal.reason);
    return { kind: 'interrupted', error: goesOn === undefined ? why : `${why}; ${goesOn}` };
  } finally {
    options.signal.removeEventListener('abort', onAbort);
    clearTimeout(unheeded);
    await sql.end({ timeout: 5 }).catch(() => undefined);
  }
}

/** How long a statement may take to heed that it is cancelled, before its connection is given up. */
const CANCEL_MS = 5000;

/** Not possible inside of a transaction: VACUUM and the like, and procedures that commit. */
const NEEDS_NO_TRANSACTION: ReadonlySet<string> = new Set(['25001', '2D000']);

interface JobSession {
  readonly sql: postgres.Sql;
  readonly cancel: Cancel;
  /** Called before anything of the job's own SQL is sent. */
  readonly onBegin: () => void;
}

/**
 * In the control database the effect and the mark that it is there are one transaction: however the worker ends, it happens
 * once. What cannot run in a transaction runs without, and after a worker's death in the wrong moment once more.
 */
async function runSql(
  { sql, cancel, onBegin }: JobSession,
  schema: string,
  text: string,
  { run, signal }: PerformOptions,
): Promise<AttemptOutcome> {
  const begin = async (own: Pick<postgres.Sql, 'unsafe'>): Promise<void> => {
    signal.throwIfAborted();
    onBegin();
    await cancellable(own.unsafe(text), cancel, signal);
  };
  let isRefusedInTransaction = false;
  if (run !== undefined && (await isControlDatabase({ sql, cancel }, schema, run.runId, signal))) {
    try {
      return await sql.begin(async (tx): Promise<AttemptOutcome> => {
        await begin(tx);
        const marked = await cancellable(tx.unsafe(markEffect(schema), [run.runId, run.attempt]), cancel, signal);
        if (marked.length === 0) throw new DbadminError('interrupted', 'the run was given to another worker, and nothing was changed');
        return { kind: 'succeeded' };
      });
    } catch (error) {
      if (error instanceof DbadminError && error.code === 'interrupted') return { kind: 'interrupted', error: error.message };
      isRefusedInTransaction = NEEDS_NO_TRANSACTION.has(systemCodeOf(error) ?? '');
      if (!isRefusedInTransaction) throw error;
    }
  }
  signal.throwIfAborted();
  try {
    await begin(sql);
  } catch (error) {
    const left = whatIsLeft(text, isRefusedInTransaction);
    if (!signal.aborted || left === undefined) throw error;
    throw new DbadminError('interrupted', `${messageOf(signal.reason)}; ${left}`, { cause: error });
  }
  return { kind: 'succeeded' };
}

/** May wait for a lock, as for who alters the tables: it is cancelled like the job. */
async function isControlDatabase(
  { sql, cancel }: Omit<JobSession, 'onBegin'>,
  schema: string,
  runId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const tables = await cancellable(sql.unsafe(HAS_RUNS, [`${schema}.run_attempt`]), cancel, signal).catch(() => []);
  if (tables.length === 0) return false;
  return (await cancellable(sql.unsafe(`select from ${schema}.run where run_id = $1`, [runId]), cancel, signal)).length > 0;
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
