import postgres from 'postgres';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import type { DbadminError } from '../../src/base/errors.ts';
import { startTestCluster } from '../postgres/fixture.ts';
import { createProject, type TestProject } from '../live/migrate/project.ts';

const cluster = await startTestCluster({ major: 17 });
const connect = (): postgres.Sql => postgres(cluster.url(), { max: 1, onnotice: () => undefined });
afterAll(async () => await cluster.stop());

let project: TestProject;
let sql: postgres.Sql;
beforeEach(async () => {
  project = await createProject(cluster.url());
  sql = connect();
});
afterEach(async () => {
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
  await sql.end();
  await project.delete();
});

/** Restarts the server while a statement that sleeps is running in a migration. Gives the run's failure. */
async function restartWhileSleeping(): Promise<DbadminError> {
  const failing = project.failure();
  const sleeps = async (): Promise<boolean> =>
    (await sql`select from pg_stat_activity where application_name = 'dbadmin migrate' and wait_event = 'PgSleep'`).length > 0;
  while (!(await sleeps())) await systemClock.sleep(50);
  await sql.end();
  await cluster.restart();
  sql = connect();
  return await failing;
}

test('a server that restarts in the middle of a transactional file undoes it; the next run applies it once', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);');
  await project.write('migrations/2_b.sql', 'insert into a values (1);\nselect pg_sleep(20);\ninsert into a values (2);');
  const failure = await restartWhileSleeping();
  expect([failure.code, failure.message]).toEqual(['connection-failed', 'migrations/2_b.sql:2:1: the connection was lost while this ran']);
  expect(failure.hint).toContain('it goes on where the history ends');
  expect(await sql`select from a`).toHaveLength(0);
  await project.write('migrations/2_b.sql', 'insert into a values (1);\ninsert into a values (2);');
  expect((await project.up()).versioned.map(({ version }) => version)).toEqual(['2']);
  expect((await sql`select id from a order by id`).map(({ id }) => id as number)).toEqual([1, 2]);
});

test('a server that restarts in the middle of a no-transaction file keeps what was recorded; the next run goes on after it', async () => {
  const file = (seconds: number): string =>
    `-- dbadmin: no-transaction\ncreate table a (id int);\ninsert into a values (1);\ndo $$ begin perform pg_sleep(${seconds}); end $$;\ninsert into a values (2);\n`;
  await project.write('migrations/1_a.sql', file(20));
  expect((await restartWhileSleeping()).code).toBe('connection-failed');
  await project.write('migrations/1_a.sql', file(0));
  const { versioned } = await project.up();
  expect(versioned.map(({ statements }) => statements)).toEqual([2]);
  expect((await sql`select id from a order by id`).map(({ id }) => id as number)).toEqual([1, 2]);
});
