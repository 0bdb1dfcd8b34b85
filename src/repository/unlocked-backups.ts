import { isDbadminError, reasonOf } from '../base/errors.ts';
import { BlobIndex } from './blob-index.ts';
import { backupPrefix } from './layout.ts';
import { blobsOf } from './live-blobs.ts';
import { lockBackupUntil, unreadIndexes, type BackupToLock } from './lock-backup.ts';
import { readManifest, readSummary } from './manifest.ts';
import { readOr, type DamagedObject } from './passed-over.ts';
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
 * still, and says nothing; nor is one missed on a backup so old that it would have ended, or that was written before anything was
 * locked. The locks of its packs could not tell: later backups that rely on them lock them, and all indexes. One whose
 * head cannot be read is among them, for nobody knows.
 */
export async function listUnlocked(
  repository: Repository,
  systemIdentifier: string,
  { olderThanMs = 0, signal }: { readonly olderThanMs?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly UnlockedBackup[]> {
  const { store } = repository;
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
      signal?.throwIfAborted();
      const found = await store.stat(each.key);
      if (found !== undefined && found.lockedUntil === undefined && (await wasToBeLocked(repository, systemIdentifier, each)))
        unlocked.push(each);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, look));
  return unlocked.sort((a, b) => (a.key < b.key ? -1 : 1));
}

async function wasToBeLocked(repository: Repository, systemIdentifier: string, { label, key }: UnlockedBackup): Promise<boolean> {
  const damaged: DamagedObject[] = [];
  // Whoever lists the backups tells of damaged ones.
  const summary = await readOr(
    { store: repository.store },
    key,
    damaged,
    async () => await readSummary(repository, systemIdentifier, label),
  );
  return damaged.length > 0 || summary?.lockDays !== undefined;
}

export interface LockUnlockedOptions {
  /** What the caller knows of the content; all indexes are read only where it does not know enough. */
  readonly index?: BlobIndex | undefined;
  readonly signal?: AbortSignal;
}

/**
 * Locks the backups of {@link listUnlocked} and all that they rely on, as long as they would be had they been locked when they were
 * published. To be called under the `backup` lease. One that is not whole stays as it is, and is named.
 *
 * @throws {DbadminError} storage failures; the signal's reason.
 */
export async function lockUnlocked(
  repository: Repository,
  systemIdentifier: string,
  { index, signal }: LockUnlockedOptions = {},
): Promise<LateLocks> {
  const unlocked = await listUnlocked(repository, systemIdentifier, { signal });
  const locked: UnlockedBackup[] = [];
  const broken: LateLocks['broken'][number][] = [];
  const places = new PackPlaces(repository, systemIdentifier, index);
  for (const backup of unlocked) {
    const { label, key, until } = backup;
    signal?.throwIfAborted();
    try {
      const found = await places.of(label);
      if (found === undefined) {
        broken.push({ label, problem: 'content of it is in no index that can be read' });
        continue;
      }
      const summary = await readSummary(repository, systemIdentifier, label);
      await lockBackupUntil(repository, { summary, ...found }, until);
      locked.push(backup);
    } catch (error) {
      if (!isDbadminError(error, 'storage-missing') && !isDbadminError(error, 'repository-damaged')) throw error;
      // What was let go meanwhile is not missed.
      if ((await repository.store.stat(key)) !== undefined) broken.push({ label, problem: reasonOf(error) });
    }
  }
  return { locked, broken };
}

/** In which packs backups lie, by an index that somebody has already and, where that does not know enough, by one read anew. */
class PackPlaces {
  readonly #repository: Repository;
  readonly #systemIdentifier: string;
  #index: BlobIndex | undefined;
  #isRead = false;

  constructor(repository: Repository, systemIdentifier: string, index: BlobIndex | undefined) {
    this.#repository = repository;
    this.#systemIdentifier = systemIdentifier;
    this.#index = index;
  }

  /** The names of the packs that a backup's content lies in, or undefined when some of it lies nowhere. */
  async of(label: string): Promise<Pick<BackupToLock, 'packs' | 'unreadIndexes'> | undefined> {
    for (;;) {
      const index = this.#index ?? (await this.#read());
      const found = await this.#packsOf(label, index);
      if (found !== undefined) {
        const { packs, needsUntrusted } = found;
        return { packs, unreadIndexes: needsUntrusted ? index.damaged : unreadIndexes(index) };
      }
      if (this.#isRead) return undefined;
      this.#index = undefined;
    }
  }

  async #read(): Promise<BlobIndex> {
    this.#index = await BlobIndex.load(this.#repository, this.#systemIdentifier);
    this.#isRead = true;
    return this.#index;
  }

  async #packsOf(
    label: string,
    index: BlobIndex,
  ): Promise<{ readonly packs: ReadonlySet<string>; readonly needsUntrusted: boolean } | undefined> {
    const packs = new Set<string>();
    let isWhole = true;
    let needsUntrusted = false;
    for await (const entry of readManifest(this.#repository, this.#systemIdentifier, label)) {
      for (const hash of blobsOf(entry)) {
        const entry = index.entryOf(hash);
        if (entry < 0) isWhole = false;
        else packs.add(index.packName(index.measureOf(entry).pack));
        if (index.isUntrusted(entry)) needsUntrusted = true;
      }
    }
    return isWhole ? { packs, needsUntrusted } : undefined;
  }
}
