import { randomUUID } from 'node:crypto';
import { DbadminError, isDbadminError, messageOf } from '../base/errors.ts';
import { type ConnectionParameters } from '../postgres/parameters.ts';
import type { Activity } from './watch/activity.ts';
import { applyRoutines, type AppliedRoutine } from './routines/apply.ts';
import { watchBodies } from './bodies/apply.ts';
import type { AppliedFile, ApplyContext } from './file-run.ts';
import { ensureHistory } from './history/ensure.ts';
import { GrantKeeper, keepingGrants } from './grants/apply.ts';
import type { AfterRun, ExpectedPlan, FoundPlan, RunObserver } from './hooks.ts';
import { observe, readFiles, type FoundFiles, type MigrationDirectories } from './inspect.ts';
import { canCheckClient, inspectServer, type ServerFacts } from './session/inspect-server.ts';
import { joinObservers } from './join-observers.ts';
import { acquireLock, releaseLock, type LockOptions } from './session/lock.ts';
import { loadSqlParser, NO_PARSER, rememberingParser, type SqlParser } from './sql/parser.ts';
import { lazyRoutines } from './routines/parse.ts';
import { hasSomethingToParse, planMigrations, type MigrationPlan, type Observed, type PlanPolicy } from './plan.ts';
import { inspectPreflight } from './watch/inspect-preflight.ts';
import { refusePooler } from '../postgres/pooler.ts';
import { preflightWarnings, touchedBy } from './watch/preflight.ts';
import { joinProblems } from './files/problems.ts';
import { markMoment, type MarkedMoment, type MarkOptions } from './restore-point.ts';
import type { RetryPolicy } from './session/retry.ts';
import type { Routine } from './routines/routines.ts';
import { openSession, type Session } from './session/session.ts';
import { cancelOnAbort, finishRun, openRunSession } from './session/run-session.ts';
import { freshSessionSql, type SessionSettings } from './session/settings.ts';
import { serverError } from './session/sql-error.ts';
import type { HeldLock } from './watch/held-locks.ts';
import { Watch } from './watch/watch.ts';

export interface MigrateUpOptions extends LockOptions, MarkOptions {
  readonly connection: ConnectionParameters;
  /** Schema of the history. */
  readonly schema: string;
  readonly lockTimeoutMs: number;
  readonly directories: MigrationDirectories;
  readonly toolVersion: string;
  /** Asked for when there is something to do. */
  readonly gitCommit: (() => Promise<string | undefined>) | undefined;
  readonly policy: PlanPolicy;
  readonly retry: RetryPolicy;
  /** Called before the lock is taken, once there is something to do: it warns, or refuses by throwing. */
  readonly beforeRun?: (found: FoundPlan) => Promise<readonly string[]>;
  /** What another session sees of a statement that runs long; undefined when that statement ended. */
  readonly onActivity?: (activity: Activity | undefined) => void;
  readonly onApplied?: (file: AppliedFile) => void;
  /** Looked at before: refused under the lock when it is not what would run now. */
  readonly expected?: ExpectedPlan;
  readonly observer?: RunObserver;
  /** Called when all is applied, before the lock is given back. */
  readonly afterRun?: AfterRun;
}

export interface MigrateUpResult {
  /** Undefined when there was nothing to do. */
  readonly runId: string | undefined;
  readonly database: string;
  readonly versioned: readonly AppliedFile[];
  readonly routines: readonly AppliedRoutine[];
  /** Held by the transaction of the routines, on tables that were there before. */
  readonly routineLocks: readonly HeldLock[];
  readonly restorePoint: MarkedMoment | undefined;
  readonly warnings: readonly string[];
  /** What was warned of before anything was applied; said already. */
  readonly preflight: readonly string[];
}

/**
 * Applies what is pending: versioned files in order, then changed routines. Takes the database's migration lock for it and always
 * gives it back. Looks before it locks, so that a run with nothing to do waits for nobody, and again under the lock.
 *
 * @throws {DbadminError} `migration-invalid`, `migration-changed` before anything is touched; `locked`, `refused` (a standby, a
 * transaction pooler); `migration-failed` with what was applied before it.
 */
export async function migrateUp(options: MigrateUpOptions): Promise<MigrateUpResult> {
  // While the server answers.
  const reading = readFiles(options.directories);
  reading.catch(() => undefined);
  const session = await openRunSession(options);
  const stopCancelling = cancelOnAbort(session, options);
  try {
    const server = await inspectServer(session);
    // Loading it takes as long as all else that a run with nothing to do does.
    let loaded: Promise<SqlParser> | undefined;
    const load = async (): Promise<SqlParser> => await (loaded ??= loadSqlParser().then(rememberingParser));
    const { plan: before, observed } = await makePlan(session, options, load, reading);
    if (before.versioned.length + before.routines.length === 0) {
      await options.expected?.compare({ plan: before, observed, server, session });
      return nothingDone(server, before);
    }
    refuseStandby(server);
    await refusePooler(session, async () => await openRunSession(options));
    const preflight = await lookAhead({ plan: before, observed, server, session }, options);
    const checksClient = await canCheckClient(session);
    const settings = { lockTimeoutMs: options.lockTimeoutMs, checksClient };
    await session.query(freshSessionSql(settings));
    await acquireLock(session, options);
    try {
      const found = await makePlan(session, options, load, readFiles(options.directories));
      const { plan, parser } = found;
      await options.expected?.compare({ ...found, server, session });
      if (plan.versioned.length + plan.routines.length === 0) return nothingDone(server, plan);
      await ensureHistory(session, options.schema, { ...server, toolVersion: options.toolVersion });
      const all = lazyRoutines(found.observed.routines, parser);
      const done = await applyPlan({ plan, all }, session, server, settings, options);
      return { ...done, preflight };
    } finally {
      if (session.lost() === undefined) await releaseLock(session).catch(() => undefined);
    }
  } catch (error) {
    // Whatever else an interruption made fail; one that says what is left of the files is told as it is.
    if (!isDbadminError(error, 'interrupted')) options.signal.throwIfAborted();
    throw serverError(error, session.lost());
  } finally {
    stopCancelling();
    await session.close();
  }
}

interface Planned {
  readonly parser: SqlParser;
  readonly plan: MigrationPlan;
  readonly observed: Observed;
}

async function makePlan(
  session: Session,
  options: MigrateUpOptions,
  load: () => Promise<SqlParser>,
  reading: Promise<FoundFiles>,
): Promise<Planned> {
  const observed = await observe(session, options.schema, await reading);
  const parser = hasSomethingToParse(observed) ? await load() : NO_PARSER;
  const plan = planMigrations(observed, options.policy, parser, options.clock.now());
  if (plan.problems.length > 0) throw joinProblems(plan.problems, `${plan.problems.length} problems with migrations; nothing was applied`);
  return { plan, observed, parser };
}

function nothingDone({ database }: ServerFacts, { warnings }: MigrationPlan): MigrateUpResult {
  return { runId: undefined, database, versioned: [], routines: [], routineLocks: [], restorePoint: undefined, warnings, preflight: [] };
}

function refuseStandby({ isStandby, database }: ServerFacts): void {
  if (!isStandby) return;
  throw new DbadminError('refused', `${database} is on a standby, which cannot be changed`, {
    hint: 'Migrate the primary; the standby follows.',
  });
}

/** Says what is in the way, before a lock is taken. */
async function lookAhead(found: FoundPlan, { beforeRun, log, signal }: MigrateUpOptions): Promise<readonly string[]> {
  const asked = (await beforeRun?.(found)) ?? [];
  let seen: readonly string[] = [];
  try {
    seen = preflightWarnings(await inspectPreflight(found.session, touchedBy(found.plan)));
  } catch (error) {
    // Not seeing what is in the way is no reason to stop.
    signal.throwIfAborted();
    log.debug(`nobody looked what is in the way: ${messageOf(error)}`);
  }
  const warnings = [...asked, ...seen];
  for (const warning of warnings) log.warn(warning);
  return warnings;
}

async function applyPlan(
  { plan, all }: { readonly plan: MigrationPlan; readonly all: () => readonly Routine[] },
  session: Session,
  server: ServerFacts,
  settings: SessionSettings,
  options: MigrateUpOptions,
): Promise<Omit<MigrateUpResult, 'preflight'>> {
  const restorePoint = await markMoment(session, server, plan.versioned[0]?.name.version, options);
  const runId = randomUUID();
  const { schema, toolVersion } = options;
  const gitCommit = await options.gitCommit?.();
  const { clock, random, log, signal, retry } = options;
  const watch = new Watch({
    clock,
    log,
    pid: server.pid,
    open: async () => await openSession(options.connection, { applicationName: 'dbadmin migrate watch' }),
    onActivity: options.onActivity,
  });
  const grants = new GrantKeeper(log);
  const bodies = await watchBodies(session, { plan, all, schema, log });
  const context: ApplyContext = {
    session,
    settings,
    run: { schema, runId, toolVersion, gitCommit, restorePoint },
    clock,
    random,
    log,
    signal,
    retry,
    observer: joinObservers([options.observer, keepingGrants(grants), bodies]),
    grants,
    watch,
    blockedBy: () => watch.blockedBy(),
  };
  const versioned: AppliedFile[] = [];
  try {
    // node-pg-migrate takes longer to load than a run with nothing to do may last.
    const { applyVersioned } = await import('./apply.ts');
    await applyVersioned(plan.versioned, context, (file) => {
      versioned.push(file);
      options.onApplied?.(file);
    });
    const { routines, locks: routineLocks } = await applyRoutines({ routines: plan.routines, all }, context);
    const after = await finishRun(options.afterRun, settings, options.signal, { runId, server, versioned, routines, session });
    const warnings = [...plan.warnings, ...after];
    return { runId, database: server.database, versioned, routines, routineLocks, restorePoint, warnings };
  } catch (error) {
    throw versioned.length === 0 ? error : withProgress(error, versioned, plan);
  } finally {
    await watch.close();
  }
}

/** The same failure, saying also how far the run came. */
function withProgress(error: unknown, applied: readonly AppliedFile[], plan: MigrationPlan): unknown {
  if (!isDbadminError(error)) return error;
  const stay = applied.length === 1 ? 'was applied before and stays' : 'were applied before and stay';
  const progress = `${applied.length} of ${plan.versioned.length} ${plan.versioned.length === 1 ? 'file' : 'files'} ${stay} applied; the next run goes on from here.`;
  const detail = error.detail === undefined ? progress : `${error.detail}\n${progress}`;
  return new DbadminError(error.code, error.message, { detail, hint: error.hint, cause: error.cause });
}
