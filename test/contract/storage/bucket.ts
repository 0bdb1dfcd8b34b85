import { expect } from 'vitest';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { openS3Store, type S3Options } from '../../../src/storage/s3.ts';

/** A bucket that is not there is told apart from an absent object by every call. */
export async function expectMissingBucket(options: S3Options): Promise<void> {
  const store = await openS3Store({ ...options, bucket: 'dbadmin-no-such-bucket' });
  const first = async (): Promise<void> => {
    for await (const _ of store.list('')) return;
  };
  for (const call of [
    async () => await store.probe(),
    async () => await store.create('a', Buffer.from('x')),
    async () => await store.create('a', Buffer.alloc(9 * 1024 * 1024)),
    async () => await store.read('a'),
    async () => await store.readRange('a', 0, 1),
    async () => await store.stat('a'),
    async () => await store.delete('a'),
    first,
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'repository-missing', exitStatus: 10 });
  }
  await store.close();
}

/** Every call says that access is denied, which trying again cannot help. */
export async function expectDenied(store: ObjectStore): Promise<void> {
  const first = async (): Promise<void> => {
    for await (const _ of store.list('')) return;
  };
  for (const call of [
    async () => await store.probe(),
    async () => await store.create('denied', Buffer.from('x')),
    async () => await store.create('denied', Buffer.alloc(9 * 1024 * 1024)),
    async () => await store.read('denied'),
    async () => await store.readRange('denied', 0, 1),
    async () => await store.stat('denied'),
    async () => await store.delete('denied'),
    first,
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'storage-denied', exitStatus: 12, retryable: false });
  }
}
