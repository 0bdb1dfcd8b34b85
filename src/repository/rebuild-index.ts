import type { Clock } from '../base/clock.ts';
import { isDbadminError, messageOf } from '../base/errors.ts';
import { readIndex, writeIndex, type IndexedPack } from './blob-index.ts';
import { DEFAULT_GRACE_MS } from './collection-plan.ts';
import { runName } from './collection.ts';
import { deleteUnlessLocked } from './delete-packs.ts';
import { indexPrefix, packAt, packKey, packPrefix } from './layout.ts';
import type { Lease } from './leases.ts';
import { markPack, readMarks } from './marks.ts';
import { readFooter } from './pack-footer.ts';
import type { Repository } from './repository.ts';

/** An index object holds at most so many blobs: it is in memory while it is written. */
const BLOBS_PER_INDEX = 100_000;

export interface RebuildOptions {
  /** The `expire` lease of the lineage, held: nobody else may delete indexes or packs. */
  readonly lease: Lease;
  /** Whether indexes that are whole are written anew, too. */
  readonly all: boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (donePacks: number, totalPacks: number) => void;
}

export interface RebuiltIndex {
  readonly packs: number;
  /** Packs that an index names now and none did before, or only one that was replaced. */
  readonly added: number;
  readonly written: number;
  /** Index objects that were replaced: damaged, or naming packs that are not there, or not encrypted where others are, or all of them. */
  readonly replaced: readonly string[];
  /** Those that should have gone and that the storage has locked: nothing is read from them, or their lost packs are marked. */
  readonly locked: readonly { readonly index: string; readonly until: Date | null }[];
  /** Those that should have gone and say alone what lies in some of the damaged packs: what is whole there is found by them only. */
  readonly kept: readonly { readonly index: string; readonly packs: readonly string[] }[];
  /** Named by an index and not there: what lay in them is lost unless it comes back from a copy. */
  readonly missing: readonly string[];
  readonly damaged: readonly { readonly pack: string; readonly problem: string }[];
}

/**
 * Brings the indexes of a lineage in line with its packs, from what the packs say of themselves. Indexes that are whole and
 * true stay. Needs no key: without one all indexes of an encrypted repository are taken for untold, and what the packs say is written beside them,
 * not encrypted; the next run with the key replaces that.
 *
 * New indexes are stored before old ones are deleted, so that nothing is ever unfindable that was found: an old one stays where it alone names
 * a pack whose footer is damaged, for its blobs may be whole. Packs that are lost and that an index which stays goes on naming are marked: who writes a backup takes them for absent then, and stores what they held anew.
 */
export async function rebuildIndex(repository: Repository, systemIdentifier: string, options: RebuildOptions): Promise<RebuiltIndex> {
  const sizes = await listPacks(repository, systemIdentifier);
  const { named, stale, missing } = await readIndexes(repository, systemIdentifier, sizes, options.all);
  const todo = [...sizes].filter(([pack]) => !named.has(pack));
  const damaged: { pack: string; problem: string }[] = [];
  let pending: IndexedPack[] = [];
  let pendingBlobs = 0;
  let written = 0;
  const flush = async (): Promise<void> => {
    if (pending.length === 0) return;
    await options.lease.check();
    await writeIndex(repository, systemIdentifier, runName(options.clock.now()), pending);
    written += 1;
    pending = [];
    pendingBlobs = 0;
  };
  for (const [done, [pack, sizeBytes]] of todo.entries()) {
    options.signal.throwIfAborted();
    options.onProgress(done, todo.length);
    try {
      const blobs = await readFooter(repository, systemIdentifier, pack, sizeBytes);
      pending.push({ pack, blobs });
      pendingBlobs += blobs.length;
    } catch (error) {
      if (!isDbadminError(error, 'repository-damaged')) throw error;
      damaged.push({ pack, problem: error.detail ?? messageOf(error) });
    }
    if (pendingBlobs >= BLOBS_PER_INDEX) await flush();
  }
  await flush();
  await options.lease.check();
  const unread = new Set(damaged.map(({ pack }) => pack));
  const outcome = await deleteStale(repository, systemIdentifier, stale, unread, options.clock.now());
  return { packs: sizes.size, added: todo.length - damaged.length, written, ...outcome, missing: [...missing], damaged };
}

async function deleteStale(
  repository: Repository,
  systemIdentifier: string,
  stale: StaleIndexes,
  unread: ReadonlySet<string>,
  markedAt: Date,
): Promise<Pick<RebuiltIndex, 'replaced' | 'locked' | 'kept'>> {
  const replaced: string[] = [];
  const locked: RebuiltIndex['locked'][number][] = [];
  const kept: RebuiltIndex['kept'][number][] = [];
  for (const [index, { absent, present }] of stale) {
    const packs = present.filter((pack) => unread.has(pack));
    if (packs.length === 0 && (await deleteUnlessLocked(repository, index))) {
      replaced.push(index);
      continue;
    }
    for (const pack of absent) await markPack(repository, systemIdentifier, pack, { graceMs: DEFAULT_GRACE_MS, markedAt });
    if (packs.length > 0) kept.push({ index, packs });
    else locked.push({ index, until: (await repository.store.stat(index))?.lockedUntil ?? null });
  }
  return { replaced, locked, kept };
}

/** What {@link rebuildIndex} would do; reads indexes, and no pack. */
export async function inspectIndexes(
  repository: Repository,
  systemIdentifier: string,
  all: boolean,
): Promise<{
  readonly packs: number;
  readonly unindexed: number;
  readonly replaced: readonly string[];
  readonly missing: readonly string[];
}> {
  const sizes = await listPacks(repository, systemIdentifier);
  const { named, stale, missing } = await readIndexes(repository, systemIdentifier, sizes, all);
  const unindexed = [...sizes.keys()].filter((pack) => !named.has(pack)).length;
  return { packs: sizes.size, unindexed, replaced: [...stale.keys()], missing: [...missing] };
}

/** Sizes of all packs by their names. */
async function listPacks(repository: Repository, systemIdentifier: string): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of repository.store.list(packPrefix(systemIdentifier))) {
    const pack = packAt(systemIdentifier, key);
    if (pack !== undefined) sizes.set(pack, sizeBytes);
  }
  return sizes;
}

/** Indexes that cannot stay, by their keys: each with the packs that it names, as far as it can be read, and that are not there, or are. */
type StaleIndexes = ReadonlyMap<string, { readonly absent: readonly string[]; readonly present: readonly string[] }>;

/** Which packs the indexes that can stay name, and which indexes cannot. */
async function readIndexes(
  repository: Repository,
  systemIdentifier: string,
  sizes: ReadonlyMap<string, number>,
  all: boolean,
): Promise<{ readonly named: ReadonlySet<string>; readonly stale: StaleIndexes; readonly missing: ReadonlySet<string> }> {
  const named = new Set<string>();
  const stale = new Map<string, { readonly absent: readonly string[]; readonly present: readonly string[] }>();
  const missing = new Set<string>();
  // Collected, and named still by an index that is locked.
  const marked = await readMarks(repository, systemIdentifier);
  for await (const { key } of repository.store.list(indexPrefix(systemIdentifier))) {
    const packs: string[] = [];
    let isTrusted = true;
    try {
      for await (const { pack } of readIndex(repository, key, (is) => (isTrusted = is))) packs.push(pack);
    } catch (error) {
      // Without a key it is not known what an encrypted index names; whether it is whole is.
      if (isDbadminError(error, 'key-wrong')) continue;
      if (!isDbadminError(error, 'repository-damaged')) throw error;
      stale.set(key, { absent: [], present: [] });
      continue;
    }
    const absent: string[] = [];
    let isNewer = false;
    for (const pack of packs.filter((each) => !sizes.has(each) && !marked.has(each))) {
      // A backup may have stored it, and this index, since the packs were listed.
      if ((await repository.store.stat(packKey(systemIdentifier, pack))) === undefined) absent.push(pack);
      else isNewer = true;
    }
    for (const pack of absent) missing.add(pack);
    if ((all || !isTrusted || absent.length > 0) && !isNewer) stale.set(key, { absent, present: packs.filter((each) => sizes.has(each)) });
    else for (const pack of packs) named.add(pack);
  }
  return { named, stale, missing };
}
