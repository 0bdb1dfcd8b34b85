import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../live/migrate/command.ts';
import { createTestDatabase } from '../postgres/fixture.ts';

const database = await createTestDatabase();
let directory: string;
let isSmallDisk = false;
beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-migrate-full-'));
  isSmallDisk = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', directory]).status === 0;
});
afterAll(async () => {
  if (isSmallDisk) execFileSync('umount', [directory]);
  await rm(directory, { recursive: true, force: true });
  await database.drop();
});

test('on a full disk a run says that its lock file is not written and why, and new leaves no file that up would refuse', async (context) => {
  if (!isSmallDisk) context.skip('a small tmpfs can only be mounted by root');
  const migrations = path.join(directory, 'sql', 'migrations');
  await mkdir(migrations, { recursive: true });
  await writeFile(path.join(directory, 'dbadmin.yaml'), `version: 1\nclusters:\n  main:\n    url: ${JSON.stringify(database.url)}\n`);
  await writeFile(path.join(migrations, '1_a.sql'), 'create table a ();\n');
  await expect(writeFile(path.join(directory, 'fill'), Buffer.alloc(128 * 1024))).rejects.toThrow('ENOSPC');
  const applied = await runCommand(directory, ['migrate', 'up', '--no-restore-point']);
  expect(applied, applied.stderr).toMatchObject({ status: 0, stdout: expect.stringContaining('1 file and 0 routines applied') });
  expect(applied.stderr).toMatch(/warning: cannot write .*migrations\.lock: ENOSPC: no space left on device/);
  const made = await runCommand(directory, ['migrate', 'new', 'foo']);
  expect(made).toMatchObject({ status: 1, stderr: expect.stringMatching(/cannot make .*_foo\.sql\n.*ENOSPC/) });
  expect(await readdir(migrations)).toEqual(['1_a.sql']);
  expect(await readdir(path.dirname(migrations))).toEqual(['migrations']);
});
