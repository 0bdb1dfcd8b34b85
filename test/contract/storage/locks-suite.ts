import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ObjectStore } from '../../../src/storage/store.ts';

const HOUR_MS = 3_600_000;
/** More than goes in one request. */
const LARGE = Buffer.alloc(9 * 1024 * 1024, 7);

/** What a store must do about locks; `supported` is what it must say of itself. */
export function describeLocks(open: () => ObjectStore, supported: boolean): void {
  if (supported) describeKeeping(open);
  else describeRefusing(open);
}

function describeKeeping(open: () => ObjectStore): void {
  it('says that it locks objects', async () => {
    expect(open().capabilities.locks).toBe(true);
    expect(await open().lockSupport()).toMatchObject({ kind: 'per-object', defaultDays: undefined });
  });

  it.each([
    ['small', Buffer.from('content')],
    ['large', LARGE],
  ])('keeps a %s locked object until its lock ends', async (size, content) => {
    const store = open();
    const key = `lock/${size}`;
    const until = wholeSecond(Date.now() + HOUR_MS);
    await store.create(key, content, { lockUntil: until });
    expect(await store.stat(key)).toMatchObject({ sizeBytes: content.byteLength, lockedUntil: until });
    await expect(store.delete(key)).rejects.toMatchObject({ code: 'storage-locked', detail: expect.stringContaining(until.toISOString()) });
    await expect(store.create(key, Buffer.from('other'))).rejects.toMatchObject({ code: 'storage-exists' });
    expect(Buffer.compare(await store.read(key), content)).toBe(0);
  });

  it('deletes an object whose lock has ended, and one that has none', async () => {
    const store = open();
    const soon = wholeSecond(Date.now() + 1000);
    await store.create('lock/short', Buffer.from('x'), { lockUntil: soon });
    await store.create('lock/none', Buffer.from('x'));
    await expect(store.delete('lock/short')).rejects.toMatchObject({ code: 'storage-locked' });
    await store.delete('lock/none');
    await wait(soon.getTime() - Date.now() + 100);
    await store.delete('lock/short');
    expect(await store.stat('lock/short')).toBeUndefined();
    expect(await store.stat('lock/none')).toBeUndefined();
    await store.create('lock/none', Buffer.from('again'));
    expect(Buffer.from(await store.read('lock/none')).toString()).toBe('again');
  });

  it('extends a lock, sets one where there was none, and never shortens one', async () => {
    const store = open();
    const [first, second, third] = [1, 2, 3].map((hours) => wholeSecond(Date.now() + hours * HOUR_MS));
    if (first === undefined || second === undefined || third === undefined) throw new Error('three times');
    await store.create('lock/longer', Buffer.from('x'), { lockUntil: first });
    expect(await store.extendLock('lock/longer', third)).toBe('extended');
    expect(await store.stat('lock/longer')).toMatchObject({ lockedUntil: third });
    expect(await store.extendLock('lock/longer', second)).toBe('kept');
    expect(await store.stat('lock/longer')).toMatchObject({ lockedUntil: third });
    await store.create('lock/late', Buffer.from('x'));
    expect(await store.extendLock('lock/late', first)).toBe('extended');
    await expect(store.delete('lock/late')).rejects.toMatchObject({ code: 'storage-locked' });
    await expect(store.extendLock('lock/absent', first)).rejects.toMatchObject({ code: 'storage-missing' });
  });
}

function describeRefusing(open: () => ObjectStore): void {
  it('refuses to lock rather than pretend to, and creates nothing then', async () => {
    const store = open();
    const until = new Date(Date.now() + HOUR_MS);
    await expect(store.create('lock/refused', Buffer.from('x'), { lockUntil: until })).rejects.toMatchObject({
      code: 'storage-unsupported',
    });
    expect(await store.stat('lock/refused')).toBeUndefined();
    await expect(store.extendLock('lock/refused', until)).rejects.toMatchObject({ code: 'storage-unsupported' });
  });
}

/** Servers keep seconds. */
function wholeSecond(ms: number): Date {
  return new Date(Math.ceil(ms / 1000) * 1000);
}
