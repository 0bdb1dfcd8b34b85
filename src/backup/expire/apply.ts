import { deleteUnlessLocked } from '../../repository/delete-packs.ts';
import { DbadminError, isDbadminError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isInForce, listHolds } from '../../repository/holds.ts';
import { backupKey } from '../../repository/layout.ts';
import type { Lease } from '../../repository/leases.ts';
import { noteLetGo } from '../../repository/let-go.ts';
import type { Repository } from '../../repository/repository.ts';
import { dumpManifestKey, dumpPrefix } from '../dump/layout.ts';
import type { ExpiryInspection } from './inspect.ts';
import { clocksOf } from './pauses.ts';
import type { Verdict } from './plan.ts';
import { planWal, type StoredWal } from './wal-plan.ts';

export interface ApplyOptions {
  readonly lease: Lease;
  readonly windowMs: number | undefined;
  readonly graceMs: number;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What was removed, and what could not be. */
export interface Expired {
  readonly backups: readonly string[];
  readonly dumps: readonly string[];
  /** Labels that should have gone and are locked by the storage. */
  readonly locked: readonly string[];
  readonly wal: { readonly objects: number; readonly bytes: number };
}

/**
 * Removes what the plan lets go: manifests first, each of which ends its backup at once and leaves the others whole; then
 * dumps; then the WAL that nothing left needs. Holds are looked at again right before each removal.
 */
export async function applyExpiry(
  repository: Repository,
  systemIdentifier: string,
  inspection: ExpiryInspection,
  plan: { readonly backups: readonly Verdict[]; readonly dumps: readonly Verdict[] },
  options: ApplyOptions,
): Promise<Expired> {
  await options.lease.check();
  const { now, storeNow, pauses } = inspection;
  const locked: string[] = [];
  const remove = async (verdicts: readonly Verdict[], one: (label: string) => Promise<boolean>): Promise<readonly string[]> => {
    const removed: string[] = [];
    for (const { label, reasons } of verdicts) {
      options.signal.throwIfAborted();
      if (reasons.length > 0) continue;
      if ((await listHolds(repository, systemIdentifier, label)).some((hold) => isInForce(hold, clocksOf(hold, [now, storeNow], pauses))))
        continue;
      if (await one(label)) removed.push(label);
      else locked.push(label);
    }
    return removed;
  };
  const backups = await remove(plan.backups, async (label) => await deleteUnlessLocked(repository, backupKey(systemIdentifier, label)));
  const dumps = await remove(plan.dumps, async (label) => await deleteDump(repository, systemIdentifier, label));
  const wal = await deleteWal(repository, systemIdentifier, { ...inspection, verdicts: stayed(plan.backups, backups) }, options);
  return { backups, dumps, locked, wal };
}

/** What should have gone and did not still needs its WAL. */
function stayed(verdicts: readonly Verdict[], removed: readonly string[]): readonly Verdict[] {
  return verdicts.map((verdict) => {
    if (verdict.reasons.length > 0 || removed.includes(verdict.label)) return verdict;
    return { ...verdict, reasons: [{ kind: 'hold', reason: 'it could not be removed', until: null }] };
  });
}

async function deleteWal(
  repository: Repository,
  systemIdentifier: string,
  inspection: ExpiryInspection & { readonly verdicts: readonly Verdict[] },
  { windowMs, graceMs, log, signal, lease }: ApplyOptions,
): Promise<Expired['wal']> {
  const going = planWal(inspection.wal, { ...inspection, windowMs, graceMs });
  if (going.length > 0) {
    await lease.check();
    await noteGoing(repository, systemIdentifier, going, { now: inspection.now, log });
  }
  let objects = 0;
  let bytes = 0;
  for (const { key, sizeBytes } of going) {
    signal.throwIfAborted();
    if (!(await deleteUnlessLocked(repository, key))) continue;
    objects += 1;
    bytes += sizeBytes;
  }
  return { objects, bytes };
}

/** Where that cannot be, as under a policy of before such records, WAL goes all the same, and what is missing then looks as if it were lost. */
const UNNOTED = ['storage-denied', 'storage-full'] as const;

/**
 * Notes how far WAL goes, before any does. Each segment that goes shows that no backup needs what follows it up to there: so WAL before it which is absent already,
 * because an earlier version let it go or `sync` did not bring it, is none that retention would keep.
 */
async function noteGoing(
  repository: Repository,
  systemIdentifier: string,
  going: readonly StoredWal[],
  { now, log }: { readonly now: Date; readonly log: Log },
): Promise<void> {
  const letGo = new Map<number, bigint>();
  for (const { timeline, endLsn } of going) if (endLsn > (letGo.get(timeline) ?? 0n)) letGo.set(timeline, endLsn);
  const remove = async (key: string): Promise<boolean> => await deleteUnlessLocked(repository, key);
  try {
    await noteLetGo(repository, systemIdentifier, letGo, { now, remove });
  } catch (error) {
    if (!(error instanceof DbadminError) || !UNNOTED.some((code) => isDbadminError(error, code))) throw error;
    log.warn(
      `which WAL goes from ${repository.store.description} could not be noted, and between backups that stay it will count as gaps: ${error.message}`,
    );
  }
}

/** The manifest first: what is left without it is no dump. */
async function deleteDump(repository: Repository, systemIdentifier: string, label: string): Promise<boolean> {
  const prefix = `${systemIdentifier}/`;
  if (!(await deleteUnlessLocked(repository, dumpManifestKey(prefix, label)))) return false;
  const keys: string[] = [];
  for await (const { key } of repository.store.list(`${dumpPrefix(prefix)}${label}/`)) keys.push(key);
  for (const key of keys) await deleteUnlessLocked(repository, key);
  return true;
}
