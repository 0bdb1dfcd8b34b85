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
  cluster = await startTestCluster({ major: 16, provider: 'embedded', settings: { max_prepared_transactions: 5 } });
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
