import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { probeConditionalCreate } from '../../../src/storage/conditional-create.ts';
import { openS3Store, type S3Options } from '../../../src/storage/s3.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { expectMissingBucket } from './bucket.ts';
import { describeLocks } from './locks-suite.ts';
import { describeObjectStore } from './suite.ts';

/**
 * The suite on a server of the reader's choice; nothing without one. DBADMIN_TEST_S3_BUCKET names a bucket that may be
 * written below `dbadmin-test-…/`; _ENDPOINT, _REGION, _KEY, _SECRET and _CA_FILE say how to reach it, _HOST_STYLE=1 puts
 * the bucket into the host name. What the suite wrote is deleted again. DBADMIN_TEST_S3_LOCKING_BUCKET may name a bucket with
 * Object Lock: a few objects stay there, locked for three hours.
 */
export async function describeChosenEndpoint(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  const bucket = env['DBADMIN_TEST_S3_BUCKET'];
  if (bucket === undefined) return;
  const options: S3Options = {
    bucket,
    prefix: `dbadmin-test-${randomBytes(6).toString('hex')}`,
    region: env['DBADMIN_TEST_S3_REGION'] ?? 'us-east-1',
    endpoint: env['DBADMIN_TEST_S3_ENDPOINT'],
    pathStyle: env['DBADMIN_TEST_S3_HOST_STYLE'] !== '1',
    caFile: env['DBADMIN_TEST_S3_CA_FILE'],
    accessKeyId: env['DBADMIN_TEST_S3_KEY'],
    secretAccessKey: env['DBADMIN_TEST_S3_SECRET'] === undefined ? undefined : new Secret(env['DBADMIN_TEST_S3_SECRET']),
    conditionalCreate: true,
  };
  // Whether the server refuses a second create must be known before the suite is laid out.
  const conditionalCreate = await probeConditionalCreate(await openS3Store(options));

  describe(`on ${options.endpoint ?? 'AWS'}`, () => {
    let store: ObjectStore;

    beforeAll(async () => {
      store = await openS3Store({ ...options, conditionalCreate });
    });

    afterAll(async () => {
      for await (const { key } of store.list('')) await store.delete(key);
      await store.close();
    });

    describeObjectStore('S3 store', () => store, { conditionalCreate });

    const locking = env['DBADMIN_TEST_S3_LOCKING_BUCKET'];
    if (locking !== undefined) {
      let locks: ObjectStore;
      beforeAll(async () => {
        locks = await openS3Store({ ...options, bucket: locking, conditionalCreate, lockMode: 'governance' });
      });
      afterAll(async () => await locks.close());
      describe('in a bucket with Object Lock', () => describeLocks(() => locks, true));
    }

    it('tells a missing bucket from a missing object', async () => {
      await expectMissingBucket(options);
    });
  });
}
