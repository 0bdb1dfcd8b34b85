import { systemCodeOf } from '../../base/errors.ts';
import type { ApplyContext } from '../file-run.ts';
import type { GrantKeeper } from '../grants/apply.ts';
import type { ObservedFile } from '../hooks.ts';
import type { Statement } from '../files/migration.ts';
import type { ChangedRoutine } from '../plan.ts';
import { asksForDrop, dropToReplace, type Replacement } from '../replace/apply.ts';
import { routineIdentity } from '../replace/inspect.ts';
import { replaceTargets, type DroppedDependent } from '../replace/plan.ts';
import { signaturesOf, signatureText, type Routine, type Signature } from './routines.ts';
import { runStatement } from '../session/run-statement.ts';

export interface RoutineFileContext extends ApplyContext {
  readonly observed: ObservedFile;
  readonly grants: GrantKeeper;
  readonly makers: () => ReadonlyMap<string, readonly Routine[]>;
  /** What was dropped for another since the transaction began, by identity. */
  readonly dropped: Map<string, DroppedDependent>;
  /** Called with the name of a routine whose file makes what was dropped, be it the one that runs. */
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
      dropped = (await replace({ file: routine.file.path, target, what, reason: error }, context)) || dropped;
    }
    if (!dropped) throw error;
    const isDrop = statement.kind.command.startsWith('DROP ');
    if (!isDrop) await runStatement(session, routine.file, statement, watched);
    await grants.giveBack(session);
  }
  await session.query('release savepoint dbadmin_routine');
}

async function replace(replacement: Replacement, context: RoutineFileContext): Promise<boolean> {
  const again = await dropToReplace(replacement, context);
  for (const { name } of again ?? []) context.again(name);
  return again !== undefined;
}

/** A changed argument list makes another function; the one it replaces would stay and make calls ambiguous. */
async function dropOutdated(routine: ChangedRoutine, context: RoutineFileContext): Promise<void> {
  const { session, log, grants, dropped } = context;
  for (const signature of routine.outdated) {
    if (madeElsewhere(routine, signature, context)) continue;
    const text = signatureText(signature);
    const [row] = await session.query<{ name: string | null; identity: string | null }>(
      `select to_regprocedure($1)::text as name,
         (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, to_regprocedure($1), 0)).identity`,
      [text],
    );
    if (row?.name === undefined || row.name === null) {
      // It may have gone already, with what it needed: it is not to come back.
      const gone = dropped.size === 0 ? undefined : await routineIdentity(session, signature.names, signature.inputs);
      if (gone !== undefined && dropped.has(gone)) await forgetDropped(routine, signature.names, gone, context);
      continue;
    }
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
      await replace({ file: routine.file.path, target, what, reason: undefined }, context);
    }
    await session.query('release savepoint dbadmin_outdated');
    log.info(`dropped ${row.name}: ${routine.name} has other arguments now`);
    if (row.identity !== null) await forgetDropped(routine, signature.names, row.identity, context);
  }
}

/** Whether another file has the overload, which moved there: that file may have run already, or be recorded as applied. */
function madeElsewhere({ name: own }: Routine, { names, inputs }: Signature, { makers }: RoutineFileContext): boolean {
  const [name = '', schema = own.split('/', 1)[0]] = names.toReversed();
  const others = (makers().get(`function ${schema}.${name}`) ?? []).filter((maker) => maker.name !== own);
  const same = (each: Signature): boolean => each.names.at(-1) === name && each.inputs.join() === inputs.join();
  return others.some(({ parsed }) => signaturesOf(parsed.statements).some(same));
}

/** An old overload that is gone for good. */
async function forgetDropped(
  routine: ChangedRoutine,
  names: readonly string[],
  identity: string,
  context: RoutineFileContext,
): Promise<void> {
  context.dropped.delete(identity);
  await inheritGrants(routine, names, identity, context);
}

/** The one routine of the same name in the file takes over what the old one carried; with several nobody can tell which. */
async function inheritGrants(
  routine: ChangedRoutine,
  names: readonly string[],
  oldIdentity: string,
  { session, grants }: RoutineFileContext,
): Promise<void> {
  const [heir, ...others] = signaturesOf(routine.parsed.statements).filter((each) => each.names.join('.') === names.join('.'));
  if (heir === undefined || others.length > 0) return;
  const [row] = await session.query<{ identity: string | null }>(
    `select (pg_catalog.pg_identify_object('pg_catalog.pg_proc'::regclass, to_regprocedure($1), 0)).identity`,
    [signatureText(heir)],
  );
  if (row?.identity !== undefined && row.identity !== null) await grants.replacedBy(session, oldIdentity, row.identity);
}
