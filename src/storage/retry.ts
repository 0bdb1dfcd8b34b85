import { isDbadminError } from '../base/errors.ts';
import { sameContent } from './compare.ts';
import { createRetrier, type Retrier, type RetryOptions } from './retrier.ts';
import { lockMoment, type CreateOptions, type ObjectBody, type ObjectStore, type StoredObject } from './store.ts';

/**
 * `store`, with failures that may pass tried again after growing, jittered waits. Errors that the code table does not call
 * retryable come through at once.
 *
 * A create whose answer was lost may have succeeded: when the next attempt finds the key taken, the object there is
 * compared with the content, and the same content is success. So content that must tell writers apart (a lease) has to hold
 * something that only this writer knows. A stream that is not replayable is tried again only while nothing was taken from it.
 */
export function withRetry(store: ObjectStore, options: RetryOptions): ObjectStore {
  return withRetrier(store, createRetrier(options));
}

/** What is damaged in the storage cannot be read at any time; all else, writing above all, the server does when it is well again. */
const ofOneObject = true;

/** The same, with retries that others share: a wait is then told once. */
export function withRetrier(store: ObjectStore, again: Retrier): ObjectStore {
  return {
    description: store.description,
    capabilities: store.capabilities,
    create: async (key, body, createOptions) => await createWithRetry(store, again, key, body, createOptions),
    read: async (key, signal) => await again.call(async () => await store.read(key, signal), { signal, ofOneObject }),
    readRange: async (key, offsetBytes, lengthBytes, signal, room) =>
      await again.call(async () => await store.readRange(key, offsetBytes, lengthBytes, signal, room), { signal, ofOneObject }),
    readStream: (key, signal) => streamWithRetry(store, again, key, signal),
    stat: async (key) => await again.call(async () => await store.stat(key)),
    list: (prefix) => listWithRetry(store, again, prefix),
    delete: async (key) => await again.call(async () => await store.delete(key)),
    erase: async (prefix) => await eraseWithRetry(store, again, prefix),
    extendLock: async (key, until) => await again.call(async () => await store.extendLock(key, until)),
    lockSupport: async () => await again.call(async () => await store.lockSupport()),
    removeUnfinished: async (...given) => await again.call(async () => await store.removeUnfinished(...given)),
    freeBytes: async () => await again.call(async () => await store.freeBytes()),
    probe: async () => await again.call(async () => await store.probe()),
    close: async () => await store.close(),
  };
}

async function createWithRetry(
  store: ObjectStore,
  again: Retrier,
  key: string,
  body: ObjectBody,
  options: CreateOptions | undefined,
): Promise<void> {
  let taken = false;
  const watched: ObjectBody =
    body instanceof Uint8Array || body.replayable === true
      ? body
      : {
          ...body,
          stream: watch(body.stream, () => {
            taken = true;
          }),
        };
  const trial = again.begin();
  for (;;) {
    try {
      await store.create(key, watched, options);
      trial.moved();
      return;
    } catch (error) {
      if (trial.attempt > 1 && !taken && isDbadminError(error, 'storage-exists')) {
        const isSame = await again.call(async () => await isThere(store, key, body, options)).catch(goneMeanwhile);
        if (isSame === true) return;
        // Deleted while it was compared, as parts of a segment are once all of it is there: nothing stands in the way now.
        if (isSame === undefined) continue;
        throw error;
      }
      if (taken) throw error;
      await trial.waitOrThrow(error);
    }
  }
}

/**
 * Whether the object is there with the same content; then it is locked as it was to be. The attempt that made it may have failed before
 * it looked for the lock, and some servers forget the one that an object was made with.
 */
async function isThere(store: ObjectStore, key: string, body: ObjectBody, options: CreateOptions = {}): Promise<boolean> {
  if (!(await sameContent(store, key, body))) return false;
  const until = lockMoment(options);
  if (until !== undefined) await store.extendLock(key, until);
  return true;
}

function goneMeanwhile(error: unknown): undefined {
  if (!isDbadminError(error, 'storage-missing')) throw error;
  return undefined;
}

/** What stays after everything else is gone is locked, or somebody's to allow: no wait of ours changes that. */
async function eraseWithRetry(store: ObjectStore, again: Retrier, prefix: string): Promise<void> {
  const left = await again.call(async () => {
    try {
      await store.erase(prefix);
      return undefined;
    } catch (error) {
      if (isDbadminError(error, 'partly-done')) return error;
      throw error;
    }
  });
  if (left !== undefined) throw left;
}

/** The same stream; `onTaken` is called when its first piece is asked for. */
function watch(stream: AsyncIterable<Uint8Array>, onTaken: () => void): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = stream[Symbol.asyncIterator]();
      const next = async (): Promise<IteratorResult<Uint8Array>> => {
        onTaken();
        return await iterator.next();
      };
      return iterator.return === undefined ? { next } : { next, return: iterator.return.bind(iterator) };
    },
  };
}

/** Begins again after a failure and passes over what was given already: objects never change. */
async function* streamWithRetry(store: ObjectStore, again: Retrier, key: string, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  let given = 0;
  const trial = again.begin({ signal, ofOneObject });
  for (;;) {
    let position = 0;
    try {
      for await (const piece of store.readStream(key, signal)) {
        const fresh = piece.subarray(Math.min(piece.byteLength, Math.max(0, given - position)));
        position += piece.byteLength;
        if (fresh.byteLength === 0) continue;
        given = position;
        trial.moved();
        yield fresh;
      }
      trial.moved();
      return;
    } catch (error) {
      await trial.waitOrThrow(error);
    }
  }
}

/** Begins again after a failure, after the last key given. */
async function* listWithRetry(store: ObjectStore, again: Retrier, prefix: string): AsyncIterable<StoredObject> {
  let last = '';
  const trial = again.begin();
  for (;;) {
    try {
      for await (const object of store.list(prefix)) {
        if (object.key <= last) continue;
        last = object.key;
        trial.moved();
        yield object;
      }
      trial.moved();
      return;
    } catch (error) {
      await trial.waitOrThrow(error);
    }
  }
}
