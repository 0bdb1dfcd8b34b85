import { randomBytes } from 'node:crypto';
import { DbadminError } from '../base/errors.ts';
import type { ObjectStore } from '../storage/store.ts';

/**
 * The time by the store's own clock: what it would say of an object written now. Only its difference from the times of
 * other objects means anything; with this machine's clock it is compared only where a tool's was ahead.
 */
export async function storeNow(store: ObjectStore): Promise<Date> {
  const key = `check-${randomBytes(8).toString('hex')}`;
  await store.create(key, Buffer.from('what time is it'));
  try {
    const object = await store.stat(key);
    if (object === undefined) throw new DbadminError('storage-failed', `${store.description} lost an object just written`);
    return object.modifiedAt;
  } finally {
    await store.delete(key).catch(() => undefined);
  }
}
