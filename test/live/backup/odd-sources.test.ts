import { chown, cp, lstat, open, readdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCluster, stopCluster } from '../../../src/postgres/server.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let cluster: TestCluster;

beforeEach(async () => {
  directory = await makeDirectory();
});
afterEach(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

/** Stops the server, changes its files, and starts it again. */
async function whileStopped(
  change: (dataDirectory: string, owner: { uid: number; gid: number } | undefined) => Promise<void>,
): Promise<void> {
  const { programs, dataDirectory } = cluster;
  if (programs === undefined || dataDirectory === undefined) throw new Error('the test needs an embedded server');
  await stopCluster(programs, dataDirectory);
  await change(dataDirectory, programs.runAs);
  await startCluster(programs, dataDirectory, path.join(path.dirname(dataDirectory), 'server.log'));
}

async function query<Row extends object>(text: string, url = cluster.url()): Promise<readonly Row[]> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await sql.unsafe<Row[]>(text);
  } finally {
    await sql.end();
  }
}

test.each([14, 18])(
  'PostgreSQL %i: a cluster whose pg_wal is a link to another disk comes back with a pg_wal of its own',
  async (major) => {
    cluster = await startTestCluster({ major, provider: 'embedded', settings: major >= 17 ? { summarize_wal: 'on' } : {} });
    const elsewhere = path.join(directory, 'wal disk');
    await whileStopped(async (data, owner) => {
      await cp(path.join(data, 'pg_wal'), elsewhere, { recursive: true });
      await rm(path.join(data, 'pg_wal'), { recursive: true });
      await symlink(elsewhere, path.join(data, 'pg_wal'));
      if (owner === undefined) return;
      await chown(elsewhere, owner.uid, owner.gid);
      for (const name of await readdir(elsewhere, { recursive: true })) await chown(path.join(elsewhere, name), owner.uid, owner.gid);
    });
    const repository = await makeRepository(path.join(directory, 'repository'));
    await query('create table t as select g as n from generate_series(1, 5000) g');
    await backUp(cluster, repository);
    await query('update t set n = -n where n % 50 = 0');
    expect((await backUp(cluster, repository)).kind).toBe('incremental');
    const into = path.join(directory, 'clone');
    const clone = await restore({ repository, target: { kind: 'latest' }, into });
    expect(await query('select count(*)::int as rows, sum(n)::int as sum from t', clone.url)).toEqual([
      { rows: 5000, sum: 12_502_500 - 2 * 252_500 },
    ]);
    expect((await lstat(path.join(into, 'pg_wal'))).isDirectory()).toBe(true);
    await clone.stop();
  },
);

test('a relation of several files comes back from a full and an incremental backup, each file as it was', async () => {
  cluster = await startTestCluster({ major: 18, provider: 'embedded', settings: { summarize_wal: 'on', autovacuum: 'off' } });
  await query(`create table big (n int, t text); insert into big select g, md5(g::text) from generate_series(1, 1000) g; checkpoint`);
  const [row] = await query<{ file: string }>(`select pg_relation_filepath('big') as file`);
  const file = row?.file ?? '';
  // Pages that nothing was ever written to are zeros, and holes in a file are them for nothing: a real 1 GiB would take most of a minute.
  await whileStopped(async (data, owner) => {
    for (const [name, sizeBytes] of [
      [file, 2 ** 30],
      [`${file}.1`, 2 ** 21],
    ] as const) {
      const handle = await open(path.join(data, name), name === file ? 'r+' : 'w', 0o600);
      await handle.truncate(sizeBytes);
      await handle.close();
      if (owner !== undefined) await chown(path.join(data, name), owner.uid, owner.gid);
    }
  });
  const repository = await makeRepository(path.join(directory, 'repository'));
  const sum = `select count(*)::int as rows, sum(n)::int as sum, md5(string_agg(t, ',' order by n)) as hash,
    (max((ctid::text::point)[0]) >= 131072) as later, (min((ctid::text::point)[0]) < 131072) as earlier, pg_relation_size('big')::text as size from big`;
  await query(`insert into big select g, md5(g::text) from generate_series(1001, 3000) g`);
  expect(await query(sum)).toMatchObject([{ rows: 3000, later: true, earlier: true }]);
  await backUp(cluster, repository);
  await query(
    `update big set t = 'changed ' || n where n % 100 = 0; insert into big select g, 'later' from generate_series(3001, 60000) g`,
  );
  const wanted = await query(sum);
  expect((await backUp(cluster, repository)).kind).toBe('incremental');
  const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone') });
  expect(await query(sum, clone.url)).toEqual(wanted);
  await clone.stop();
});
