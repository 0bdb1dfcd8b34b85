import { DbadminError, isDbadminError } from '../base/errors.ts';
import { formatDuration } from '../base/durations.ts';
import type { ObjectStore } from '../storage/store.ts';
import { damaged, seal, unseal } from './envelope.ts';
import { CLEAR } from './keys.ts';
import { markPrefix, packAt, packPrefix } from './layout.ts';
import { readOr, type DamagedObject } from './passed-over.ts';
import type { Repository } from './repository.ts';
import { storeNow } from './store-clock.ts';

/** A pack that will be deleted unless something comes to need it. @see FORMAT.md "Marks" */
export interface Mark {
  /** 32 hex digits. */
  readonly pack: string;
  /** When it was marked, by the store's clock. */
  readonly modifiedAt: Date;
  /** How long it waits from then on; undefined where the mark cannot be read. */
  readonly graceMs: number | undefined;
}

/** The packs of a lineage that are marked: who writes a backup must not rely on them. */
export async function readMarks({ store }: Repository, systemIdentifier: string): Promise<ReadonlySet<string>> {
  const packs = new Set<string>();
  const prefix = markPrefix(systemIdentifier);
  for await (const { key } of store.list(prefix)) packs.add(key.slice(prefix.length));
  return packs;
}

/** Every mark with its time; one that cannot be read marks the pack of its key, and does not say for how long. */
export async function listMarks(repository: Repository, systemIdentifier: string): Promise<readonly Mark[]> {
  const { store } = repository;
  const marks: Mark[] = [];
  const prefix = markPrefix(systemIdentifier);
  for await (const { key, modifiedAt } of store.list(prefix)) {
    const damaged: DamagedObject[] = [];
    const graceMs = await readOr(repository, key, damaged, async () => await readGrace(store, key));
    // Otherwise it was taken away since it was listed.
    if (graceMs !== undefined || damaged.length > 0) marks.push({ pack: key.slice(prefix.length), modifiedAt, graceMs });
  }
  return marks;
}

async function readGrace(store: ObjectStore, key: string): Promise<number> {
  const { header } = await unseal(CLEAR, 'mark', await store.read(key), key, 1024);
  return graceAt(header, key);
}

/** How long a pack waits by its mark. @throws {DbadminError} `repository-damaged`. */
export function graceAt(header: Readonly<Record<string, unknown>>, key: string): number {
  const graceMs = header['graceMs'];
  if (typeof graceMs !== 'number' || !(graceMs >= 0)) throw damaged(key, 'It does not say how long it waits.');
  return graceMs;
}

/** Marks a pack; `markedAt` is this machine's clock, for people. A pack that is marked already stays so, from when it was. */
export async function markPack(
  { store }: Repository,
  systemIdentifier: string,
  pack: string,
  { graceMs, markedAt }: { readonly graceMs: number; readonly markedAt: Date },
): Promise<void> {
  const header = { pack, markedAt: markedAt.toISOString(), graceMs };
  try {
    await store.create(markPrefix(systemIdentifier) + pack, await seal(CLEAR, 'mark', header, Buffer.alloc(0)));
  } catch (error) {
    if (!isDbadminError(error, 'storage-exists')) throw error;
  }
}

/** Withdraws a mark: the pack is needed again, or it is gone. */
export async function removeMark({ store }: Repository, systemIdentifier: string, pack: string): Promise<void> {
  await store.delete(markPrefix(systemIdentifier) + pack);
}

/** As {@link findMissingPacks}, for who can do without: where the storage does not say, none is. */
export async function findGonePacks(
  repository: Repository,
  systemIdentifier: string,
  packs: readonly string[],
): Promise<ReadonlySet<string>> {
  try {
    return await findMissingPacks(repository, systemIdentifier, new Set(packs));
  } catch (error) {
    if (!isDbadminError(error) || error.code === 'interrupted') throw error;
    return new Set();
  }
}

/** Which of some packs of a lineage are not there. */
export async function findMissingPacks(
  { store }: Repository,
  systemIdentifier: string,
  packs: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const missing = new Set(packs);
  if (packs.size > 0)
    for await (const { key } of store.list(packPrefix(systemIdentifier))) missing.delete(packAt(systemIdentifier, key) ?? '');
  return missing;
}

/**
 * Makes sure that every pack a new backup relies on is there and will not be deleted before its manifest is seen: called
 * right before the manifest is written.
 *
 * A pack marked since the backup began may be relied on while less than half of its grace has passed: whoever deletes it
 * looks at the manifests again first.
 *
 * @throws {DbadminError} `repository-damaged` when a pack is missing, `backup-failed` when one is about to be deleted.
 */
export async function verifyPacks(repository: Repository, systemIdentifier: string, packs: ReadonlySet<string>): Promise<void> {
  if (packs.size === 0) return;
  const { store } = repository;
  const missing = await findMissingPacks(repository, systemIdentifier, packs);
  const [first] = missing;
  if (first !== undefined) {
    throw new DbadminError('repository-damaged', `pack ${first} is listed in an index and not in ${store.description}`, {
      detail: `${missing.size} pack${missing.size === 1 ? ' is' : 's are'} missing that this backup would rely on.`,
      hint: 'Restore the missing objects from a copy, or write the indexes anew with dbadmin repository rebuild-index, and run the backup again.',
    });
  }
  const marks = (await listMarks(repository, systemIdentifier)).filter(({ pack }) => packs.has(pack));
  if (marks.length === 0) return;
  const now = (await storeNow(store)).getTime();
  const due = marks.find(({ modifiedAt, graceMs = 0 }) => !(Math.abs(now - modifiedAt.getTime()) < graceMs / 2));
  if (due === undefined) return;
  if (due.graceMs === undefined) {
    throw new DbadminError('backup-failed', `nobody knows when pack ${due.pack}, which this backup relies on, is deleted`, {
      detail: `Its mark, ${markPrefix(systemIdentifier)}${due.pack}, is damaged and does not say it.`,
      hint: 'Run dbadmin backup expire --apply, which takes the mark away, and the backup again.',
    });
  }
  throw new DbadminError('backup-failed', `pack ${due.pack}, which this backup relies on, is about to be deleted`, {
    detail: `It was marked at ${due.modifiedAt.toISOString()} and goes after ${formatDuration(due.graceMs)}: the backup took longer than that, or a clock was set.`,
    hint: 'Run the backup again; where backups take this long, give expire a longer --grace.',
  });
}
