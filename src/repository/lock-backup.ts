import type { Clock } from '../base/clock.ts';
import { isDbadminError } from '../base/errors.ts';
import type { ObjectStore } from '../storage/store.ts';
import { backupKey, clusterKey, IDENTITY_KEY, indexPrefix, packKey } from './layout.ts';
import { isGenuineEntry, ledgerPrefix } from './ledger.ts';
import type { Repository } from './repository.ts';
import { lockEnd } from './retained-store.ts';

const AT_ONCE = 16;

/** What became of the locks that a backup relies on. */
export interface LockReport {
  readonly until: Date;
  /** Objects whose lock was set or made longer. */
  readonly extended: number;
  /** Objects that were locked as long already. */
  readonly kept: number;
}

/** Locks each of `keys` until `until` at least, a bounded number at a time, and counts what had to be done. */
export async function extendLocks(
  store: Pick<ObjectStore, 'extendLock'>,
  keys: Iterable<string>,
  until: Date,
): Promise<{ readonly extended: number; readonly kept: number }> {
  const remaining = new Set(keys).values();
  const counts = { extended: 0, kept: 0 };
  const work = async (): Promise<void> => {
    for (const key of remaining) {
      const outcome = await store.extendLock(key, until);
      counts[outcome] += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return counts;
}

/** A published backup, and what is known of what it relies on. */
export interface BackupToLock {
  readonly systemIdentifier: string;
  readonly label: string;
  /** Names of packs. */
  readonly packs: Iterable<string>;
  /** Keys. */
  readonly damagedIndexes?: ReadonlySet<string>;
}

/** {@link lockBackupUntil}, as long as a new object of this moment would be locked. Undefined where the store does not lock. */
export async function lockBackup(repository: Repository, backup: BackupToLock, clock: Clock): Promise<LockReport | undefined> {
  const { lockDays } = repository.store.capabilities;
  if (lockDays === undefined) return undefined;
  return await lockBackupUntil(repository, backup, lockEnd(clock.now(), lockDays));
}

/**
 * Locks a published backup and everything it relies on: its manifest, its
 * packs (those of earlier backups with them), the indexes that say where things lie in packs, the ledger of what a restore
 * must not bring back, and the repository's own identity. Damaged indexes and entries of the ledger are left to the lock that they
 * have: nothing is read from them, and they could never be deleted. The manifest comes last: one that shows a lock has all it relies on
 * locked. WAL is locked as it comes and needs no more.
 *
 * @throws {DbadminError} storage failures: the backup is there, and is locked in part.
 */
export async function lockBackupUntil(
  repository: Repository,
  { systemIdentifier, label, packs, damagedIndexes }: BackupToLock,
  until: Date,
): Promise<LockReport> {
  const { store } = repository;
  const kept = [IDENTITY_KEY, clusterKey(systemIdentifier)];
  for (const pack of packs) kept.push(packKey(systemIdentifier, pack));
  const counts = await extendLocks(store, kept, until);
  const listed: string[] = [];
  for (const prefix of [indexPrefix(systemIdentifier), ledgerPrefix(systemIdentifier)])
    for await (const { key } of store.list(prefix)) if (damagedIndexes?.has(key) !== true) listed.push(key);
  const ofListed = await extendThoseLeft(repository, systemIdentifier, listed, until);
  const ofManifest = await extendLocks(store, [backupKey(systemIdentifier, label)], until);
  const sum = (outcome: 'extended' | 'kept'): number => counts[outcome] + ofListed[outcome] + ofManifest[outcome];
  return { until, extended: sum('extended'), kept: sum('kept') };
}

/** Collection replaces indexes: one that is gone since it was listed has a successor that is locked from its creation. */
async function extendThoseLeft(
  repository: Repository,
  systemIdentifier: string,
  keys: readonly string[],
  until: Date,
): ReturnType<typeof extendLocks> {
  const ledger = ledgerPrefix(systemIdentifier);
  const extendLock = async (key: string, moment: Date): Promise<'extended' | 'kept'> => {
    try {
      if (key.startsWith(ledger) && !(await isGenuineEntry(repository, key))) return 'kept';
      return await repository.store.extendLock(key, moment);
    } catch (error) {
      if (isDbadminError(error, 'storage-missing')) return 'kept';
      throw error;
    }
  };
  return await extendLocks({ extendLock }, keys, until);
}
