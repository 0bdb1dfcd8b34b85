import { randomUUID } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import type { ConnectionParameters } from '../../postgres/parameters.ts';
import { ensureHistory } from '../history/ensure.ts';
import { canCheckClient, inspectServer } from '../session/inspect-server.ts';
import { acquireLock, releaseLock, type LockOptions } from '../session/lock.ts';
import { loadSqlParser, type SqlParser } from '../sql/parser.ts';
import { refusePooler } from '../../postgres/pooler.ts';
import { joinProblems } from '../files/problems.ts';
import { recordHistory } from '../history/record.ts';
import { pauseOrThrow, type RetryPolicy } from '../session/retry.ts';
import { runStatement } from '../session/run-statement.ts';
import { type Session } from '../session/session.ts';
import { cancelOnAbort, openRunSession } from '../session/run-session.ts';
import { BEFORE_RECORD_SQL, beginFile, freshSessionSql, type SessionSettings } from '../session/settings.ts';
import { serverError } from '../session/sql-error.ts';
import { readAppliedSeeds, readSeeds, type SeedDirectories } from './inspect.ts';
import { planSeeds, type PendingSeed, type SeedPlan } from './plan.ts';

export interface SeedOptions extends LockOptions {
  readonly connection: ConnectionParameters;
  /** Schema of the history. */
  readonly schema: string;
  readonly directories: SeedDirectories;
  readonly environment: string;
  readonly lockTimeoutMs: number;
  readonly toolVersion: string;
  readonly gitCommit: string | undefined;
  readonly retry: RetryPolicy;
  readonly onApplied?: (seed: AppliedSeed) => void;
}

export interface AppliedSeed {
  readonly name: string;
  readonly change: 'new' | 'changed';
  readonly statements: number;
  readonly tookMs: number;
}

export interface SeedResult {
  /** Undefined when there was nothing to do. */
  readonly runId: string | undefined;
  readonly database: string;
  readonly seeds: readonly AppliedSeed[];
  /** How many were in already. */
  readonly unchanged: number;
}

/**
 * Puts the seeds of an environment in: each file whose text is not the one that was put in last, in a transaction of its own
 * together with its row in the history. They run again whenever they change, so they have to bear what is there.
 *
 * @throws {DbadminError} `usage`, `migration-invalid` before anything is touched; `refused` (a standby, a pooler, a database without
 * migrations); `locked`; `migration-failed` with the file, line and column: seeds before it stay in.
 */
export async function runSeeds(options: SeedOptions): Promise<SeedResult> {
  const files = await readSeeds(options.directories, options.environment);
  const parser = await loadSqlParser();
  const session = await openRunSession(options, 'dbadmin migrate seed');
  const stopCancelling = cancelOnAbort(session, options);
  try {
    const server = await inspectServer(session);
    if (server.isStandby) throw new DbadminError('refused', `${server.database} is on a standby, which cannot be changed`);
    const none = { runId: undefined, database: server.database, seeds: [], unchanged: files.length };
    if ((await makePlan(session, files, parser, options)).pending.length === 0) return none;
    await refusePooler(session, async () => await openRunSession(options, 'dbadmin migrate seed'));
    const settings = { lockTimeoutMs: options.lockTimeoutMs, checksClient: await canCheckClient(session) };
    await session.query(freshSessionSql(settings));
    await acquireLock(session, options);
    try {
      await ensureHistory(session, options.schema, { ...server, toolVersion: options.toolVersion });
      const { pending } = await makePlan(session, files, parser, options);
      const runId = randomUUID();
      const seeds: AppliedSeed[] = [];
      for (const each of pending) seeds.push(await apply(each, runId, session, settings, options));
      return seeds.length === 0 ? none : { ...none, runId, seeds, unchanged: files.length - seeds.length };
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

async function makePlan(
  session: Session,
  files: Parameters<typeof planSeeds>[0],
  parser: SqlParser,
  { schema }: SeedOptions,
): Promise<SeedPlan> {
  const applied = await readAppliedSeeds(session, schema);
  if (applied === undefined) {
    throw new DbadminError('refused', 'this database has no migrations yet, so there is nothing to put seeds into', {
      hint: 'Apply them first: dbadmin migrate',
    });
  }
  const plan = planSeeds(files, applied, parser);
  if (plan.problems.length > 0) throw joinProblems(plan.problems, `${plan.problems.length} problems with seeds; nothing was put in`);
  return plan;
}

async function apply(
  seed: PendingSeed,
  runId: string,
  session: Session,
  settings: SessionSettings,
  options: SeedOptions,
): Promise<AppliedSeed> {
  const { clock, signal } = options;
  const { schema, toolVersion, gitCommit, onApplied } = options;
  const { name, file, parsed, change } = seed;
  const startedMs = clock.now().getTime();
  for (let attempt = 1; ; attempt += 1) {
    const begunMs = clock.now().getTime();
    try {
      await beginFile(session, settings, parsed.directives, file.path);
      for (const statement of parsed.statements) {
        signal.throwIfAborted();
        await runStatement(session, file, statement);
      }
      await session.query(BEFORE_RECORD_SQL);
      const tookMs = clock.now().getTime() - begunMs;
      await recordHistory(
        session,
        { schema, runId, toolVersion, gitCommit, restorePoint: undefined },
        {
          kind: 'seed',
          version: undefined,
          name,
          statementNo: undefined,
          sha256: file.sha256,
          body: file.text,
          tookMs,
          attempts: attempt,
          lockWaitMs: begunMs - startedMs,
        },
      );
      await session.query('commit');
      const applied = { name, change, statements: parsed.statements.length, tookMs };
      onApplied?.(applied);
      return applied;
    } catch (error) {
      await session.query('rollback').catch(() => undefined);
      signal.throwIfAborted();
      await pauseOrThrow(error, attempt, file.path, options);
    }
  }
}
