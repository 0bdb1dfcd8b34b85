import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandEnd, runCommand, startCommand } from '../backup/command.ts';
import { makeDirectory, removeDirectory } from '../backup/repository.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startTestCluster } from '../postgres/fixture.ts';

let directory: string;
let cluster: TestCluster;
let sql: postgres.Sql;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 17, settings: { summarize_wal: 'on' } });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  // Little compresses: packs are written all along.
  await sql.unsafe(`create table bulk as select g, encode(sha512(g::text::bytea), 'base64') as t from generate_series(1, 300000) g`);
});

afterAll(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

async function config(name: string, repository: string): Promise<string> {
  const file = path.join(directory, `${name}.yaml`);
  const text = `version: 1\nclusters:\n  main:\n    url: ${JSON.stringify(cluster.url())}\n    repositories: [local]\nrepositories:\n  local: ${repository}\n`;
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

test('a disk that is full in mid-backup is exit 1; nothing half done looks done, the server keeps nothing for it, and with room the next is good', async (context) => {
  const small = path.join(directory, 'small');
  await mkdir(small);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', small], { stdio: 'pipe' });
  } catch {
    context.skip('a small tmpfs can only be mounted by root');
  }
  try {
    const file = await config('full', `{ type: disk, path: ${JSON.stringify(path.join(small, 'repository'))} }`);
    expect((await runCommand(['backup', 'init', '--config', file])).status).toBe(0);
    const full = await runCommand(['backup', 'run', '--config', file]);
    expect(full, full.stderr).toMatchObject({ status: 1, stderr: expect.stringMatching(/no room|full|space/i) });
    const listed = await runCommand(['backup', 'list', '--json', '--config', file]);
    expect(listed.stdout === '' ? [] : (JSON.parse(listed.stdout) as { backups: unknown[] }).backups).toEqual([]);
    expect(await sql`select slot_name from pg_replication_slots`).toEqual([]);
    expect(await sql`select pid from pg_stat_replication`).toEqual([]);
    execFileSync('mount', ['-o', 'remount,size=200m', small], { stdio: 'pipe' });
    expect((await runCommand(['backup', 'run', '--config', file])).status).toBe(0);
    const verified = await runCommand(['backup', 'verify', '--read-data', '--config', file]);
    expect(verified, verified.stdout).toMatchObject({ status: 0 });
  } finally {
    execFileSync('umount', [small], { stdio: 'pipe' });
  }
});

test('a repository that another backup writes to is exit 11, naming who; a wrong key is exit 12, and neither harms what is there', async () => {
  const place = JSON.stringify(path.join(directory, 'locked'));
  const encryption = (secret: string): string => `encryption: { passphrase: { from: env, name: ${secret} } }`;
  const file = await config('right', `{ type: disk, path: ${place}, ${encryption('RIGHT')} }`);
  const wrong = await config('wrong', `{ type: disk, path: ${place}, ${encryption('WRONG')} }`);
  const env = { RIGHT: 'correct horse battery staple', WRONG: 'incorrect horse battery staple' };
  expect(await runCommand(['backup', 'init', '--config', file], env)).toMatchObject({ status: 0 });
  const slow = startCommand(['backup', 'run', '--max-rate', '2MB', '--config', file], env);
  const slowEnd = commandEnd(slow);
  try {
    await expect
      .poll(async () => (await sql`select pid from pg_stat_progress_basebackup`).length, { timeout: 60_000, interval: 200 })
      .toBeGreaterThan(0);
    const second = await runCommand(['backup', 'run', '--config', file], env);
    expect(second, second.stderr).toMatchObject({ status: 11, stderr: expect.stringMatching(/locked by backup run \(process \d+/) });
  } finally {
    slow.kill('SIGINT');
  }
  expect((await slowEnd).status).toBe(130);
  const refused = await runCommand(['backup', 'run', '--config', wrong], env);
  expect(refused, refused.stderr).toMatchObject({ status: 12, stderr: expect.stringMatching(/passphrase does not open/) });
  expect(await runCommand(['backup', 'run', '--config', file], env)).toMatchObject({ status: 0 });
  expect(await runCommand(['backup', 'list', '--config', wrong], env)).toMatchObject({ status: 12 });
});
