import postgres from 'postgres';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { createProject, type TestProject } from './project.ts';

// What node-pg-migrate does by itself in each of these cases loses data, applies twice, blocks or ends the process.
const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
beforeEach(async () => {
  project = await createProject(database.url);
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
});

const tables = async (): Promise<readonly string[]> =>
  (await sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'public' order by 1`).map(({ name }) => name);
const lockHolders = async (): Promise<number> =>
  (
    await sql`select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`
  ).length;

test('a down section is never run by up, also when nothing marks the up part', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);\n-- dbadmin: down\ndrop table a;\n');
  await project.up();
  expect(await tables()).toEqual(['a']);
});

test('a line that begins with "-- Down migration" in a function body cuts nothing', async () => {
  const body = 'begin\n-- Down migration of the counter\n-- dbadmin is only mentioned\nreturn 7; end';
  await project.write('migrations/1_f.sql', `create function f() returns int language plpgsql as $$${body}$$;`);
  await project.up();
  expect((await sql`select f() as value`)[0]?.['value']).toBe(7);
});

test('files named .up.sql and .down.sql are refused, and neither is applied', async () => {
  await project.write('migrations/001_a.up.sql', 'create table a (id int)');
  await project.write('migrations/001_a.down.sql', 'drop table a');
  const failure = await project.failure();
  expect(failure.code).toBe('migration-invalid');
  expect(failure.detail).toMatch(/001_a\.down\.sql: up and down in files of their own/);
  expect(await tables()).toEqual([]);
});

test('two indexes are built concurrently from one SQL file', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int, b int)');
  const indexes = 'create index concurrently a_id on a (id);\ncreate index concurrently a_b on a (b);\n';
  await project.write('migrations/2_i.sql', `-- dbadmin: no-transaction\n${indexes}`);
  await project.up();
  const valid = await sql`select indexrelid::regclass::text as name from pg_index where indrelid = 'a'::regclass and indisvalid order by 1`;
  expect(valid.map(({ name }) => name as string)).toEqual(['a_b', 'a_id']);
});

test('an applied file that changed stops the run with a diff, and one that changed in comments warns', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);\n');
  await project.up();
  await project.write('migrations/1_a.sql', '-- a table\ncreate   table a (id int);\n');
  expect((await project.up()).warnings).toEqual([
    'migrations/1_a.sql changed after it was applied, only in comments, space or its down section',
  ]);
  await project.write('migrations/1_a.sql', 'create table a (id bigint);\n');
  const failure = await project.failure();
  expect(failure.code).toBe('migration-changed');
  expect(failure.detail).toContain('- create table a (id int);\n+ create table a (id bigint);');
});

test('an applied file that is gone is named, wherever it stood', async () => {
  for (const [number, name] of ['a', 'b', 'c'].entries())
    await project.write(`migrations/${number}_${name}.sql`, `create table ${name} ()`);
  await project.up();
  await project.remove('migrations/1_b.sql');
  const failure = await project.failure();
  expect(failure.message).toBe('1_b.sql is applied and its file is gone');
  expect(failure.hint).toContain('dbadmin migrate status --body 1');
  expect((await project.up({ policy: { outOfOrder: false, missing: true } })).warnings).toEqual([
    '1_b.sql is applied and its file is gone',
  ]);
});

test('a file out of order is refused with the command that renames it, and once accepted it is never in the way again', async () => {
  await project.write('migrations/20260102T000000_b.sql', 'create table b ()');
  await project.up();
  await project.write('migrations/20260101T000000_a.sql', 'create table a ()');
  const failure = await project.failure();
  expect(failure.hint).toMatch(/git mv migrations\/20260101T000000_a\.sql migrations\/\d{8}T\d{6}_a\.sql/);
  await project.up({ policy: { outOfOrder: true, missing: false } });
  await project.write('migrations/20260103T000000_c.sql', 'create table c ()');
  await project.up();
  expect(await tables()).toEqual(['a', 'b', 'c']);
});

test.each(['Asia/Tokyo', 'UTC', 'America/New_York', 'Pacific/Apia'])(
  'runs from sessions in any time zone keep the order: %s',
  async (zone) => {
    await project.write('migrations/1_a.sql', 'create table a (at timestamptz default now())');
    await sql.unsafe(`alter database ${database.name} set timezone = 'Asia/Tokyo'`);
    await project.up();
    await sql.unsafe(`alter database ${database.name} set timezone = '${zone}'`);
    await project.write('migrations/2_b.sql', `create table b as select current_setting('timezone') as zone`);
    await project.up();
    expect((await project.up()).runId).toBeUndefined();
    expect((await sql`select zone from b`)[0]?.['zone']).toBe('UTC');
    const rows = await sql`select version from dbadmin.migration_history order by finished_at`;
    expect(rows.map(({ version }) => version as string)).toEqual(['1', '2']);
    await sql.unsafe(`alter database ${database.name} reset timezone`);
  },
);

test('a file that fails in its middle leaves nothing, no lock and the place of the error', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();');
  await project.write('migrations/2_b.sql', 'create table b ();\n\nalter table a\n\tadd é int, add x nosuch;\n');
  const failure = await project.failure();
  expect(failure.code).toBe('migration-failed');
  expect(failure.message).toBe('migrations/2_b.sql:4:19: type "nosuch" does not exist (42704)');
  expect(failure.detail).toContain('4 | \tadd é int, add x nosuch;\n  | \t                 ^');
  expect(failure.detail).toContain('1 of 2 files was applied before and stays applied');
  expect(await tables()).toEqual(['a']);
  expect(await lockHolders()).toBe(0);
});

test('BEGIN and COMMIT in a file are refused with their line before anything runs', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();\nBEGIN;\ncreate table b ();\nCOMMIT;\n');
  const failure = await project.failure();
  expect(failure.message).toBe('migrations/1_a.sql:2:1: BEGIN is not for a migration to say');
  expect(await tables()).toEqual([]);
});

test('a server that ends the connection is a failure to report, not the end of the process', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();\nselect pg_sleep(30);\n');
  const failing = project.failure();
  for (let killed = 0; killed === 0; await systemClock.sleep(50)) {
    killed = (
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and state = 'active' and query like 'select pg_sleep(30)%'`
    ).length;
  }
  const failure = await failing;
  expect([failure.code, failure.message]).toEqual(['connection-failed', 'migrations/1_a.sql:2:1: the connection was lost while this ran']);
  expect(await tables()).toEqual([]);
  await project.write('migrations/1_a.sql', 'create table a ();');
  await project.up();
  expect(await tables()).toEqual(['a']);
});

test('runs that wait for each other let an index be built concurrently', async () => {
  await project.write('migrations/1_a.sql', 'create table a as select generate_series(1, 50000) as id');
  await project.write('migrations/2_i.sql', '-- dbadmin: no-transaction\ncreate index concurrently a_id on a (id);');
  const results = await Promise.all(Array.from({ length: 4 }, async () => await project.up()));
  expect(results.filter(({ runId }) => runId !== undefined)).toHaveLength(1);
  expect((await sql`select indisvalid as valid from pg_index where indexrelid = 'a_id'::regclass`)[0]?.['valid']).toBe(true);
});

test('a run that waited long enough says who holds the lock, with exit status 11', async () => {
  await project.write('migrations/1_a.sql', 'create table a ()');
  const holder = postgres(database.url, { max: 1, connection: { application_name: 'somebody' } });
  await holder`select pg_advisory_lock(7241865325823964)`;
  const failure = await project.failure({ waitMs: 300 });
  await holder.end();
  expect([failure.code, failure.exitStatus]).toEqual(['locked', 11]);
  expect(failure.detail).toContain('somebody');
});

test('what one file sets is not there in the next: search_path, role, any setting', async () => {
  await sql.unsafe('create role migrate_other');
  const leaks =
    "set search_path = ''; set check_function_bodies = off; set role migrate_other; select pg_catalog.set_config('timezone', 'Asia/Tokyo', false);";
  await project.write('migrations/1_a.sql', leaks);
  const shown =
    "current_setting('search_path') as path, current_user as who, current_setting('check_function_bodies') as bodies, current_setting('timezone') as zone";
  await project.write('migrations/2_b.sql', `create table b as select ${shown}`);
  await project.up();
  expect({ ...(await sql`select * from b`)[0] }).toEqual({ path: '"$user", public', who: 'postgres', bodies: 'on', zone: 'UTC' });
  await sql.unsafe('drop role migrate_other');
});

test("a quote in a file's name never reaches SQL", async () => {
  await project.write("migrations/1_a'); drop table x; --.sql", 'create table a ()');
  expect((await project.failure()).message).toContain('not the name of a migration');
});

test('a byte order mark and CRLF are no part of the SQL nor of the checksum', async () => {
  await project.write('migrations/1_a.sql', '\ufeffcreate table a ();\r\n-- end\r\n');
  await project.up();
  await project.write('migrations/1_a.sql', 'create table a ();\n-- end\n');
  expect((await project.up()).warnings).toEqual([]);
});

test('each file is a transaction of its own, so that no number of files exhausts the lock table', async () => {
  for (let number = 1; number <= 40; number += 1) await project.write(`migrations/${number}_t.sql`, `create table t${number} ()`);
  await project.up();
  expect((await sql`select distinct xmin::text from dbadmin.migration_history`).length).toBe(40);
});

test('behind a long reader a file gives up its place in the queue, lets others read, and passes when the reader ends', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int)');
  await project.up();
  await project.write('migrations/2_b.sql', '-- dbadmin: lock-timeout 200ms\nalter table a add b int;');
  const reader = postgres(database.url, { max: 1 });
  await reader.unsafe('begin; select * from a');
  const running = project.up({ retry: { attempts: 50, firstPauseMs: 100, longestPauseMs: 100 } });
  await vi.waitUntil(() => project.messages.some((message) => message.includes('; attempt 2 of')), { timeout: 30_000 });
  const startedMs = Date.now();
  await sql`select * from a`;
  expect(Date.now() - startedMs).toBeLessThan(1000);
  await reader.unsafe('commit');
  await reader.end();
  const { versioned } = await running;
  expect(versioned[0]?.attempts).toBeGreaterThan(1);
  const [row] = await sql`select attempts, lock_wait_ms::int as waited from dbadmin.migration_history where version = '2'`;
  expect(row?.['attempts']).toBe(versioned[0]?.attempts);
  expect(row?.['waited']).toBeGreaterThan(200);
});

test('what the history says was waited for locks is no longer than the run', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int)');
  await project.up();
  await project.write('migrations/2_b.sql', '-- dbadmin: lock-timeout 200ms\nalter table a add b int;');
  const reader = postgres(database.url, { max: 1 });
  await reader.unsafe('begin; select * from a');
  const startedMs = Date.now();
  // The pause is far longer than all else that the run does: counted twice it would show.
  const running = project.up({ retry: { attempts: 2, firstPauseMs: 4000, longestPauseMs: 4000 } });
  await vi.waitUntil(() => project.messages.some((message) => message.includes('; attempt 2 of')), { timeout: 30_000 });
  await reader.unsafe('commit');
  await reader.end();
  const { versioned } = await running;
  expect(versioned[0]?.lockWaitMs).toBeGreaterThan(2000);
  expect(versioned[0]?.lockWaitMs).toBeLessThan(Date.now() - startedMs);
});

test('a lock that never comes free ends in an error after the last attempt, and each time its holder is named', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int)');
  await project.up();
  await project.write('migrations/2_b.sql', 'alter table a add b int;');
  const reader = postgres(database.url, { max: 1 });
  await reader.unsafe('begin; select * from a');
  const failure = await project.failure({ lockTimeoutMs: 400, retry: { attempts: 3, firstPauseMs: 10, longestPauseMs: 10 } });
  await reader.end();
  expect(failure.message).toMatch(/canceling statement due to lock timeout \(55P03\)/);
  const holder =
    /the lock is held by process \d+ \(postgres, postgres\.js, idle in transaction, its transaction open for .*\): .*select \* from a/;
  expect(project.messages.filter((message) => holder.test(message))).toHaveLength(2);
  expect(failure.detail).toMatch(new RegExp(`It was tried 3 times\\. ${holder.source.replace('the', 'The')}`));
});

test('a file that takes away prepared statements is applied once, and the files after it as well', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);\n');
  await project.write(
    'migrations/2_b.sql',
    "create table b (id int);\ninsert into b values (1);\ndo $$ begin execute 'deallocate all'; end $$;\n",
  );
  await project.write('migrations/3_c.sql', '-- dbadmin: no-transaction\ndeallocate all;\ncreate table c (id int);\n');
  await project.write('migrations/4_d.sql', 'create table d (id int);\n');
  await project.up();
  expect(await tables()).toEqual(['a', 'b', 'c', 'd']);
  expect(await sql`select id from b`).toEqual([{ id: 1 }]);
  const rows = await sql`select version, attempts from dbadmin.migration_history where statement_no is null order by seq`;
  expect(rows.map(({ version, attempts }) => [version, attempts])).toEqual([
    ['1', 1],
    ['2', 1],
    ['3', 1],
    ['4', 1],
  ]);
});
