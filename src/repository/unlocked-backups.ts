import { isDbadminError, reasonOf } from '../base/errors.ts';
import { BlobIndex } from './blob-index.ts';
import { backupPrefix, packKey } from './layout.ts';
import { blobsOf } from './live-blobs.ts';
import { extendLocks } from './lock-backup.ts';
import { readManifest } from './manifest.ts';
import type { Repository } from './repository.ts';
import { lockEnd } from './retained-store.ts';
import { storeNow } from './store-clock.ts';

const AT_ONCE = 16;

/** A backup whose manifest shows no lock, though its own would not have ended: whoever wrote it died, or failed, before locking it. */
export interface UnlockedBackup {
  readonly label: string;
  readonly key: string;
  /** When its lock would have ended. */
  readonly until: Date;
}

/** What became of backups that were found unlocked. */
export interface LateLocks {
  readonly locked: readonly UnlockedBackup[];
  /** Those that cannot be locked since they are not whole; `problem` is a clause. */
  readonly broken: readonly { readonly label: string; readonly problem: string }[];
}

/**
 * The backups of a lineage that should be locked and show no lock. None where the store does not lock. A lock that has ended is shown
 * still, and says nothing; nor is one missed on a backup so old that it would have ended.
 */
export async function listUnlocked(
  { store }: Repository,
  systemIdentifier: string,
  { olderThanMs = 0 }: { readonly olderThanMs?: number } = {},
): Promise<readonly UnlockedBackup[]> {
  const { lockDays } = store.capabilities;
  if (lockDays === undefined) return [];
  const prefix = backupPrefix(systemIdentifier);
  const young: UnlockedBackup[] = [];
  const now = await storeNow(store);
  for await (const { key, modifiedAt } of store.list(prefix)) {
    const until = lockEnd(modifiedAt, lockDays);
    if (until > now && now.getTime() - modifiedAt.getTime() >= olderThanMs) young.push({ label: key.slice(prefix.length), key, until });
  }
  const unlocked: UnlockedBackup[] = [];
  const remaining = young.values();
  const look = async (): Promise<void> => {
    for (const each of remaining) {
      const found = await store.stat(each.key);
      if (found !== undefined && found.lockedUntil === undefined) unlocked.push(each);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, look));
  return unlocked.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/**
 * Locks the backups of {@link listUnlocked} and the packs they rely on, as long as they would be had they been locked when they were
 * published: its manifest last. To be called under the `backup` lease, after a backup was published and locked. One that is not whole stays as it is, and is named.
 *
 * @throws {DbadminError} storage failures.
 */
export async function lockUnlocked(repository: Repository, systemIdentifier: string): Promise<LateLocks> {
  const unlocked = await listUnlocked(repository, systemIdentifier);
  const locked: UnlockedBackup[] = [];
  const broken: LateLocks['broken'][number][] = [];
  if (unlocked.length === 0) return { locked, broken };
  const index = await BlobIndex.load(repository, systemIdentifier);
  for (const backup of unlocked) {
    try {
      const packs = await packsOf(repository, systemIdentifier, backup.label, index);
      if (packs === undefined) {
        broken.push({ label: backup.label, problem: 'content of it is in no index that can be read' });
        continue;
      }
      await extendLocks(repository.store, packs, backup.until);
      await extendLocks(repository.store, [backup.key], backup.until);
      locked.push(backup);
    } catch (error) {
      if (!isDbadminError(error, 'storage-missing') && !isDbadminError(error, 'repository-damaged')) throw error;
      // What was let go meanwhile is not missed.
      if ((await repository.store.stat(backup.key)) !== undefined) broken.push({ label: backup.label, problem: reasonOf(error) });
    }
  }
  return { locked, broken };
}

/** The keys of the packs that a backup's content lies in, or undefined when some of it lies nowhere. */
async function packsOf(
  repository: Repository,
  systemIdentifier: string,
  label: string,
  index: BlobIndex,
): Promise<ReadonlySet<string> | undefined> {
  const packs = new Set<string>();
  let isWhole = true;
  for await (const entry of readManifest(repository, systemIdentifier, label)) {
    for (const hash of blobsOf(entry)) {
      const pack = index.find(hash)?.pack;
      if (pack === undefined) isWhole = false;
      else packs.add(packKey(systemIdentifier, pack));
    }
  }
  return isWhole ? packs : undefined;
}
