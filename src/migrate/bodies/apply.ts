import type { Log } from '../../base/log.ts';
import type { RunObserver } from '../hooks.ts';
import type { MigrationPlan } from '../plan.ts';
import type { Routine } from '../routines/routines.ts';
import type { Queryable } from '../session/session.ts';
import { inspectBodies } from './inspect.ts';
import { brokenError, judgeErrors, type BodyCheck } from './plan.ts';

export interface BodyWatch {
  readonly plan: Pick<MigrationPlan, 'versioned' | 'routines'>;
  /** Every routine of the project; asked for only when something is wrong. */
  readonly all: () => readonly Routine[];
  /** Schema of the history. */
  readonly schema: string;
  readonly log: Log;
}

const SHOWN = 3;

/**
 * Looks into all routines before a run, and again when all of its files ran and the last transaction is still open: what the run
 * would break fails it there. A column that is renamed under a procedure is found this way, which PostgreSQL itself does not say.
 * Between the files nothing is checked, since a later one may put right what an earlier one broke.
 */
export async function watchBodies(session: Queryable, { plan, all, schema, log }: BodyWatch): Promise<RunObserver> {
  const before = await inTransaction(session, schema);
  const last = plan.routines.length > 0 ? 'routines' : (plan.versioned.at(-1)?.file.path ?? '');
  const judge = (after: BodyCheck, what: string): void => {
    if (after.unchecked > 0) {
      log.info(
        `the bodies of ${after.unchecked} PL/pgSQL routines are checked for syntax only: plpgsql_check is not installed in this database (CREATE EXTENSION plpgsql_check)`,
      );
    }
    if (after.errors.length === 0) return;
    const { stopping, known } = judgeErrors(before, after, plan.routines, all());
    if (stopping.length > 0) throw brokenError(stopping, plan.routines, what);
    for (const { routine, line, message } of known.slice(0, SHOWN)) {
      log.warn(`${routine}${line === undefined ? '' : ` line ${line}`} fails when it runs, as it did before: ${message}`);
    }
    if (known.length > SHOWN) log.warn(`${known.length - SHOWN} more errors in bodies of routines`);
  };
  const lookInside = async (inside: Queryable, what: string): Promise<void> => {
    await inside.query('reset role');
    judge(await inspectBodies(inside, schema), what);
  };
  return {
    beforeCommit: ({ path, session: inside }) => {
      if (path !== last) return undefined;
      return lookInside(inside, path === 'routines' ? 'None of the routines is changed.' : `Nothing of ${path} is applied.`);
    },
    applied: async ({ path, transaction, session: outside }) => {
      if (path !== last || transaction) return;
      judge(await inTransaction(outside, schema), `${path} has no transaction: it is applied and stays so.`);
    },
  };
}

async function inTransaction(session: Queryable, schema: string): Promise<BodyCheck> {
  await session.query('begin');
  try {
    return await inspectBodies(session, schema);
  } finally {
    await session.query('rollback').catch(() => undefined);
  }
}
