import { runStatement } from './run-statement.ts';
import { messageOf, systemCodeOf, DbadminError } from '../base/errors.ts';
import type { ApplyContext } from './file-run.ts';
import type { Directives } from './directives.ts';
import type { ObservedFile } from './hooks.ts';
import type { ChangedRoutine } from './plan.ts';
import { recordHistory } from './record.ts';
import { pauseOrThrow } from './retry.ts';
import { signaturesOf, signatureText } from './routines.ts';
import { BEFORE_RECORD_SQL, beginFile } from './settings.ts';

export interface AppliedRoutine {
  readonly name: string;
  readonly change: 'new' | 'changed';
}

const IN_TRANSACTION: Directives = {
  transaction: true,
  lockTimeoutMs: undefined,
  statementTimeoutMs: undefined,
  allow: [],
  irreversible: false,
  requires: [],
};

/**
 * Applies all changed routines in one transaction, in the order given, and drops the overloads they replace.
 * Bodies are checked after all of them exist, so that they may call each other.
 *
 * @throws {DbadminError} `migration-failed`; then no routine is changed.
 */
export async function applyRoutines(routines: readonly ChangedRoutine[], context: ApplyContext): Promise<readonly AppliedRoutine[]> {
  if (routines.length === 0) return [];
  const startedMs = context.clock.now().getTime();
  for (let attempt = 1; ; attempt += 1) {
    try {
      await applyOnce(routines, context, attempt, startedMs);
      return routines.map(({ name, change }) => ({ name, change }));
    } catch (error) {
      await context.session.query('rollback').catch(() => undefined);
      context.signal.throwIfAborted();
      await pauseOrThrow(error, attempt, 'routines', context);
    }
  }
}

async function applyOnce(routines: readonly ChangedRoutine[], context: ApplyContext, attempts: number, startedMs: number): Promise<void> {
  const { session, clock, run, observer } = context;
  const observed: ObservedFile = { kind: 'routines', path: 'routines', version: undefined, transaction: true, attempt: attempts, session };
  const { watch, settings } = context;
  const watched = watch === undefined ? undefined : { by: watch, lockTimeoutMs: settings.lockTimeoutMs };
  const begunMs = clock.now().getTime();
  await beginFile(session, context.settings, IN_TRANSACTION, 'routines');
  await observer?.begun?.(observed);
  await session.query('set local check_function_bodies = off');
  const [path] = await session.query<{ path: string }>("select current_setting('search_path') as path");
  for (const routine of routines) {
    context.signal.throwIfAborted();
    // Each file starts from the same search path, whatever the one before it set.
    await session.query("select set_config('search_path', $1, true)", [path?.path ?? '']);
    for (const statement of routine.parsed.statements) {
      const at = { ...observed, file: routine.file.path, statement };
      await observer?.beforeStatement?.(at);
      await runStatement(session, routine.file, statement, watched);
      await observer?.afterStatement?.(at);
    }
    await dropOutdated(routine, context);
  }
  await session.query("select set_config('search_path', $1, true)", [path?.path ?? '']);
  for (const routine of routines) await checkBodies(routine, context);
  await session.query(BEFORE_RECORD_SQL);
  for (const { name, file } of routines) {
    await recordHistory(session, run, {
      kind: 'routine',
      version: undefined,
      name,
      statementNo: undefined,
      sha256: file.sha256,
      body: file.text,
      tookMs: clock.now().getTime() - begunMs,
      attempts,
      lockWaitMs: begunMs - startedMs,
    });
  }
  await observer?.beforeCommit?.(observed);
  await session.query('commit');
  await observer?.applied?.(observed);
}

/** A changed argument list makes another function; the one it replaces would stay and make calls ambiguous. */
async function dropOutdated(routine: ChangedRoutine, { session, log }: ApplyContext): Promise<void> {
  for (const signature of routine.outdated) {
    const [row] = await session.query<{ name: string | null }>('select to_regprocedure($1)::text as name', [signatureText(signature)]);
    if (row?.name === undefined || row.name === null) continue;
    try {
      await session.query(`drop routine ${row.name}`);
    } catch (error) {
      if (systemCodeOf(error) !== '2BP01') throw error;
      throw new DbadminError(
        'migration-failed',
        `${routine.file.path}: ${row.name} has other arguments now, and something needs the old one`,
        {
          detail: `${messageOf(error)}\n${(error as { readonly detail?: string }).detail ?? ''}`.trim(),
          hint: `Change what needs it in a versioned migration that ends with: DROP ROUTINE ${row.name};`,
          cause: error,
        },
      );
    }
    log.info(`dropped ${row.name}: ${routine.name} has other arguments now`);
  }
}

/** Asks each function's language whether its body is right, as CREATE FUNCTION does when it may. */
async function checkBodies(routine: ChangedRoutine, { session }: ApplyContext): Promise<void> {
  for (const signature of signaturesOf(routine.parsed.statements)) {
    const [row] = await session.query<{ oid: string; validator: string }>(
      `select p.oid::text as oid, l.lanvalidator::regproc::text as validator from pg_catalog.pg_proc p
       join pg_catalog.pg_language l on l.oid = p.prolang where p.oid = to_regprocedure($1) and l.lanvalidator <> 0`,
      [signatureText(signature)],
    );
    if (row === undefined) continue;
    try {
      await session.query(`set local check_function_bodies = on; select ${row.validator}(${row.oid})`);
    } catch (error) {
      if (systemCodeOf(error) === undefined) throw error;
      const { where, hint } = error as { readonly where?: string; readonly hint?: string };
      throw new DbadminError(
        'migration-failed',
        `${routine.file.path}: the body of ${signature.names.join('.')} is wrong: ${messageOf(error)} (${systemCodeOf(error) ?? ''})`,
        { detail: where, hint, cause: error },
      );
    }
  }
}
