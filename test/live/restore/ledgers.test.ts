import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('the ledgers of several repositories', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;
  const place = (name: string): string => path.join(directory, name);
  const succeeded = async (...args: string[]): Promise<{ stdout: string; stderr: string }> => {
    const { status, stdout, stderr } = await runCommand([...args, '--config', config]);
    expect(`${status} ${stderr}${stdout}`).toMatch(/^0 /);
    return { stdout, stderr };
  };
  const entriesOf = async (name: string): Promise<readonly string[]> => {
    const { stdout } = await succeeded('backup', 'ledger', '--repository', name, '--json');
    return (JSON.parse(stdout) as { entries: { text: string }[] }).entries.map(({ text }) => text.replace(/ \(.*/, ''));
  };

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    config = place('dbadmin.yaml');
    await writeFile(
      config,
      `version: 1
clusters: { main: { url: ${JSON.stringify(cluster.url())}, repositories: [here, there] } }
repositories: { here: { type: disk, path: here }, there: { type: disk, path: there } }
`,
      { mode: 0o600 },
    );
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create role svc_old login; create role svc_api login');
    await makeRepository(place('there'));
    await backUp(cluster, await makeRepository(place('here')));
    await succeeded('repository', 'sync', '--from', 'here', '--to', 'there');
    await sql.end();
  });

  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('have one deed once, after each was brought into the other, too', async () => {
    await succeeded('backup', 'ledger', 'add', 'role-dropped', 'svc_old');
    const [here, there] = [await keysIn(place('here')), await keysIn(place('there'))];
    expect(here).toHaveLength(1);
    expect(there).toEqual(here);
    await succeeded('repository', 'sync', '--from', 'here', '--to', 'there');
    await succeeded('repository', 'sync', '--from', 'there', '--to', 'here');
    for (const name of ['here', 'there']) {
      expect(await keysIn(place(name))).toEqual(here);
      expect(await entriesOf(name)).toEqual(['role svc_old']);
    }
  });
});

/** The keys of the entries in a repository on disk. */
async function keysIn(repository: string): Promise<readonly string[]> {
  const names = await readdir(repository, { recursive: true });
  return names.filter((name) => /\/ledger\/[^/]+$/.test(name)).sort();
}
