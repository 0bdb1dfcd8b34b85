import type { ObjectStore } from './store.ts';

/**
 * A store that does what `store` does: for decorators that change some of its methods and leave the others. Spreading the store
 * itself would lose the methods of one that is a class.
 */
export function passThrough(store: ObjectStore): ObjectStore {
  return {
    description: store.description,
    capabilities: store.capabilities,
    create: async (...call) => await store.create(...call),
    read: async (...call) => await store.read(...call),
    readRange: async (...call) => await store.readRange(...call),
    readStream: (...call) => store.readStream(...call),
    stat: async (key) => await store.stat(key),
    list: (prefix) => store.list(prefix),
    delete: async (key) => await store.delete(key),
    erase: async (prefix) => await store.erase(prefix),
    extendLock: async (...call) => await store.extendLock(...call),
    lockSupport: async () => await store.lockSupport(),
    removeUnfinished: async (...call) => await store.removeUnfinished(...call),
    freeBytes: async () => await store.freeBytes(),
    probe: async () => await store.probe(),
    close: async () => await store.close(),
  };
}
