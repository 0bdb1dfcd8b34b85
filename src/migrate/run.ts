import { randomUUID } from 'node:crypto';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { describeParameters, type ConnectionParameters } from '../postgres/parameters.ts';
import { applyRoutines, type AppliedRoutine } from './apply-routines.ts';
import { applyVersioned } from './apply.ts';
import type { AppliedFile, ApplyContext } from './file-run.ts';
import { createHistorySql } from './history.ts';
import { hasHistory, observe, readFiles, type MigrationDirectories } from './inspect.ts';
import { canCheckClient, inspectServer, type ServerFacts } from './inspect-server.ts';
import { acquireLock, releaseLock, type LockOptions } from './lock.ts';
import { loadSqlParser, type SqlParser } from './parser.ts';
import { planMigrations, type MigrationPlan, type PlanPolicy } from './plan.ts';
import { refusePooler } from './pooler.ts';
import { joinProblems } from './problems.ts';
import { restorePointName, restorePointObstacle, setRestorePoint, type RestorePoint } from './restore-point.ts';
import type { RetryPolicy } from './retry.ts';
import { openSession, type Session } from './session.ts';
import { freshSessionSql } from './settings.ts';
import { serverError } from './sql-error.ts';

export interface MigrateUpOptions extends LockOptions {
  readonly connection: ConnectionParameters;
  /** Schema of the history. */
  readonly schema: string;
  readonly lockTimeoutMs: number;
  readonly directories: MigrationDirectories;
  readonly toolVersion: string;
  readonly gitCommit: string | undefined;
  readonly policy: PlanPolicy;
  readonly retry: RetryPolicy;
  /** False: set none, also where it could be. */
  readonly wantsRestorePoint: boolean;
  /** Resolves with whether the repository's WAL has passed the point. Called before anything is applied. */
  readonly awaitArchived?: (point: RestorePoint) => Promise<boolean>;
  readonly onApplied?: (file: AppliedFile) => void;
}

export interface MigrateUpResult {
  /** Undefined when there was nothing to do. */
  readonly runId: string | undefined;
  readonly database: string;
  readonly versioned: readonly AppliedFile[];
  readonly routines: readonly AppliedRoutine[];
  readonly restorePoint: (RestorePoint & { readonly archived: boolean | undefined }) | undefined;
  readonly warnings: readonly string[];
}

/**
 * Applies what is pending: versioned files in order, then changed routines. Takes the database's migration lock for it and always
 * gives it back. Looks before it locks, so that a run with nothing to do waits for nobody, and again under the lock.
 *
 * @throws {DbadminError} `migration-invalid`, `migration-changed` before anything is touched; `locked`, `refused` (a standby, a
 * transaction pooler); `migration-failed` with what was applied before it.
 */
export async function migrateUp(options: MigrateUpOptions): Promise<MigrateUpResult> {
  const parser = await loadSqlParser();
  const session = await open(options);
  const stopCancelling = cancelOnAbort(session, options);
  try {
    const server = await inspectServer(session);
    const before = await makePlan(session, parser, options);
    if (before.versioned.length + before.routines.length === 0) return nothingDone(server, before);
    refuseStandby(server);
    await refusePooler(session, async () => await open(options));
    const checksClient = await canCheckClient(session);
    const settings = { lockTimeoutMs: options.lockTimeoutMs, checksClient };
    await session.query(freshSessionSql(settings));
    await acquireLock(session, options);
    try {
      const plan = await makePlan(session, parser, options);
      if (plan.versioned.length + plan.routines.length === 0) return nothingDone(server, plan);
      await ensureHistory(session, options.schema, server);
      return await applyPlan(plan, session, server, settings, options);
    } finally {
      if (session.lost() === undefined) await releaseLock(session).catch(() => undefined);
    }
  } catch (error) {
    options.signal.throwIfAborted();
    throw serverError(error, session.lost());
  } finally {
    stopCancelling();
    await session.close();
  }
}

async function open({ connection, log }: MigrateUpOptions): Promise<Session> {
  return await openSession(connection, {
    applicationName: 'dbadmin migrate',
    onNotice: (severity, message) => {
      if (severity === 'WARNING') log.warn(message);
      else log.debug(`${severity}: ${message}`);
    },
  });
}

async function makePlan(session: Session, parser: SqlParser, options: MigrateUpOptions): Promise<MigrationPlan> {
  const observed = await observe(session, options.schema, await readFiles(options.directories));
  const plan = planMigrations(observed, options.policy, parser, options.clock.now());
  if (plan.problems.length > 0) throw joinProblems(plan.problems, `${plan.problems.length} problems with migrations; nothing was applied`);
  return plan;
}

function nothingDone({ database }: ServerFacts, { warnings }: MigrationPlan): MigrateUpResult {
  return { runId: undefined, database, versioned: [], routines: [], restorePoint: undefined, warnings };
}

function refuseStandby({ isStandby, database }: ServerFacts): void {
  if (!isStandby) return;
  throw new DbadminError('refused', `${database} is on a standby, which cannot be changed`, {
    hint: 'Migrate the primary; the standby follows.',
  });
}

async function ensureHistory(session: Session, schema: string, { user, database }: ServerFacts): Promise<void> {
  if (await hasHistory(session, schema)) return;
  try {
    await session.query(`begin; ${createHistorySql(schema)} commit`);
  } catch (error) {
    await session.query('rollback').catch(() => undefined);
    throw new DbadminError(
      systemCodeOf(error) === '42501' ? 'privilege-missing' : 'query-failed',
      `cannot create the history in schema ${schema}`,
      {
        detail: messageOf(error),
        hint: `As a superuser: GRANT CREATE ON DATABASE "${database}" TO "${user}";`,
        cause: error,
      },
    );
  }
}

async function applyPlan(
  plan: MigrationPlan,
  session: Session,
  server: ServerFacts,
  settings: ApplyContext['settings'],
  options: MigrateUpOptions,
): Promise<MigrateUpResult> {
  const restorePoint = await prepareRestorePoint(plan, session, server, options);
  const runId = randomUUID();
  const { schema, toolVersion, gitCommit } = options;
  const { clock, random, log, signal, retry } = options;
  const context: ApplyContext = {
    session,
    settings,
    run: { schema, runId, toolVersion, gitCommit, restorePoint },
    clock,
    random,
    log,
    signal,
    retry,
  };
  const versioned: AppliedFile[] = [];
  try {
    await applyVersioned(plan.versioned, context, (file) => {
      versioned.push(file);
      options.onApplied?.(file);
    });
    const routines = await applyRoutines(plan.routines, context);
    return { runId, database: server.database, versioned, routines, restorePoint, warnings: plan.warnings };
  } catch (error) {
    throw versioned.length === 0 ? error : withProgress(error, versioned, plan);
  }
}

async function prepareRestorePoint(
  plan: MigrationPlan,
  session: Session,
  server: ServerFacts,
  options: MigrateUpOptions,
): Promise<MigrateUpResult['restorePoint']> {
  if (!options.wantsRestorePoint) return undefined;
  const obstacle = restorePointObstacle(server);
  if (obstacle !== undefined) {
    options.log.info(obstacle);
    return undefined;
  }
  const point = await setRestorePoint(session, restorePointName(options.clock.now(), plan.versioned[0]?.name.version));
  const archived = await options.awaitArchived?.(point);
  if (archived === false)
    options.log.warn(`restore point ${point.name} is not recoverable yet: the repository has no WAL up to ${point.lsn}`);
  return { ...point, archived };
}

/** The same failure, saying also how far the run came. */
function withProgress(error: unknown, applied: readonly AppliedFile[], plan: MigrationPlan): unknown {
  if (!isDbadminError(error)) return error;
  const progress = `${applied.length} of ${plan.versioned.length} files were applied before and stay applied; the next run goes on from here.`;
  const detail = error.detail === undefined ? progress : `${error.detail}\n${progress}`;
  return new DbadminError(error.code, error.message, { detail, hint: error.hint, cause: error.cause });
}

/** On interruption the running statement is cancelled in the server; the run then ends by itself. Gives what undoes this. */
function cancelOnAbort(session: Session, options: MigrateUpOptions): () => void {
  const cancel = async (): Promise<void> => {
    const pid = session.announcedPid;
    if (pid === undefined || session.lost() !== undefined) return;
    const other = await openSession(options.connection, { applicationName: 'dbadmin migrate cancel' });
    await other.query('select pg_cancel_backend($1)', [pid]);
    await other.close();
  };
  const onAbort = (): void => {
    cancel().catch((error: unknown) =>
      options.log.debug(`cannot cancel in ${describeParameters(options.connection)}: ${messageOf(error)}`),
    );
  };
  options.signal.addEventListener('abort', onAbort, { once: true });
  return () => options.signal.removeEventListener('abort', onAbort);
}
