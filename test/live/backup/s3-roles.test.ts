import path from 'node:path';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectLegalHoldCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkRepository } from '../../../src/backup/check/repository-inspect.ts';
import { expireLineage } from '../../../src/backup/expire/run.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { collect } from '../../../src/repository/collection.ts';
import { storagePolicy, type PolicyPlace, type StorageRole } from '../../../src/repository/iam-policy.ts';
import { createRepository } from '../../../src/repository/identity.ts';
import { backupKey, IDENTITY_KEY } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import { openRepository, type Repository } from '../../../src/repository/repository.ts';
import { isLockedAtCreation, withRetention } from '../../../src/repository/retained-store.ts';
import { probeConditionalCreate } from '../../../src/storage/conditional-create.ts';
import { openStore } from '../../../src/storage/open.ts';
import type { S3Options } from '../../../src/storage/s3.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { backUp, makeDirectory, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { findMoto, LOCKING_BUCKET, MOTO_ABSENT, motoClient, startMoto } from '../../s3/moto.ts';
import { startPolicyProxy, type PolicyProxy } from '../../s3/policy-proxy.ts';
import type { TestS3 } from '../../s3/server.ts';

const moto = findMoto();
if (moto === undefined) it('roles of an S3 repository', (context) => context.skip(MOTO_ABSENT));
else describe('roles of an S3 repository', () => describeRoles(moto));

const LIMITS = { dumpsOnly: [], backupAgeMs: undefined, drillAgeMs: undefined };

interface Party {
  readonly store: ObjectStore;
  readonly proxy: PolicyProxy;
  close(): Promise<void>;
}

function describeRoles(command: readonly string[]): void {
  let server: TestS3;
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let directory: string;

  beforeAll(async () => {
    server = await startMoto(command);
    cluster = await startTestCluster({ settings: { wal_level: 'replica' } });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create table play as select i as id, md5(i::text) as track from generate_series(1, 20000) i');
    directory = await makeDirectory();
  });

  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await cluster.stop();
    await server.stop();
    await removeDirectory(directory);
  });

  /** Somebody who has the printed policy of `role`, as AWS would have it, and nothing else. */
  async function join(role: StorageRole, changes: Partial<S3Options>): Promise<Party> {
    const options = server.options({ conditionalCreate: true, ...changes });
    const place: PolicyPlace = { ...options, endpoint: undefined };
    const proxy = await startPolicyProxy(server.endpoint, storagePolicy(role, place));
    const store = await openStore(
      { type: 's3', ...options, endpoint: proxy.endpoint },
      { clock: systemClock, random: Math.random, conditionalCreate: true },
    );
    return {
      proxy,
      store: options.lockMode === undefined ? store : withRetention(store, { lockDays: 30, clock: systemClock }),
      close: async () => {
        await store.close();
        await proxy.stop();
      },
    };
  }

  /** What a writer does in a day: makes the repository, checks it, takes backups, receives WAL, and gives up an upload. */
  async function writeAll({ store }: Party): Promise<{ readonly repository: Repository; readonly backups: readonly BackupSummary[] }> {
    const identity = { format: 2, id: 'e'.repeat(32), createdAt: new Date().toISOString(), tool: 'test', encryption: 'none' } as const;
    await createRepository(store, { ...identity, conditionalCreate: await probeConditionalCreate(store) });
    const repository = await openRepository(store, { kind: 'none' });
    const receiver = startReceiver(cluster, repository);
    const backups = [await backUp(cluster, repository)];
    await sql`insert into play select 1000000 + i, 'more' from generate_series(1, 1000) i`;
    backups.push(await backUp(cluster, repository));
    await sql`select pg_switch_wal()`;
    await sql`insert into play values (0, 'the last one')`;
    const [last] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    await waitUntilStored(repository, parseLsn(last?.lsn ?? '0/0'));
    await receiver.stop();
    await sql`delete from play where id = 0`;
    await sql`select pg_drop_replication_slot('dbadmin')`;
    const systemIdentifier = backups[0]?.systemIdentifier;
    const findings = await checkRepository(repository, {
      name: 's3',
      clusterName: 'main',
      systemIdentifier,
      limits: LIMITS,
      clock: systemClock,
    });
    expect(findings.filter(({ state }) => state === 'problem')).toEqual([]);
    const failing = async function* (): AsyncIterable<Uint8Array> {
      yield Buffer.alloc(9 * 1024 * 1024);
      yield Buffer.alloc(9 * 1024 * 1024);
      throw new Error('the source is gone');
    };
    await expect(store.create('check-given-up', { stream: failing() })).rejects.toThrow('the source is gone');
    await store.create('spotify/somebody/to-process/1', Buffer.from('page'));
    await store.erase('spotify/somebody/');
    return { repository, backups };
  }

  async function readAll({ store }: Party, into: string): Promise<void> {
    const repository = await openRepository(store, { kind: 'none' });
    const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, into) });
    try {
      const restored = postgres(clone.url, { max: 1 });
      expect(await restored`select track from play where id = 0`).toEqual([{ track: 'the last one' }]);
      await restored.end();
    } finally {
      await clone.stop();
    }
  }

  it('each can do its work with the policy that is printed for it, needs all of it, and is refused everything else', async () => {
    const tags = { team: 'dba' };
    const writer = await join('writer', { tags, prefix: 'roles/here' });
    const restorer = await join('restorer', { prefix: 'roles/here' });
    const expirer = await join('expirer', { tags, prefix: 'roles/here' });
    const { backups, repository } = await writeAll(writer);
    await readAll(restorer, 'roles');
    const systemIdentifier = backups[0]?.systemIdentifier ?? '';
    await expire(expirer, systemIdentifier, backups[0]?.label ?? '');
    // The client asked for nothing that the policies do not allow.
    for (const { proxy } of [writer, restorer, expirer]) expect(proxy.denied).toEqual([]);
    expectAllUsed(writer, 'writer', { tags, prefix: 'roles/here' });
    expectAllUsed(restorer, 'restorer', { prefix: 'roles/here' });
    expectAllUsed(expirer, 'expirer', { tags, prefix: 'roles/here' });

    const kept = await keysOf(repository.store, `${systemIdentifier}/`);
    const pack = kept.find((key) => key.includes('/packs/')) ?? '';
    const segment = kept.find((key) => /\/wal\/[0-9A-F]{8}\/[0-9A-F]{24}$/.test(key)) ?? '';
    const second = backupKey(systemIdentifier, backups[1]?.label ?? '');
    await writer.store.create('keys/0123456789abcdef', Buffer.from('key'));
    for (const key of [pack, segment, second, IDENTITY_KEY, 'keys/0123456789abcdef']) {
      await expect(writer.store.delete(key), key).rejects.toMatchObject({ code: 'storage-denied' });
      await expect(restorer.store.delete(key), key).rejects.toMatchObject({ code: 'storage-denied' });
    }
    await expect(restorer.store.create('check-1', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage-denied' });
    for (const key of [IDENTITY_KEY, 'keys/0123456789abcdef'])
      await expect(expirer.store.delete(key), key).rejects.toMatchObject({ code: 'storage-denied' });
    await expect(expirer.store.create(second, Buffer.from('x'))).rejects.toMatchObject({ code: 'storage-denied' });
    await expectNoOverwrite(writer, server.bucket, `roles/here/${pack}`);
    await expectConfined(restorer);
    for (const party of [writer, restorer, expirer]) await party.close();
  });

  it('a bucket with Object Lock: nothing is ever written over, what is kept is locked, and what passes leaves no version', async () => {
    const place = { bucket: LOCKING_BUCKET, prefix: 'locked', lockMode: 'governance' } as const;
    const writer = await join('writer', place);
    const restorer = await join('restorer', place);
    const expirer = await join('expirer', place);
    const { backups } = await writeAll(writer);
    await readAll(restorer, 'locked');
    await expireNothing(expirer, backups);
    // Every request that made an object said that it must be new: the policy refuses others.
    for (const { proxy } of [writer, restorer, expirer]) expect(proxy.denied).toEqual([]);
    expectAllUsed(writer, 'writer', place);
    const client = motoClient(server.endpoint);
    const { Versions = [], DeleteMarkers } = await client.send(
      new ListObjectVersionsCommand({ Bucket: LOCKING_BUCKET, Prefix: 'locked/' }),
    );
    expect(DeleteMarkers).toBeUndefined();
    const names = Versions.map(({ Key = '' }) => Key);
    expect(names).toHaveLength(new Set(names).size);
    expect(names.some((name) => name.includes('/leases/') || name.includes('.part.'))).toBe(true);
    for (const Key of names) {
      const { ObjectLockMode } = await client.send(new HeadObjectCommand({ Bucket: LOCKING_BUCKET, Key }));
      const key = Key.slice('locked/'.length);
      const isKept = isLockedAtCreation(key) || key.includes('/backups/') || key.startsWith('check-lock-');
      expect([key, ObjectLockMode]).toEqual([key, isKept ? 'GOVERNANCE' : undefined]);
    }
    const pack = names.find((name) => name.includes('/packs/'))?.slice('locked/'.length) ?? '';
    await expect(expirer.store.delete(pack)).rejects.toMatchObject({ code: 'storage-locked' });
    const part = names.find((name) => name.includes('.part.')) ?? '';
    await client.send(new PutObjectLegalHoldCommand({ Bucket: LOCKING_BUCKET, Key: part, LegalHold: { Status: 'ON' } }));
    await expect(expirer.store.delete(part.slice('locked/'.length))).rejects.toMatchObject({
      code: 'storage-locked',
      detail: expect.stringContaining('legal hold'),
    });
    client.destroy();
    for (const party of [writer, restorer, expirer]) await party.close();
  });

  /** Retention lets the older backup and its WAL go, and the storage has locked them: that is told, and no failure. */
  async function expireNothing({ store }: Party, backups: readonly BackupSummary[]): Promise<void> {
    const repository = await openRepository(store, { kind: 'none' });
    const [old, newest] = backups;
    if (old === undefined || newest === undefined) throw new Error('there are not two backups');
    const { systemIdentifier, serverVersion, walSegmentBytes } = old;
    const keep = { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
    const outcome = await expireLineage(
      repository,
      { systemIdentifier, name: 'main', serverVersion, walSegmentBytes },
      {
        retention: { windowMs: undefined, keep, minimum: 1, dumps: undefined, timeZone: 'UTC' },
        graceMs: 0,
        clock: systemClock,
        log: silentLog,
        signal: new AbortController().signal,
      },
    );
    expect(outcome.expired).toMatchObject({ backups: [], locked: [old.label] });
    expect(outcome.locked.get(old.label)).toBeInstanceOf(Date);
    const segment = (await keysOf(store, `${systemIdentifier}/wal/`)).find((key) => /\/[0-9A-F]{24}$/.test(key)) ?? '';
    await expect(store.delete(segment)).rejects.toMatchObject({ code: 'storage-locked' });
  }

  /** Takes one backup away and collects what it alone needed, at once. */
  async function expire({ store }: Party, systemIdentifier: string, label: string): Promise<void> {
    const repository = await openRepository(store, { kind: 'none' });
    await store.erase('spotify/somebody/');
    const signal = new AbortController().signal;
    const lease = await acquireLease(repository, systemIdentifier, 'expire', {
      clock: systemClock,
      log: silentLog,
      command: 'backup expire',
      signal,
    });
    await store.delete(backupKey(systemIdentifier, label));
    const options = { lease, graceMs: 0, clock: systemClock, log: silentLog, signal };
    await collect(repository, systemIdentifier, options);
    await collect(repository, systemIdentifier, options);
    await lease.release();
    const client = motoClient(server.endpoint);
    await client.send(new CreateMultipartUploadCommand({ Bucket: server.bucket, Key: 'roles/here/check-left' }));
    client.destroy();
    expect(await store.removeUnfinished(new Date(Date.now() + 60_000))).toBe(1);
  }

  function expectAllUsed({ proxy }: Party, role: StorageRole, place: Partial<PolicyPlace>): void {
    const policy = storagePolicy(role, { ...server.options(), ...place, endpoint: undefined });
    const allowed = policy.Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Sid, Action }) =>
      Action.map((action) => `${Sid} ${action}`),
    );
    // No request names these: S3 leaves the locks out of its answers to those who lack them, and so does the proxy.
    const unnamed = allowed.filter((each) => !each.startsWith('SeeLocks '));
    // Versions are to be had in the bucket with locks only; that a role deletes them elsewhere, too, is tried in storage/versions.test.ts.
    const wanted = unnamed.filter((each) => place.lockMode !== undefined || each !== 'Delete s3:DeleteObjectVersion');
    expect([...proxy.used].sort()).toEqual(wanted.sort());
  }
}

/** With a writer's rights, by hand: AWS lets nobody put an object without the condition that it is new. */
async function expectNoOverwrite({ proxy }: Party, Bucket: string, Key: string): Promise<void> {
  const client = motoClient(proxy.endpoint);
  await expect(client.send(new PutObjectCommand({ Bucket, Key, Body: 'other' }))).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(client.send(new PutObjectCommand({ Bucket, Key, Body: 'other', IfNoneMatch: '*' }))).rejects.toMatchObject({
    name: 'PreconditionFailed',
  });
  client.destroy();
}

/** What lies in the bucket beside the repository is not for its users. */
async function expectConfined({ proxy }: Party): Promise<void> {
  const client = motoClient(proxy.endpoint);
  await expect(client.send(new GetObjectCommand({ Bucket: 'dbadmin-test', Key: 'roles/elsewhere' }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  await expect(client.send(new ListObjectsV2Command({ Bucket: 'dbadmin-test', Prefix: '' }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  client.destroy();
}

async function keysOf(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}
