import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { openStore } from '../../src/storage/open.ts';
import { withRetry } from '../../src/storage/retry.ts';
import { openS3Store } from '../../src/storage/s3.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { startFaultyProxy, type Fault, type FaultPlan, type FaultyProxy } from '../s3/faulty-proxy.ts';
import { onceOnly } from '../s3/once-only.ts';
import { startS3rver } from '../s3/s3rver.ts';
import type { TestS3 } from '../s3/server.ts';

const LARGE = randomBytes(17 * 1024 * 1024);
const SMALL = Buffer.from('content of the object');
let server: TestS3;
let proxy: FaultyProxy;
/** Without retries: each fault must be seen for what it is. */
let bare: ObjectStore;
/** With retries: each fault that passes must be survived. */
let patient: ObjectStore;
/** Past the proxy, with as much time as anybody has. */
let direct: ObjectStore;
let number = 0;
let key = '';

beforeAll(async () => {
  server = await startS3rver();
  proxy = await startFaultyProxy(server.endpoint);
  bare = await openS3Store(server.options({ endpoint: proxy.endpoint, idleTimeoutMs: 700, connectTimeoutMs: 700 }));
  patient = withRetry(bare, { attempts: 6, clock: systemClock, random: () => 0, firstDelayMs: 10 });
  direct = await openS3Store(server.options());
});

afterAll(async () => {
  await bare.close();
  await direct.close();
  await proxy.stop();
  await server.stop();
});

beforeEach(() => {
  proxy.plan(() => undefined);
  number += 1;
  key = `fault/${number}`;
});

/** The fault at the first request that `matches`, and at no other. */
function first(matches: RegExp, fault: Fault): FaultPlan {
  let met = false;
  return ({ method, path }) => {
    if (met || !matches.test(`${method} ${path}`)) return undefined;
    met = true;
    return fault;
  };
}

/** What the server has. A busy machine may take longer to give it than the timeouts of the stores that faults are tried on. */
async function stored(): Promise<Buffer> {
  proxy.plan(() => undefined);
  return Buffer.from(await direct.read(key));
}

const PASSING: readonly (readonly [string, Fault])[] = [
  ['500', { kind: 'answer', status: 500, code: 'InternalError' }],
  ['503 SlowDown', { kind: 'answer', status: 503, code: 'SlowDown' }],
  ['429', { kind: 'answer', status: 429, code: 'TooManyRequests' }],
  ['a broken connection', { kind: 'reset' }],
  ['a lost answer', { kind: 'lose-answer' }],
  ['no answer at all', { kind: 'hang' }],
];

describe.each(PASSING)('S3 store meeting %s', (_, fault) => {
  it('says that a small create failed, and succeeds on trying again', async () => {
    proxy.plan(first(/^PUT/, fault));
    await expect(bare.create(key, SMALL)).rejects.toMatchObject({ code: 'storage-failed', retryable: true });
    key = `${key}-again`;
    proxy.plan(first(/^PUT/, fault));
    await patient.create(key, SMALL);
    expect(Buffer.compare(await stored(), SMALL)).toBe(0);
  });

  it('says that reading, looking, listing and deleting failed, and succeeds on trying again', async () => {
    await patient.create(key, SMALL);
    const list = async (store: ObjectStore): Promise<readonly string[]> => {
      const keys: string[] = [];
      for await (const object of store.list(key)) keys.push(object.key);
      return keys;
    };
    const calls: readonly ((store: ObjectStore) => Promise<unknown>)[] = [
      async (store) => Buffer.from(await store.read(key)).toString(),
      async (store) => Buffer.from(await store.readRange(key, 0, SMALL.byteLength)).toString(),
      async (store) => (await store.stat(key))?.sizeBytes,
      async (store) => (await list(store)).length,
      async (store) => await store.probe(),
      async (store) => await store.delete(key),
    ];
    const wanted = [SMALL.toString(), SMALL.toString(), SMALL.byteLength, 1, undefined, undefined];
    for (const [index, call] of calls.entries()) {
      proxy.plan(first(/./, fault));
      await expect(call(bare)).rejects.toMatchObject({ code: 'storage-failed' });
      proxy.plan(first(/./, fault));
      expect(await call(patient)).toEqual(wanted[index]);
    }
  });

  // Three kinds stand for all where megabytes go over the wire.
  if (fault.kind === 'reset' || (fault.kind === 'answer' && fault.status !== 503)) return;
  it.each([
    ['the beginning', /^POST .*uploads/],
    ['a part', /^PUT .*partNumber=2/],
    ['the end', /^POST .*uploadId/],
    ['the look afterwards', /^HEAD/],
  ])('says that a large create failed at %s, and succeeds on trying again', async (_, matches) => {
    const plan = (): FaultPlan => {
      // The first HEAD asks whether the key is free; the one afterwards is meant.
      let heads = 0;
      const planned = first(matches, fault);
      return (request) => (request.method === 'HEAD' && (heads += 1) === 1 ? undefined : planned(request));
    };
    proxy.plan(plan());
    await expect(bare.create(key, LARGE)).rejects.toMatchObject({ code: 'storage-failed', retryable: true });
    key = `${key}-again`;
    proxy.plan(plan());
    await patient.create(key, LARGE);
    expect(Buffer.compare(await stored(), LARGE)).toBe(0);
  });
});

describe('S3 store, not believing', () => {
  it('an error inside a 200, with or without a line end after it', async () => {
    for (const ending of ['', '\n']) {
      key += 'x';
      proxy.plan(first(/^POST .*uploadId/, { kind: 'answer', status: 200, code: 'InternalError', ending }));
      await expect(bare.create(key, LARGE)).rejects.toMatchObject({ code: 'storage-failed', retryable: true });
      proxy.plan(() => undefined);
      expect(await bare.stat(key)).toBeUndefined();
    }
  });

  it('a 200 that is no listing, and would make a bucket look empty', async () => {
    await patient.create(key, SMALL);
    const listed = async (store: ObjectStore): Promise<number> => {
      let count = 0;
      for await (const _ of store.list(key)) count += 1;
      return count;
    };
    for (const fault of [{ kind: 'answer', status: 200, code: 'InternalError' }, { kind: 'swallow' }] as const) {
      proxy.plan(first(/^GET/, fault));
      await expect(listed(bare)).rejects.toMatchObject({ code: 'storage-failed' });
      proxy.plan(first(/^GET/, fault));
      expect(await listed(patient)).toBe(1);
      proxy.plan(first(/^GET/, fault));
      await expect(bare.probe()).rejects.toMatchObject({ code: 'storage-failed' });
    }
  });

  it('a 200 for an object that is not kept', async () => {
    proxy.plan(first(/^PUT/, { kind: 'swallow' }));
    await expect(bare.create(key, SMALL)).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining('did not keep'),
    });
    proxy.plan(first(/^PUT/, { kind: 'swallow' }));
    await patient.create(key, SMALL);
    expect(Buffer.compare(await stored(), SMALL)).toBe(0);
  });

  it('a body that ends early, by a broken connection, a wrong length or a stall', async () => {
    await patient.create(key, LARGE);
    const half = 10 * 1024 * 1024;
    for (const fault of [
      { kind: 'truncate', bytes: half },
      { kind: 'stall', bytes: half },
    ] as const) {
      proxy.plan(first(/^GET/, fault));
      await expect(bare.read(key)).rejects.toMatchObject({ code: 'storage-failed' });
      proxy.plan(first(/^GET/, fault));
      expect(Buffer.compare(await patient.read(key), LARGE)).toBe(0);
      proxy.plan(first(/^GET/, fault));
      const pieces: Uint8Array[] = [];
      for await (const piece of patient.readStream(key)) pieces.push(piece);
      expect(Buffer.compare(Buffer.concat(pieces), LARGE)).toBe(0);
    }
    proxy.plan(first(/^GET/, { kind: 'shorten', bytes: 500 }));
    await expect(bare.readRange(key, 100, 1000)).rejects.toMatchObject({ code: 'storage-failed' });
  });

  it('a whole body where a part was asked for', async () => {
    await patient.create(key, SMALL);
    for (const offset of [0, 3]) {
      proxy.plan(first(/^GET/, { kind: 'ignore-range' }));
      await expect(bare.readRange(key, offset, 4)).rejects.toMatchObject({ code: 'storage-failed' });
    }
  });

  it('what a bad line made of a body: each is sent with its hash, parts too', async () => {
    for (const [content, matches] of [
      [SMALL, /^PUT/],
      [LARGE, /^PUT .*partNumber=2/],
    ] as const) {
      key += 'x';
      proxy.plan(first(matches, { kind: 'flip-bit' }));
      await expect(bare.create(key, content)).rejects.toMatchObject({
        code: 'storage-failed',
        detail: expect.stringContaining('BadDigest'),
      });
      key += 'y';
      proxy.plan(first(matches, { kind: 'flip-bit' }));
      await patient.create(key, content);
      expect(Buffer.compare(await stored(), content)).toBe(0);
    }
  });

  it('a lack of rights where the object is archived: the way out is another', async () => {
    await patient.create(key, SMALL);
    proxy.plan(() => ({ kind: 'answer', status: 403, code: 'InvalidObjectState' }));
    await expect(bare.read(key)).rejects.toMatchObject({ code: 'storage-denied', hint: expect.stringContaining('archive class') });
  });

  it('a 404 that does not come from S3', async () => {
    proxy.plan(() => ({ kind: 'answer', status: 404, code: 'NotFoundByProxy' }));
    await expect(bare.read(key)).rejects.toMatchObject({ code: 'storage-failed' });
    await expect(bare.stat(key)).rejects.toMatchObject({ code: 'storage-failed' });
  });
});

describe('S3 store, sending content that comes once', () => {
  const HUGE = randomBytes(49 * 1024 * 1024);
  let store: ObjectStore;

  beforeAll(async () => {
    proxy.plan(() => undefined);
    const place = { type: 's3', ...server.options({ endpoint: proxy.endpoint, idleTimeoutMs: 700, connectTimeoutMs: 700 }) } as const;
    store = await openStore(place, { clock: systemClock, random: () => 0, patienceMs: 60_000 });
  });
  afterAll(async () => {
    await store.close();
  });

  it('each part is sent again by itself: two that fail, far from each other', async () => {
    const failing = [
      first(/^PUT .*partNumber=1&/, { kind: 'reset' }),
      first(/^PUT .*partNumber=4&/, { kind: 'answer', status: 503, code: 'SlowDown' }),
    ];
    proxy.plan((request) => failing.map((plan) => plan(request)).find((fault) => fault !== undefined));
    await store.create(key, onceOnly(HUGE));
    const parts = proxy.seen.filter((line) => line.startsWith('PUT'));
    expect(parts).toHaveLength(6);
    expect(proxy.seen.filter((line) => /^POST .*uploads/.test(line))).toHaveLength(1);
    expect(Buffer.compare(await stored(), HUGE)).toBe(0);
  });

  it.each(PASSING.filter(([, { kind }]) => kind !== 'hang'))('%s at any of the requests is survived', async (_, fault) => {
    for (const matches of [/^HEAD/, /^POST .*uploads/, /^PUT .*partNumber=2/, /^POST .*uploadId/]) {
      key += 'x';
      proxy.plan(first(matches, fault));
      await store.create(key, onceOnly(LARGE));
      expect(Buffer.compare(await stored(), LARGE)).toBe(0);
    }
    // In one request: of up to 8 MiB, and of up to one part.
    for (const sizeBytes of [100, 10 * 1024 * 1024]) {
      key += 'y';
      proxy.plan(first(/^PUT/, fault));
      await store.create(key, onceOnly(LARGE.subarray(0, sizeBytes)));
      expect(Buffer.compare(await stored(), LARGE.subarray(0, sizeBytes))).toBe(0);
    }
  });

  it('the look afterwards, too, is made again', async () => {
    let heads = 0;
    proxy.plan(({ method }) => (method === 'HEAD' && (heads += 1) === 2 ? { kind: 'reset' } : undefined));
    await store.create(key, onceOnly(LARGE));
    expect(heads).toBe(3);
    expect(Buffer.compare(await stored(), LARGE)).toBe(0);
  });

  it('what somebody else put there meanwhile is not taken for ours', async () => {
    const whole = await openS3Store(server.options());
    const others = new Uint8Array(LARGE.byteLength);
    const content = (async function* () {
      yield LARGE;
      await whole.create(key, others);
    })();
    let ends = 0;
    proxy.plan(({ method, path }) => {
      if (method !== 'POST' || !path.includes('uploadId')) return undefined;
      ends += 1;
      return ends === 1 ? { kind: 'reset' } : { kind: 'answer', status: 404, code: 'NoSuchUpload' };
    });
    await expect(store.create(key, { stream: content })).rejects.toMatchObject({ code: 'storage-failed' });
    expect(ends).toBe(2);
    expect(Buffer.compare(await stored(), others)).toBe(0);
    await whole.close();
  });

  it('a key that was taken meanwhile is said to be, inside a 200 too, and nobody waits for it', async () => {
    proxy.plan(({ method, path }) =>
      method === 'POST' && path.includes('uploadId') ? { kind: 'answer', status: 200, code: 'PreconditionFailed' } : undefined,
    );
    await expect(store.create(key, onceOnly(LARGE))).rejects.toMatchObject({ code: 'storage-exists' });
    expect(proxy.seen.filter((line) => /^POST .*uploadId/.test(line))).toHaveLength(1);
  }, 120_000);
});

describe('S3 store, leaving nothing behind', () => {
  it('ends the upload of a large object that fails half way', async () => {
    proxy.plan(first(/^PUT .*partNumber=2/, { kind: 'answer', status: 500, code: 'InternalError' }));
    await expect(bare.create(key, LARGE)).rejects.toMatchObject({ code: 'storage-failed' });
    expect(proxy.seen.some((line) => /^DELETE .*uploadId/.test(line))).toBe(true);
    proxy.plan(() => undefined);
    expect(await bare.stat(key)).toBeUndefined();
  });
});

describe('S3 store, trying again what passes', () => {
  it.each([
    [408, 'RequestTimeout'],
    [409, 'ConditionalRequestConflict'],
    [409, 'OperationAborted'],
    [502, 'BadGateway'],
    [504, 'GatewayTimeout'],
    [400, 'RequestTimeout'],
  ])('%i %s', async (status, code) => {
    proxy.plan(first(/^PUT/, { kind: 'answer', status, code }));
    await patient.create(key, SMALL);
    expect(Buffer.compare(await stored(), SMALL)).toBe(0);
  });
});

describe('S3 store, telling what retrying cannot help', () => {
  it.each([
    [403, 'SignatureDoesNotMatch', 'storage-denied'],
    [403, 'RequestTimeTooSkewed', 'storage-denied'],
    [400, 'ExpiredToken', 'storage-denied'],
    [501, 'NotImplemented', 'storage-unsupported'],
    [400, 'AuthorizationHeaderMalformed', 'storage-unsupported'],
    [507, 'XMinioStorageFull', 'storage-full'],
    [412, 'PreconditionFailed', 'storage-exists'],
  ] as const)('%i %s is %s', async (status, name, code) => {
    proxy.plan(({ method }) => (method === 'PUT' ? { kind: 'answer', status, code: name } : undefined));
    await expect(patient.create(key, SMALL)).rejects.toMatchObject({ code, retryable: false });
    expect(proxy.seen.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
  });

  it('a server that is not there is a failure that may pass, and names the cause', async () => {
    const gone = await openS3Store(server.options({ endpoint: 'http://127.0.0.1:1' }));
    await expect(gone.probe()).rejects.toMatchObject({ code: 'storage-failed', detail: expect.stringContaining('ECONNREFUSED') });
    await gone.close();
  });
});
