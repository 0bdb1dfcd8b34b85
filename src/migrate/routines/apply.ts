import { messageOf, systemCodeOf, DbadminError } from '../../base/errors.ts';
import { applyRoutineFiles, type RoutinesToApply } from './apply-files.ts';
import type { ApplyContext } from '../file-run.ts';
import type { Directives } from '../files/directives.ts';
import { GrantKeeper } from '../grants/apply.ts';
import type { ObservedFile } from '../hooks.ts';
import { recordHistory } from '../history/record.ts';
import { pauseOrThrow } from '../session/retry.ts';
import type { HeldLock } from '../watch/held-locks.ts';
import { signaturesOf, signatureText, type Routine } from './routines.ts';
import { BEFORE_RECORD_SQL, beginFile } from '../session/settings.ts';

export interface AppliedRoutine {
  readonly name: string;
  /** `remade`: its file is the same, and what it makes had to go for another's. */
  readonly change: 'new' | 'changed' | 'remade';
}

export interface AppliedRoutines {
  readonly routines: readonly AppliedRoutine[];
  /** Locks on tables that the one transaction held, triggers of them being made for example, and how long at most. */
  readonly locks: readonly HeldLock[];
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
 * Applies all changed routines in one transaction, in the order given, and drops the overloads they replace. What PostgreSQL does
 * not replace in place is dropped and made anew, together with what other routines' files make of it; privileges, owners and
 * comments stay, and nothing that was dropped for another may be missing at the end. Bodies are checked after all of them exist, so
 * that they may call each other.
 *
 * @throws {DbadminError} `migration-failed`; then no routine is changed.
 */
export async function applyRoutines(work: RoutinesToApply, context: ApplyContext): Promise<AppliedRoutines> {
  if (work.routines.length === 0) return { routines: [], locks: [] };
  const startedMs = context.clock.now().getTime();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await applyOnce(work, context, attempt, startedMs);
    } catch (error) {
      await context.session.query('rollback').catch(() => undefined);
      context.signal.throwIfAborted();
      await pauseOrThrow(error, attempt, 'routines', context);
    }
  }
}

async function applyOnce(
  { routines, all }: RoutinesToApply,
  context: ApplyContext,
  attempts: number,
  startedMs: number,
): Promise<AppliedRoutines> {
  const { session, clock, observer, log } = context;
  const observed: ObservedFile = { kind: 'routines', path: 'routines', version: undefined, transaction: true, attempt: attempts, session };
  const begunMs = clock.now().getTime();
  await beginFile(session, context.settings, IN_TRANSACTION, 'routines');
  await observer?.begun?.(observed);
  await session.query('set local check_function_bodies = off');
  const [path] = await session.query<{ path: string }>("select current_setting('search_path') as path");
  const setPath = async (): Promise<void> => void (await session.query("select set_config('search_path', $1, true)", [path?.path ?? '']));
  const grants = context.grants ?? new GrantKeeper(log);
  // Each file starts from the same search path, whatever the one before it set.
  const remade = await applyRoutineFiles({ routines, all }, { ...context, observed, grants }, setPath);
  await setPath();
  for (const routine of [...routines, ...remade]) await checkBodies(routine, context);
  await setPath();
  await session.query(BEFORE_RECORD_SQL);
  const times = { tookMs: clock.now().getTime() - begunMs, attempts, lockWaitMs: begunMs - startedMs };
  let locks: readonly HeldLock[] = [];
  for (const {
    name,
    file: { sha256, text },
  } of [...routines, ...remade]) {
    const entry = { kind: 'routine', version: undefined, name, statementNo: undefined, sha256, body: text } as const;
    locks = await recordHistory(session, context.run, { ...entry, ...times });
  }
  await observer?.beforeCommit?.(observed);
  await session.query('commit');
  await observer?.applied?.(observed);
  const applied = [...routines, ...remade.map(({ name }) => ({ name, change: 'remade' as const }))];
  return { routines: applied.map(({ name, change }) => ({ name, change })), locks };
}

/** Asks each function's language whether its body is right, as CREATE FUNCTION does when it may, with the search path it runs with. */
async function checkBodies(routine: Routine, { session }: ApplyContext): Promise<void> {
  for (const signature of signaturesOf(routine.parsed.statements)) {
    const [row] = await session.query<{ oid: string; validator: string; path: string | null }>(
      `select p.oid::text as oid, l.lanvalidator::regproc::text as validator,
         (select substr(c, 13) from pg_catalog.unnest(p.proconfig) c where c like 'search\\_path=%' limit 1) as path
       from pg_catalog.pg_proc p
       join pg_catalog.pg_language l on l.oid = p.prolang where p.oid = to_regprocedure($1)::oid and l.lanvalidator <> 0`,
      [signatureText(signature)],
    );
    if (row === undefined) continue;
    const path = row.path === null ? '' : `set local search_path = ${row.path === '' ? "''" : row.path};`;
    const [before] = await session.query<{ path: string }>("select current_setting('search_path') as path");
    try {
      await session.query(`set local check_function_bodies = on; ${path} select ${row.validator}(${row.oid})`);
      await session.query("select set_config('search_path', $1, true)", [before?.path ?? '']);
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
