import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { chmod, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { embeddedPrograms } from '../../src/postgres/embedded.ts';
import { stopCluster } from '../../src/postgres/server.ts';
import { makeDirectory, removeDirectory } from '../backup/repository.ts';
import { freePort } from '../postgres/address.ts';
import type { ClusterOptions, TestCluster } from '../postgres/cluster.ts';
import { startTestCluster } from '../postgres/fixture.ts';

const DBADMIN = path.resolve(import.meta.dirname, '..', '..', 'bin', 'dbadmin.cjs');
const PASSWORD = 'corr€ct horse';

let directory: string;
let cluster: TestCluster | undefined;

beforeEach(async () => {
  directory = await makeDirectory();
});
afterEach(async () => {
  await cluster?.stop();
  cluster = undefined;
  await removeDirectory(directory);
});

function dbadmin(args: readonly string[], cwd = directory): SpawnSyncReturns<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:PG|DATABASE_URL|DBADMIN_)/.test(name)));
  return spawnSync(process.execPath, [DBADMIN, ...args], { cwd, env, encoding: 'utf8' });
}

async function startOwn(options: ClusterOptions): Promise<TestCluster> {
  cluster = await startTestCluster(options);
  return cluster;
}

describe('a database of one’s own, three commands', () => {
  test.each([
    { major: 17, provider: undefined },
    { major: 18, provider: undefined },
    { major: 16, provider: 'embedded' as const },
  ])('init, backup run, restore on PostgreSQL $major', async ({ major, provider }) => {
    const own = await startOwn({ major, password: PASSWORD, ...(provider === undefined ? {} : { provider }) });
    const sql = postgres(own.url(), { max: 1, onnotice: () => undefined });
    await sql`create table precious as select g as n, md5(g::text) as t from generate_series(1, 20000) g`;
    const init = dbadmin(['init', '--url', own.url()]);
    expect(init.status, init.stderr).toBe(0);
    const backup = dbadmin(['backup', 'run']);
    expect(backup.status, backup.stderr).toBe(0);
    const into = path.join(directory, 'restored');
    // A port of its own: other tests start clones at the same time, and a port that was free may be taken a moment later.
    const port = String(await freePort());
    const restore = dbadmin(['restore', '--to-latest', '--into', into, '--start', '--port', port, '--yes', '--json']);
    expect(restore.status, `${restore.stderr}${restore.stdout}`).toBe(0);
    const { restored } = JSON.parse(restore.stdout) as { restored: { port: number; state: string } };
    expect(restored.state).toBe('open');
    const url = new URL(own.url());
    url.port = String(restored.port);
    url.hostname = '127.0.0.1';
    const clone = postgres(url.href, { max: 1 });
    const digest = 'select sum(hashtextextended(t, n))::text as digest from precious';
    expect(await clone.unsafe(digest)).toEqual(await sql.unsafe(digest));
    expect((await clone<{ name: string }[]>`select current_setting('archive_mode') as name`)[0]?.name).toBe('off');
    await clone.end();
    await sql.end();
    await stopCluster(await embeddedPrograms(major), into, 'immediate');
    for (const text of [init, backup, restore].flatMap(({ stdout, stderr }) => [stdout, stderr])) expect(text).not.toContain(PASSWORD);
  });
});

describe('refusals, with the way out', () => {
  test('pg_hba.conf that rejects replication: exit 1, the line to add, nothing stored', async () => {
    const own = await startOwn({ major: 17, password: PASSWORD, hba: ['local all all trust', 'host all all 127.0.0.1/32 scram-sha-256'] });
    expect(dbadmin(['init', '--url', own.url()]).status).toBe(0);
    const check = dbadmin(['backup', 'check']);
    expect(check.status).toBe(1);
    expect(check.stdout).toMatch(/host(ssl)? replication postgres \S+\/32 scram-sha-256/);
    const backup = dbadmin(['backup', 'run']);
    expect(backup.status).toBe(1);
    expect(backup.stderr).toMatch(/host(ssl)? replication postgres \S+\/32 scram-sha-256/);
    expect(await readdir(path.join(directory, 'repository'))).toEqual(['dbadmin-repository']);
  });

  test('a role without REPLICATION: the ALTER ROLE that allows it', async () => {
    const own = await startOwn({ major: 17 });
    const sql = postgres(own.url(), { max: 1 });
    await sql`create role plain login`;
    await sql.end();
    expect(dbadmin(['init', '--url', own.url('postgres', 'plain')]).status).toBe(0);
    const backup = dbadmin(['backup', 'run']);
    expect(backup.status).toBe(1);
    expect(backup.stderr).toContain('ALTER ROLE plain REPLICATION');
  });

  test('wal_level minimal, a wrong password, a missing database, a server that is away', async () => {
    const own = await startOwn({ major: 17, password: PASSWORD, settings: { wal_level: 'minimal', max_wal_senders: 0 } });
    expect(dbadmin(['init', '--url', own.url()]).status).toBe(0);
    const check = dbadmin(['backup', 'check']);
    expect(check.status).toBe(1);
    expect(check.stdout).toContain('ALTER SYSTEM SET wal_level = replica');
    const minimal = dbadmin(['backup', 'run']);
    expect(minimal.status).toBe(1);
    expect(minimal.stderr).toMatch(/max_wal_senders/);
    const wrong = dbadmin(['backup', 'check', '--url', own.url('postgres', 'postgres', 'wrong')]);
    expect(wrong.stdout).toMatch(/password/);
    expect(dbadmin(['migrate', 'status', '--url', own.url('postgres', 'postgres', 'wrong')]).status).toBe(12);
    const missing = dbadmin(['migrate', 'status', '--url', own.url('no_such_database')]);
    expect(missing.status).toBe(1);
    expect(missing.stderr).toMatch(/no_such_database does not exist/);
    const away = dbadmin(['backup', 'run', '--url', 'postgresql://postgres@127.0.0.1:1/postgres']);
    expect(away.status).toBe(1);
    expect(away.stderr).toMatch(/cannot connect/);
  });

  test('a repository that is not there is exit 10, and so is an empty directory in its place', async () => {
    const own = await startOwn({ major: 17 });
    expect(dbadmin(['init', '--url', own.url()]).status).toBe(0);
    await removeDirectory(path.join(directory, 'repository'));
    expect(dbadmin(['backup', 'run']).status).toBe(10);
    await mkdir(path.join(directory, 'repository'));
    const empty = dbadmin(['backup', 'run']);
    expect(empty.status).toBe(10);
    expect(empty.stderr).toMatch(/there is no repository in/);
  });

  test.runIf(process.getuid?.() === 0)(
    'a full disk under the repository: exit 1, said so, and the next run on a larger one is good',
    async () => {
      const own = await startOwn({ major: 17 });
      const small = path.join(directory, 'small');
      await mkdir(small);
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', small]).status).toBe(0);
      try {
        const sql = postgres(own.url(), { max: 1 });
        await sql`create table bulk as select g, encode(sha512(g::text::bytea), 'base64') as t from generate_series(1, 100000) g`;
        await sql.end();
        expect(dbadmin(['init', '--url', own.url(), '--repository', path.join(small, 'repository')]).status).toBe(0);
        const full = dbadmin(['backup', 'run']);
        expect(full.status).toBe(1);
        expect(full.stderr).toMatch(/no space|full/i);
        expect(dbadmin(['backup', 'list']).stdout).toMatch(/no backups/);
        expect(spawnSync('mount', ['-o', 'remount,size=200m', small]).status).toBe(0);
        const next = dbadmin(['backup', 'run']);
        expect(next.status, next.stderr).toBe(0);
      } finally {
        spawnSync('umount', [small]);
      }
    },
  );

  test('a target directory that may not be written: exit 1 and nothing there', async () => {
    const own = await startOwn({ major: 17 });
    expect(dbadmin(['init', '--url', own.url()]).status).toBe(0);
    expect(dbadmin(['backup', 'run']).status).toBe(0);
    const file = path.join(directory, 'dbadmin.yaml');
    const onto = dbadmin(['restore', '--to-latest', '--into', path.join(file, 'inside'), '--yes']);
    expect(onto.status).toBe(1);
    expect(onto.stderr).toMatch(/cannot restore into/);
    if (process.getuid?.() === 0) {
      const closed = path.join(directory, 'closed');
      await mkdir(closed, { mode: 0o700 });
      const inside = dbadmin(['restore', '--to-latest', '--into', path.join(closed, 'x'), '--yes']);
      expect(inside.status).toBe(1);
      expect(inside.stderr).toMatch(/cannot enter .*closed/);
      expect(await readdir(closed)).toEqual([]);
    }
    await mkdir(path.join(directory, 'x.wal', 'absent'), { recursive: true });
    const spooled = dbadmin(['restore', '--to-latest', '--into', path.join(directory, 'x'), '--yes']);
    expect(spooled.stderr).toMatch(/x\.wal is not empty/);
    const unreachable = dbadmin(['restore', '--to', '2001-01-01 00:00Z', '--into', path.join(directory, 'x'), '--yes']);
    expect(unreachable.status).toBe(1);
    expect(unreachable.stderr).toMatch(/is not recoverable[\s\S]*What can be reached is from/);
    expect(dbadmin(['restore', '--into', path.join(directory, 'x')]).status).toBe(64);
    expect(await readdir(directory)).not.toContain('x');
    await chmod(directory, 0o755);
  });
});
