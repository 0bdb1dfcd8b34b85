import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeConditionalCreate } from '../../../src/storage/conditional-create.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { startS3rver } from '../../s3/s3rver.ts';
import type { TestS3 } from '../../s3/server.ts';
import { expectDenied, expectMissingBucket } from './bucket.ts';
import { describeChosenEndpoint } from './chosen-endpoint.ts';
import { describeObjectStore } from './suite.ts';

let server: TestS3;
let store: ObjectStore;

beforeAll(async () => {
  server = await startS3rver();
  store = await openS3Store(server.options());
});

afterAll(async () => {
  await store.close();
  await server.stop();
});

describeObjectStore('S3 store on s3rver', () => store, { conditionalCreate: false, ordersEveryKey: false });

describe('S3 store on s3rver', () => {
  it('says that the access key is wrong', async () => {
    const denied = await openS3Store(server.options({ accessKeyId: 'UNKNOWN' }));
    await expectDenied(denied);
    await denied.close();
    expect(await store.stat('denied')).toBeUndefined();
  });

  it('tells a missing bucket from a missing object', async () => {
    await expectMissingBucket(server.options());
  });

  it('finds out that this server does not refuse to write over an object', async () => {
    const claiming = await openS3Store(server.options({ conditionalCreate: true, prefix: 'probe' }));
    expect(await probeConditionalCreate(claiming)).toBe(false);
    for await (const { key } of claiming.list('')) expect.unreachable(`${key} was left behind`);
    await claiming.close();
  });
});

await describeChosenEndpoint(process.env);
