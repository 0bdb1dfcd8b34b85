import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkLocks } from '../../../src/backup/check-locks-inspect.ts';
import { Secret } from '../../../src/base/secret.ts';
import { storagePolicy, type StorageRole } from '../../../src/repository/iam-policy.ts';
import { removeKey } from '../../../src/repository/key-changes.ts';
import { addKey, type UnlockingSecret } from '../../../src/repository/key-objects.ts';
import { Landing } from '../../../src/spotify/fetch/landing-apply.ts';
import { openS3Store } from '../../../src/storage/s3.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { findMoto, LOCKING_BUCKET, MOTO_ABSENT, motoClient, startMoto } from '../../s3/moto.ts';
import { startPolicyProxy, type PolicyProxy } from '../../s3/policy-proxy.ts';
import type { TestS3 } from '../../s3/server.ts';

const BUCKET = 'dbadmin-versioned';
const SYSTEM = '7388888888888888888';
const moto = findMoto();
if (moto === undefined) it('a bucket that keeps versions', (context) => context.skip(MOTO_ABSENT));
else describe('a bucket that keeps versions, without Object Lock', () => describeVersions(moto));

function describeVersions(command: readonly string[]): void {
  let server: TestS3;
  let client: S3Client;
  let store: ObjectStore;
  const proxies: PolicyProxy[] = [];
  const stores: ObjectStore[] = [];

  beforeAll(async () => {
    server = await startMoto(command);
    client = motoClient(server.endpoint);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    await client.send(new PutBucketVersioningCommand({ Bucket: BUCKET, VersioningConfiguration: { Status: 'Enabled' } }));
  });

  beforeEach(async () => {
    store = await open(server.endpoint);
  });

  afterEach(async () => {
    for (const each of stores.splice(0)) await each.close();
    for (const proxy of proxies.splice(0)) await proxy.stop();
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: BUCKET }));
    for (const { Key, VersionId } of [...Versions, ...DeleteMarkers])
      await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key, VersionId }));
  });

  afterAll(async () => {
    client.destroy();
    await server.stop();
  });

  async function open(endpoint: string, bucket = BUCKET): Promise<ObjectStore> {
    const opened = await openS3Store(server.options({ bucket, endpoint, conditionalCreate: true }));
    stores.push(opened);
    return opened;
  }

  /** The store for somebody with the printed policy of `role`, less the actions that are `lacking`. */
  async function openAs(role: StorageRole, lacking: readonly string[] = [], bucket = BUCKET): Promise<ObjectStore> {
    const policy = storagePolicy(role, { ...server.options(), bucket });
    const Statement = policy.Statement.map((each) => ({ ...each, Action: each.Action.filter((action) => !lacking.includes(action)) }));
    const proxy = await startPolicyProxy(server.endpoint, { ...policy, Statement });
    proxies.push(proxy);
    return await open(proxy.endpoint, bucket);
  }

  /** What lies there, versions and markers, by key. */
  async function kept(prefix: string): Promise<readonly string[]> {
    const { Versions = [], DeleteMarkers = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket: BUCKET, Prefix: `test/${prefix}` }),
    );
    return [...Versions.map(({ Key = '' }) => Key), ...DeleteMarkers.map(({ Key = '' }) => `marker of ${Key}`)];
  }

  /** As a plain delete leaves it, of which versions before this one made many: a marker over what is readable as before. */
  async function hide(key: string): Promise<void> {
    const { VersionId } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: `test/${key}` }));
    await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: `test/${key}` }));
    await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: `test/${key}`, VersionId }));
  }

  it('deletes the version, and leaves no marker', async () => {
    await store.create('one/object', Buffer.from('x'));
    await store.delete('one/object');
    await store.delete('one/absent');
    expect(await kept('one/')).toEqual([]);
    await store.create('one/object', Buffer.from('again'));
    expect(Buffer.from(await store.read('one/object')).toString()).toBe('again');
  });

  it('says that the bucket keeps versions, once there is an object to see it at', async () => {
    expect(await store.lockSupport()).toEqual({ kind: 'none' });
    await store.create('dbadmin-repository', Buffer.from('x'));
    expect(await store.lockSupport()).toEqual({ kind: 'none', keepsVersions: true });
    expect(await checkLocks('repository far', store)).toMatchObject([
      { what: 'repository far versions', state: 'note', fix: expect.stringContaining('lifecycle rule') },
    ]);
  });

  it('hides an object where the policy lets no version be deleted', async () => {
    const limited = await openAs('writer', ['s3:DeleteObjectVersion']);
    await limited.create(`${SYSTEM}/leases/backup/1`, Buffer.from('x'));
    await limited.delete(`${SYSTEM}/leases/backup/1`);
    expect(await limited.stat(`${SYSTEM}/leases/backup/1`)).toBeUndefined();
    expect(await kept(`${SYSTEM}/leases/`)).toHaveLength(2);
  });

  it.each([
    ['where there are no versions', [] as string[], () => server.bucket],
    ['where none may be deleted', ['s3:DeleteObjectVersion'], () => BUCKET],
  ])('asks once, and not at each object, %s', async (_, lacking, bucketOf) => {
    const limited = await openAs('writer', lacking, bucketOf());
    const keys = [1, 2, 3, 4].map((n) => `${SYSTEM}/leases/backup/${n}`);
    for (const key of keys) await limited.create(key, Buffer.from('x'));
    const { seen } = proxies[0] ?? expect.unreachable('the store is reached through a proxy');
    const before = seen.length;
    for (const key of [...keys, `${SYSTEM}/leases/backup/5`]) await limited.delete(key);
    const asked = seen.slice(before).filter((line) => !line.startsWith('DELETE'));
    expect(asked.map((line) => line.split(' ')[0])).toEqual(lacking.length === 0 ? ['HEAD'] : ['HEAD', 'HEAD', 'GET']);
    for (const key of keys) expect(await limited.stat(key)).toBeUndefined();
  });

  it('deletes versions still after one that is locked, where locks may not be seen', async () => {
    const limited = await openAs('writer', [], LOCKING_BUCKET);
    const keys = [1, 2, 3].map((n) => `${SYSTEM}/leases/backup/${n}`);
    for (const key of keys) await limited.create(key, Buffer.from('x'));
    const Retention = { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 86_400_000) } as const;
    await client.send(new PutObjectRetentionCommand({ Bucket: LOCKING_BUCKET, Key: `test/${keys[0]}`, Retention }));
    for (const key of keys) await limited.delete(key);
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket: LOCKING_BUCKET }));
    expect([...Versions, ...DeleteMarkers].map(({ Key }) => Key)).toEqual([`test/${keys[0]}`, `test/${keys[0]}`]);
  });

  it('looks at each version where versions go one by one', async () => {
    await store.create('each/1', Buffer.from('x'));
    await store.create('each/2', Buffer.from('x'));
    for (const key of ['each/1', 'each/absent', 'each/2']) await store.delete(key);
    expect(await kept('each/')).toEqual([]);
  });

  it.each(['writer', 'expirer'] as const)('lets a %s delete the version of what it may delete', async (role) => {
    const limited = await openAs(role);
    await limited.create(`${SYSTEM}/leases/backup/1`, Buffer.from('x'));
    await limited.delete(`${SYSTEM}/leases/backup/1`);
    expect(await kept(`${SYSTEM}/leases/`)).toEqual([]);
    expect(proxies[0]?.denied).toEqual([]);
  });

  it('who is forgotten is gone from every version of what was landed, hidden ones among them', async () => {
    const landing = new Landing({ store: await openAs('writer'), sealing: undefined }, 'somebody');
    const first = await landing.put('1.json', 'page');
    await landing.settle(first);
    await hide(await landing.put('2.json', 'page'));
    expect(await kept('spotify/')).toHaveLength(3);
    expect(await landing.count()).toBe(1);
    expect(await landing.erase()).toBe(1);
    expect(await kept('spotify/')).toEqual([]);
    expect(proxies[0]?.denied).toEqual([]);
  });

  it.each(['s3:DeleteObjectVersion', 's3:ListBucketVersions'])('says what could not be erased without %s', async (lacking) => {
    const landing = new Landing({ store: await openAs('writer', [lacking]), sealing: undefined }, 'somebody');
    await hide(await landing.put('1.json', 'page'));
    await landing.put('2.json', 'page');
    await expect(landing.erase()).rejects.toMatchObject({
      code: 'partly-done',
      message: expect.stringContaining('spotify/'),
      hint: expect.stringContaining(lacking),
    });
  });

  it('asks nothing more of who erases in a bucket without versions', async () => {
    const plain = await openAs('writer', ['s3:DeleteObjectVersion', 's3:ListBucketVersions'], server.bucket);
    await plain.create('dbadmin-repository', Buffer.from('x'));
    const landing = new Landing({ store: plain, sealing: undefined }, 'somebody');
    await landing.put('1.json', 'page');
    expect(await landing.erase()).toBe(1);
    expect(await landing.erase()).toBe(0);
  });

  it('a key that is taken away is gone with all its versions', async () => {
    const repository = await makeMemoryRepository(true, store);
    if (repository.keys === undefined) throw new Error('the repository is not encrypted');
    const words = { note: '', createdAt: new Date() };
    const secrets = ['the first passphrase of some length', 'the second passphrase of some length'].map((text): UnlockingSecret => ({
      kind: 'passphrase',
      passphrase: new Secret(text),
    }));
    const [old, remaining] = secrets;
    if (old === undefined || remaining === undefined) throw new Error('two secrets');
    const { id } = await addKey(store, repository.keys, old, words);
    const { id: other } = await addKey(store, repository.keys, remaining, words);
    await removeKey(repository, id, remaining, words);
    expect(await kept('keys/')).toEqual([`test/keys/${other}`]);
  });
}
