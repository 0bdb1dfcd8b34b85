import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openS3Store } from '../../src/storage/s3.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { startFaultyProxy, type FaultyProxy } from '../s3/faulty-proxy.ts';
import { startS3rver } from '../s3/s3rver.ts';
import type { TestS3 } from '../s3/server.ts';

const LARGE = randomBytes(17 * 1024 * 1024);
let server: TestS3;
let proxy: FaultyProxy;
let store: ObjectStore;
/** Past the proxy. */
let direct: ObjectStore;
let number = 0;
let key = '';

beforeAll(async () => {
  server = await startS3rver();
  proxy = await startFaultyProxy(server.endpoint);
  store = await openS3Store(server.options({ endpoint: proxy.endpoint }));
  direct = await openS3Store(server.options());
});

afterAll(async () => {
  await store.close();
  await direct.close();
  await proxy.stop();
  await server.stop();
});

beforeEach(() => {
  proxy.plan(() => undefined);
  number += 1;
  key = `answers/${number}`;
});

describe('S3 store: an error that comes as a success', () => {
  const SPACES = [
    ['nothing around it', '', ''],
    ['a line end after it', '', '\n'],
    ['spaces and line ends after it', '', ' \r\n\n'],
    ['spaces before it, as a server sends them that needs time', ' \n  ', ''],
    ['spaces before and after it', '\n\n', '\n'],
  ] as const;

  it.each(SPACES)('is none where an object of the same size is there meanwhile, with %s', async (_, start, ending) => {
    const others = new Uint8Array(LARGE.byteLength);
    const content = (): AsyncIterable<Uint8Array> =>
      (async function* () {
        yield LARGE;
        await direct.create(key, others);
      })();
    for (const [code, expected] of [
      ['InternalError', { code: 'storage-failed', retryable: true }],
      ['PreconditionFailed', { code: 'storage-exists' }],
    ] as const) {
      key += 'x';
      proxy.plan(({ method, path }) =>
        method === 'POST' && path.includes('uploadId') ? { kind: 'answer', status: 200, code, start, ending } : undefined,
      );
      await expect(store.create(key, { stream: content() })).rejects.toMatchObject(expected);
      expect(Buffer.compare(await direct.read(key), others)).toBe(0);
    }
  });

  it('is an error where an object is made by one request, or deleted', async () => {
    await direct.create(`${key}-there`, Buffer.from('content'));
    proxy.plan(({ method }) =>
      method === 'PUT' || method === 'DELETE'
        ? { kind: 'answer', status: 200, code: 'InternalError', start: '\n', ending: '\n' }
        : undefined,
    );
    await expect(store.create(key, Buffer.from('content'))).rejects.toMatchObject({
      code: 'storage-failed',
      detail: expect.stringContaining('InternalError'),
    });
    await expect(store.delete(`${key}-there`)).rejects.toMatchObject({
      code: 'storage-failed',
      detail: expect.stringContaining('InternalError'),
    });
  });

  it('is no error where it is what an object holds', async () => {
    const content = Buffer.from('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code></Error>\n');
    await store.create(key, content);
    expect(Buffer.from(await store.read(key)).equals(content)).toBe(true);
  });
});

describe('S3 store: a listing that says that it goes on', () => {
  const page = (root: string, rest: string): string =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<${root}><Name>dbadmin-test</Name><IsTruncated>true</IsTruncated>${rest}</${root}>`;
  const cut = { code: 'storage-failed', message: expect.stringContaining('cut a listing short') };
  /** The same answer to each request of the kind; more than a few of them would be more than it takes to see that it is the same. */
  const always = (matches: RegExp, xml: string): void =>
    proxy.plan(({ method, path, count }) => {
      if (count > 50) return { kind: 'answer', status: 400, code: 'AskedForEver' };
      return matches.test(`${method} ${path}`) ? { kind: 'say', xml } : undefined;
    });
  const listed = async (): Promise<void> => {
    for await (const _ of store.list('answers/'));
  };

  it('and from nowhere, or from where it was, fails: objects', async () => {
    always(/list-type=2/, page('ListBucketResult', ''));
    await expect(listed()).rejects.toMatchObject(cut);
    always(/list-type=2/, page('ListBucketResult', '<NextContinuationToken>again</NextContinuationToken>'));
    await expect(listed()).rejects.toMatchObject(cut);
    expect(proxy.seen).toHaveLength(2);
  });

  it('and from nowhere, or from where it was, fails: unfinished uploads', async () => {
    const remove = async (): Promise<number> => await store.removeUnfinished(new Date());
    always(/uploads/, page('ListMultipartUploadsResult', ''));
    await expect(remove()).rejects.toMatchObject(cut);
    expect(proxy.seen).toHaveLength(1);
    always(/uploads/, page('ListMultipartUploadsResult', '<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>'));
    await expect(remove()).rejects.toMatchObject(cut);
    expect(proxy.seen).toHaveLength(2);
  });

  it('and from nowhere, or from where it was, fails: versions', async () => {
    const erase = async (): Promise<void> => await store.erase('answers/none');
    always(/versions/, page('ListVersionsResult', ''));
    await expect(erase()).rejects.toMatchObject(cut);
    always(/versions/, page('ListVersionsResult', '<NextKeyMarker>k</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>'));
    await expect(erase()).rejects.toMatchObject(cut);
    expect(proxy.seen.filter((line) => line.includes('versions'))).toHaveLength(2);
  });
});
