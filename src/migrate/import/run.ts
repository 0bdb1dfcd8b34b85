import { randomUUID } from 'node:crypto';
import { DbadminError } from '../../base/errors.ts';
import { ensureHistory } from '../history/ensure.ts';
import { inspectServer } from '../session/inspect-server.ts';
import { acquireLock, releaseLock, type LockOptions } from '../session/lock.ts';
import type { SqlParser } from '../sql/parser.ts';
import type { Session } from '../session/session.ts';
import { applyImport } from './apply.ts';
import { observeSource, type ImportRequest } from './inspect.ts';
import { planImport, type ImportPlan } from './plan.ts';

export interface ImportOptions extends LockOptions, ImportRequest {
  readonly toolVersion: string;
  readonly gitCommit: string | undefined;
}

/** What an import would do. */
export async function inspectImport(session: Session, request: ImportRequest, parser: SqlParser): Promise<ImportPlan> {
  return planImport(await observeSource(session, request), parser);
}

/** Looks once more under the lock, so that two imports at once record nothing twice, and writes. Gives what was done. */
export async function runImport(session: Session, options: ImportOptions, parser: SqlParser): Promise<ImportPlan> {
  const { isStandby, database, user } = await inspectServer(session);
  if (isStandby)
    throw new DbadminError('refused', `${database} is on a standby, which cannot be changed`, { hint: 'Import on the primary.' });
  await acquireLock(session, options);
  try {
    const plan = await inspectImport(session, options, parser);
    const [first] = plan.problems;
    if (first !== undefined) throw first;
    const { schema, toolVersion, gitCommit, directories, tests } = options;
    await ensureHistory(session, schema, { user, database, toolVersion });
    const { migrations, routines } = directories;
    await applyImport(session, plan, { schema, runId: randomUUID(), toolVersion, gitCommit, migrations, routines, tests });
    return plan;
  } finally {
    if (session.lost() === undefined) await releaseLock(session).catch(() => undefined);
  }
}
