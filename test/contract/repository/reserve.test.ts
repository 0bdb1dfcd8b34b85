import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { ensureReserve, RESERVE_KEY } from '../../../src/repository/reserve.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';

const MiB = 1024 * 1024;

/** A store under a quota, which what it says of its room leaves out. */
function storeWithQuota(quotaBytes: number): ObjectStore {
  const store = createMemoryStore();
  const create: ObjectStore['create'] = async (key, body, options) => {
    if (body instanceof Uint8Array && body.byteLength > quotaBytes) throw new DbadminError('storage-full', 'the quota is used up');
    await store.create(key, body, options);
  };
  return { ...passThrough(store), create, freeBytes: async () => 1024 * MiB };
}

test('ensureReserve: a small reserve is there again where the store does not take the whole one', async () => {
  const store = storeWithQuota(2 * MiB);
  await store.create(RESERVE_KEY, new Uint8Array(MiB));
  await ensureReserve(store);
  expect(await store.stat(RESERVE_KEY)).toMatchObject({ sizeBytes: MiB });
});

test('ensureReserve: a small reserve is replaced by a whole one where the store takes it', async () => {
  const store = storeWithQuota(8 * MiB);
  await store.create(RESERVE_KEY, new Uint8Array(MiB));
  await ensureReserve(store);
  expect(await store.stat(RESERVE_KEY)).toMatchObject({ sizeBytes: 4 * MiB });
});
