import { access, cp, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { runCli, type CliResult } from './run-cli.ts';

const GOLDEN = path.resolve(import.meta.dirname, '..', 'golden', 'format-2');
const SYSTEM = '7000000000000000001';
const SEGMENT = '000000010000000000000001';

const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-unread-'));
// Whatever is written to it meets a full disk.
const full = await open('/dev/full', 'w');
afterAll(async () => {
  await full.close();
  await rm(directory, { recursive: true, force: true });
});

let cwd: string;

/** Two repositories on disk, `a` and `b`, neither made yet. */
beforeEach(async () => {
  cwd = await mkdtemp(path.join(directory, 'project-'));
  await writeFile(
    path.join(cwd, 'dbadmin.yaml'),
    'version: 1\nclusters: { main: { host: 127.0.0.1, port: 1, user: u, database: d, repositories: [a, b] } }\nrepositories: { a: { type: disk, path: a }, b: { type: disk, path: b } }\n',
  );
});

async function isMade(repository: string): Promise<boolean> {
  return await access(path.join(cwd, repository, 'dbadmin-repository')).then(
    () => true,
    () => false,
  );
}

/** A sound repository in the place of `a`. */
async function copyGolden(): Promise<void> {
  await cp(GOLDEN, path.join(cwd, 'a'), { recursive: true });
}

describe.each([
  ['nobody reads it any more', 'unread', 0, ''],
  [
    'the disk under it is full',
    full.fd,
    74,
    expect.stringMatching(/^error: stdout cannot be written: ENOSPC.*\n {2}detail: The work goes on[^\n]*\n$/),
  ],
] as const)('stdout, and %s', (_what, stdout, doneStatus, told: unknown) => {
  const run = async (...args: readonly string[]): Promise<CliResult> => await runCli(args, { cwd, stdout });

  test('what is done is done to its end', async () => {
    expect(await run('backup', 'init')).toMatchObject({ status: doneStatus, stderr: told });
    expect([await isMade('a'), await isMade('b')]).toEqual([true, true]);
  });

  test('a repository that is damaged is not sound, and that is noted in it', async () => {
    await copyGolden();
    await rm(path.join(cwd, 'a', SYSTEM, 'packs'), { recursive: true });
    expect(await run('backup', 'verify', '--repository', 'a')).toMatchObject({ status: 3, stderr: told });
    expect(await readdir(path.join(cwd, 'a', SYSTEM, 'verifications'))).toHaveLength(1);
  });

  test('a failure keeps its status', async () => {
    expect(await run('backup', 'list', '--json')).toMatchObject({ status: 10 });
  });

  test('recovery has the segment it asked for', async () => {
    await copyGolden();
    expect(await run('wal', 'get', '--json', '--repository', 'a', SEGMENT, 'fetched')).toMatchObject({ status: 0, stderr: told });
    expect((await stat(path.join(cwd, 'fetched'))).size).toBe(1024 * 1024);
  });
});
