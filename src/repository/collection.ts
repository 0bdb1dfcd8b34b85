import { randomBytes } from 'node:crypto';
import { formatBytes } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { DbadminError, isDbadminError, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { BlobIndex, findDamagedIndexes } from './blob-index.ts';
import { BlobPipeline } from './blob-pipeline.ts';
import { BlobReader } from './blob-reader.ts';
import { inspectPackUsage, type PackUsage, type PackUse } from './collection-inspect.ts';
import { COMPACTION_SHARE, firstRound, fitCompaction, planCollection, type CollectionPlan } from './collection-plan.ts';
import { deletePacks, deleteUnlessLocked } from './delete-packs.ts';
import { packKey } from './layout.ts';
import type { ReadManifests } from './live-blobs.ts';
import { describeOwner, holderOf, type Lease } from './leases.ts';
import { markPack, removeMark } from './marks.ts';
import type { Repository } from './repository.ts';

export interface CollectOptions {
  /** The `expire` lease of the lineage, held. */
  readonly lease: Lease;
  readonly graceMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Manifests that were read right before, under this lease. Its counts are used up. */
  readonly read?: ReadManifests;
  /** The repository as it is for those who make no room, whose reserve is not given up: for what can wait. The same unless given. */
  readonly withoutReserve?: Repository;
}

export interface Amount {
  readonly packs: number;
  readonly bytes: number;
}

/** What a collection did. Bytes are of whole packs. */
export interface Collected {
  readonly marked: Amount;
  readonly withdrawn: Amount;
  /** Packs of which little was needed, and what is needed of them, written anew. */
  readonly compacted: Amount & { readonly writtenBytes: number };
  readonly deleted: Amount;
  /** Marked, and not due yet; `until` is when the first is, by the store's clock. */
  readonly waiting: Amount & { readonly until: Date | null };
  /** Due, but locked by the storage. */
  readonly locked: Amount;
  /** Due, but a backup of this cluster runs: who. */
  readonly postponedFor: string | null;
  /** Packs that backups need and no index names. */
  readonly unindexed: readonly string[];
}

const ATTEMPTS = 3;

/**
 * Collects what no backup needs, in two phases: packs are marked now and deleted by a later collection, when the grace has
 * passed, no backup is being written and, looked at again, still nothing needs them. Packs of which little is needed are rewritten.
 *
 * @throws {DbadminError} `repository-format` for format 1, where older tools write without leases; `repository-damaged`
 * when backups miss content; `locked` when the lease was lost.
 */
export async function collect(repository: Repository, systemIdentifier: string, options: CollectOptions): Promise<Collected> {
  refuseOldFormat(repository);
  let damagedIndexes: ReadonlySet<string> = new Set();
  let { read } = options;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await collectOnce(repository, systemIdentifier, options, damagedIndexes, read);
    } catch (error) {
      read = undefined;
      if (isDbadminError(error, 'repository-damaged') && attempt < ATTEMPTS) {
        // What a damaged index said before its damage was found is not to be believed: all is looked at again without it.
        const found = await findDamagedIndexes(repository, systemIdentifier);
        if ([...found].every((key) => damagedIndexes.has(key))) throw error;
        damagedIndexes = found;
        for (const key of found) options.log.warn(`${key} is damaged and passed over: dbadmin repository rebuild-index writes it anew`);
        continue;
      }
      if (!isDbadminError(error, 'storage-missing')) throw error;
      // What was there a moment ago was deleted by another collection: this one has slept too long, or the other had and ended
      // what it was about to do when its lease was gone. Then all is looked at again.
      await options.lease.check();
      if (attempt === ATTEMPTS) throw error;
      options.log.info(`another collection has deleted something meanwhile; looking again: ${messageOf(error)}`);
    }
  }
}

async function collectOnce(
  repository: Repository,
  systemIdentifier: string,
  options: CollectOptions,
  damagedIndexes: ReadonlySet<string>,
  read: ReadManifests | undefined,
): Promise<Collected> {
  const usage = await inspectPackUsage(repository, systemIdentifier, damagedIndexes, read);
  const plan = planCollection(usage, options.graceMs);
  await options.lease.check();
  for (const { pack } of plan.withdraw) {
    await options.lease.checkAgain();
    await removeMark(repository, systemIdentifier, pack);
  }
  // What is rewritten takes room first and time, and may fail: all that makes room is done before.
  const deletion = await deleteDue(repository, systemIdentifier, usage, plan, { ...options, damagedIndexes });
  const useless = await markAll(repository, systemIdentifier, plan.mark, options);
  const { compacted, writtenBytes, marked } = await compactFitting(repository, systemIdentifier, plan.compact, options);
  const until = plan.wait.map((each) => each.until).sort((a, b) => a.getTime() - b.getTime())[0] ?? null;
  return {
    marked: amountOf([...useless, ...marked]),
    withdrawn: amountOf(plan.withdraw),
    compacted: { ...amountOf(compacted), writtenBytes },
    waiting: { ...amountOf(plan.wait.map(({ use }) => use)), until },
    unindexed: usage.unindexed,
    ...deletion,
  };
}

/** Rewrites as many packs as there is room for what is needed of them, and marks them; the others wait. */
async function compactFitting(
  repository: Repository,
  systemIdentifier: string,
  packs: readonly PackUse[],
  options: CollectOptions,
): Promise<{ readonly compacted: readonly PackUse[]; readonly writtenBytes: number; readonly marked: readonly PackUse[] }> {
  const into = options.withoutReserve ?? repository;
  const compacted: PackUse[] = [];
  const marked: PackUse[] = [];
  let writtenBytes = 0;
  let waiting: readonly PackUse[] = packs.toSorted((a, b) => a.neededBytes - b.neededBytes);
  while (waiting.length > 0) {
    const freeBytes = await into.store.freeBytes();
    const round = firstRound(freeBytes === undefined ? waiting : fitCompaction(waiting, freeBytes, writtenBytes));
    if (round.length === 0) {
      const neededBytes = waiting.reduce((sum, use) => sum + use.neededBytes, 0);
      options.log.info(
        `${waiting.length} of ${packs.length} packs of which little is needed stay for now: to write anew what is needed of them takes ${formatBytes(neededBytes)}; ${into.store.description} has ${formatBytes(freeBytes ?? 0)} free, of which ${COMPACTION_SHARE * 100} % are taken at most`,
      );
      break;
    }
    const roundBytes = await compactIfRoom(into, systemIdentifier, round, options);
    if (roundBytes === undefined) break;
    writtenBytes += roundBytes;
    compacted.push(...round);
    waiting = waiting.slice(round.length);
    await options.lease.check();
    const markedNow = await markAll(repository, systemIdentifier, round, options);
    marked.push(...markedNow);
    if (markedNow.length < round.length) break;
  }
  return { compacted, writtenBytes, marked };
}

/** As `compact`; undefined where the room has gone meanwhile, which is given back. */
async function compactIfRoom(
  repository: Repository,
  systemIdentifier: string,
  packs: readonly PackUse[],
  options: CollectOptions,
): Promise<number | undefined> {
  const written = new BlobIndex();
  try {
    return await compact(repository, systemIdentifier, packs, written, options);
  } catch (error) {
    if (!isDbadminError(error, 'storage-full')) throw error;
    // The index comes last and was not written: nobody knows of these packs.
    for (let pack = 0; pack < written.packCount; pack += 1)
      await deleteUnlessLocked(repository, packKey(systemIdentifier, written.packName(pack)));
    options.log.warn(`${packs.length} packs of which little is needed are not written anew yet: ${messageOf(error)}`);
    return undefined;
  }
}

/** Marks packs, as many as there is room for; gives those. The others are marked when those that were marked before are gone. */
async function markAll(
  repository: Repository,
  systemIdentifier: string,
  packs: readonly PackUse[],
  { graceMs, clock, signal, log }: CollectOptions,
): Promise<readonly PackUse[]> {
  const markedAt = clock.now();
  const marked: PackUse[] = [];
  for (const use of packs) {
    signal.throwIfAborted();
    try {
      await markPack(repository, systemIdentifier, use.pack, { graceMs, markedAt });
    } catch (error) {
      if (!isDbadminError(error, 'storage-full')) throw error;
      log.warn(`${packs.length - marked.length} packs that no backup needs are not marked for deletion yet: ${messageOf(error)}`);
      break;
    }
    marked.push(use);
  }
  return marked;
}

/** @throws {DbadminError} `repository-format` when packs of this repository must not be deleted. */
export function refuseOldFormat({ store, identity }: Repository): void {
  if (identity.format >= 2) return;
  throw new DbadminError(
    'repository-format',
    `the repository in ${store.description} has format ${identity.format}, whose content is not collected`,
    {
      detail: 'Older versions of dbadmin write into such a repository without leases, and would lose what a collection deletes under them.',
      hint: 'Make a new repository and fill it with dbadmin repository sync; then let the old one go.',
    },
  );
}

async function deleteDue(
  repository: Repository,
  systemIdentifier: string,
  usage: PackUsage,
  plan: CollectionPlan,
  options: CollectOptions & { readonly damagedIndexes: ReadonlySet<string> },
): Promise<Pick<Collected, 'deleted' | 'locked' | 'postponedFor'>> {
  const none = { deleted: amountOf([]), locked: amountOf([]), postponedFor: null };
  // Without any backup nothing is decided, as in the plan.
  const absent = usage.labels.length === 0 ? [] : usage.absent;
  if (plan.delete.length + usage.gone.length + absent.length === 0) return none;
  // A backup that began before the marks were made may rely on these packs. One that begins now sees the marks.
  const writer = await holderOf(repository, systemIdentifier, 'backup', { ...options, command: 'collection' });
  if (writer !== undefined) return { ...none, postponedFor: describeOwner(writer) };
  await options.lease.check();
  if (absent.length > 0)
    options.log.warn(`packs that no backup needs are gone and were still named: ${absent.length} taken out of the indexes`);
  const { deleted, locked } = await deletePacks(repository, systemIdentifier, {
    lease: options.lease,
    due: plan.delete,
    gone: usage.gone,
    absent,
    known: usage.labels,
    damagedIndexes: options.damagedIndexes,
    now: usage.now,
    signal: options.signal,
  });
  return { deleted: amountOf(deleted), locked: amountOf(locked), postponedFor: null };
}

/** Writes what is needed of these packs into new ones, with an index of their own; gives the bytes written. `written` gets what is stored. */
async function compact(
  repository: Repository,
  systemIdentifier: string,
  packs: readonly PackUse[],
  written: BlobIndex,
  { clock, signal, lease }: CollectOptions,
): Promise<number> {
  const source = new BlobIndex();
  for (const { pack, needed } of packs) source.add({ pack, blobs: needed });
  const reader = new BlobReader(repository, systemIdentifier, source);
  const pipeline = new BlobPipeline([{ repository, systemIdentifier, known: written }]);
  try {
    for (const { needed } of packs) {
      signal.throwIfAborted();
      for await (const plain of reader.readAll(needed.map(({ hash }) => hash))) await pipeline.put(plain, () => undefined);
    }
    await lease.check();
    const [outcome] = await pipeline.finish(runName(clock.now()));
    if (outcome?.kind !== 'stored') throw outcome?.error ?? new DbadminError('internal', 'the compaction has no outcome');
    return outcome.written.storedBytes;
  } finally {
    await pipeline.close();
  }
}

/** The name of an index object: UTC time and random digits. */
export function runName(at: Date): string {
  return `${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(8).toString('hex')}`;
}

function amountOf(packs: readonly { readonly sizeBytes: number }[]): Amount {
  return { packs: packs.length, bytes: packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}
