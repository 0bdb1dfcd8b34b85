import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listDatabases } from '../../../src/backup/drill/recovery-inspect.ts';
import { inspectDumpSource } from '../../../src/backup/dump/inspect.ts';
import { inspectTraces } from '../../../src/uninstall/inspect.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let cluster: TestCluster;
let sql: postgres.Sql;

beforeAll(async () => {
  cluster = await startTestCluster({ major: 16 });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe('create database broken');
  await sql.unsafe('create database whole');
  // As an interrupted DROP DATABASE leaves it.
  await sql`update pg_database set datconnlimit = -2 where datname = 'broken'`;
});
afterAll(async () => {
  await sql?.end({ timeout: 5 });
  await cluster?.stop();
});

test('a database whose drop was interrupted takes no connection, and stops neither a dump nor a drill nor uninstall', async () => {
  const broken = postgres(cluster.url('broken'), { max: 1, connect_timeout: 5 });
  await expect(broken`select 1`).rejects.toMatchObject({ message: expect.stringContaining('invalid database') as string });
  await broken.end({ timeout: 5 });
  const { databases, undumpable } = await inspectDumpSource(cluster.parameters());
  expect(databases).toEqual(['postgres', 'whole']);
  expect(undumpable).toEqual([{ database: 'broken', reason: 'drop-interrupted' }]);
  expect(await listDatabases(sql)).toEqual(['postgres', 'template1', 'whole']);
  const traces = await inspectTraces(cluster.parameters(), { historySchema: 'dbadmin', jobsSchema: 'dbadmin_jobs', slot: 'dbadmin' });
  expect(traces.unread).toEqual(['broken']);
  expect(traces.databases.map(({ name }) => name)).toEqual(['postgres', 'template1', 'whole']);
});
