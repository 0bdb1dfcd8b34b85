import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectLegalHoldCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { DbadminError } from '../../../src/base/errors.ts';
import { probeConditionalCreate } from '../../../src/storage/conditional-create.ts';
import { Secret } from '../../../src/base/secret.ts';
import { withRetry } from '../../../src/storage/retry.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { startFaultyProxy } from '../../s3/faulty-proxy.ts';
import { findMoto, LOCKING_BUCKET, MOTO_ABSENT, motoClient, startMoto } from '../../s3/moto.ts';
import type { TestS3 } from '../../s3/server.ts';
import { expectMissingBucket } from './bucket.ts';
import { describeLocks } from './locks-suite.ts';
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
      const client = motoClient(server.endpoint);
      const unfinished = async (): Promise<number> =>
        (await client.send(new ListMultipartUploadsCommand({ Bucket: server.bucket }))).Uploads?.length ?? 0;
      expect(await unfinished()).toBe(0);
      await client.send(new CreateMultipartUploadCommand({ Bucket: server.bucket, Key: 'test/half' }));
      await client.send(new CreateMultipartUploadCommand({ Bucket: server.bucket, Key: 'other/half' }));
      expect(await store.removeUnfinished(new Date(0))).toBe(0);
      expect(await store.removeUnfinished(new Date(Date.now() + 60_000), (key) => key !== 'half')).toBe(0);
      expect(await store.removeUnfinished(new Date(Date.now() + 60_000))).toBe(1);
      expect(await unfinished()).toBe(1);
      client.destroy();
    });

    it('sends the storage class, encryption and tags that are configured', async () => {
      const own = await openS3Store(
        server.options({
          storageClass: 'STANDARD_IA',
          serverSideEncryption: { kind: 's3' },
          tags: { team: 'dba', 'cost centre': 'a+b = c' },
          prefix: '',
        }),
      );
      await own.create('headers/small', Buffer.from('x'));
      await own.create('headers/large', Buffer.alloc(9 * 1024 * 1024));
      const client = motoClient(server.endpoint);
      for (const key of ['headers/small', 'headers/large']) {
        const kept = await client.send(new HeadObjectCommand({ Bucket: server.bucket, Key: key }));
        expect(kept).toMatchObject({ StorageClass: 'STANDARD_IA', ServerSideEncryption: 'AES256' });
        const { TagSet } = await client.send(new GetObjectTaggingCommand({ Bucket: server.bucket, Key: key }));
        expect(TagSet).toEqual([
          { Key: 'team', Value: 'dba' },
          { Key: 'cost centre', Value: 'a+b = c' },
        ]);
      }
      client.destroy();
      await own.close();
    });

    it('sends the customer key with every part, look and read of a large object', async () => {
      const key = Buffer.alloc(32, 7).toString('base64');
      const proxy = await startFaultyProxy(server.endpoint);
      const without: string[] = [];
      proxy.plan(({ method, path, headers }) => {
        if (headers['x-amz-server-side-encryption-customer-key'] !== key) without.push(`${method} ${path.replace(/=[^&]*/g, '')}`);
        return undefined;
      });
      const serverSideEncryption = { kind: 'customer', key: new Secret(key) } as const;
      const own = await openS3Store(server.options({ endpoint: proxy.endpoint, serverSideEncryption, prefix: '' }));
      const content = Buffer.alloc(17 * 1024 * 1024, 5);
      await own.create('customer', content);
      expect(Buffer.compare(await own.read('customer'), content)).toBe(0);
      expect((await own.readRange('customer', 5, 10)).byteLength).toBe(10);
      expect(proxy.seen.filter((line) => line.includes('partNumber'))).toHaveLength(3);
      expect(without).toEqual([]);
      await own.close();
      await proxy.stop();
    });

    it('asks nothing of an object that is not its own with the customer key, such as the folder that a console made', async () => {
      const client = motoClient(server.endpoint);
      await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: 'folder/' }));
      client.destroy();
      const proxy = await startFaultyProxy(server.endpoint);
      // S3 has no use for a key where an object was not made with it.
      proxy.plan(({ method, path, headers }) =>
        method === 'HEAD' && path.endsWith('/folder/') && headers['x-amz-server-side-encryption-customer-key'] !== undefined
          ? { kind: 'answer', status: 400, code: 'InvalidRequest' }
          : undefined,
      );
      const serverSideEncryption = { kind: 'customer', key: new Secret(Buffer.alloc(32, 7).toString('base64')) } as const;
      const own = await openS3Store(server.options({ endpoint: proxy.endpoint, serverSideEncryption, prefix: 'folder' }));
      await own.create('keys/0123456789abcdef', Buffer.from('x'));
      expect(await own.lockSupport()).toEqual({ kind: 'none' });
      await own.erase('keys/0123456789abcdef');
      for await (const { key } of own.list('')) expect.unreachable(`${key} was left`);
      // One that was made with another key: nobody here sees whether it has versions.
      proxy.plan(({ method, path, headers }) => {
        if (method !== 'HEAD' || !path.endsWith('/folder/')) return undefined;
        const isWith = headers['x-amz-server-side-encryption-customer-key'] !== undefined;
        return { kind: 'answer', status: isWith ? 403 : 400, code: isWith ? 'AccessDenied' : 'InvalidRequest' };
      });
      await own.create('keys/0123456789abcdef', Buffer.from('x'));
      expect(await own.lockSupport()).toEqual({ kind: 'none', keepsVersions: true });
      await own.erase('keys/0123456789abcdef');
      for await (const { key } of own.list('')) expect.unreachable(`${key} was left`);
      // Who may not look at all is told so.
      proxy.plan(({ method, path }) =>
        method === 'HEAD' && path.endsWith('/folder/') ? { kind: 'answer', status: 403, code: 'AccessDenied' } : undefined,
      );
      await expect(own.lockSupport()).rejects.toMatchObject({ code: 'storage-denied' });
      await own.close();
      await proxy.stop();
    });

    describeLockingBucket(() => server);
  });
}

const LOCK_HEADERS = ['x-amz-object-lock-mode', 'x-amz-object-lock-retain-until-date'];

function describeLockingBucket(server: () => TestS3): void {
  describe('in a bucket with Object Lock', () => {
    let store: ObjectStore;
    const inAnHour = new Date(Date.now() + 3_600_000);

    beforeAll(async () => {
      store = await openS3Store(server().options({ bucket: LOCKING_BUCKET, conditionalCreate: true, lockMode: 'compliance' }));
    });

    afterAll(async () => {
      await store.close();
    });

    describeLocks(() => store, true);

    it('takes a lock that another writer makes longer at this moment for one that is long enough', async () => {
      const proxy = await startFaultyProxy(server().endpoint);
      const options = { endpoint: proxy.endpoint, bucket: LOCKING_BUCKET, conditionalCreate: true, lockMode: 'compliance' } as const;
      const own = await openS3Store(server().options(options));
      const [sooner, there, later] = [1, 2, 3].map((hours) => new Date(Math.ceil(Date.now() / 1000) * 1000 + hours * 3_600_000));
      if (sooner === undefined || there === undefined || later === undefined) throw new Error('three times');
      await store.create('lock/raced', Buffer.from('x'), { lockUntil: there });
      for (const [until, outcome] of [
        [sooner, 'kept'],
        [later, 'storage-denied'],
      ] as const) {
        let looks = 0;
        proxy.plan(({ method, path }) => {
          // The lock came after the first look, and S3 lets none become shorter.
          if (method === 'HEAD') return looks++ > 0 ? undefined : { kind: 'hide-headers', names: LOCK_HEADERS };
          return path.includes('retention') ? { kind: 'answer', status: 403, code: 'AccessDenied' } : undefined;
        });
        expect(await own.extendLock('lock/raced', until).catch((error: unknown) => (error as DbadminError).code)).toBe(outcome);
      }
      await own.close();
      await proxy.stop();
    });

    it('says that locks are set object by object, and finds a default of the bucket', async () => {
      expect(await store.lockSupport()).toEqual({ kind: 'per-object', defaultDays: undefined, keepsVersions: true });
      const plain = await openS3Store(server().options());
      expect(await plain.lockSupport()).toEqual({ kind: 'none' });
      await plain.close();
      const client = motoClient(server().endpoint);
      const Bucket = 'dbadmin-default-lock';
      await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
      const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 14 } } as const;
      await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule } }));
      const defaulting = await openS3Store(server().options({ bucket: Bucket }));
      expect(await defaulting.lockSupport()).toEqual({ kind: 'per-object', defaultDays: 14, keepsVersions: true });
      await defaulting.close();
      client.destroy();
    });

    it('deletes for good: neither a version nor a marker is left', async () => {
      await store.create('versions/free', Buffer.from('x'));
      await store.create('versions/locked', Buffer.from('x'), { lockUntil: inAnHour });
      await store.delete('versions/free');
      await expect(store.delete('versions/locked')).rejects.toMatchObject({ code: 'storage-locked' });
      const client = motoClient(server().endpoint);
      const { Versions, DeleteMarkers } = await client.send(
        new ListObjectVersionsCommand({ Bucket: LOCKING_BUCKET, Prefix: 'test/versions/' }),
      );
      expect(Versions?.map(({ Key }) => Key)).toEqual(['test/versions/locked']);
      expect(DeleteMarkers).toBeUndefined();
      client.destroy();
    });

    describe('that was locked in governance mode before compliance was configured', () => {
      const mode = async (key: string): Promise<object> => {
        const client = motoClient(server().endpoint);
        const { ObjectLockMode, ObjectLockRetainUntilDate } = await client.send(
          new HeadObjectCommand({ Bucket: LOCKING_BUCKET, Key: `test/${key}` }),
        );
        client.destroy();
        return { mode: ObjectLockMode, until: ObjectLockRetainUntilDate };
      };
      const [sooner, later] = [new Date('2030-01-01T00:00:00Z'), new Date('2030-02-01T00:00:00Z')];
      const lockedIn = async (lockMode: 'governance' | 'compliance', endpoint = server().endpoint): Promise<ObjectStore> =>
        await openS3Store(server().options({ bucket: LOCKING_BUCKET, conditionalCreate: true, lockMode, endpoint }));

      it('gets the configured mode, however long it is locked, and never a shorter lock or a lesser mode', async () => {
        const lenient = await lockedIn('governance');
        await lenient.create('mode/long', Buffer.from('x'), { lockUntil: later });
        expect(await store.extendLock('mode/long', sooner)).toBe('extended');
        expect(await mode('mode/long')).toEqual({ mode: 'COMPLIANCE', until: later });
        expect(await store.extendLock('mode/long', later)).toBe('kept');
        expect(await lenient.extendLock('mode/long', later)).toBe('kept');
        expect(await mode('mode/long')).toEqual({ mode: 'COMPLIANCE', until: later });
        await lenient.close();
      });

      it.each([
        ['S3', 403, 'AccessDenied'],
        ['MinIO', 400, 'InvalidRequest'],
        ['others', 400, 'ObjectLocked'],
      ])('is locked for as long, and told, where the server refuses the stricter mode as %s does', async (maker, status, code) => {
        const [short, enough] = [`mode/${maker}/short`, `mode/${maker}/enough`];
        const lenient = await lockedIn('governance');
        await lenient.create(short, Buffer.from('x'), { lockUntil: sooner });
        await lenient.create(enough, Buffer.from('x'), { lockUntil: later });
        const proxy = await startFaultyProxy(server().endpoint);
        let refusals = 0;
        proxy.plan(({ method, path }) => {
          if (method !== 'PUT' || !path.includes('?retention')) return undefined;
          refusals += 1;
          // The first request asks for the stricter mode.
          return refusals === 1 || path.includes('enough') ? { kind: 'answer', status, code } : undefined;
        });
        const strict = await lockedIn('compliance', proxy.endpoint);
        expect(await strict.extendLock(short, later)).toBe('lesser');
        expect(await mode(short)).toEqual({ mode: 'GOVERNANCE', until: later });
        expect(await strict.extendLock(enough, sooner)).toBe('lesser');
        expect(await mode(enough)).toEqual({ mode: 'GOVERNANCE', until: later });
        expect(await strict.stat(short)).toMatchObject({ lockedUntil: later, isLesserLock: true });
        expect(await lenient.stat(short)).not.toHaveProperty('isLesserLock');
        await strict.close();
        await lenient.close();
        await proxy.stop();
      });
    });

    describe('and is used without locks', () => {
      const versionsOf = async (prefix: string): Promise<{ readonly versions: readonly string[]; readonly markers: readonly string[] }> => {
        const client = motoClient(server().endpoint);
        const { Versions = [], DeleteMarkers = [] } = await client.send(
          new ListObjectVersionsCommand({ Bucket: LOCKING_BUCKET, Prefix: `test/${prefix}` }),
        );
        client.destroy();
        return { versions: Versions.map(({ Key = '' }) => Key), markers: DeleteMarkers.map(({ Key = '' }) => Key) };
      };

      it('hides what it locked by itself, or somebody holds', async () => {
        const plain = await openS3Store(server().options({ bucket: LOCKING_BUCKET, conditionalCreate: true }));
        await store.create('unasked/locked', Buffer.from('x'), { lockUntil: inAnHour });
        await plain.create('unasked/held', Buffer.from('x'));
        const client = motoClient(server().endpoint);
        const LegalHold = { Status: 'ON' } as const;
        await client.send(new PutObjectLegalHoldCommand({ Bucket: LOCKING_BUCKET, Key: 'test/unasked/held', LegalHold }));
        client.destroy();
        for (const key of ['unasked/locked', 'unasked/held']) {
          await plain.delete(key);
          expect(await plain.stat(key)).toBeUndefined();
        }
        expect((await versionsOf('unasked/')).versions).toHaveLength(2);
        await plain.close();
      });

      it.each([
        ['S3', 403, 'AccessDenied'],
        ['MinIO', 400, 'InvalidRequest'],
      ])('erases what it may, keeps the rest hidden, and says so once, refused as by %s', async (maker, status, code) => {
        const proxy = await startFaultyProxy(server().endpoint);
        proxy.plan(({ method, path }) =>
          method === 'DELETE' && path.includes('a-locked?') && path.includes('versionId') ? { kind: 'answer', status, code } : undefined,
        );
        for (const lockMode of [undefined, 'compliance'] as const) {
          const prefix = `erased/${maker}/${lockMode ?? 'none'}/`;
          const own = await openS3Store(
            server().options({
              bucket: LOCKING_BUCKET,
              conditionalCreate: true,
              endpoint: proxy.endpoint,
              ...(lockMode === undefined ? {} : { lockMode }),
            }),
          );
          await store.create(`${prefix}a-locked`, Buffer.from('x'), { lockUntil: inAnHour });
          await store.create(`${prefix}b-free`, Buffer.from('x'));
          let retries = 0;
          const onRetry = (): void => void (retries += 1);
          const patient = withRetry(own, { attempts: 5, clock: systemClock, random: () => 0, firstDelayMs: 1, onRetry });
          await expect(patient.erase(prefix)).rejects.toMatchObject({ code: 'partly-done', hint: expect.stringContaining('locked') });
          expect(retries).toBe(0);
          const only = [`test/${prefix}a-locked`];
          expect(await versionsOf(prefix)).toEqual({ versions: only, markers: only });
          await own.close();
        }
        await proxy.stop();
      });
    });

    it('leaves an object alone that somebody put a legal hold on', async () => {
      await store.create('held', Buffer.from('x'));
      const client = motoClient(server().endpoint);
      const hold = async (Status: 'ON' | 'OFF'): Promise<unknown> =>
        await client.send(new PutObjectLegalHoldCommand({ Bucket: LOCKING_BUCKET, Key: 'test/held', LegalHold: { Status } }));
      await hold('ON');
      await expect(store.delete('held')).rejects.toMatchObject({ code: 'storage-locked', detail: expect.stringContaining('legal hold') });
      await hold('OFF');
      await store.delete('held');
      client.destroy();
    });
  });
}
