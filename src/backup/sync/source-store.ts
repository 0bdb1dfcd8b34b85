import { isDbadminError, reasonOf } from '../../base/errors.ts';
import { damaged } from '../../repository/envelope.ts';
import type { Repository } from '../../repository/repository.ts';
import { passThrough } from '../../storage/pass-through.ts';
import type { ObjectStore } from '../../storage/store.ts';

/**
 * The source of a copy, where an object that cannot be read counts as damaged while the storage itself answers and has it: a
 * bad sector or a pack that was cut short is no reason to stop, storage that is gone is.
 */
export function readingSource(repository: Repository): Repository {
  const { store } = repository;
  const explain = async (key: string, error: unknown): Promise<unknown> => {
    if (!isDbadminError(error, 'storage-failed')) return error;
    await store.probe();
    if ((await store.stat(key)) === undefined) return error;
    return damaged(key, `It cannot be read: ${reasonOf(error)}.`, error);
  };
  const told = async <Value>(key: string, work: () => Promise<Value>): Promise<Value> => {
    try {
      return await work();
    } catch (error) {
      throw await explain(key, error);
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
        throw await explain(key, error);
      }
    },
  };
  return { ...repository, store: reading };
}
