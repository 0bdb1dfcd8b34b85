import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { commandEnd, runCommand, startCommand } from '../../backup/command.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

let directory: string;
let cluster: TestCluster;
let sql: postgres.Sql;
let config: string;
const env = { MADE_ANEW: randomBytes(12).toString('hex') };

beforeEach(async () => {
  directory = await makeDirectory();
  cluster = await startEmbeddedCluster({ major: 16, walSegmentMegabytes: 1 });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql`create table step (n int)`;
  config = path.join(directory, 'dbadmin.yaml');
});
afterEach(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

async function configure(names: readonly string[]): Promise<void> {
  const each = names.map(
    (name) => `  ${name}: { type: disk, path: ./${name}, encryption: { passphrase: { from: env, name: MADE_ANEW } } }\n`,
  );
  const head = `version: 1\nclusters:\n  main: { url: ${JSON.stringify(cluster.url())}, repositories: [${names.join(', ')}] }\nrepositories:\n`;
  await writeFile(config, `${head}${each.join('')}`, { mode: 0o600 });
}

async function dbadmin(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await runCommand([...args, '--config', config], env);
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

/** How far the repository has WAL. */
async function storedIn(name: string): Promise<bigint> {
  const end = await runCommand(['wal', 'status', '--json', '--repository', name, '--config', config], env);
  return parseLsn(/"storedLsn": ?"([^"]+)"/.exec(end.stdout)?.[1] ?? '0/0');
}

async function write(): Promise<bigint> {
  await sql`insert into step values (1)`;
  const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
  return parseLsn(row?.lsn ?? '0/0');
}

test.each([[['lost']], [['near', 'lost']]])(
  'a repository of %o that is lost and made anew gets WAL that its own key opens',
  async (names) => {
    await configure(names);
    await dbadmin('backup', 'init');
    const child = startCommand(['wal', 'receive', '--rpo', '1s', '--config', config], env);
    const ended = commandEnd(child);
    let said = '';
    child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
    const before = await write();
    await expect.poll(async () => await storedIn('lost'), { timeout: 30_000, interval: 500 }).toBeGreaterThanOrEqual(before);
    const old = await readFile(path.join(directory, 'lost', 'dbadmin-repository'));
    await rm(path.join(directory, 'lost'), { recursive: true });
    await write();
    // A repository that is made anew before anything failed is not noticed.
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(/repository lost is behind|; trying again in/);
    await dbadmin('backup', 'init', '--repository', 'lost');
    expect(await readFile(path.join(directory, 'lost', 'dbadmin-repository'))).not.toEqual(old);
    const after = await write();
    await expect.poll(async () => await storedIn('lost'), { timeout: 60_000, interval: 500 }).toBeGreaterThanOrEqual(after);
    child.kill('SIGTERM');
    expect((await ended).stderr).toContain('lost is another repository than before');
    await dbadmin('backup', 'run', '--repository', 'lost');
    expect(await dbadmin('backup', 'verify', '--read-data', '--repository', 'lost')).toContain('every byte that they need was read');
  },
  180_000,
);
