import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let cluster: TestCluster;
let directory: string;

beforeAll(async () => {
  cluster = await startTestCluster({ settings: { wal_level: 'replica' } });
  directory = await makeDirectory();
  for (const name of ['right', 'wrong'])
    await writeFile(path.join(directory, `${name}.key`), randomBytes(32).toString('hex'), { mode: 0o600 });
});

afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

it.each([
  ['encrypted', (key: string) => `, encryption: { key_file: ${key}.key }`],
  ['clear', () => ''],
] as const)('a repository that lost its identity is recovered and restores: %s', async (name, encryption) => {
  const place = path.join(directory, name);
  for (const key of ['right', 'wrong'])
    await writeFile(
      path.join(directory, `${name}-${key}.yaml`),
      `version: 1
clusters: { main: { url: ${JSON.stringify(cluster.url())}, repositories: [local] } }
repositories: { local: { type: disk, path: ${JSON.stringify(place)}${encryption(key)} } }
`,
      { mode: 0o600 },
    );
  const dbadmin = async (words: string, key = 'right'): Promise<CommandEnd> =>
    await runInProcess([...words.split(' '), '--config', path.join(directory, `${name}-${key}.yaml`)], process.env);
  const identity = path.join(place, 'dbadmin-repository');
  const emergency = path.join(directory, 'emergency.txt');
  const restores = async (into: string): Promise<void> => {
    expect(await dbadmin(`restore --immediate --into ${path.join(directory, into)} --yes`)).toMatchObject({ status: 0 });
    expect(await readFile(path.join(directory, into, 'PG_VERSION'), 'utf8')).toMatch(/^\d+\n$/);
  };

  expect(await dbadmin('backup init')).toMatchObject({ status: 0 });
  expect(await dbadmin('backup run')).toMatchObject({ status: 0 });
  if (name === 'encrypted') expect(await dbadmin(`repository key export --to ${emergency}`)).toMatchObject({ status: 0 });
  await rm(identity);
  expect(await dbadmin('backup init')).toMatchObject({ status: 1, stderr: expect.stringContaining('dbadmin repository recover') });
  expect(await dbadmin('backup run')).toMatchObject({ status: 10, stderr: expect.stringContaining('has lost its identity') });
  if (name === 'encrypted') expect(await dbadmin('repository recover', 'wrong')).toMatchObject({ status: 12 });
  await expect(readFile(identity)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await dbadmin('repository recover')).toMatchObject({ status: 0, stdout: expect.stringContaining('proven by') });

  expect(await dbadmin('backup verify --read-data')).toMatchObject({ status: 0 });
  await restores(`${name}-restored`);
  // The next backup builds on those of before.
  expect(await dbadmin('backup run')).toMatchObject({ status: 0 });

  // Damaged, and recovered with what else opens it.
  await writeFile(identity, 'garbage');
  const words = `repository recover --yes${name === 'encrypted' ? ` --emergency ${emergency}` : ''}`;
  expect(await dbadmin(words, 'wrong')).toMatchObject({ status: 0, stdout: expect.stringContaining('is damaged') });
  await restores(`${name}-again`);
  expect(await dbadmin('backup verify --read-data')).toMatchObject({ status: 0 });
});
