import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backupKey, clusterKey } from '../../../src/repository/layout.ts';
import { listLabels } from '../../../src/repository/live-blobs.ts';
import { listClusters } from '../../../src/repository/identity.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { openDiskStore } from '../../../src/storage/disk.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import type { TestCluster } from '../../postgres/cluster.ts';

/** As after pg_upgrade: another system identifier, the same name in the configuration, the same repository. */
describe('a cluster that takes the name of another', () => {
  let directory: string;
  let place: string;
  let config: string;
  let before: TestCluster;
  let after: TestCluster;
  let earlier = '';
  let own = '';

  const dbadmin = async (...args: string[]): Promise<CommandEnd> => await runInProcess([...args, '--config', config], process.env);

  async function labels(systemIdentifier: string): Promise<readonly string[]> {
    const repository = await openRepository(await openDiskStore(place), { kind: 'none' });
    try {
      return await listLabels(repository, systemIdentifier);
    } finally {
      await repository.store.close();
    }
  }

  async function identifiers(): Promise<readonly string[]> {
    const repository = await openRepository(await openDiskStore(place), { kind: 'none' });
    try {
      return (await listClusters(repository)).map(({ systemIdentifier }) => systemIdentifier);
    } finally {
      await repository.store.close();
    }
  }

  beforeAll(async () => {
    directory = await makeDirectory();
    place = path.join(directory, 'repository');
    [before, after] = [await startEmbeddedCluster({ major: 16 }), await startEmbeddedCluster({ major: 17 })];
    config = await writeConfig(directory, before, place);
    expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
    for (let n = 0; n < 2; n += 1) expect(await dbadmin('backup', 'run', '--type', 'full')).toMatchObject({ status: 0 });
    [earlier = ''] = await identifiers();
    await mkdir(path.join(directory, 'backups'));
    await writeFile(
      path.join(directory, 'backups', 'policies.yaml'),
      'version: 1\npolicies:\n  main: { cluster: main, repositories: [local], base: { full: { cron: "0 2 * * *" } }, retention: { keep: { last: 1 } } }\n',
    );
    config = await writeConfig(directory, after, place);
  });
  afterAll(async () => {
    await before.stop();
    await after.stop();
    await removeDirectory(directory);
  });

  test('its backups expire by the policy after each run, and those of the other stay', async () => {
    expect(await dbadmin('backup', 'run')).toMatchObject({ status: 0 });
    own = (await identifiers()).find((each) => each !== earlier) ?? '';
    const second = await dbadmin('backup', 'run');
    expect(`${second.status} ${second.stdout}`).toMatch(/^0 [^]*removed {4}1 backup/);
    expect(second.stderr).not.toContain('were not removed');
    expect(await labels(own)).toHaveLength(1);
    expect(await labels(earlier)).toHaveLength(2);
  });

  test('what is scheduled asks the server which one is meant', async () => {
    for (const words of [['verify'], ['drill']])
      expect(await dbadmin('backup', ...words, '--cluster', 'main', '--repository', 'local')).toMatchObject({ status: 0 });
    const { status, stderr } = await dbadmin('backup', 'expire', '--apply', '--cluster', 'main', '--repository', 'local');
    expect(`${status} ${stderr}`).toMatch(new RegExp(`^0 [^]*another cluster called main \\(${earlier}, PostgreSQL 16\\)`));
    expect(await labels(earlier)).toHaveLength(2);
  });

  test('where its own name cannot be read, expiring does not go by the name of the other', async () => {
    await writeFile(path.join(place, clusterKey(own)), 'not a cluster at all');
    const { status, stdout, stderr } = await dbadmin('backup', 'expire', '--apply');
    expect(`${status} ${stdout}${stderr}`).toMatch(/^0 /);
    expect(await labels(earlier)).toHaveLength(2);
    // The next backup writes it anew.
    expect(await dbadmin('backup', 'run')).toMatchObject({ status: 0 });
    expect(await identifiers()).toContain(own);
  });

  test('a run that takes its backup and lets nothing older go ends with a status of its own, and says why', async () => {
    const unreadable = path.join(place, backupKey(own, '20200101T000000Z-full'));
    await writeFile(unreadable, 'no manifest at all');
    const { status, stdout, stderr } = await dbadmin('backup', 'run', '--json');
    await rm(unreadable);
    expect(`${status} ${stderr}`).toMatch(/^4 [^]*warning: the backup is taken, but older ones were not removed from local: /);
    expect(JSON.parse(stdout)).toMatchObject({
      backups: [{ repository: 'local', kind: 'incremental', expired: { error: { code: 'repository-damaged' } } }],
    });
    expect(await labels(own)).toHaveLength(2);
    expect(await dbadmin('backup', 'run')).toMatchObject({ status: 0 });
    expect(await labels(own)).toHaveLength(1);
  });

  test('where the server does not answer it may do so later, and --system-identifier says which one instead', async () => {
    await after.crash();
    const { status, stderr } = await dbadmin('backup', 'verify');
    expect(`${status} ${stderr}`).toMatch(/^1 [^]*which lineage of main is meant[^]*--system-identifier/);
    expect(await dbadmin('backup', 'expire', '--apply', '--system-identifier', earlier)).toMatchObject({ status: 0 });
    expect(await labels(earlier)).toHaveLength(1);
    expect(await labels(own)).toHaveLength(1);
  });

  test('the plan of a restore says of which cluster it is', async () => {
    const plan = ['restore', '--to-latest', '--into', path.join(directory, 'again'), '--dry-run', '--system-identifier', earlier];
    const { status, stdout } = await dbadmin(...plan);
    expect(`${status} ${stdout}`).toMatch(/^0 [^]*\nbackup {5}\S+, [\d.]+ MB, from main in local {3}/);
    const { preflight } = JSON.parse((await dbadmin(...plan, '--json')).stdout) as { preflight: object };
    expect(preflight).toMatchObject({ cluster: 'main', systemIdentifier: earlier });
  });
});
