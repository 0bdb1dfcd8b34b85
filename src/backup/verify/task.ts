import { DbadminError, isDbadminError, messageOf } from '../../base/errors.ts';
import type { Repository } from '../../repository/repository.ts';
import type { Faults, Tally } from './faults.ts';
import { isChosen, type ReadExtent } from './sampling.ts';

/** A verification under way: what it reads, how much of it, and what it has found. */
export interface VerifyTask {
  readonly repository: Repository;
  readonly systemIdentifier: string;
  readonly extent: ReadExtent;
  /** Keys of objects that an earlier verification found damaged: read to their ends whatever the extent. */
  readonly suspects: ReadonlySet<string>;
  readonly faults: Faults;
  readonly tally: Tally;
  readonly signal: AbortSignal;
  readonly onRead: (storedBytes: number) => void;
}

/** What is wrong with an object that lies where nothing does. */
export const NO_SUCH_NAME = 'The format knows no object of such a name.';

/** Whether the piece of content called `name`, which lies in `object`, is read. */
export function isRead({ extent, suspects }: VerifyTask, object: string, name: string): boolean {
  return suspects.has(object) || isChosen(extent, name);
}

/** Failures that say nothing of the object: they end a verification. A wrong key does not: the repository was opened, so that one object lies. */
const FATAL = new Set(['interrupted', 'storage-denied', 'credentials-wrong', 'repository-missing', 'internal']);

/**
 * Runs one check of an object. That it fails is a fault of the object; that the repository is out of reach is not, and throws.
 * An object that was deleted since it was listed is none: parts, horizons and leases go while others work, backups and dumps when they expire.
 *
 * @returns the failure, or undefined when there was none.
 */
export async function asFault(task: VerifyTask, object: string, check: () => Promise<void>): Promise<DbadminError | Error | undefined> {
  task.signal.throwIfAborted();
  try {
    await check();
    return undefined;
  } catch (error) {
    task.signal.throwIfAborted();
    if (!(error instanceof Error) || (error instanceof DbadminError && FATAL.has(error.code))) throw error;
    const isMissing = isDbadminError(error, 'storage-missing') || isDbadminError(error, 'backup-missing');
    if (isMissing && (await task.repository.store.stat(object)) === undefined) return undefined;
    // A disk that cannot read one file is a fault of that file, unless the disk itself is gone.
    if (isDbadminError(error, 'storage-failed')) await task.repository.store.probe();
    task.faults.add({ kind: 'damaged', object, detail: sentence(error) });
    return error;
  }
}

function sentence(error: Error): string {
  if (error instanceof DbadminError && error.detail !== undefined) return error.detail;
  const text = messageOf(error);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Applies `work` to each item, `atOnce` at a time; all are waited for when one fails. */
export async function inParallel<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  for await (const item of items) {
    const one = work(item)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(one));
    running.add(one);
    if (running.size >= atOnce) await Promise.race(running);
    if (failure !== undefined) break;
  }
  await Promise.all(running);
  if (failure !== undefined) throw failure.error as Error;
}
