import { cp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { IDENTITY_KEY } from '../../../src/repository/layout.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { openDiskStore } from '../../../src/storage/disk.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { fillRepository, SYSTEM_IDENTIFIER } from '../../backup/full-repository.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';

const SECRET = 'a passphrase that is right';
const KINDS = [
  ['encrypted', ', encryption: { passphrase: { from: env, name: SECRET } }'],
  ['clear', ''],
] as const;

let directory: string;
let place: string;

beforeEach(async () => {
  directory = await makeDirectory();
  place = path.join(directory, 'repository');
});

afterEach(async () => {
  await removeDirectory(directory);
});

async function dbadmin(words: string, secret = SECRET): Promise<CommandEnd> {
  return await runInProcess([...words.split(' '), '--config', path.join(directory, 'dbadmin.yaml')], { SECRET: secret });
}

/** Makes the repository with `backup init` and fills it; `encryption` is what stands in the configuration. */
async function fill(encryption: string): Promise<void> {
  await configure(encryption);
  expect(await dbadmin('backup init')).toMatchObject({ status: 0, stdout: expect.stringContaining('made') });
  const unlock = encryption === '' ? ({ kind: 'none' } as const) : ({ kind: 'passphrase', passphrase: new Secret(SECRET) } as const);
  const repository = await openRepository(await openDiskStore(place), unlock);
  await fillRepository(repository);
  await repository.store.close();
}

async function configure(encryption: string): Promise<void> {
  await writeFile(
    path.join(directory, 'dbadmin.yaml'),
    `version: 1
clusters: { main: { url: "postgresql://nobody@127.0.0.1:1/none", repositories: [local] } }
repositories:
  local: { type: disk, path: ${JSON.stringify(place)}${encryption} }
`,
    { mode: 0o600 },
  );
}

/** All objects, as hex. */
async function objects(): Promise<ReadonlyMap<string, string>> {
  const store = await openDiskStore(place);
  const found = new Map<string, string>();
  for await (const { key } of store.list('')) found.set(key, Buffer.from(await store.read(key)).toString('hex'));
  return found;
}

describe.each(KINDS)('a repository, %s, that lost its identity', (_, encryption) => {
  test('is not made anew over what it holds, and every command says what it is', async () => {
    await fill(encryption);
    await rm(path.join(place, IDENTITY_KEY));
    const before = await objects();
    expect(await dbadmin('backup list')).toMatchObject({ status: 10, stderr: expect.stringContaining('has lost its identity') });
    expect(await dbadmin('backup init')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is a repository without its identity'),
    });
    expect(await objects()).toEqual(before);
  });

  test.each([...(encryption === '' ? [] : ['keys']), 'clusters', SYSTEM_IDENTIFIER])(
    'is not made anew where only %s/ was copied',
    async (part) => {
      await fill(encryption);
      const whole = path.join(directory, 'whole');
      await cp(place, whole, { recursive: true });
      await removeDirectory(place);
      await cp(path.join(whole, part), path.join(place, part), { recursive: true });
      expect(await dbadmin('backup init')).toMatchObject({ status: 1, stderr: expect.stringContaining('without its identity') });
      expect((await objects()).has(IDENTITY_KEY)).toBe(false);
    },
  );
});

test('a directory that holds other things is made a repository', async () => {
  await configure('');
  await cp(path.join(import.meta.dirname, 'lost-identity.test.ts'), path.join(place, '2026', 'notes.txt'));
  expect(await dbadmin('backup init')).toMatchObject({ status: 0, stdout: expect.stringContaining('made') });
});
