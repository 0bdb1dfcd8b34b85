import { randomUUID } from 'node:crypto';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import { applyVersioned } from '../apply.ts';
import { ensureHistory } from '../history/ensure.ts';
import type { AppliedFile, ApplyContext } from '../file-run.ts';
import { GrantKeeper, keepingGrants } from '../grants/apply.ts';
import { observe, readFiles } from '../inspect.ts';
import { canCheckClient, inspectServer, type ServerFacts } from '../session/inspect-server.ts';
import { joinObservers } from '../join-observers.ts';
import { acquireLock, releaseLock } from '../session/lock.ts';
import { loadSqlParser, type SqlParser } from '../sql/parser.ts';
import { planMigrations, type Observed, type PendingMigration } from '../plan.ts';
import { refusePooler } from '../../postgres/pooler.ts';
import { joinProblems } from '../files/problems.ts';
import { markMoment, type MarkedMoment } from '../restore-point.ts';
import type { MigrateUpOptions } from '../run.ts';
import { openSession, type Queryable, type Session } from '../session/session.ts';
import { cancelOnAbort, finishRun, openRunSession } from '../session/run-session.ts';
import { freshSessionSql, type SessionSettings } from '../session/settings.ts';
import { serverError } from '../session/sql-error.ts';
import { Watch } from '../watch/watch.ts';
import { readApplied } from './inspect.ts';
import { planUndo, refusedError, remaining, versionsToUndo, type UndoExtent, type UndoPlan } from './plan.ts';

/** What a run that undoes would do; made without touching anything. */
export interface InspectedUndo {
  readonly server: ServerFacts;
  readonly observed: Observed;
  readonly plan: UndoPlan;
  /** The version that stays the newest; `0` when none does. */
  readonly stays: string;
  /** With `again`, the files that are applied anew, oldest first. */
  readonly again: readonly PendingMigration[];
}

export interface MigrateDownOptions extends Omit<MigrateUpOptions, 'policy' | 'expected' | 'beforeRun'> {
  readonly extent: UndoExtent;
  /** Apply the same versions again from their files. */
  readonly again: boolean;
  /** The versions that were shown and agreed to, newest first. */
  readonly agreed: readonly string[];
  readonly onUndone?: (file: AppliedFile) => void;
}

export interface MigrateDownResult {
  readonly runId: string;
  readonly database: string;
  /** In the order undone: newest first. */
  readonly undone: readonly AppliedFile[];
  /** In the order applied again; empty without `again`. */
  readonly applied: readonly AppliedFile[];
  readonly restorePoint: MarkedMoment | undefined;
  readonly warnings: readonly string[];
}

/**
 * Looks at what would be undone and how. Touches nothing.
 *
 * @throws {DbadminError} `usage`, `migration-invalid`; with `again` also when a file is gone or would not be applied.
 */
export async function inspectUndo(
  session: Queryable,
  options: Pick<MigrateDownOptions, 'schema' | 'directories' | 'extent' | 'again' | 'clock'>,
  parser: SqlParser,
): Promise<InspectedUndo> {
  const server = await inspectServer(session);
  const observed = await observe(session, options.schema, await readFiles(options.directories));
  const { history, migrations } = observed;
  const rows = versionsToUndo(history, options.extent);
  const applied = await readApplied(session, options.schema, rows);
  const plan = planUndo(applied, migrations, history, options.directories.project, parser);
  const stays = remaining(history, rows);
  const again =
    options.again && plan.refused.length === 0
      ? filesAgain(
          observed,
          rows.map(({ version }) => version ?? ''),
          parser,
          options.clock.now(),
        )
      : [];
  return { server, observed, plan, stays, again };
}

/**
 * Undoes versions by their down sections, newest first, each in one transaction with its row in the history; the engine, the lock,
 * the settings and the retries are those of `up`, and a restore point is set before. With `again` the same versions are then
 * applied from their files.
 *
 * The down section of a no-transaction file runs statement by statement with a row for each: interrupted, the next run goes on
 * after the last good one, and `up` refuses until then.
 *
 * @throws {DbadminError} `refused` before anything is touched when one has no down section; `plan-stale` when other versions would
 * be undone than were agreed to; `locked`; `migration-failed` with what was undone before it.
 */
export async function migrateDown(options: MigrateDownOptions): Promise<MigrateDownResult> {
  const parser = await loadSqlParser();
  const session = await openRunSession(options);
  const stopCancelling = cancelOnAbort(session, options);
  try {
    await refusePooler(session, async () => await openRunSession(options));
    const settings = { lockTimeoutMs: options.lockTimeoutMs, checksClient: await canCheckClient(session) };
    await session.query(freshSessionSql(settings));
    await acquireLock(session, options);
    try {
      const inspected = await inspectUndo(session, options, parser);
      checkUndo(inspected, options.agreed);
      await ensureHistory(session, options.schema, { ...inspected.server, toolVersion: options.toolVersion });
      return await apply(inspected, session, settings, options);
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

/**
 * Refuses what cannot be undone, before anything is touched.
 *
 * @throws {DbadminError} `refused`, `plan-stale`.
 */
export function checkUndo({ server, plan, stays }: InspectedUndo, agreed: readonly string[] | undefined): void {
  if (plan.refused.length > 0) throw refusedError(plan.refused, stays);
  if (server.isStandby) {
    throw new DbadminError('refused', `${server.database} is on a standby, which cannot be changed`, {
      hint: 'Name the primary; the standby follows.',
    });
  }
  const versions = plan.steps.map(({ name }) => name.version);
  if (agreed === undefined || agreed.join() === versions.join()) return;
  throw new DbadminError('plan-stale', 'other versions are applied than when this was shown', {
    detail: `Shown: ${agreed.join(', ')}. Now it would be: ${versions.join(', ')}.`,
    hint: 'Nothing was undone. Look again.',
  });
}

/** The files of versions that will be undone, as `up` would apply them then. */
function filesAgain(observed: Observed, undone: readonly string[], parser: SqlParser, now: Date): readonly PendingMigration[] {
  const gone = new Set(undone);
  const { history } = observed;
  const applied = new Map([...history.applied].filter(([version]) => !gone.has(version)));
  const migrations = observed.migrations.filter(({ name }) => history.applied.has(name.version) && gone.has(name.version));
  const missing = undone.filter((version) => !migrations.some(({ name }) => name.version === version));
  const [first] = missing;
  if (first !== undefined) {
    throw new DbadminError('migration-invalid', `${history.applied.get(first)?.name ?? first} cannot be applied again: its file is gone`, {
      hint: `Get it back from git, or from the history: dbadmin migrate status --body ${first} > FILE\nor only undo it: dbadmin migrate down`,
    });
  }
  const after = {
    ...observed,
    migrations,
    routines: [],
    fileProblems: [],
    history: { ...history, applied, routines: new Map(), undoing: new Map() },
  };
  const plan = planMigrations(after, { outOfOrder: true, missing: true }, parser, now);
  if (plan.problems.length > 0) throw joinProblems(plan.problems, `${plan.problems.length} problems with migrations; nothing was undone`);
  return plan.versioned;
}

async function apply(
  { server, plan, again }: InspectedUndo,
  session: Session,
  settings: SessionSettings,
  options: MigrateDownOptions,
): Promise<MigrateDownResult> {
  const { schema, toolVersion, clock, random, log, signal, retry, observer } = options;
  const oldest = plan.steps.at(-1)?.name.version;
  const restorePoint = oldest === undefined ? undefined : await markMoment(session, server, `down_${oldest}`, options);
  const runId = randomUUID();
  const run = { schema, runId, toolVersion, gitCommit: await options.gitCommit?.(), restorePoint };
  const watch = new Watch({
    clock,
    log,
    pid: server.pid,
    open: async () => await openSession(options.connection, { applicationName: 'dbadmin migrate watch' }),
    onActivity: options.onActivity,
  });
  const grants = new GrantKeeper(log);
  const context: ApplyContext = {
    session,
    settings,
    run,
    clock,
    random,
    log,
    signal,
    retry,
    grants,
    watch,
    observer: joinObservers([observer, keepingGrants(grants)]),
    blockedBy: () => watch.blockedBy(),
  };
  const undone: AppliedFile[] = [];
  const applied: AppliedFile[] = [];
  try {
    await applyVersioned(plan.steps, context, (file) => {
      undone.push(file);
      options.onUndone?.(file);
    });
    await applyVersioned(again, context, (file) => {
      applied.push(file);
      options.onApplied?.(file);
    });
    const after = await finishRun(options.afterRun, settings, options.signal, { runId, server, versioned: applied, routines: [], session });
    return { runId, database: server.database, undone, applied, restorePoint, warnings: [...plan.warnings, ...after] };
  } catch (error) {
    throw withProgress(error, undone, applied, { plan, again });
  } finally {
    await watch.close();
  }
}

/** The same failure, saying also how far the run came. */
function withProgress(
  error: unknown,
  undone: readonly AppliedFile[],
  applied: readonly AppliedFile[],
  { plan, again }: Pick<InspectedUndo, 'plan' | 'again'>,
): unknown {
  if (!isDbadminError(error) || undone.length === 0) return error;
  const back = `${undone.length} of ${plan.steps.length} versions were undone before and stay undone`;
  const progress =
    again.length === 0
      ? `${back}.`
      : `${back}; ${applied.length} of ${again.length} were applied again. dbadmin migrate up applies the rest.`;
  const detail = error.detail === undefined ? progress : `${error.detail}\n${progress}`;
  return new DbadminError(error.code, error.message, { detail, hint: error.hint, cause: error.cause });
}
