import { chown, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

let directory: string;
let cluster: TestCluster;
let repository: Repository;
let early: string;
/** Its name is ISO 8859-1, not UTF-8. */
let space: Buffer;

/** A cluster that made a tablespace of such a name after its backup, and was lost. */
beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startEmbeddedCluster({ major: 18, settings: { autovacuum: 'off' } });
  repository = await makeRepository(path.join(directory, 'repository'));
  const receiver = startReceiver(cluster, repository);
  early = (await backUp(cluster, repository)).label;
  space = Buffer.from(path.join(directory, 'größe'), 'latin1');
  await mkdir(space);
  const owner = cluster.programs?.runAs;
  if (owner !== undefined) await chown(space, owner.uid, owner.gid);
  const first = postgres(cluster.url(), { max: 1 });
  await first.unsafe("create database raw encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0");
  await first.end();
  const sql = postgres(cluster.url('raw'), { max: 1 });
  await sql.unsafe(`create tablespace odd location E'${directory}/gr\\xf6\\xdfe'`);
  await sql.unsafe('create table there tablespace odd as select g as n from generate_series(1, 1000) g');
  const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
  await sql.end();
  await waitUntilStored(repository, parseLsn(at?.lsn ?? ''));
  await receiver.stop();
  await cluster.crash();
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

test('files where recovery would make a tablespace are seen, also where its name is not UTF-8', async () => {
  const refused = preflightOf(repository, path.join(directory, 'elsewhere'), { backup: early, purpose: 'production' });
  await expect(refused).rejects.toMatchObject({
    code: 'refused',
    message: expect.stringContaining('/gr\ufffd\ufffde/PG_18_') as unknown,
  });
  await expect(preflightOf(repository, path.join(directory, 'clone'), { backup: early })).rejects.toThrow(/made at .*\/gr\ufffd\ufffde$/);
});

test('a production over the original removes them, and says so', async () => {
  const config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
  const into = cluster.dataDirectory ?? '';
  const words = ['restore', '--to-latest', '--backup', early, '--into', into, '--as', 'production', '--delta', '--yes', '--config', config];
  const plan = await runCommand([...words, '--dry-run', '--json']);
  expect(plan.stdout).not.toMatch(/\\ud[c-f]/);
  expect(JSON.parse(plan.stdout)).toMatchObject({
    preflight: { replayedTablespaces: [{ location: path.join(directory, 'gr\ufffd\ufffde'), isRemoved: true }] },
  });
  const { status, stderr, stdout } = await runCommand(words);
  expect(`${status} ${stderr}${stdout}`).toMatch(/^0 [^]*tablespace .*gr\ufffd\ufffde, made after the backup: .* is removed/);
  expect(await readdir(space)).toEqual([]);
});
