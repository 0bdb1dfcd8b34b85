import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-others-'));
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));

/** Runs a command of a cluster that nobody can reach, with the repositories local and offsite, offsite encrypted. */
async function dbadmin(...words: readonly string[]): Promise<CommandEnd> {
  return await dbadminWith({ SECRET: 'a long passphrase' }, ...words);
}

async function dbadminWith(env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<CommandEnd> {
  const config = path.join(directory, 'dbadmin.yaml');
  const place = (name: string): string => JSON.stringify(path.join(directory, name));
  await writeFile(
    config,
    `version: 1
clusters: { main: { url: "postgresql://nobody@127.0.0.1:1/x", repositories: [local, offsite] } }
repositories:
  local: { type: disk, path: ${place('local')} }
  offsite: { type: disk, path: ${place('offsite')}, encryption: { passphrase: { from: env, name: SECRET } } }
`,
    { mode: 0o600 },
  );
  return await runInProcess([...words, '--config', config], { ...process.env, ...env });
}

test('where the first repository is away, what reads one names the others', async () => {
  expect(await dbadmin('backup', 'init')).toMatchObject({ status: 0 });
  await rename(path.join(directory, 'local'), path.join(directory, 'elsewhere'));
  const into = path.join(directory, 'restored');
  const hint = expect.stringContaining('The cluster has another repository: --repository offsite.') as string;
  for (const words of [
    ['backup', 'list'],
    ['backup', 'info'],
    ['wal', 'find', '--drop', 'public.orders'],
    ['restore', '--to-latest', '--into', into],
  ])
    expect(await dbadmin(...words)).toMatchObject({ status: 10, stderr: hint });
  // Which one is meant was said, and offsite is there.
  const named = await dbadmin('backup', 'list', '--repository', 'local');
  expect(named).toMatchObject({ status: 10 });
  expect(named.stderr).not.toContain('offsite');
  expect((await dbadmin('backup', 'list', '--repository', 'offsite')).stderr).toContain('holds nothing of cluster main');
});

test('a passphrase that is not to be had ends as a wrong one does', async () => {
  const list = ['backup', 'list', '--repository', 'offsite'];
  const unset = /dbadmin\.yaml:5:\d+: environment variable SECRET is not set/;
  expect(await dbadminWith({ SECRET: '' }, ...list)).toMatchObject({ status: 12, stderr: expect.stringMatching(unset) as string });
  expect(await dbadminWith({ SECRET: 'another passphrase' }, ...list)).toMatchObject({ status: 12 });
});

test('what is typed wrong is told before a repository is asked', async () => {
  const refusals = [
    [['backup', 'hold', '', '--reason', 'x'], 'is not empty'],
    [['backup', 'hold', 'a', '--reason', 'x', '--until', '99999999999w'], 'farther away'],
    [
      ['restore', '--to-latest', '--into', path.join(directory, 'x'), '--port', '1e3'],
      '--port takes a whole number from 1 to 65535, not "1e3"',
    ],
  ] as const;
  for (const [words, why] of refusals)
    expect(await dbadmin(...words)).toMatchObject({ status: 64, stderr: expect.stringContaining(why) as string });
});
