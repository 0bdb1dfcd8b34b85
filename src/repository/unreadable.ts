import { isDbadminError, reasonOf } from '../base/errors.ts';
import { passThrough } from '../storage/pass-through.ts';
import type { ObjectStore } from '../storage/store.ts';
import { damaged } from './envelope.ts';
import type { Repository } from './repository.ts';

/**
 * What an error of reading one object means. Where the storage itself answers and has the object, it counts as damaged: a bad sector
 * is one object's matter, storage that is gone is not. Other errors are given back as they are.
 *
 * @throws {DbadminError} what the storage says where it does not answer.
 */
export async function explainUnread(store: ObjectStore, key: string, error: unknown): Promise<unknown> {
  if (!isDbadminError(error, 'storage-failed')) return error;
  await store.probe();
  if ((await store.stat(key)) === undefined) return error;
  return damaged(key, `It cannot be read: ${reasonOf(error)}.`, error);
}

/**
 * The repository, where an object that cannot be read counts as damaged while the storage itself answers and has it: a
 * bad sector or a pack that was cut short is no reason to stop, storage that is gone is.
 */
export function readingSource(repository: Repository): Repository {
  const { store } = repository;
  const told = async <Value>(key: string, work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      throw await explainUnread(store, key, error);
    }
  };
  const reading: ObjectStore = {
    ...passThrough(store),
    read: async (key, signal) => await told(key, async () => await store.read(key, signal)),
    readRange: async (key, ...rest) => await told(key, async () => await store.readRange(key, ...rest)),
    async *readStream(key, signal) {
      try {
        yield* store.readStream(key, signal);
      } catch (error) {
        throw await explainUnread(store, key, error);
      }
    },
  };
  return { ...repository, store: reading };
}
