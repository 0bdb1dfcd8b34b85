import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openStore } from '../../src/storage/open.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { startFaultyProxy, type FaultyProxy } from '../s3/faulty-proxy.ts';
import { startS3rver } from '../s3/s3rver.ts';
import type { TestS3 } from '../s3/server.ts';

const SMALL = Buffer.from('content of the object');
let server: TestS3;
let proxy: FaultyProxy;
/** Past the proxy. */
let direct: ObjectStore;
let number = 0;
let key = '';

beforeAll(async () => {
  server = await startS3rver();
  proxy = await startFaultyProxy(server.endpoint);
  direct = await openS3Store(server.options());
});

afterAll(async () => {
  await direct.close();
  await proxy.stop();
  await server.stop();
});

beforeEach(() => {
  proxy.plan(() => undefined);
  number += 1;
  key = `fault/${number}`;
});

describe('S3 store that waits for minutes', () => {
  it.each([
    ['is answered by 500', { kind: 'answer', status: 500, code: 'InternalError' }],
    ['is answered by 503', { kind: 'answer', status: 503, code: 'SlowDownRead' }],
    ['breaks off at the same place each time', { kind: 'truncate', bytes: 20 }],
  ] as const)(
    'fails after seconds with an object whose reading %s, while the server answers everything else',
    async (_, fault) => {
      await direct.create(key, SMALL);
      const place = { type: 's3', ...server.options({ endpoint: proxy.endpoint }) } as const;
      const warned: unknown[] = [];
      const onWait = (error: unknown): void => void warned.push(error);
      const store = await openStore(place, { clock: systemClock, random: () => 0, patienceMs: 600_000, onWait });
      const isReading = ({ method, path }: { method: string; path: string }): boolean => method === 'GET' && path.includes(key);
      proxy.plan((request) => (isReading(request) && !request.path.includes('list-type') ? fault : undefined));
      const begunMs = Date.now();
      await expect(store.readRange(key, 0, SMALL.byteLength)).rejects.toMatchObject({ code: 'storage-failed' });
      await expect(store.read(key)).rejects.toMatchObject({ code: 'storage-failed' });
      expect(Date.now() - begunMs).toBeLessThan(15_000);
      expect(warned).toEqual([]);
      await store.close();
    },
    30_000,
  );
});

describe('S3 store that waits for minutes with what it writes', () => {
  it.each([
    ['a look is answered by 503, which nothing names', 'HEAD', 503, 'overloaded'],
    ['a look is answered by 500', 'HEAD', 500, 'unclear'],
    ['a write is answered by 502', 'PUT', 502, 'unclear'],
  ] as const)(
    'waits while %s, though listings are answered',
    async (_, of, status, trouble) => {
      const place = { type: 's3', ...server.options({ endpoint: proxy.endpoint }) } as const;
      const warned: string[] = [];
      const onWait = (_error: unknown, what: string): void => void warned.push(what);
      const store = await openStore(place, { clock: systemClock, random: () => 0, patienceMs: 600_000, onWait });
      const backAtMs = Date.now() + 6000;
      proxy.plan(({ method }) =>
        method === of && Date.now() < backAtMs ? { kind: 'answer', status, code: 'ServiceUnavailable' } : undefined,
      );
      await store.create(key, SMALL);
      expect(Date.now()).toBeGreaterThan(backAtMs);
      expect(warned).toEqual([trouble]);
      expect(Buffer.compare(await direct.read(key), SMALL)).toBe(0);
      await store.close();
    },
    30_000,
  );
});
