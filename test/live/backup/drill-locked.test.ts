import { open } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judgeDrill } from '../../../src/backup/drill/judge.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { drill } from '../../backup/drill.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let cluster: TestCluster;
let repository: Repository;

beforeAll(async () => {
  directory = await makeDirectory();
  // Without checksums a bad page is backed up like any other.
  cluster = await startTestCluster({ major: 16, checksums: false, provider: 'embedded', settings: { max_prepared_transactions: 5 } });
  repository = await makeRepository(path.join(directory, 'repository'));
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe('create table play (id int primary key); insert into play values (71), (72)');
  await sql.unsafe('create database other');
  await sql.end();
  const other = postgres(cluster.url('other'), { max: 1, onnotice: () => undefined });
  for (const [each, statement] of [
    [postgres(cluster.url(), { max: 1, onnotice: () => undefined }), 'drop table play'],
    // Nobody else makes the extension while this is open.
    [other, 'create extension amcheck'],
  ] as const) {
    await each.unsafe('begin');
    await each.unsafe(statement);
    await each.unsafe(`prepare transaction 'it''s "open" ${statement}'`);
    await each.end();
  }
  await backUp(cluster, repository);
});

afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

test('a drill waits for nothing that a prepared transaction of the moment restored has locked', async () => {
  const run = await drill(repository, directory, { assertions: [{ sql: 'select count(*) from play', is: 2 }] });
  expect(run).toMatchObject({ error: undefined, amcheck: { state: 'clean' }, assertions: [{ got: '2', holds: true }] });
  expect(judgeDrill(run)).toMatchObject({ verdict: 'passed', failures: [] });
});

test('a drill looks into databases that take no connections, which assertions find as they were', async () => {
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe('create database closed');
  const closed = postgres(cluster.url('closed'), { max: 1, onnotice: () => undefined });
  await closed.unsafe('create table hidden as select 1 as n; checkpoint');
  await closed.unsafe(`begin; lock hidden`);
  await closed.unsafe(`prepare transaction 'closed in'`);
  const [row] = await closed<{ file: string }[]>`select pg_relation_filepath('hidden') as file`;
  await closed.end();
  await sql.unsafe('alter database closed allow_connections false');
  await backUp(cluster, repository);
  const asked = { sql: "select string_agg(datname, ' ' order by datname) from pg_database where not datallowconn", is: 'closed template0' };
  const clean = await drill(repository, directory, { assertions: [asked] });
  expect(clean).toMatchObject({ error: undefined, amcheck: { state: 'clean', databases: 5 }, assertions: [{ holds: true }] });

  const file = await open(path.join(cluster.dataDirectory ?? '', row?.file ?? ''), 'r+');
  await file.write(Buffer.alloc(8192, 0xaa), 0, 8192, 0);
  await file.close();
  await backUp(cluster, repository);
  const run = await drill(repository, directory);
  await sql.end();
  expect(run).toMatchObject({ error: undefined, amcheck: { state: 'damaged', databases: 5 } });
  expect(judgeDrill(run)).toMatchObject({
    verdict: 'failed',
    failures: [expect.stringContaining('closed: hidden: invalid page') as string],
  });
});
