import { CreateMultipartUploadCommand, HeadObjectCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeConditionalCreate } from '../../../src/storage/conditional-create.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { findMoto, MOTO_ABSENT, startMoto } from '../../s3/moto.ts';
import type { TestS3 } from '../../s3/server.ts';
import { expectMissingBucket } from './bucket.ts';
import { describeObjectStore } from './suite.ts';

const command = findMoto();
if (command === undefined) it('S3 store on moto', (context) => context.skip(MOTO_ABSENT));
else describeOnMoto(command);

function describeOnMoto(command: readonly string[]): void {
  describe('on moto', () => {
    let server: TestS3;
    let store: ObjectStore;

    beforeAll(async () => {
      server = await startMoto(command);
      store = await openS3Store(server.options({ conditionalCreate: true }));
    });

    afterAll(async () => {
      await store.close();
      await server.stop();
    });

    describeObjectStore('S3 store with conditional create', () => store, { listsPages: false });

    it('finds out that this server refuses to write over an object', async () => {
      expect(await probeConditionalCreate(store, 'probing/')).toBe(true);
      for await (const { key } of store.list('probing/')) expect.unreachable(`${key} was left behind`);
    });

    it('refuses the last step of a large object whose key was taken meanwhile', async () => {
      const slow = async function* (): AsyncIterable<Uint8Array> {
        yield Buffer.alloc(9 * 1024 * 1024);
        yield Buffer.alloc(9 * 1024 * 1024);
        await store.create('taken/meanwhile', Buffer.from('faster'));
        yield Buffer.alloc(9 * 1024 * 1024);
      };
      await expect(store.create('taken/meanwhile', { stream: slow() })).rejects.toMatchObject({ code: 'storage-exists' });
      expect(Buffer.from(await store.read('taken/meanwhile')).toString()).toBe('faster');
    });

    it('tells a missing bucket from a missing object', async () => {
      await expectMissingBucket(server.options({ conditionalCreate: true }));
      await expectMissingBucket(server.options());
    });

    it('removes uploads that were begun and never ended, and only old ones', async () => {
      const { region, accessKeyId = '', endpoint = '' } = server.options();
      const client = new S3Client({ region, endpoint, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey: 'moto' } });
      const unfinished = async (): Promise<number> =>
        (await client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket }))).Uploads?.length ?? 0;
      expect(await unfinished()).toBe(0);
      await client.send(new CreateMultipartUploadCommand({ Bucket: server.bucket, Key: 'test/half' }));
      await client.send(new CreateMultipartUploadCommand({ Bucket: server.bucket, Key: 'other/half' }));
      expect(await store.removeUnfinished(new Date(0))).toBe(0);
      expect(await store.removeUnfinished(new Date(Date.now() + 60_000))).toBe(1);
      expect(await unfinished()).toBe(1);
      client.destroy();
    });

    it('sends the storage class and encryption that are configured', async () => {
      const own = await openS3Store(server.options({ storageClass: 'STANDARD_IA', serverSideEncryption: { kind: 's3' }, prefix: '' }));
      await own.create('headers/small', Buffer.from('x'));
      await own.create('headers/large', Buffer.alloc(9 * 1024 * 1024));
      const { region, accessKeyId = '', endpoint = '' } = server.options();
      const client = new S3Client({ region, endpoint, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey: 'moto' } });
      for (const key of ['headers/small', 'headers/large']) {
        const kept = await client.send(new HeadObjectCommand({ Bucket: server.bucket, Key: key }));
        expect(kept).toMatchObject({ StorageClass: 'STANDARD_IA', ServerSideEncryption: 'AES256' });
      }
      client.destroy();
      await own.close();
    });
  });
}
