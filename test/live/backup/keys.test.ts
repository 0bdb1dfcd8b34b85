import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const SECRETS = { first: 'the first passphrase', second: 'the second passphrase', third: 'the third passphrase' };
let cluster: TestCluster;
let directory: string;
let config: string;

beforeAll(async () => {
  cluster = await startTestCluster({ settings: { wal_level: 'replica' } });
  directory = await makeDirectory();
  config = path.join(directory, 'dbadmin.yaml');
  await writeFile(
    config,
    `version: 1
clusters: { main: { url: ${JSON.stringify(cluster.url())}, repositories: [local] } }
repositories:
  local: { type: disk, path: ${JSON.stringify(path.join(directory, 'repository'))}, encryption: { passphrase: { from: env, name: SECRET } } }
`,
    { mode: 0o600 },
  );
});

afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

/** Runs a command with `SECRET` as the configured passphrase, and makes sure that no secret is printed. */
async function dbadmin(secret: string, words: string, env: NodeJS.ProcessEnv = {}): Promise<CommandEnd> {
  const end = await runInProcess([...words.split(' '), '--config', config], { ...process.env, SECRET: secret, ...env });
  for (const each of Object.values(SECRETS)) expect(end.stdout + end.stderr).not.toContain(each);
  return end;
}

async function keys(secret: string): Promise<readonly { readonly id: string; readonly kind: string; readonly isConfigured: boolean }[]> {
  const { stdout } = await dbadmin(secret, 'repository key list --json');
  return (
    JSON.parse(stdout) as { readonly keys: readonly { readonly id: string; readonly kind: string; readonly isConfigured: boolean }[] }
  ).keys;
}

it('an encrypted repository is made, filled, opened by several keys, rotated and rescued, and a wrong key is told as such', async () => {
  expect(await dbadmin('short', 'backup init')).toMatchObject({ status: 1, stderr: expect.stringContaining('5 characters') });
  expect(await dbadmin(SECRETS.first, 'backup init')).toMatchObject({ status: 0, stdout: expect.stringContaining('encrypted') });
  expect(await dbadmin(SECRETS.first, 'backup run')).toMatchObject({ status: 0 });
  expect(await dbadmin(SECRETS.second, 'backup list')).toMatchObject({ status: 12, stderr: expect.stringContaining('does not open') });

  expect((await dbadmin(SECRETS.first, 'backup check')).stdout).toContain('the only key');

  // A key file, made here, which nobody else may read.
  const file = path.join(directory, 'office.key');
  expect(await dbadmin(SECRETS.first, `repository key add --key-file ${file} --generate --note office`)).toMatchObject({ status: 0 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await dbadmin(SECRETS.first, `repository key add --key-file ${file} --generate`)).toMatchObject({ status: 1 });
  expect(await keys(SECRETS.first)).toMatchObject([
    { kind: 'passphrase', isConfigured: true },
    { kind: 'key-file', isConfigured: false },
  ]);

  expect((await dbadmin(SECRETS.first, 'backup check')).stdout).toContain('2 keys open it');

  // Rotated: the old passphrase opens nothing, the new one everything that was stored before.
  const rotation = await dbadmin(SECRETS.first, 'repository key rotate --passphrase-env NEXT --yes', { NEXT: SECRETS.second });
  expect(rotation).toMatchObject({ status: 0 });
  expect(await dbadmin(SECRETS.first, 'backup list')).toMatchObject({ status: 12 });
  expect(await dbadmin(SECRETS.second, 'backup verify --read-data')).toMatchObject({ status: 0 });

  // The other key goes; the last does not.
  const [office] = (await keys(SECRETS.second)).filter(({ kind }) => kind === 'key-file');
  expect(await dbadmin(SECRETS.second, `repository key remove ${office?.id}`)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('--yes'),
  });
  expect(await dbadmin(SECRETS.second, `repository key remove ${office?.id} --yes`)).toMatchObject({ status: 0 });
  const [last, ...others] = await keys(SECRETS.second);
  expect(others).toEqual([]);
  expect(await dbadmin(SECRETS.second, `repository key remove ${last?.id} --yes`)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('only one'),
  });

  // Every key object is lost; the exported one brings the repository back.
  const emergency = path.join(directory, 'emergency.txt');
  expect(await dbadmin(SECRETS.second, `repository key export --to ${emergency}`)).toMatchObject({ status: 0 });
  expect((await stat(emergency)).mode & 0o777).toBe(0o600);
  expect(await dbadmin(SECRETS.second, `repository key export --to ${emergency}`)).toMatchObject({ status: 1 });
  expect((await dbadmin(SECRETS.second, 'repository key export --to -')).stdout.split('\n')[3]).toBe(
    (await readFile(emergency, 'utf8')).split('\n')[3],
  );
  for (const name of await readdir(path.join(directory, 'repository', 'keys'))) await rm(path.join(directory, 'repository', 'keys', name));
  expect(await dbadmin(SECRETS.second, 'backup list')).toMatchObject({ status: 12 });
  const rescue = await dbadmin(SECRETS.third, `repository key add --emergency ${emergency} --passphrase-env SECRET`);
  expect(rescue).toMatchObject({ status: 0 });
  expect(await dbadmin(SECRETS.third, `restore --immediate --into ${path.join(directory, 'restored')} --yes`)).toMatchObject({ status: 0 });
  expect(await readFile(path.join(directory, 'restored', 'PG_VERSION'), 'utf8')).toMatch(/^\d+\n$/);
});

it('a command without a terminal says where a passphrase can come from, and takes none from its arguments', async () => {
  const end = await dbadmin(SECRETS.third, 'repository key add');
  expect(end).toMatchObject({ status: 64, stderr: expect.stringContaining('--passphrase-env') });
  const twice = await dbadmin(SECRETS.third, 'repository key add --passphrase-env A --passphrase-file b');
  expect(twice.status).toBe(64);
  const inArgv = await dbadmin(SECRETS.third, 'repository key add --passphrase x');
  expect(inArgv.status).toBe(64);
});

it('where the first repository is not encrypted and another one is, that is named, and no key file is made for nothing', async () => {
  const several = path.join(directory, 'several.yaml');
  const place = (name: string): string => JSON.stringify(path.join(directory, name));
  await writeFile(
    several,
    `version: 1
clusters: { main: { url: ${JSON.stringify(cluster.url())}, repositories: [plain, offsite] } }
repositories:
  plain: { type: disk, path: ${place('plain')} }
  offsite: { type: disk, path: ${place('offsite')}, encryption: { passphrase: { from: env, name: SECRET } } }
`,
    { mode: 0o600 },
  );
  const env = { ...process.env, SECRET: SECRETS.first };
  const run = async (words: string): Promise<CommandEnd> => await runInProcess([...words.split(' '), '--config', several], env);
  expect(await run('backup init')).toMatchObject({ status: 0 });

  const file = path.join(directory, 'office.several');
  const out = path.join(directory, 'emergency.several');
  const hint = 'offsite is configured with encryption: give --repository offsite.';
  for (const words of [`add --key-file ${file} --generate`, 'rotate --yes', 'remove 0123456789abcdef --yes', `export --to ${out}`])
    expect(await run(`repository key ${words}`)).toMatchObject({ status: 1, stderr: expect.stringContaining(hint) });
  expect((await run('repository key list')).stdout).toContain(hint);
  await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await run(`repository key add --repository offsite --key-file ${file} --generate`)).toMatchObject({ status: 0 });
  expect(await run(`repository key export --repository offsite --to ${out}`)).toMatchObject({ status: 0 });
});
