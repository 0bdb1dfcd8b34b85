import { readdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRepository } from '../../../src/repository/repository.ts';
import { createDiskStore } from '../../../src/storage/disk.ts';
import { runCommand } from '../../backup/command.ts';
import { backUp, makeDirectory, removeDirectory } from '../../backup/repository.ts';
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
clusters: { main: { url: ${JSON.stringify(cluster.url())}, repositories: [here, there, safe] } }
repositories:
  here: { type: disk, path: here }
  there: { type: disk, path: there }
  safe: { type: disk, path: safe, encryption: { passphrase: { from: file, path: passphrase } } }
`,
      { mode: 0o600 },
    );
    await writeFile(place('passphrase'), 'a long enough passphrase', { mode: 0o600 });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create role svc_old login; create role svc_api login');
    await succeeded('backup', 'init');
    const here = await openRepository(await createDiskStore(place('here')), { kind: 'none' });
    await backUp(cluster, here);
    for (const name of ['there', 'safe']) await succeeded('repository', 'sync', '--from', 'here', '--to', name);
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

  interface Planned {
    readonly status: number | null;
    readonly stderr: string;
    readonly returning: readonly string[];
    readonly unread: readonly string[];
  }

  const planRestore = async (repository: string): Promise<Planned> => {
    const words = [
      'restore',
      '--repository',
      repository,
      '--immediate',
      '--into',
      place('into'),
      '--dry-run',
      '--json',
      '--config',
      config,
    ];
    const { status, stdout, stderr } = await runCommand(words);
    const { preflight } = JSON.parse(stdout) as {
      preflight: { returning: { text: string }[]; unreadLedgers: { repository: string }[] };
    };
    const returning = preflight.returning.map(({ text }) => text.replace(/ \(.*/, ''));
    return { status, stderr, returning, unread: preflight.unreadLedgers.map((each) => each.repository) };
  };
  const away = async <Value>(name: string, work: () => Promise<Value>): Promise<Value> => {
    await rename(place(name), place(`${name}-away`));
    try {
      return await work();
    } finally {
      await rename(place(`${name}-away`), place(name));
    }
  };

  test('are all read by a restore, from wherever it is made', async () => {
    const add = ['backup', 'ledger', 'add', 'role-disabled', 'svc_api', '--config', config];
    const { status } = await away('there', async () => await runCommand(add));
    expect(status).toBe(3);
    expect(await entriesOf('there')).toEqual(['role svc_old']);
    for (const name of ['there', 'here'])
      expect(await planRestore(name)).toMatchObject({ status: 0, returning: ['role svc_old', 'login of svc_api'], unread: [] });
  });

  test('stop no restore where one is away, which is named', async () => {
    const planned = await away('here', async () => await planRestore('there'));
    expect(planned).toMatchObject({ status: 0, returning: ['role svc_old', 'login of svc_api'], unread: ['here'] });
    expect(planned.stderr).toContain('the ledger of here could not be read');
    const alone = await away('safe', async () => await away('here', async () => await planRestore('there')));
    expect(alone).toMatchObject({ status: 0, returning: ['role svc_old'], unread: ['here', 'safe'] });
  });

  test('are named, and not believed, by one that is encrypted where they are not', async () => {
    const add = ['backup', 'ledger', 'add', 'role-dropped', 'svc_api', '--config', config];
    expect((await away('safe', async () => await runCommand(add))).status).toBe(3);
    const planned = await planRestore('safe');
    expect(planned).toMatchObject({ status: 0, returning: ['role svc_old', 'login of svc_api'], unread: [] });
    expect(planned.stderr).toMatch(/here alone says of role svc_api \(dropped .* is not encrypted as safe is/);
  });
});

/** The keys of the entries in a repository on disk. */
async function keysIn(repository: string): Promise<readonly string[]> {
  const names = await readdir(repository, { recursive: true });
  return names.filter((name) => /\/ledger\/[^/]+$/.test(name)).sort();
}
