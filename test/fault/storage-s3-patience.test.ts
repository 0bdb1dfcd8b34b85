import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openStore } from '../../src/storage/open.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { startFaultyProxy, type FaultyProxy } from '../s3/faulty-proxy.ts';
import { onceOnly } from '../s3/once-only.ts';
import { startS3rver } from '../s3/s3rver.ts';
import type { TestS3 } from '../s3/server.ts';

const SMALL = Buffer.from('content of the object');
let server: TestS3;
/** Past the proxies. */
let direct: ObjectStore;
let number = 0;

beforeAll(async () => {
  server = await startS3rver();
  direct = await openS3Store(server.options());
});

afterAll(async () => {
  await direct.close();
  await server.stop();
});

/** A test's own way to the server, and a key that nobody else has. */
async function open(): Promise<{ readonly proxy: FaultyProxy; readonly key: string }> {
  const proxy = await startFaultyProxy(server.endpoint);
  number += 1;
  return { proxy, key: `fault/${number}` };
}

function placeOf({ endpoint }: FaultyProxy) {
  return { type: 's3', ...server.options({ endpoint }) } as const;
}

// Each waits for seconds, for what a time limit or the way back takes: they wait beside each other.
describe.concurrent('S3 store that waits', () => {
  it('sends content that comes once to a server that is away for ten seconds, and tells of it once', async () => {
    const { proxy, key } = await open();
    const content = randomBytes(49 * 1024 * 1024);
    const warned: unknown[] = [];
    const onWait = (error: unknown): void => void warned.push(error);
    const store = await openStore(placeOf(proxy), { clock: systemClock, random: () => 0, patienceMs: 60_000, onWait });
    const backAtMs = Date.now() + 10_000;
    let begun = false;
    proxy.plan(({ path }) => {
      begun ||= /partNumber=2/.test(path);
      return begun && Date.now() < backAtMs ? { kind: 'reset' } : undefined;
    });
    await store.create(key, onceOnly(content));
    expect(Date.now()).toBeGreaterThan(backAtMs);
    expect(Buffer.compare(await direct.read(key), content)).toBe(0);
    expect(warned).toHaveLength(1);
    await store.close();
    await proxy.stop();
  }, 60_000);

  it.each([
    ['is answered by 500', { kind: 'answer', status: 500, code: 'InternalError' }],
    ['is answered by 503', { kind: 'answer', status: 503, code: 'SlowDownRead' }],
    ['breaks off at the same place each time', { kind: 'truncate', bytes: 20 }],
  ] as const)(
    'fails after seconds with an object whose reading %s, while the server answers everything else',
    async (_, fault) => {
      const { proxy, key } = await open();
      await direct.create(key, SMALL);
      const warned: unknown[] = [];
      const onWait = (error: unknown): void => void warned.push(error);
      const store = await openStore(placeOf(proxy), { clock: systemClock, random: () => 0, patienceMs: 600_000, onWait });
      const isReading = ({ method, path }: { method: string; path: string }): boolean => method === 'GET' && path.includes(key);
      proxy.plan((request) => (isReading(request) && !request.path.includes('list-type') ? fault : undefined));
      const begunMs = Date.now();
      await expect(store.readRange(key, 0, SMALL.byteLength)).rejects.toMatchObject({ code: 'storage-failed' });
      await expect(store.read(key)).rejects.toMatchObject({ code: 'storage-failed' });
      expect(Date.now() - begunMs).toBeLessThan(15_000);
      expect(warned).toEqual([]);
      await store.close();
      await proxy.stop();
    },
    30_000,
  );

  it.each([
    ['a look is answered by 503, which nothing names', 'HEAD', 503, 'overloaded'],
    ['a look is answered by 500', 'HEAD', 500, 'unclear'],
    ['a write is answered by 502', 'PUT', 502, 'unclear'],
  ] as const)(
    'waits for minutes with what it writes while %s, though listings are answered',
    async (_, of, status, trouble) => {
      const { proxy, key } = await open();
      const warned: string[] = [];
      const onWait = (_error: unknown, what: string): void => void warned.push(what);
      const store = await openStore(placeOf(proxy), { clock: systemClock, random: () => 0, patienceMs: 600_000, onWait });
      const backAtMs = Date.now() + 6000;
      proxy.plan(({ method }) =>
        method === of && Date.now() < backAtMs ? { kind: 'answer', status, code: 'ServiceUnavailable' } : undefined,
      );
      await store.create(key, SMALL);
      expect(Date.now()).toBeGreaterThan(backAtMs);
      expect(warned).toEqual([trouble]);
      expect(Buffer.compare(await direct.read(key), SMALL)).toBe(0);
      await store.close();
      await proxy.stop();
    },
    30_000,
  );

  it('makes what is left to do once where it was interrupted, and waits a few seconds for it', async () => {
    const { proxy, key } = await open();
    const interruption = new AbortController();
    const options = { clock: systemClock, random: () => 0, patienceMs: 600_000, interrupt: interruption.signal };
    const store = await openStore(placeOf(proxy), options);
    interruption.abort(new Error('interrupted by SIGINT'));
    await store.create(key, SMALL);
    proxy.plan(() => ({ kind: 'hang' }));
    const begunMs = Date.now();
    await expect(store.delete(key)).rejects.toMatchObject({ code: 'storage-failed' });
    expect(Date.now() - begunMs).toBeLessThan(9000);
    expect(proxy.seen).toHaveLength(1);
    await store.close();
    await proxy.stop();
  }, 120_000);
});
