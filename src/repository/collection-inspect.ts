import { DbadminError } from '../base/errors.ts';
import { readIndex } from './blob-index.ts';
import { indexPrefix, packAt, packKey, packPrefix } from './layout.ts';
import { addLive, listLabels, LiveBlobs, type ReadManifests } from './live-blobs.ts';
import { listMarks, type Mark } from './marks.ts';
import type { PackedBlob } from './pack.ts';
import { readFooter } from './pack-footer.ts';
import type { Repository } from './repository.ts';
import { storeNow } from './store-clock.ts';

/** A pack of the repository as collection sees it. Bytes are those of its blobs as stored. */
export interface PackUse {
  readonly pack: string;
  readonly sizeBytes: number;
  /** By the store's clock. */
  readonly storedAt: Date;
  readonly blobBytes: number;
  /** Of blobs that a backup needs and that nothing before this pack holds. */
  readonly neededBytes: number;
  /** Those blobs, where they are few enough for the pack to be rewritten; else empty. */
  readonly needed: readonly PackedBlob[];
  readonly mark: Mark | undefined;
}

/** What a lineage's packs are used for, and by which backups: true until another backup is written. */
export interface PackUsage {
  /** By the store's clock, before anything else was looked at. */
  readonly now: Date;
  readonly labels: readonly string[];
  readonly packs: readonly PackUse[];
  /** Marked packs that are gone already: a collection that was interrupted. */
  readonly gone: readonly Mark[];
  /** Packs that no index names and that backups need: indexes were lost. */
  readonly unindexed: readonly string[];
  /** Packs that an index names and that are neither there nor marked: a new backup would rely on them in vain. */
  readonly absent: readonly string[];
}

/** A pack of which less is needed than this share is worth rewriting. */
export const COMPACT_BELOW = 0.5;
/** More blobs than this are not rewritten by one collection: the next goes on. */
const MAX_REWRITTEN_BLOBS = 200_000;

interface Draft extends PackUse {
  neededBytes: number;
  blobBytes: number;
  needed: readonly PackedBlob[];
  indexed: boolean;
}

/**
 * Reads every manifest and index of a lineage. Memory holds 13 bytes for each blob that is needed, and little for each pack.
 *
 * The order is what makes it safe: marks, then manifests, then packs and indexes. A blob that lies in several packs counts as needed in one:
 * an unmarked one if there is one. What only `damagedIndexes` name counts as being in no index. Manifests `read` already are not read again;
 * what they need is counted in them.
 *
 * @throws {DbadminError} `repository-damaged` when backups need blobs that no pack has: nothing must be deleted then.
 */
export async function inspectPackUsage(
  repository: Repository,
  systemIdentifier: string,
  damagedIndexes: ReadonlySet<string>,
  read?: ReadManifests,
): Promise<PackUsage> {
  const now = await storeNow(repository.store);
  const marks = new Map((await listMarks(repository, systemIdentifier)).map((mark) => [mark.pack, mark]));
  const labels = await listLabels(repository, systemIdentifier);
  const known =
    read !== undefined && [...read.labels].every((label) => labels.includes(label))
      ? read
      : { live: new LiveBlobs(), labels: new Set<string>() };
  const { live } = known;
  await addLive(
    live,
    repository,
    systemIdentifier,
    labels.filter((label) => !known.labels.has(label)),
  );
  const packs = new Map<string, Draft>();
  for await (const { key, sizeBytes, modifiedAt } of repository.store.list(packPrefix(systemIdentifier))) {
    const pack = packAt(systemIdentifier, key);
    if (pack !== undefined) packs.set(pack, emptyDraft(pack, sizeBytes, modifiedAt, marks.get(pack)));
  }
  const budget = { blobs: MAX_REWRITTEN_BLOBS };
  const named = new Set<string>();
  const untrusted = new Set<string>();
  for (const trusted of [true, false])
    for (const marked of [false, true])
      await countIndexed(repository, systemIdentifier, { live, packs, named, untrusted, trusted, marked, budget, damagedIndexes });
  const unindexed = await countUnindexed(repository, systemIdentifier, live, packs);
  if (live.homeless > 0) throw lostContent(repository, live.homeless);
  const gone = [...marks.values()].filter(({ pack }) => !packs.has(pack));
  const absent = [...named].filter((pack) => !packs.has(pack) && !marks.has(pack));
  return { now, labels, packs: [...packs.values()], gone, unindexed, absent };
}

function emptyDraft(pack: string, sizeBytes: number, storedAt: Date, mark: Mark | undefined): Draft {
  return { pack, sizeBytes, storedAt, mark, blobBytes: 0, neededBytes: 0, needed: [], indexed: false };
}

interface Counting {
  readonly live: LiveBlobs;
  readonly packs: Map<string, Draft>;
  /** Every pack that an index names. */
  readonly named: Set<string>;
  /** Indexes that anybody may have written, as far as they have been met. */
  readonly untrusted: Set<string>;
  /** Whether the others are counted now, or these: they only fill gaps. */
  readonly trusted: boolean;
  /** Whether marked packs are counted now, or those that are not. */
  readonly marked: boolean;
  readonly budget: { blobs: number };
  /** Passed over. */
  readonly damagedIndexes: ReadonlySet<string>;
}

async function countIndexed(
  repository: Repository,
  systemIdentifier: string,
  { live, packs, named, untrusted, trusted, marked, budget, damagedIndexes }: Counting,
): Promise<void> {
  for await (const { key } of repository.store.list(indexPrefix(systemIdentifier))) {
    if (damagedIndexes.has(key) || untrusted.has(key) === trusted) continue;
    const onStart = (isTrusted: boolean): unknown => isTrusted || untrusted.add(key);
    for await (const { pack, blobs } of readIndex(repository, key, onStart)) {
      if (untrusted.has(key) === trusted) break;
      named.add(pack);
      const draft = packs.get(pack) ?? (await storedSince(repository, systemIdentifier, pack));
      // Named and not there: whatever lay in it must be found elsewhere.
      if (draft === undefined || (draft.mark !== undefined) !== marked || draft.indexed) continue;
      packs.set(pack, draft);
      draft.indexed = true;
      count(draft, blobs, live);
      if (draft.neededBytes >= draft.blobBytes * COMPACT_BELOW || draft.needed.length > budget.blobs) draft.needed = [];
      budget.blobs -= draft.needed.length;
    }
  }
}

/** A pack that a writer has stored since the packs were listed. */
async function storedSince({ store }: Repository, systemIdentifier: string, pack: string): Promise<Draft | undefined> {
  const object = await store.stat(packKey(systemIdentifier, pack));
  return object && emptyDraft(pack, object.sizeBytes, object.modifiedAt, undefined);
}

function count(draft: Draft, blobs: readonly PackedBlob[], live: LiveBlobs): void {
  const needed = blobs.filter(({ hash }) => live.house(hash));
  draft.blobBytes = blobs.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  draft.neededBytes = needed.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  draft.needed = needed;
}

/** Packs that no index names hold what a run left behind that died; but where content is missing, they may hold that. */
async function countUnindexed(
  repository: Repository,
  systemIdentifier: string,
  live: LiveBlobs,
  packs: ReadonlyMap<string, Draft>,
): Promise<readonly string[]> {
  const needed: string[] = [];
  for (const draft of packs.values()) {
    if (draft.indexed || live.homeless === 0) continue;
    count(draft, await readFooter(repository, systemIdentifier, draft.pack, draft.sizeBytes), live);
    draft.needed = [];
    if (draft.neededBytes > 0) needed.push(draft.pack);
  }
  return needed;
}

function lostContent({ store }: Repository, blobs: number): DbadminError {
  return new DbadminError('repository-damaged', `backups in ${store.description} need content that no pack has`, {
    detail: `${blobs} blob${blobs === 1 ? ' is' : 's are'} missing. Nothing was marked or deleted.`,
    hint: 'dbadmin backup verify names the backups. Bring missing packs back from a copy of the repository, then run dbadmin repository rebuild-index.',
  });
}
