import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { DbadminError, type ErrorCode } from '../../../src/base/errors.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { withRetry } from '../../../src/storage/retry.ts';
import { withStatistics, type CountingStore } from '../../../src/storage/statistics.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';

/** A store whose calls fail as `script` says, one entry per call: before the work, after it, or not at all. */
type Fault = { readonly when: 'before' | 'after'; readonly code: ErrorCode } | 'works';

interface World {
  readonly memory: ObjectStore;
  readonly counted: CountingStore;
  readonly store: ObjectStore;
  readonly delays: number[];
}

function world(script: readonly Fault[], attempts = 4): World {
  const left = [...script];
  const memory = createMemoryStore();
  const faulty = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    const fault = left.shift() ?? 'works';
    if (fault !== 'works' && fault.when === 'before') throw new DbadminError(fault.code, 'scripted');
    const value = await work();
    if (fault !== 'works') throw new DbadminError(fault.code, 'scripted');
    return value;
  };
  const counted = withStatistics({
    ...bind(memory),
    create: async (key, body) => await faulty(async () => await memory.create(key, body)),
    read: async (key) => await faulty(async () => await memory.read(key)),
    stat: async (key) => await faulty(async () => await memory.stat(key)),
    delete: async (key) => await faulty(async () => await memory.delete(key)),
    readStream: async function* (key) {
      for await (const piece of memory.readStream(key)) {
        const fault = left.shift() ?? 'works';
        if (fault !== 'works' && fault.when === 'before') throw new DbadminError(fault.code, 'scripted');
        yield piece;
        if (fault !== 'works') throw new DbadminError(fault.code, 'scripted');
      }
    },
    list: async function* (prefix) {
      for await (const object of memory.list(prefix)) {
        yield object;
        if ((left.shift() ?? 'works') !== 'works') throw new DbadminError('storage-failed', 'scripted');
      }
    },
  });
  const delays: number[] = [];
  const clock: Clock = { now: () => new Date(0), sleep: async (delayMs) => void delays.push(delayMs) };
  return {
    memory,
    counted,
    delays,
    store: withRetry(counted, { attempts, clock, random: () => 0.5, firstDelayMs: 100, longestDelayMs: 300 }),
  };
}

function bind(store: ObjectStore): ObjectStore {
  return {
    description: store.description,
    capabilities: store.capabilities,
    create: store.create.bind(store),
    read: store.read.bind(store),
    readRange: store.readRange.bind(store),
    readStream: store.readStream.bind(store),
    stat: store.stat.bind(store),
    list: store.list.bind(store),
    delete: store.delete.bind(store),
    erase: store.erase.bind(store),
    extendLock: store.extendLock.bind(store),
    lockSupport: store.lockSupport.bind(store),
    removeUnfinished: store.removeUnfinished.bind(store),
    freeBytes: store.freeBytes.bind(store),
    probe: store.probe.bind(store),
    close: store.close.bind(store),
  };
}

const failsBefore: Fault = { when: 'before', code: 'storage-failed' };
const failsAfter: Fault = { when: 'after', code: 'storage-failed' };
const once = (text: string): AsyncIterable<Uint8Array> =>
  (async function* () {
    yield Buffer.from(text);
  })();

describe('withRetry', () => {
  it('tries again after growing waits with jitter, up to a longest, and gives the answer', async () => {
    const { store, memory, delays } = world([failsBefore, failsBefore, failsBefore]);
    await memory.create('a', Buffer.from('x'));
    expect(Buffer.from(await store.read('a')).toString()).toBe('x');
    expect(delays).toEqual([75, 150, 225]);
  });

  it('gives up after the last attempt with the last error', async () => {
    const { store, counted } = world([failsBefore, failsBefore, failsBefore], 3);
    await expect(store.stat('a')).rejects.toMatchObject({ code: 'storage-failed' });
    expect(counted.statistics().calls.stat).toBe(3);
  });

  it.each(['storage-missing', 'storage-denied', 'storage-full', 'repository-missing', 'storage-read-only'] as const)(
    'does not try again after %s',
    async (code) => {
      const { store, counted, delays } = world([{ when: 'before', code }]);
      await expect(store.read('a')).rejects.toMatchObject({ code });
      expect(counted.statistics().calls.read).toBe(1);
      expect(delays).toEqual([]);
    },
  );

  it('takes a create whose answer was lost for done when the content is there', async () => {
    const { store, memory } = world([failsAfter]);
    await store.create('a', Buffer.from('mine'));
    expect(Buffer.from(await memory.read('a')).toString()).toBe('mine');
  });

  it('locks what a create whose answer was lost had made: it had not come to look for the lock', async () => {
    // This world's server forgets the lock that an object was made with.
    const { store, memory } = world([failsAfter]);
    const lockUntil = new Date(Date.now() + 3_600_000);
    await store.create('a', Buffer.from('mine'), { lockUntil });
    expect(await memory.stat('a')).toMatchObject({ lockedUntil: lockUntil });
  });

  it('does the same for a stream that can be replayed', async () => {
    const { store, memory } = world([failsAfter]);
    await store.create('a', { stream: { [Symbol.asyncIterator]: () => once('mine')[Symbol.asyncIterator]() }, replayable: true });
    expect(Buffer.from(await memory.read('a')).toString()).toBe('mine');
  });

  it('says that the key is taken when a failed create finds the content of somebody else, of the same length or not', async () => {
    for (const other of ['other', 'them']) {
      const { store, memory } = world([failsBefore]);
      await memory.create('a', Buffer.from(other));
      await expect(store.create('a', Buffer.from('mine'))).rejects.toMatchObject({ code: 'storage-exists' });
    }
  });

  it('creates the object when what stood in the way of a second attempt is gone before it is compared', async () => {
    const gone: Fault = { when: 'before', code: 'storage-missing' };
    // Gone when its size is looked at, or when it is read.
    for (const script of [
      [failsAfter, 'works', gone],
      [failsAfter, 'works', 'works', gone],
    ] as const) {
      const { store, memory, counted } = world(script);
      await store.create('a', Buffer.from('mine'));
      expect(Buffer.from(await memory.read('a')).toString()).toBe('mine');
      expect(counted.statistics().calls.create).toBe(3);
    }
  });

  it('says that the key is taken at the first attempt even when the content is the same: somebody else wrote it', async () => {
    const { store, memory } = world([]);
    await memory.create('a', Buffer.from('mine'));
    await expect(store.create('a', Buffer.from('mine'))).rejects.toMatchObject({ code: 'storage-exists' });
  });

  it('tries a stream again that was not begun, and never one that was', async () => {
    const unbegun = world([failsBefore]);
    await unbegun.store.create('a', { stream: once('x') });
    expect(Buffer.from(await unbegun.memory.read('a')).toString()).toBe('x');
    const begun = world([failsAfter]);
    await expect(begun.store.create('a', { stream: once('x') })).rejects.toMatchObject({ code: 'storage-failed' });
    expect(begun.counted.statistics().calls.create).toBe(1);
  });

  it('goes on with a stream where it broke, giving every byte once', async () => {
    const bytes = Buffer.alloc(4 * 1024 * 1024 + 7, 0);
    for (let offset = 0; offset < bytes.byteLength; offset += 1000) bytes[offset] = offset % 251;
    const { store, memory } = world(['works', failsBefore, 'works', failsAfter, 'works', 'works', 'works', failsBefore]);
    await memory.create('a', bytes);
    const parts: Uint8Array[] = [];
    for await (const part of store.readStream('a')) parts.push(part);
    expect(Buffer.compare(Buffer.concat(parts), bytes)).toBe(0);
  });

  it('gives up on a stream that makes no headway', async () => {
    const { store, memory, counted } = world([failsBefore, failsBefore, failsBefore, failsBefore]);
    await memory.create('a', Buffer.from('x'));
    const reading = async (): Promise<void> => {
      for await (const _ of store.readStream('a'));
    };
    await expect(reading()).rejects.toMatchObject({ code: 'storage-failed' });
    expect(counted.statistics().calls.readStream).toBe(4);
  });

  it('goes on with a listing where it broke, giving every key once', async () => {
    const { store, memory } = world([failsAfter, 'works', failsAfter, failsAfter]);
    for (const key of ['a', 'b', 'c', 'd']) await memory.create(key, new Uint8Array());
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('withStatistics', () => {
  it('counts calls and bytes in both directions', async () => {
    const counted = withStatistics(createMemoryStore());
    await counted.create('a', Buffer.from('12345'));
    await counted.create('b', { stream: once('123') });
    await counted.read('a');
    await counted.readRange('a', 1, 2);
    for await (const _ of counted.readStream('b'));
    for await (const _ of counted.list(''));
    await counted.stat('a');
    await counted.delete('a');
    expect(counted.statistics()).toEqual({
      calls: { create: 2, read: 1, readRange: 1, readStream: 1, stat: 1, list: 1, delete: 1, extendLock: 0 },
      writtenBytes: 8,
      readBytes: 10,
    });
  });
});
