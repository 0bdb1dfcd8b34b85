import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectStore, StoredObject } from '../../../src/storage/store.ts';
import { describeLocks } from './locks-suite.ts';

export interface SuiteOptions {
  /** What the store must say of itself; true unless given. */
  readonly conditionalCreate?: boolean;
  /** Whether it can lock objects; false unless given. */
  readonly locks?: boolean;
  /** False where a thousand objects take too long to make. */
  readonly listsPages?: boolean;
}

/** What every store must do. `open` gives the same empty-at-first store each time; keys of the tests do not collide. */
export function describeObjectStore(name: string, open: () => ObjectStore, options: SuiteOptions = {}): void {
  describe(name, () => {
    describeSingleObjects(open, options);
    describeListing(open, options);
    describeStreams(open);
    describeRefusals(open);
    describeLocks(open, options.locks ?? false);
  });
}

function describeSingleObjects(open: () => ObjectStore, { conditionalCreate = true, locks = false }: SuiteOptions): void {
  it('gives back the bytes that were written, with their size and time', async () => {
    const store = open();
    const bytes = randomBytes(5000);
    const before = Date.now();
    await store.create('single/a-b_c=1.bin', bytes);
    expect(Buffer.compare(await store.read('single/a-b_c=1.bin'), bytes)).toBe(0);
    const found = await store.stat('single/a-b_c=1.bin');
    expect(found).toMatchObject({ key: 'single/a-b_c=1.bin', sizeBytes: 5000 });
    expect(Math.abs((found?.modifiedAt.getTime() ?? 0) - before)).toBeLessThan(10_000);
  });

  it('keeps an empty object', async () => {
    const store = open();
    await store.create('single/empty', new Uint8Array());
    expect((await store.read('single/empty')).byteLength).toBe(0);
    expect((await store.readRange('single/empty', 0, 0)).byteLength).toBe(0);
    expect(await store.stat('single/empty')).toMatchObject({ sizeBytes: 0 });
    expect(await collect(store.readStream('single/empty'))).toHaveLength(0);
    expect(await keysOf(store.list('single/empty'))).toEqual(['single/empty']);
  });

  it('does not share memory with the caller', async () => {
    const store = open();
    const bytes = new Uint8Array([1, 2, 3]);
    await store.create('single/copy', bytes);
    bytes[0] = 9;
    const read = await store.read('single/copy');
    expect([...read]).toEqual([1, 2, 3]);
    read[1] = 9;
    expect([...(await store.read('single/copy'))]).toEqual([1, 2, 3]);
  });

  it('reads ranges, and refuses one that reaches beyond the end', async () => {
    const store = open();
    const bytes = randomBytes(1000);
    await store.create('single/range', bytes);
    expect(Buffer.compare(await store.readRange('single/range', 0, 1000), bytes)).toBe(0);
    expect(Buffer.compare(await store.readRange('single/range', 990, 10), bytes.subarray(990))).toBe(0);
    expect(Buffer.compare(await store.readRange('single/range', 123, 1), bytes.subarray(123, 124))).toBe(0);
    expect((await store.readRange('single/range', 1000, 0)).byteLength).toBe(0);
    await expect(store.readRange('single/range', 995, 10)).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(store.readRange('single/range', 1000, 1)).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(store.readRange('single/range', 5000, 1)).rejects.toMatchObject({ code: 'storage-failed' });
  });

  it('reads a range into memory that is given, and keeps to what was asked for', async () => {
    const store = open();
    const bytes = randomBytes(1000);
    await store.create('single/room', bytes);
    const room = new Uint8Array(40).fill(7);
    const first = Uint8Array.from(await store.readRange('single/room', 100, 30, undefined, room));
    const second = await store.readRange('single/room', 500, 40, undefined, room);
    expect(Buffer.compare(first, bytes.subarray(100, 130))).toBe(0);
    expect(Buffer.compare(second, bytes.subarray(500, 540))).toBe(0);
    // Too small: other memory is found.
    expect(Buffer.compare(await store.readRange('single/room', 200, 41, undefined, room), bytes.subarray(200, 241))).toBe(0);
    await expect(store.readRange('single/room', 990, 20, undefined, room)).rejects.toMatchObject({ code: 'storage-failed' });
  });

  it('says that an absent object is missing, and knows absence from emptiness', async () => {
    const store = open();
    expect(await store.stat('single/absent')).toBeUndefined();
    await expect(store.read('single/absent')).rejects.toMatchObject({ code: 'storage-missing' });
    await expect(store.readRange('single/absent', 0, 1)).rejects.toMatchObject({ code: 'storage-missing' });
    await expect(store.readRange('single/absent', 0, 0)).rejects.toMatchObject({ code: 'storage-missing' });
    await expect(collect(store.readStream('single/absent'))).rejects.toMatchObject({ code: 'storage-missing' });
    expect(await keysOf(store.list('single/absent'))).toEqual([]);
  });

  it('never writes over an object', async () => {
    const store = open();
    await store.create('single/once', Buffer.from('first'));
    await expect(store.create('single/once', Buffer.from('second'))).rejects.toMatchObject({ code: 'storage-exists' });
    await expect(store.create('single/once', { stream: pieces(['second']) })).rejects.toMatchObject({ code: 'storage-exists' });
    expect(Buffer.from(await store.read('single/once')).toString()).toBe('first');
  });

  it('deletes, and finds deleting an absent object fine', async () => {
    const store = open();
    await store.create('single/gone', Buffer.from('x'));
    await store.delete('single/gone');
    expect(await store.stat('single/gone')).toBeUndefined();
    await store.delete('single/gone');
    await store.create('single/gone', Buffer.from('y'));
    expect(Buffer.from(await store.read('single/gone')).toString()).toBe('y');
  });

  it('answers a probe, and says how much room is left where it can tell', async () => {
    const store = open();
    await store.probe();
    const free = await store.freeBytes();
    if (free !== undefined) expect(free).toBeGreaterThan(0);
    expect(store.description).not.toBe('');
  });

  it('says whether its creates are atomic and whether it locks', () => {
    expect(open().capabilities).toMatchObject({ conditionalCreate, locks });
  });

  if (!conditionalCreate) return;
  it('has one winner among concurrent creates of one key', async () => {
    const store = open();
    for (let round = 0; round < 5; round += 1) {
      const writers = Array.from({ length: 8 }, async (_, writer) => await store.create(`race/${round}`, Buffer.from(`writer ${writer}`)));
      const outcomes = await Promise.allSettled(writers);
      const winners = outcomes.flatMap((outcome, writer) => (outcome.status === 'fulfilled' ? [writer] : []));
      expect(winners).toHaveLength(1);
      expect(Buffer.from(await store.read(`race/${round}`)).toString()).toBe(`writer ${winners[0]}`);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected')
          expect(outcome.reason).toMatchObject({ code: expect.stringMatching(/^storage-(exists|failed)$/) });
      }
    }
  });
}

function describeListing(open: () => ObjectStore, { listsPages = true }: SuiteOptions): void {
  it('lists by prefix, in byte order, across directories', async () => {
    const store = open();
    // Those with characters below the slash lie among directories where a store has some.
    const keys = ['list/A', 'list/a-', 'list/a.b', 'list/a/0/deep', 'list/a/b', 'list/a/b0', 'list/a0', 'list/a=', 'list/a_', 'list/b/c/d'];
    keys.push('list/z', 'listed');
    for (const key of [...keys].reverse()) await store.create(key, Buffer.from(key));
    const sorted = [...keys].sort();
    expect(await keysOf(store.list('list'))).toEqual(sorted);
    expect(await keysOf(store.list('list/'))).toEqual(sorted.filter((key) => key.startsWith('list/')));
    expect(await keysOf(store.list('list/a'))).toEqual(sorted.filter((key) => key.startsWith('list/a')));
    expect(await keysOf(store.list('list/a/'))).toEqual(['list/a/0/deep', 'list/a/b', 'list/a/b0']);
    expect(await keysOf(store.list('list/a/b'))).toEqual(['list/a/b', 'list/a/b0']);
    expect(await keysOf(store.list('list/zz'))).toEqual([]);
    expect(await keysOf(store.list('list/a/b/c/d'))).toEqual([]);
    expect((await gather(store.list('list/a/b'))).map(({ sizeBytes }) => sizeBytes)).toEqual([8, 9]);
    expect(await keysOf(store.list(''))).toEqual(expect.arrayContaining(keys));
  });

  if (!listsPages) return;
  it('lists more objects than one page of an answer holds', async () => {
    const store = open();
    const keys = Array.from({ length: 1001 }, (_, number) => `many/${String(number).padStart(5, '0')}`);
    for (let start = 0; start < keys.length; start += 50) {
      await Promise.all(keys.slice(start, start + 50).map(async (key) => await store.create(key, new Uint8Array([1]))));
    }
    expect(await keysOf(store.list('many/'))).toEqual(keys);
  });
}

function describeStreams(open: () => ObjectStore): void {
  it('takes 40 MB in pieces of unknown number and gives them back in pieces', async () => {
    const store = open();
    const hash = createHash('sha256');
    const piece = randomBytes(1_000_003);
    const source = async function* (): AsyncIterable<Uint8Array> {
      for (let number = 0; number < 40; number += 1) {
        piece.writeUInt32BE(number, 0);
        hash.update(piece);
        yield Buffer.from(piece);
      }
    };
    await store.create('stream/big', { stream: source() });
    expect(await store.stat('stream/big')).toMatchObject({ sizeBytes: 40 * piece.byteLength });
    const read = createHash('sha256');
    let largest = 0;
    for await (const part of store.readStream('stream/big')) {
      read.update(part);
      largest = Math.max(largest, part.byteLength);
    }
    expect(read.digest('hex')).toBe(hash.digest('hex'));
    expect(largest).toBeLessThanOrEqual(8 * 1024 * 1024);
    const range = await store.readRange('stream/big', 39 * piece.byteLength, 4);
    expect(Buffer.from(range).readUInt32BE(0)).toBe(39);
  });

  it('takes a stream of announced length, empty pieces included', async () => {
    const store = open();
    await store.create('stream/said', { stream: pieces(['ab', '', 'cde']), sizeBytes: 5 });
    expect(Buffer.from(await store.read('stream/said')).toString()).toBe('abcde');
  });

  it('takes a stream whose length was expected wrongly', async () => {
    const store = open();
    const piece = randomBytes(1_000_003);
    const source = async function* (): AsyncIterable<Uint8Array> {
      for (let number = 0; number < 20; number += 1) yield piece;
    };
    for (const [key, expectedBytes] of [
      ['stream/more', 10],
      ['stream/less', 10_000_000_000],
    ] as const) {
      await store.create(key, { stream: source(), expectedBytes });
      expect(await store.stat(key)).toMatchObject({ sizeBytes: 20 * piece.byteLength });
    }
  });

  it('creates nothing when the stream is shorter or longer than announced, or fails', async () => {
    const store = open();
    await expect(store.create('stream/short', { stream: pieces(['ab']), sizeBytes: 5 })).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(store.create('stream/long', { stream: pieces(['abcdef']), sizeBytes: 5 })).rejects.toMatchObject({
      code: 'storage-failed',
    });
    const failing = async function* (): AsyncIterable<Uint8Array> {
      yield randomBytes(9 * 1024 * 1024);
      throw Object.assign(new Error('the source is gone'), { code: 'ENOENT' });
    };
    await expect(store.create('stream/failed', { stream: failing() })).rejects.toThrow('the source is gone');
    expect(await keysOf(store.list('stream/short'))).toEqual([]);
    expect(await keysOf(store.list('stream/long'))).toEqual([]);
    expect(await keysOf(store.list('stream/failed'))).toEqual([]);
  });

  it('stops reading when the signal is aborted', async () => {
    const store = open();
    await store.create('stream/aborted', randomBytes(3 * 1024 * 1024));
    const reason = new Error('enough');
    await expect(store.read('stream/aborted', AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const _ of store.readStream('stream/aborted', controller.signal)) controller.abort(reason);
    };
    await expect(reading()).rejects.toBe(reason);
  });

  it('lets a reader leave a stream early', async () => {
    const store = open();
    await store.create('stream/left', randomBytes(3 * 1024 * 1024));
    for await (const part of store.readStream('stream/left')) {
      expect(part.byteLength).toBeGreaterThan(0);
      break;
    }
    expect((await store.read('stream/left')).byteLength).toBe(3 * 1024 * 1024);
  });
}

function describeRefusals(open: () => ObjectStore): void {
  const wrong = [
    '',
    '/',
    'a/',
    '/a',
    'a//b',
    '.',
    '..',
    'a/../b',
    'a/./b',
    'a b',
    'ä',
    'a\\b',
    'a.tmp',
    'a.tmp/b',
    'x'.repeat(201),
    `${'abcdefghi/'.repeat(70)}a`,
  ];
  it('refuses keys of another form, in every method', async () => {
    for (const key of wrong) await expectRefusal(open(), key);
  });

  it('takes a key of the longest form', async () => {
    const store = open();
    const key = [...Array.from({ length: 3 }, () => 'p'.repeat(200)), 'q'.repeat(97)].join('/');
    expect(key).toHaveLength(700);
    await store.create(key, Buffer.from('long'));
    expect(await keysOf(store.list(key.slice(0, 650)))).toEqual([key]);
  });

  it('takes keys with ".tmp." inside, and lists them: only what ends so is no key', async () => {
    const store = open();
    const keys = ['inside/.tmp.a', 'inside/a.0123456789abcdef.tmp.b', 'inside/a.tmp.', 'inside/a.tmp.d/a.tmp.e', 'inside/a.tmpx'];
    for (const key of keys) await store.create(key, Buffer.from(key));
    // s3rver, which has no conditional create, lists no unfinished uploads either.
    if (store.capabilities.conditionalCreate) await store.removeUnfinished(new Date(Date.now() + 3_600_000));
    expect(await keysOf(store.list('inside/'))).toEqual(keys);
    expect(await keysOf(store.list('inside/a.tmp.'))).toEqual(['inside/a.tmp.', 'inside/a.tmp.d/a.tmp.e']);
    for (const key of keys) expect(Buffer.from(await store.read(key)).toString()).toBe(key);
    for (const key of keys) await store.delete(key);
    expect(await keysOf(store.list('inside/'))).toEqual([]);
  });

  it('refuses prefixes that no key begins with', async () => {
    for (const prefix of ['/', '../', 'a//b', 'a/../']) {
      await expect(keysOf(open().list(prefix))).rejects.toMatchObject({ code: 'internal' });
    }
  });

  it('refuses ranges that are no ranges', async () => {
    const store = open();
    for (const [offset, length] of [
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      await expect(store.readRange('refused', offset, length)).rejects.toMatchObject({ code: 'internal' });
    }
  });
}

async function expectRefusal(store: ObjectStore, key: string): Promise<void> {
  await expect(store.create(key, new Uint8Array()), key).rejects.toMatchObject({ code: 'internal' });
  await expect(store.read(key), key).rejects.toMatchObject({ code: 'internal' });
  await expect(store.readRange(key, 0, 1), key).rejects.toMatchObject({ code: 'internal' });
  await expect(store.stat(key), key).rejects.toMatchObject({ code: 'internal' });
  await expect(store.delete(key), key).rejects.toMatchObject({ code: 'internal' });
  await expect(collect(store.readStream(key)), key).rejects.toMatchObject({ code: 'internal' });
}

async function gather(objects: AsyncIterable<StoredObject>): Promise<readonly StoredObject[]> {
  const all: StoredObject[] = [];
  for await (const object of objects) all.push(object);
  return all;
}

async function keysOf(objects: AsyncIterable<StoredObject>): Promise<readonly string[]> {
  return (await gather(objects)).map(({ key }) => key);
}

async function collect(parts: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

async function* pieces(texts: readonly string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
