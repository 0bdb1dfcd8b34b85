import { randomBytes } from 'node:crypto';
import { isDbadminError } from '../base/errors.ts';
import { readIndex, writeIndex, type IndexedPack } from './blob-index.ts';
import type { PackUse } from './collection-inspect.ts';
import { indexPrefix, packKey } from './layout.ts';
import type { Lease } from './leases.ts';
import { addLive, listLabels, LiveBlobs } from './live-blobs.ts';
import { removeMark, type Mark } from './marks.ts';
import type { Repository } from './repository.ts';

export interface DeletePacksOptions {
  /** The `expire` lease of the lineage, held. */
  readonly lease: Lease;
  /** Marked long enough ago and needed by no backup that is known. */
  readonly due: readonly PackUse[];
  /** Marked and gone already: what is left of them goes too. */
  readonly gone: readonly Mark[];
  /** Gone and not marked: indexes let them go. */
  readonly absent: readonly string[];
  /** Indexes that cannot be read. What no other index names stays while they are there, and so do all marks. */
  readonly damagedIndexes: ReadonlySet<string>;
  /** The backups that were looked at. */
  readonly known: readonly string[];
  /** By the store's clock: what is locked until later stays. */
  readonly now: Date;
  readonly signal: AbortSignal;
}

/**
 * Deletes packs: first out of the indexes, then themselves, then their marks, so that at every moment a pack that an index
 * names is there, or marked. The mark stays while an index that is locked names the pack. Backups that have come since are looked at
 * first; what they name stays for now.
 *
 * The lease is looked at before each step that comes seconds after the last look: whoever was suspended meanwhile decided by what is no longer so. Another collection may have
 * taken a mark away since, or deleted what an index written now would name again.
 *
 * @throws {DbadminError} `locked` when the lease was lost.
 */
export async function deletePacks(
  repository: Repository,
  systemIdentifier: string,
  { lease, due, gone, absent, known, damagedIndexes, now, signal }: DeletePacksOptions,
): Promise<{ readonly deleted: readonly PackUse[]; readonly locked: readonly PackUse[] }> {
  const since = (await listLabels(repository, systemIdentifier)).filter((label) => !known.includes(label));
  const live = new LiveBlobs();
  await addLive(live, repository, systemIdentifier, since);
  const going = new Set([...[...due, ...gone].map(({ pack }) => pack), ...absent]);
  const lockedIn = await cutFromIndexes(repository, systemIdentifier, going, { lease, live, damagedIndexes, now });
  const deleted: PackUse[] = [];
  const locked: PackUse[] = [];
  for (const use of due) {
    signal.throwIfAborted();
    if (!going.has(use.pack)) continue;
    await lease.checkAgain();
    if (await deleteUnlessLocked(repository, packKey(systemIdentifier, use.pack))) {
      if (!lockedIn.has(use.pack)) await removeMark(repository, systemIdentifier, use.pack);
      deleted.push(use);
    } else locked.push(use);
  }
  for (const { pack } of gone) {
    if (!going.has(pack) || lockedIn.has(pack)) continue;
    await lease.checkAgain();
    await removeMark(repository, systemIdentifier, pack);
  }
  return { deleted, locked };
}

/**
 * Replaces the indexes that name any of these packs; packs that must stay after all are taken out of the set. Gives those that
 * an index still names which is locked, or for whose successor there is no room: each backup locks the indexes anew, and packs would
 * never go if they waited for that.
 */
async function cutFromIndexes(
  repository: Repository,
  systemIdentifier: string,
  going: Set<string>,
  { lease, live, damagedIndexes, now }: Pick<DeletePacksOptions, 'lease' | 'damagedIndexes' | 'now'> & { readonly live: LiveBlobs },
): Promise<ReadonlySet<string>> {
  const prefix = indexPrefix(systemIdentifier);
  const keys: string[] = [];
  for await (const { key } of repository.store.list(prefix)) if (!damagedIndexes.has(key)) keys.push(key);
  const named = new Set<string>();
  const needed = new Set<string>();
  for (const key of keys) {
    for await (const { pack, blobs } of readIndex(repository, key)) {
      if (!going.has(pack)) continue;
      named.add(pack);
      if (blobs.some(({ hash }) => live.isHomeless(hash))) needed.add(pack);
    }
  }
  // What one index may not let go of, none may; and what a damaged one names is not known.
  for (const pack of going) if (needed.has(pack) || (damagedIndexes.size > 0 && !named.has(pack))) going.delete(pack);
  const lockedIn = new Set(damagedIndexes.size > 0 ? going : []);
  for (const key of keys) {
    const staying: IndexedPack[] = [];
    const leaving: string[] = [];
    let isTrusted = true;
    for await (const indexed of readIndex(repository, key, (is) => (isTrusted = is))) {
      if (going.has(indexed.pack)) leaving.push(indexed.pack);
      else staying.push(indexed);
    }
    if (leaving.length === 0) continue;
    if (await isLocked(repository, key, now)) {
      for (const pack of leaving) lockedIn.add(pack);
      continue;
    }
    // Of the time of the one it replaces, and told from it; what anybody may have written is not made ours.
    const name = `${key.slice(prefix.length, prefix.length + 16)}-${randomBytes(8).toString('hex')}`;
    const writer = isTrusted ? repository : { ...repository, keys: undefined };
    await lease.checkAgain();
    if (staying.length > 0 && !(await isWritten(writer, systemIdentifier, name, staying))) {
      for (const pack of leaving) lockedIn.add(pack);
      continue;
    }
    await lease.checkAgain();
    if (!(await deleteUnlessLocked(repository, key))) for (const pack of leaving) lockedIn.add(pack);
  }
  return lockedIn;
}

/** Without room for the shorter index the longer one stays, as a locked one does: the packs go all the same, which makes room for the next time. */
async function isWritten(repository: Repository, systemIdentifier: string, name: string, packs: readonly IndexedPack[]): Promise<boolean> {
  try {
    await writeIndex(repository, systemIdentifier, name, packs);
    return true;
  } catch (error) {
    if (isDbadminError(error, 'storage-full')) return false;
    throw error;
  }
}

async function isLocked({ store }: Repository, key: string, now: Date): Promise<boolean> {
  const lockedUntil = (await store.stat(key))?.lockedUntil;
  return lockedUntil !== undefined && lockedUntil > now;
}

/** Deletes an object that the storage may have locked; says whether it is gone. */
export async function deleteUnlessLocked({ store }: Repository, key: string): Promise<boolean> {
  try {
    await store.delete(key);
    return true;
  } catch (error) {
    if (isDbadminError(error, 'storage-locked')) return false;
    throw error;
  }
}
