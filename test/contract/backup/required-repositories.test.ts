import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import type { CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { makeSegment } from '../../backup/wal-segment.ts';

const SYSTEM = '7500000000000000001';
const SIZE = 1024 * 1024;
const NAME = '000000010000000000000010';

let directory: string;
let local: Repository;
let offsite: Repository;

/** A cluster whose repositories are fewer than those of its policy. */
const CONFIG = `version: 1
clusters:
  main: { url: "postgresql://nobody@127.0.0.1:1/postgres", repositories: [local] }
repositories:
  local: { type: disk, path: ./local }
  offsite: { type: disk, path: ./offsite }
`;
const POLICIES = `version: 1
policies:
  main: { cluster: main, repositories: [local, offsite], base: { full: { cron: "0 2 * * *" } }, wal: { mode: archive, required: [offsite] } }
`;

beforeEach(async () => {
  directory = await makeDirectory();
  await writeFile(path.join(directory, 'dbadmin.yaml'), CONFIG);
  await mkdir(path.join(directory, 'backups'));
  await writeFile(path.join(directory, 'backups', 'policies.yaml'), POLICIES);
  await writeFile(path.join(directory, NAME), makeSegment(BigInt(SYSTEM), 0x100_0000n, SIZE, 1));
  [local, offsite] = [await makeRepository(path.join(directory, 'local')), await makeRepository(path.join(directory, 'offsite'))];
  const cluster = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SIZE };
  for (const each of [local, offsite]) await ensureClusterIdentity(each, cluster);
});
afterEach(async () => {
  await removeDirectory(directory);
});

const push = async (): Promise<CommandEnd> =>
  await runInProcess(['wal', 'push', path.join(directory, NAME), '--config', path.join(directory, 'dbadmin.yaml')], {});

const has = async (repository: Repository): Promise<boolean> =>
  (await new WalArchive(repository, SYSTEM, SIZE).readSegment(NAME)) !== undefined;

test('wal push waits for a repository that wal.required names, though the configuration does not give it to the cluster', async () => {
  expect(await push()).toMatchObject({ status: 0 });
  expect([await has(local), await has(offsite)]).toEqual([true, true]);
});

test('wal push fails where the file did not come into that one', async () => {
  await rename(path.join(directory, 'offsite'), path.join(directory, 'away'));
  expect(await push()).toMatchObject({ status: 10, stderr: expect.stringMatching(/In repository offsite\./) });
});
