import { passThrough } from '../../src/storage/pass-through.ts';
import type { ObjectBody, ObjectStore, StoredObject } from '../../src/storage/store.ts';

/** A call of a store, before it is made. */
export interface StoreCall {
  readonly operation: 'create' | 'read' | 'readRange' | 'readStream' | 'stat' | 'list' | 'delete' | 'extendLock';
  readonly key: string;
  /** Counts all calls, from 0. */
  readonly number: number;
}

/** The store, with every call asked about first: what `fault` throws, the call throws. */
export function withFaults(store: ObjectStore, fault: (call: StoreCall) => void): ObjectStore {
  let number = 0;
  const ask = (operation: StoreCall['operation'], key: string): void => {
    number += 1;
    fault({ operation, key, number: number - 1 });
  };
  return {
    ...passThrough(store),
    create: async (key: string, body: ObjectBody, ...rest) => {
      ask('create', key);
      await store.create(key, body, ...rest);
    },
    read: async (key, signal) => {
      ask('read', key);
      return await store.read(key, signal);
    },
    readRange: async (key, offset, length, ...rest) => {
      ask('readRange', key);
      return await store.readRange(key, offset, length, ...rest);
    },
    async *readStream(key, signal) {
      ask('readStream', key);
      yield* store.readStream(key, signal);
    },
    stat: async (key) => {
      ask('stat', key);
      return await store.stat(key);
    },
    async *list(prefix): AsyncGenerator<StoredObject> {
      ask('list', prefix);
      yield* store.list(prefix);
    },
    delete: async (key) => {
      ask('delete', key);
      await store.delete(key);
    },
    extendLock: async (key, until) => {
      ask('extendLock', key);
      return await store.extendLock(key, until);
    },
  };
}
