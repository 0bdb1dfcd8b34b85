import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Secret } from '../../../src/base/secret.ts';
import { formatEmergencyKey } from '../../../src/repository/emergency-key.ts';
import { storagePolicy, type StorageRole } from '../../../src/repository/iam-policy.ts';
import { ensureClusterIdentity, readIdentity } from '../../../src/repository/identity.ts';
import { addKey, listKeys } from '../../../src/repository/key-objects.ts';
import { backupKey, IDENTITY_KEY, indexPrefix } from '../../../src/repository/layout.ts';
import { readLease } from '../../../src/repository/lease-objects.ts';
import { acquireLease, shutOut } from '../../../src/repository/leases.ts';
import { publishBackup } from '../../../src/repository/publish.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { openStore } from '../../../src/storage/open.ts';
import { withRetry } from '../../../src/storage/retry.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';
import { findMoto, MOTO_ABSENT, startMoto } from '../../s3/moto.ts';
import { startPolicyProxy } from '../../s3/policy-proxy.ts';
import type { TestS3 } from '../../s3/server.ts';

const PASSPHRASE = 'a passphrase that nobody has lost';
const moto = findMoto();
if (moto === undefined) it('commands without a key, under a policy', (context) => context.skip(MOTO_ABSENT));
else
  describe('under the policy of AWS, which refuses to write over objects and lets a writer delete no manifest', () =>
    describeCommands(moto));

function describeCommands(command: readonly string[]): void {
  let server: TestS3;
  let directory: string;
  let repository: Repository;

  beforeAll(async () => {
    server = await startMoto(command);
    directory = await makeDirectory();
    const options = { clock: systemClock, random: Math.random, conditionalCreate: true };
    const store = await openStore({ type: 's3', ...server.options() }, options);
    repository = await makeMemoryRepository(true, withRetry(store, { attempts: 2, ...options }));
    if (repository.keys === undefined) throw new Error('the repository is not encrypted');
    await addKey(store, repository.keys, { kind: 'passphrase', passphrase: new Secret(PASSPHRASE) }, { note: '', createdAt: new Date() });
    await ensureClusterIdentity(repository, {
      systemIdentifier: SYSTEM,
      name: 'main',
      serverVersion: 180004,
      walSegmentBytes: 1024 * 1024,
    });
    await writeFile(path.join(directory, 'emergency.txt'), formatEmergencyKey(repository.identity, repository.keys, new Date()));
  });

  afterAll(async () => {
    await repository.store.close();
    await server.stop();
    await removeDirectory(directory);
  });

  /** Runs a command as somebody who has the printed policy of `role`; what was denied comes along. */
  async function run(role: StorageRole, words: string, passphrase: string): Promise<CommandEnd & { readonly denied: readonly string[] }> {
    const options = server.options();
    const proxy = await startPolicyProxy(server.endpoint, storagePolicy(role, { ...options, endpoint: undefined }));
    const config = path.join(directory, 'dbadmin.yaml');
    await writeFile(
      config,
      `version: 1
clusters: { main: { url: "postgresql://nobody@127.0.0.1:1/none", repositories: [far] } }
repositories:
  far: { type: s3, bucket: ${options.bucket}, prefix: ${options.prefix}, region: us-east-1, endpoint: "${proxy.endpoint}", path_style: true,
    access_key_id: moto, secret_access_key: moto, encryption: { passphrase: { from: env, name: PASSPHRASE } } }
`,
    );
    try {
      const end = await runInProcess([...words.split(' '), '--config', config], {
        PASSPHRASE: passphrase,
        NEW: 'a new passphrase of some length',
      });
      return { ...end, denied: proxy.denied };
    } finally {
      await proxy.stop();
    }
  }

  it('key add --emergency adds a key where every passphrase was lost', async () => {
    const before = (await listKeys(repository.store)).keys;
    const words = `repository key add --emergency ${path.join(directory, 'emergency.txt')} --passphrase-env NEW`;
    expect(await run('writer', words, 'forgotten, this one')).toMatchObject({ status: 0, denied: [] });
    expect((await listKeys(repository.store)).keys).toHaveLength(before.length + 1);
  });

  it('repository recover writes a lost identity anew, and may not delete a damaged one', async () => {
    const whole = await repository.store.read(IDENTITY_KEY);
    const replace = async (bytes: Uint8Array): Promise<void> => {
      await repository.store.delete(IDENTITY_KEY);
      await repository.store.create(IDENTITY_KEY, bytes);
    };
    await repository.store.delete(IDENTITY_KEY);
    expect(await run('writer', 'repository recover', 'forgotten, this one')).toMatchObject({ status: 12, denied: [] });
    expect(await run('writer', 'repository recover', PASSPHRASE)).toMatchObject({ status: 0, denied: [] });
    expect(await readIdentity(repository.store)).toMatchObject({ conditionalCreate: true, keyCheck: repository.identity.keyCheck });
    await replace(Buffer.from('damaged'));
    const end = await run('writer', 'repository recover --yes', PASSPHRASE);
    expect(end).toMatchObject({ status: 12, stderr: expect.stringContaining('may not be deleted') });
    expect(Buffer.from(await repository.store.read(IDENTITY_KEY)).toString()).toBe('damaged');
    await replace(whole);
  });

  it('repository list tells a repository that can be written from one that cannot', async () => {
    const { stdout, ...end } = await run('writer', 'repository list --json', PASSPHRASE);
    expect(end).toMatchObject({ status: 0, denied: [] });
    expect(JSON.parse(stdout)).toMatchObject({ repositories: [{ writable: true, problem: null, reachable: true }] });
    const restorer = await run('restorer', 'repository list --json', PASSPHRASE);
    expect(JSON.parse(restorer.stdout)).toMatchObject({ repositories: [{ writable: false, reachable: true }] });
  });

  it('a writer that lost its lease after its last look at it may not take the manifest back, and says which one has to go', async () => {
    const proxy = await startPolicyProxy(server.endpoint, storagePolicy('writer', { ...server.options(), endpoint: undefined }));
    const options = { clock: systemClock, random: Math.random, conditionalCreate: true };
    const store = await openStore({ type: 's3', ...server.options(), endpoint: proxy.endpoint }, options);
    const key = backupKey(SYSTEM, 'late');
    const sleeping = {
      ...withFaults(store, () => undefined),
      create: async (...[name, ...rest]: Parameters<typeof store.create>) => {
        if (name === key) {
          const held = await readLease(repository.store, SYSTEM, 'backup');
          if (held !== undefined) await shutOut(repository, SYSTEM, 'backup', held);
        }
        await store.create(name, ...rest);
      },
    };
    const writer = { ...repository, store: sleeping };
    const lease = await acquireLease(writer, SYSTEM, 'backup', { clock: systemClock, log: silentLog, command: 'backup run' });
    await expect(publishBackup(writer, lease, summaryOf('late'), [])).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining('was lost'),
      hint: expect.stringContaining(key),
    });
    expect(proxy.denied).toEqual([expect.stringMatching(new RegExp(`^s3:DeleteObject .*/${key}$`))]);
    await lease.release();
    await store.close();
    await proxy.stop();
    await repository.store.delete(key);
  });

  it('repository rebuild-index works without the key, under a lease that the storage gives to one', async () => {
    await writePacks(repository, [Buffer.from('content')], new Date());
    for await (const { key } of repository.store.list(indexPrefix(SYSTEM))) await repository.store.delete(key);
    const end = await run('expirer', 'repository rebuild-index', 'forgotten, this one');
    expect(end).toMatchObject({ status: 0, denied: [], stdout: expect.stringContaining('1 packs, 1 of them newly indexed in 1 index') });
    expect(end.stderr).toContain('going on without a key');
    expect(end.stderr).not.toContain('does not refuse to create');
  });
}
