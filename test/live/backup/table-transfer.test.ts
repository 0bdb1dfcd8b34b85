import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportTable } from '../../../src/backup/table/export-run.ts';
import { importTable } from '../../../src/backup/table/import-run.ts';
import { refuseTransfer, transferTables } from '../../../src/backup/table/transfer-run.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const NEVER = new AbortController().signal;
const PATIENT = { timeout: 30_000 };
let cluster: TestCluster;
let sql: postgres.Sql;

beforeAll(async () => {
  cluster = await startTestCluster({ major: 17, provider: 'embedded' });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
});

afterAll(async () => {
  await sql.end();
  await cluster.stop();
});

async function inDatabase(name: string, statements: string): Promise<void> {
  const client = postgres(cluster.url(name), { max: 1, onnotice: () => undefined });
  await client.unsafe(statements);
  await client.end();
}

test('tables keep their values where the database that they come from ends sessions that are idle', async () => {
  await sql.unsafe('create database idle_source');
  await sql.unsafe("alter database idle_source set datestyle = 'SQL, DMY'");
  await sql.unsafe("alter database idle_source set idle_session_timeout = '300ms'");
  await inDatabase(
    'idle_source',
    `create table a (d date); create table b (d date); insert into a values ('2026-02-01'); insert into b values ('2026-02-01')`,
  );
  await sql.unsafe('create database slow_target');
  // As an index of a large table takes: the other session waits for it.
  await inDatabase(
    'slow_target',
    `create function slow() returns event_trigger language plpgsql as 'begin perform pg_sleep(1); end';
    create event trigger slow on ddl_command_end when tag in ('CREATE TABLE') execute function slow()`,
  );
  const tables = [
    { schema: 'public', name: 'a' },
    { schema: 'public', name: 'b' },
  ];
  await transferTables(cluster.parameters('idle_source'), cluster.parameters('slow_target'), tables, 'back', NEVER);
  const target = postgres(cluster.url('slow_target'), { max: 1 });
  expect(await target`select to_char(d, 'YYYY-MM-DD') as d from (select * from back.a union all select * from back.b) as copied`).toEqual([
    { d: '2026-02-01' },
    { d: '2026-02-01' },
  ]);
  await target.end();
});

test('a NOT NULL that was never checked is carried as it is, and refused by name where there is none like it', async () => {
  const newest = await startTestCluster({ major: 18 });
  const source = postgres(newest.url(), { max: 1, onnotice: () => undefined });
  try {
    await source.unsafe(`create table loose (id int primary key, n int, m int not null); insert into loose values (1, null, 1), (2, 2, 2);
      alter table loose add constraint later not null n not valid`);
    const tables = [{ schema: 'public', name: 'loose' }];
    await transferTables(newest.parameters(), newest.parameters(), tables, 'back', NEVER);
    const ofTable = async (table: string): Promise<unknown> =>
      await source.unsafe(`select conname, pg_get_constraintdef(oid) as text, convalidated from pg_constraint
        where conrelid = '${table}'::regclass and contype = 'n' and conname = 'later'`);
    expect(await ofTable('back.loose')).toEqual([{ conname: 'later', text: 'NOT NULL n NOT VALID', convalidated: false }]);
    expect(await source`select n from back.loose order by id`).toEqual([{ n: null }, { n: 2 }]);
    await expect(source`insert into back.loose values (3, null, 3)`).rejects.toMatchObject({ code: '23502' });
    await expect(source`insert into back.loose values (3, 3, null)`).rejects.toMatchObject({ code: '23502' });

    await expect(transferTables(newest.parameters(), cluster.parameters(), tables, 'back', NEVER)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/constraint later of "public"\."loose"/),
    });
    expect(await sql`select 1 from pg_namespace where nspname = 'back'`).toEqual([]);
  } finally {
    await source.end();
    await newest.stop();
  }
});

test('a copy that is interrupted ends at once, in the server too, and nothing of it is left', async () => {
  await sql.unsafe('create database endless');
  await inDatabase(
    'endless',
    `create function endless() returns event_trigger language plpgsql as 'begin perform pg_sleep(60); end';
    create event trigger endless on ddl_command_end when tag in ('CREATE INDEX') execute function endless()`,
  );
  await sql.unsafe('create table indexed (n int); create index on indexed (n); insert into indexed values (1)');
  const stop = new AbortController();
  const tables = [{ schema: 'public', name: 'indexed' }];
  const copying = transferTables(cluster.parameters(), cluster.parameters('endless'), tables, 'back', stop.signal);
  const ended = expect(copying).rejects.toMatchObject({ message: 'enough' });
  const sessions = async (): Promise<number> =>
    (await sql`select 1 from pg_stat_activity where datname = 'endless' and wait_event = 'PgSleep'`).length;
  await expect.poll(sessions, PATIENT).toBe(1);
  const askedAt = Date.now();
  stop.abort(new Error('enough'));
  await ended;
  expect(Date.now() - askedAt).toBeLessThan(20_000);
  await expect.poll(sessions, PATIENT).toBe(0);
  const target = postgres(cluster.url('endless'), { max: 1 });
  expect(await target`select 1 from pg_namespace where nspname = 'back'`).toEqual([]);
  await target.end();
});

test('a schema that the role may not use is told as that, before anything is restored', async () => {
  await sql.unsafe('create database closed');
  await sql.unsafe('create role visitor login; grant create on database closed to visitor');
  await inDatabase('closed', 'create schema back');
  const visitor = { ...cluster.parameters('closed'), user: 'visitor' };
  await expect(refuseTransfer(visitor, [{ schema: 'public', name: 'a' }], 'back')).rejects.toMatchObject({
    code: 'privilege-missing',
    detail: expect.stringContaining('permission denied for schema back'),
  });
});

test('who may make tables in a schema that is there, and no schemas, copies and imports into it', async () => {
  await sql.unsafe('create database kept');
  await sql.unsafe(`create table sown (n int); insert into sown values (1), (2); create role keeper login; create role guest login`);
  await inDatabase('kept', 'create schema kept authorization keeper; grant usage on schema kept to guest');
  const keeper = { ...cluster.parameters('kept'), user: 'keeper' };
  const tables = [{ schema: 'public', name: 'sown' }];
  await refuseTransfer(keeper, tables, 'kept');
  expect(await transferTables(cluster.parameters(), keeper, tables, 'kept', NEVER)).toMatchObject([{ rows: 2 }]);

  const directory = await makeDirectory();
  const out = { directory: path.join(directory, 'sown'), clock: systemClock, tool: 'test', signal: NEVER };
  await exportTable({ parameters: cluster.parameters(), schema: 'public', name: 'sown', ...out });
  const to = { schema: 'kept', name: 'again' };
  expect(await importTable({ parameters: keeper, directory: out.directory, to })).toMatchObject({ made: true, rows: 2 });
  await removeDirectory(directory);

  await expect(refuseTransfer(keeper, tables, 'other')).rejects.toMatchObject({
    code: 'privilege-missing',
    message: 'role keeper may not make schemas in database kept',
  });
  const other = [{ schema: 'public', name: 'other' }];
  await expect(refuseTransfer({ ...keeper, user: 'guest' }, other, 'kept')).rejects.toMatchObject({
    code: 'privilege-missing',
    message: 'role guest may not make tables in schema kept',
    hint: 'An administrator may allow it: GRANT CREATE ON SCHEMA kept TO guest',
  });
});

test('an index whose name is taken where its table comes gets another, and is told', async () => {
  await sql.unsafe(`create schema one; create schema two; create schema there; create sequence there.second_n_idx; create type there.mood as enum ('low');
    create table one.first (id int constraint own primary key, n int constraint same check (n > 0)); create index same_idx on one.first (n);
    create table two.second (id int constraint own primary key, n int constraint same check (n > 0)); create unique index same_idx on two.second (n);
    create index second_n_idx on two.second (n); insert into one.first values (1, 1); insert into two.second values (1, 1), (2, 2)`);
  const tables = [
    { schema: 'one', name: 'first' },
    { schema: 'two', name: 'second' },
  ];
  await refuseTransfer(cluster.parameters(), tables, 'there');
  expect(await transferTables(cluster.parameters(), cluster.parameters(), tables, 'there', NEVER)).toMatchObject([
    { rows: 1, renamed: [] },
    {
      rows: 2,
      renamed: [
        { from: 'own', to: 'second_own' },
        { from: 'same_idx', to: 'second_same_idx' },
        { from: 'second_n_idx', to: 'second_second_n_idx' },
      ],
    },
  ]);
  expect(
    await sql`select conname as name from pg_constraint where conrelid = 'there.second'::regclass and contype in ('c', 'p') order by 1`,
  ).toEqual([{ name: 'same' }, { name: 'second_own' }]);
  expect(await sql`select count(*)::int as n from pg_index where indrelid = 'there.second'::regclass and indisunique`).toEqual([{ n: 2 }]);
  await expect(refuseTransfer(cluster.parameters(), [{ schema: 'one', name: 'mood' }], 'there')).rejects.toMatchObject({
    code: 'refused',
    message: 'there is a type "there"."mood" already',
  });
});

test('an export is imported as another table beside the one that it is of', async () => {
  await sql.unsafe('create table beside (id int primary key); insert into beside values (1)');
  const directory = await makeDirectory();
  const out = { directory: path.join(directory, 'beside'), clock: systemClock, tool: 'test', signal: NEVER };
  await exportTable({ parameters: cluster.parameters(), schema: 'public', name: 'beside', ...out });
  const to = { schema: 'public', name: 'again' };
  expect(await importTable({ parameters: cluster.parameters(), directory: out.directory, to })).toMatchObject({
    made: true,
    renamed: [{ from: 'beside_pkey', to: 'again_beside_pkey' }],
  });
  await removeDirectory(directory);
});
