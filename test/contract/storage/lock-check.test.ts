import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, ListObjectsV2Command, PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/backup/check/finding.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { startFaultyProxy, type FaultyProxy } from '../../s3/faulty-proxy.ts';
import { findMoto, LOCKING_BUCKET, MOTO_ABSENT, motoClient, startMoto } from '../../s3/moto.ts';
import type { TestS3 } from '../../s3/server.ts';

const LOCK = ', object_lock: 30d';
const DEFAULTING_BUCKET = 'dbadmin-defaulting';
const moto = findMoto();
if (moto === undefined) it('backup check of locks', (context) => context.skip(MOTO_ABSENT));
else describe('backup check of locks', () => describeLockCheck(moto));

function describeLockCheck(command: readonly string[]): void {
  let server: TestS3;
  let way: FaultyProxy;
  let directory: string;

  beforeAll(async () => {
    server = await startMoto(command);
    way = await startFaultyProxy(server.endpoint);
    directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-lock-check-'));
    const client = motoClient(server.endpoint);
    await client.send(new CreateBucketCommand({ Bucket: DEFAULTING_BUCKET, ObjectLockEnabledForBucket: true }));
    const Rule = { DefaultRetention: { Mode: 'GOVERNANCE', Days: 14 } } as const;
    const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule } as const;
    await client.send(new PutObjectLockConfigurationCommand({ Bucket: DEFAULTING_BUCKET, ObjectLockConfiguration }));
    client.destroy();
  });

  afterAll(async () => {
    await way.stop();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** Runs a command on a repository in `bucket`, with `lock` in its configuration; the database is not there. */
  async function run(words: string, bucket: string, lock: string): Promise<CommandEnd> {
    const config = path.join(directory, 'dbadmin.yaml');
    await writeFile(
      config,
      `version: 1
clusters: { main: { url: "postgresql://nobody@127.0.0.1:1/none", repositories: [far] } }
repositories:
  far: { type: s3, bucket: ${bucket}, prefix: check, region: us-east-1, endpoint: "${way.endpoint}", path_style: true,
    access_key_id: moto, secret_access_key: "\${SECRET}"${lock} }
`,
    );
    return await runInProcess([...words.split(' '), '--config', config], { SECRET: 'moto' });
  }

  /** What `backup check` says of the repository, and of its locks. */
  async function check(
    bucket: string,
    lock: string,
  ): Promise<{ readonly repository: Finding | undefined; readonly locks: readonly Finding[] }> {
    const { stdout } = await run('backup check --json', bucket, lock);
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
    return {
      repository: findings.find(({ what }) => what === 'repository far'),
      locks: findings.filter(({ what }) => what === 'repository far lock'),
    };
  }

  it('finds that locks hold, and leaves one small object behind', async () => {
    expect(await run('backup init', LOCKING_BUCKET, LOCK)).toMatchObject({ status: 0 });
    const { repository, locks } = await check(LOCKING_BUCKET, LOCK);
    expect(repository).toMatchObject({ state: 'ok' });
    expect(locks).toMatchObject([{ state: 'ok', detail: expect.stringContaining('30 days') }]);
    const client = motoClient(server.endpoint);
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: LOCKING_BUCKET, Prefix: 'check/check-' }));
    expect(Contents.map(({ Key = '' }) => Key)).toEqual([expect.stringContaining('check-lock-')]);
    client.destroy();
  });

  it('asks the server to delete what is locked, and refuses one that shows locks and does not keep to them', async () => {
    const isTrial = ({ method, path: asked }: { readonly method: string; readonly path: string }): boolean =>
      method === 'DELETE' && /check-lock-[0-9a-f]+\?.*versionId=/.test(asked);
    let deletes = 0;
    way.plan((request) => {
      if (isTrial(request)) deletes += 1;
      return undefined;
    });
    expect((await check(LOCKING_BUCKET, LOCK)).locks).toMatchObject([{ state: 'ok' }]);
    expect(deletes).toBeGreaterThan(0);
    way.plan((request) => (isTrial(request) ? { kind: 'swallow' } : undefined));
    try {
      const { locks } = await check(LOCKING_BUCKET, LOCK);
      expect(locks).toMatchObject([{ state: 'problem', detail: expect.stringContaining('deletes an object that is locked') }]);
    } finally {
      way.plan(() => undefined);
    }
  });

  it('refuses a bucket that locks everything by default, whether locks are configured or not', async () => {
    expect(await run('backup init', DEFAULTING_BUCKET, '')).toMatchObject({ status: 0 });
    for (const lock of ['', LOCK]) {
      expect((await check(DEFAULTING_BUCKET, lock)).locks).toMatchObject([
        { state: 'problem', detail: expect.stringContaining('14 days'), fix: expect.stringContaining('default retention') },
      ]);
    }
  });

  it('refuses locks in a bucket that has none, and says nothing of them where none are wanted', async () => {
    expect(await run('backup init', server.bucket, LOCK)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('refuses the request'),
    });
    expect(await run('backup init', server.bucket, '')).toMatchObject({ status: 0 });
    expect(await check(server.bucket, '')).toMatchObject({ repository: { state: 'ok' }, locks: [] });
    expect((await check(server.bucket, LOCK)).locks).toMatchObject([
      { state: 'problem', detail: expect.stringContaining('no Object Lock') },
    ]);
  });
}
