import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listClusters } from '../../../src/repository/identity.ts';
import { openRepository, type Repository } from '../../../src/repository/repository.ts';
import { openDiskStore } from '../../../src/storage/disk.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

/** One repository for two clusters, of which beta has not been backed up yet. */
describe('a cluster that has nothing in a repository with another one in it', () => {
  let directory: string;
  let config: string;
  let alpha: TestCluster;
  let beta: TestCluster;

  const dbadmin = async (...args: string[]): Promise<CommandEnd> => await runInProcess([...args, '--config', config], process.env);

  async function configure(clusters: Readonly<Record<string, TestCluster>>): Promise<void> {
    const parts = Object.entries(clusters).map(([name, cluster]) => `  ${name}: { url: ${JSON.stringify(cluster.url())} }\n`);
    const disk = (name: string): string => `  ${name}: { type: disk, path: ${JSON.stringify(path.join(directory, name))} }\n`;
    const text = `version: 1\nclusters:\n${parts.join('')}repositories:\n${disk('local')}${disk('copy')}`;
    await writeFile(config, text, { mode: 0o600 });
  }

  async function within<Value>(name: string, work: (repository: Repository) => Promise<Value>): Promise<Value> {
    const repository = await openRepository(await openDiskStore(path.join(directory, name)), { kind: 'none' });
    try {
      return await work(repository);
    } finally {
      await repository.store.close();
    }
  }

  /** Every object: what a command wrote or removed shows. */
  const objects = async (name: string): Promise<readonly string[]> =>
    await within(name, async ({ store }) => {
      const keys: string[] = [];
      for await (const { key } of store.list('')) keys.push(key);
      return keys.toSorted();
    });

  beforeAll(async () => {
    directory = await makeDirectory();
    config = path.join(directory, 'dbadmin.yaml');
    [alpha, beta] = [await startEmbeddedCluster({ major: 17 }), await startEmbeddedCluster({ major: 17 })];
    await configure({ alpha, beta });
    await mkdir(path.join(directory, 'backups'));
    await writeFile(
      path.join(directory, 'backups', 'policies.yaml'),
      'version: 1\npolicies:\n  beta: { cluster: beta, repositories: [local], base: { full: { cron: "0 2 * * *" } }, retention: { keep: { last: 1 } } }\n',
    );
    expect(await dbadmin('backup', 'init', '--cluster', 'alpha')).toMatchObject({ status: 0 });
    for (let n = 0; n < 2; n += 1)
      expect(await dbadmin('backup', 'run', '--type', 'full', '--cluster', 'alpha', '--repository', 'local')).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    await alpha.stop();
    await beta.stop();
    await removeDirectory(directory);
  });

  test.each([
    [['backup', 'expire', '--apply', '--repository', 'local']],
    [['backup', 'verify', '--repository', 'local']],
    [['backup', 'drill', '--repository', 'local']],
    [['repository', 'sync', '--from', 'local', '--to', 'copy']],
    [['repository', 'unlock', '--repository', 'local', '--yes']],
    [['repository', 'rebuild-index', '--repository', 'local']],
  ])('%s of it ends with what there is, and changes nothing of the other', async (words) => {
    const before = [await objects('local'), await objects('copy')];
    const { status, stdout, stderr } = await dbadmin(...words, '--cluster', 'beta');
    expect(`${status} ${stdout}${stderr}`).toMatch(/^1 [^]*holds nothing of cluster beta\nIt holds alpha \(\d+\)/);
    expect([await objects('local'), await objects('copy')]).toEqual(before);
  });

  test('wal status says so of it, and shows no window of the other', async () => {
    const { status, stdout } = await dbadmin('wal', 'status', '--cluster', 'beta');
    expect(`${status} ${stdout}`).toMatch(/^2 [^]*local +.*holds nothing of cluster beta/);
    expect(stdout).not.toContain('if this host vanished now');
  });

  test('what is read is the only one there, as after the loss of a host', async () => {
    const { status, stdout } = await dbadmin('backup', 'list', '--cluster', 'beta', '--repository', 'local');
    expect(`${status} ${stdout}`).toMatch(/^0 [^]*-full[^]*-full/);
  });

  test('where the name was changed since, the server says that the lineage is its own', async () => {
    await configure({ renamed: alpha, beta });
    expect(await dbadmin('backup', 'verify', '--repository', 'local', '--cluster', 'renamed')).toMatchObject({ status: 0 });
    expect(await within('local', listClusters)).toMatchObject([{ name: 'alpha' }]);
  });

  test('where it does not answer nobody says so, and nothing is removed', async () => {
    const before = await objects('local');
    await beta.crash();
    const { status, stderr } = await dbadmin('backup', 'expire', '--apply', '--repository', 'local', '--cluster', 'beta');
    expect(`${status} ${stderr}`).toMatch(/^1 [^]*which lineage of beta is meant[^]*--system-identifier/);
    expect(await objects('local')).toEqual(before);
  });
});
