import { randomUUID } from 'node:crypto';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { acquireLock, releaseLock, type LockOptions } from '../session/lock.ts';
import { findInvalidIndexes, remedySql, type InvalidIndex } from './indexes-inspect.ts';
import type { PlannedRepair } from './plan.ts';
import { recordDecision } from '../history/repair-rows.ts';
import type { Session } from '../session/session.ts';

/** Does `work` while no migration can run in this database. */
export async function underLock<Value>(session: Session, options: LockOptions, work: () => Promise<Value>): Promise<Value> {
  await acquireLock(session, options);
  try {
    return await work();
  } finally {
    if (session.lost() === undefined) await releaseLock(session).catch(() => undefined);
  }
}

export interface RepairIdentity {
  readonly schema: string;
  readonly toolVersion: string;
  readonly gitCommit: string | undefined;
  readonly reason: string;
}

/** Writes the decision down. Gives the run's id. */
export async function applyRepair(session: Session, { row }: PlannedRepair, identity: RepairIdentity): Promise<string> {
  const runId = randomUUID();
  await recordDecision(session, { ...identity, runId, rows: [row] });
  return runId;
}

export interface HealedIndex {
  readonly index: string;
  readonly did: 'rebuilt' | 'dropped' | 'failed';
  /** What the server said, of a failure. */
  readonly failure: string | undefined;
}

/** Rebuilds or drops each; one that fails stays as it was, and the others go on. */
export async function healIndexes(
  session: Session,
  indexes: readonly InvalidIndex[],
  signal: AbortSignal,
): Promise<readonly HealedIndex[]> {
  // Waiting for old snapshots counts as waiting for a lock and blocks nobody.
  await session.query('set lock_timeout = 0');
  const healed: HealedIndex[] = [];
  for (const index of indexes) {
    signal.throwIfAborted();
    try {
      await session.query(remedySql(index));
      healed.push({ index: index.name, did: index.remedy === 'drop' ? 'dropped' : 'rebuilt', failure: undefined });
    } catch (error) {
      if (session.lost() !== undefined || systemCodeOf(error) === undefined) throw error;
      await dropLeftover(session, index);
      healed.push({ index: index.name, did: 'failed', failure: failureText(error) });
    }
  }
  return healed;
}

/** A REINDEX CONCURRENTLY that fails leaves its own half-built index beside the old one. */
async function dropLeftover(session: Session, { sql, remedy }: InvalidIndex): Promise<void> {
  if (remedy === 'drop') return;
  const left = (await findInvalidIndexes(session)).find((each) => each.remedy === 'drop' && each.sql.startsWith(`${sql.slice(0, -1)}_cc`));
  if (left !== undefined) await session.query(remedySql(left)).catch(() => undefined);
}

function failureText(error: unknown): string {
  const { detail } = error as { readonly detail?: string };
  const code = systemCodeOf(error) ?? '';
  return `${messageOf(error)} (${code})${detail === undefined ? '' : `: ${detail}`}`;
}

/** The failure when some indexes could not be mended. */
export function healingError(healed: readonly HealedIndex[]): DbadminError | undefined {
  const failed = healed.filter(({ did }) => did === 'failed');
  if (failed.length === 0) return undefined;
  return new DbadminError('partly-done', `${failed.length} of ${healed.length} indexes are still INVALID`, {
    detail: failed.map(({ index, failure }) => `${index}: ${failure ?? ''}`).join('\n'),
    hint: 'Mend what the server names (double rows of a unique index, say) and run this again, or drop the index: --drop-invalid.',
  });
}
