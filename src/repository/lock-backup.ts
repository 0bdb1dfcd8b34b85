import type { Clock } from '../base/clock.ts';
import { isDbadminError } from '../base/errors.ts';
import { parseLsn } from '../postgres/lsn.ts';
import type { SegmentPosition } from '../postgres/segment.ts';
import { placeNow } from '../storage/place-clock.ts';
import type { LockOutcome, ObjectStore } from '../storage/store.ts';
import type { BlobIndex } from './blob-index.ts';
import { backupKey, clusterKey, IDENTITY_KEY, indexPrefix, packKey, walPrefix } from './layout.ts';
import { isGenuineEntry, ledgerPrefix } from './ledger.ts';
import type { BackupSummary } from './manifest.ts';
import type { Repository } from './repository.ts';
import { lockEnd } from './retained-store.ts';
import { walObject } from './wal-object.ts';

const AT_ONCE = 16;

/** What became of the locks that a backup relies on. */
export interface LockReport {
  readonly until: Date;
  /** Objects whose lock was set or made longer. */
  readonly extended: number;
  /** Objects that were locked as long already. */
  readonly kept: number;
  /** Objects that are locked as long, in a lesser mode than is configured: the server does not let these credentials make it stricter. */
  readonly lesser: number;
}

/** What was done, counted. */
type LockCounts = Omit<LockReport, 'until'>;

/** Locks each of `keys` until `until` at least, a bounded number at a time, and counts what had to be done. */
export async function extendLocks(store: Pick<ObjectStore, 'extendLock'>, keys: Iterable<string>, until: Date): Promise<LockCounts> {
  const remaining = new Set(keys).values();
  const counts = { extended: 0, kept: 0, lesser: 0 };
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
  readonly summary: LockedSummary;
  /** Names of packs. */
  readonly packs: Iterable<string>;
  /** Keys of indexes that say nothing of it that others do not: damaged ones, and those that are not encrypted where others are. */
  readonly unreadIndexes?: ReadonlySet<string>;
}

/** The indexes of a lineage of which a writer relies on nothing. */
export function unreadIndexes({ damaged, untrusted }: BlobIndex): ReadonlySet<string> {
  return new Set([...damaged, ...untrusted]);
}

/** What a backup's head says of where it is, and of the WAL without which it is worth nothing. */
type LockedSummary = Pick<
  BackupSummary,
  'systemIdentifier' | 'label' | 'startLsn' | 'stopLsn' | 'startTimeline' | 'stopTimeline' | 'walSegmentBytes'
>;

/** {@link lockBackupUntil}, as long as a new object of this moment would be locked. Undefined where the store does not lock. */
export async function lockBackup(repository: Repository, backup: BackupToLock, clock: Clock): Promise<LockReport | undefined> {
  const { lockDays } = repository.store.capabilities;
  if (lockDays === undefined) return undefined;
  return await lockBackupUntil(repository, backup, lockEnd(placeNow(repository.store, clock.now()), lockDays));
}

/**
 * Locks a published backup and everything it relies on: its manifest, its packs (those of earlier backups with them), the indexes that
 * say where things lie in packs, the ledger of what a restore must not bring back, the WAL that was written while it was taken, all
 * histories of timelines, and the repository's own identity. Damaged entries of the ledger, and indexes that are damaged or not to be
 * believed, are left to the lock that they have: nothing hangs on them, and what is to replace them could never delete them. The
 * manifest comes last: one that shows a lock has all it relies on locked. WAL of later moments is locked as it comes and needs no more.
 *
 * @throws {DbadminError} storage failures: the backup is there, and is locked in part.
 */
export async function lockBackupUntil(
  repository: Repository,
  { summary, packs, unreadIndexes }: BackupToLock,
  until: Date,
): Promise<LockReport> {
  const { store } = repository;
  const { systemIdentifier, label } = summary;
  const kept = [IDENTITY_KEY, clusterKey(systemIdentifier)];
  for (const pack of packs) kept.push(packKey(systemIdentifier, pack));
  const counts = await extendLocks(store, kept, until);
  const listed: string[] = await listOwnWal(repository, summary);
  for (const prefix of [indexPrefix(systemIdentifier), ledgerPrefix(systemIdentifier)])
    for await (const { key } of store.list(prefix)) if (unreadIndexes?.has(key) !== true) listed.push(key);
  const ofListed = await extendThoseLeft(repository, systemIdentifier, listed, until);
  const ofManifest = await extendLocks(store, [backupKey(systemIdentifier, label)], until);
  const sum = (outcome: LockOutcome): number => counts[outcome] + ofListed[outcome] + ofManifest[outcome];
  return { until, extended: sum('extended'), kept: sum('kept'), lesser: sum('lesser') };
}

/**
 * The keys of the segments without which a backup is not consistent, as far as they are there whole (parts have to go soon), and of
 * every history: a timeline's was stored once, when it began, and each backup on it, or before it, may need it.
 */
async function listOwnWal({ store }: Repository, summary: LockedSummary): Promise<string[]> {
  const { systemIdentifier, walSegmentBytes, startTimeline, stopTimeline } = summary;
  const [startLsn, stopLsn] = [parseLsn(summary.startLsn), parseLsn(summary.stopLsn)];
  const size = BigInt(walSegmentBytes);
  const isOwn = ({ timeline, startLsn: from }: SegmentPosition): boolean =>
    timeline >= startTimeline && timeline <= stopTimeline && from < stopLsn && from + size > startLsn;
  const keys: string[] = [];
  for await (const { key } of store.list(walPrefix(systemIdentifier))) {
    const found = walObject(systemIdentifier, key, walSegmentBytes);
    if (found?.kind === 'history' || (found?.kind === 'segment' && isOwn(found))) keys.push(key);
  }
  return keys;
}

/**
 * Collection replaces indexes: one that is gone since it was listed has a successor that is locked from its creation. WAL that is gone since
 * is missed elsewhere.
 */
async function extendThoseLeft(
  repository: Repository,
  systemIdentifier: string,
  keys: readonly string[],
  until: Date,
): Promise<LockCounts> {
  const ledger = ledgerPrefix(systemIdentifier);
  const extendLock = async (key: string, moment: Date): Promise<LockOutcome> => {
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
