import { systemCodeOf } from '../../base/errors.ts';
import type { ApplyContext } from '../file-run.ts';
import type { GrantKeeper } from '../grants/apply.ts';
import type { ObservedFile } from '../hooks.ts';
import type { Statement } from '../files/migration.ts';
import type { ChangedRoutine } from '../plan.ts';
import { asksForDrop, dropToReplace, type Replacement } from '../replace/apply.ts';
import { replaceTargets } from '../replace/plan.ts';
import { signaturesOf, signatureText, type Routine } from './routines.ts';
import { runStatement } from '../session/run-statement.ts';

export interface RoutineFileContext extends ApplyContext {
  readonly observed: ObservedFile;
  readonly grants: GrantKeeper;
  readonly makers: () => ReadonlyMap<string, Routine>;
  /** Called with the name of a routine whose file has to run again. */
  readonly again: (name: string) => void;
}

/** Runs the statements of one routine's file in the open transaction, and drops the overloads that they replace. */
export async function applyRoutineFile(routine: Routine | ChangedRoutine, context: RoutineFileContext): Promise<void> {
  const { observed, observer } = context;
  for (const statement of routine.parsed.statements) {
    const at = { ...observed, file: routine.file.path, statement };
    await observer?.beforeStatement?.(at);
    await runReplacing(routine, statement, context);
    await observer?.afterStatement?.(at);
  }
  if ('outdated' in routine) await dropOutdated(routine, context);
}

/** Runs a statement; when the server will not replace what is there, that is dropped first, with all that needs it. */
async function runReplacing(routine: Routine, statement: Statement, context: RoutineFileContext): Promise<void> {
  const { session, watch, settings, grants } = context;
  const watched = watch === undefined ? undefined : { by: watch, lockTimeoutMs: settings.lockTimeoutMs };
  const targets = replaceTargets(statement);
  if (targets.length === 0) {
    await runStatement(session, routine.file, statement, watched);
    return;
  }
  await session.query('savepoint dbadmin_routine');
  try {
    await runStatement(session, routine.file, statement, watched);
  } catch (error) {
    if (!asksForDrop(error)) throw error;
    await session.query('rollback to savepoint dbadmin_routine');
    let dropped = false;
    for (const target of targets) {
      const what = 'cannot be replaced in place, and something that no routine makes needs it';
      dropped = (await replace({ file: routine.file.path, target, what, reason: error }, routine, context)) || dropped;
    }
    if (!dropped) throw error;
    const isDrop = statement.kind.command.startsWith('DROP ');
    if (!isDrop) await runStatement(session, routine.file, statement, watched);
    await grants.giveBack(session);
  }
  await session.query('release savepoint dbadmin_routine');
}

async function replace(replacement: Replacement, { name: own }: Routine, context: RoutineFileContext): Promise<boolean> {
  const again = await dropToReplace(replacement, context);
  for (const { name } of again ?? []) if (name !== own) context.again(name);
  return again !== undefined;
}

/** A changed argument list makes another function; the one it replaces would stay and make calls ambiguous. */
async function dropOutdated(routine: ChangedRoutine, context: RoutineFileContext): Promise<void> {
  const { session, log, grants } = context;
  for (const signature of routine.outdated) {
    const text = signatureText(signature);
    const [row] = await session.query<{ name: string | null; identity: string | null }>(
      `select to_regprocedure($1)::text as name,
         (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, to_regprocedure($1), 0)).identity`,
      [text],
    );
    if (row?.name === undefined || row.name === null) continue;
    await session.query('savepoint dbadmin_outdated');
    try {
      await grants.look(session, signature.names.slice(-1));
      await session.query(`drop routine ${row.name}`);
      await grants.noteGone(session);
    } catch (error) {
      if (systemCodeOf(error) !== '2BP01') throw error;
      await session.query('rollback to savepoint dbadmin_outdated');
      const what = 'has other arguments now, and something needs the old one';
      const target = { kind: 'routine', text } as const;
      await replace({ file: routine.file.path, target, what, reason: undefined }, routine, context);
    }
    await session.query('release savepoint dbadmin_outdated');
    log.info(`dropped ${row.name}: ${routine.name} has other arguments now`);
    await inheritGrants(routine, signature.names, row.identity, context);
  }
}

/** The one routine of the same name in the file takes over what the old one carried; with several nobody can tell which. */
async function inheritGrants(
  routine: ChangedRoutine,
  names: readonly string[],
  oldIdentity: string | null,
  { session, grants }: RoutineFileContext,
): Promise<void> {
  const [heir, ...others] = signaturesOf(routine.parsed.statements).filter((each) => each.names.join('.') === names.join('.'));
  if (heir === undefined || others.length > 0 || oldIdentity === null) return;
  const [row] = await session.query<{ identity: string | null }>(
    `select (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, to_regprocedure($1), 0)).identity`,
    [signatureText(heir)],
  );
  if (row?.identity !== undefined && row.identity !== null) await grants.replacedBy(session, oldIdentity, row.identity);
}
