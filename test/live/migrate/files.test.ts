import postgres from 'postgres';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import type { Archival } from '../../../src/migrate/restore-point.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { createProject, type TestProject } from './project.ts';

const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
beforeEach(async () => {
  project = await createProject(database.url);
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe(
    'drop schema if exists dbadmin cascade; drop schema if exists core cascade; drop schema public cascade; create schema public',
  );
});

test('the data below COPY is loaded as psql loads it, with characters of every length', async () => {
  const rows = Array.from({ length: 20_000 }, (_, index) => `${index}\té${'😀'.repeat(index % 7)}\\tx\n`).join('');
  await project.write(
    'migrations/1_a.sql',
    `create table a (id int, t text);\ncopy a from stdin;\n${rows}\\.\ninsert into a values (-1, 'after');\n`,
  );
  await project.up();
  const [row] = await sql`select count(*)::int as rows, sum(length(t))::int as characters, max(t) filter (where id = 6) as six from a`;
  const characters = Array.from({ length: 20_000 }, (_, index) => 3 + (index % 7)).reduce((sum, each) => sum + each, 5);
  expect({ ...row }).toEqual({ rows: 20_001, characters, six: `é${'😀'.repeat(6)}\tx` });
});

test('a bad line of COPY data is named with its line in the file', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);\ncopy a from stdin;\n1\ntwo\n3\n\\.\n');
  const failure = await project.failure();
  expect(failure.message).toMatch(/^migrations\/1_a\.sql:4:1: invalid input syntax for type integer: "two" \(22P02\)$/);
  expect(failure.detail).toContain('4 | two');
});

test('a file that releases the lock of the run is not applied, and neither is any after it', async () => {
  await project.write('migrations/1_a.sql', 'select pg_advisory_unlock_all(); create table a ();');
  await project.write('migrations/2_b.sql', 'create table b ();');
  const failure = await project.failure();
  expect(failure.message).toBe('migrations/1_a.sql: the lock of this run is gone');
  expect(failure.detail).toContain('Nothing of this file is applied.');
  expect(await sql`select from dbadmin.migration_history`).toHaveLength(0);
  expect((await sql`select to_regclass('a') as a, to_regclass('b') as b`)[0]).toEqual({ a: null, b: null });
});

test('a file whose COMMIT fails is not applied, and the next, whose transaction was begun behind it, leaves nothing', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int primary key, parent int references a deferrable initially deferred);');
  await project.write('migrations/2_b.sql', 'insert into a values (1, 2);');
  await project.write('migrations/3_c.sql', 'create table c (id int);');
  const failure = await project.failure();
  expect(failure.message).toMatch(/^migrations\/2_b\.sql:1:1: insert or update on table "a" violates foreign key .* \(23503\)$/);
  expect(failure.detail).toContain('1 of 3 files was applied before and stays applied');
  expect((await sql`select version from dbadmin.migration_history`).map(({ version }) => version as string)).toEqual(['1']);
  expect((await sql`select to_regclass('c') as c, (select count(*)::int from a) as rows`)[0]).toEqual({ c: null, rows: 0 });
  await project.write('migrations/2_b.sql', 'insert into a values (1, 1);');
  expect((await project.up()).versioned.map(({ file }) => file)).toEqual(['2_b.sql', '3_c.sql']);
});

test('each file starts with fresh settings, also where the statements of one go to the server before the last of the other ended', async () => {
  await sql.unsafe('create schema other');
  await project.write('migrations/1_a.sql', "set search_path = other; set lock_timeout = '7s'; create table a (id int);");
  await project.write('migrations/2_b.sql', 'create table b (id int);');
  await project.write('migrations/3_c.sql', "create table c as select current_setting('lock_timeout') as timeout;");
  await project.up();
  expect((await sql`select to_regclass('other.a')::text as a, to_regclass('public.b')::text as b, timeout from c`)[0]).toEqual({
    a: 'other.a',
    b: 'b',
    timeout: '3s',
  });
  await sql.unsafe('drop schema other cascade');
});

test('a last statement that fails is told as itself, though the row and COMMIT were sent behind it', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);');
  await project.write('migrations/2_b.sql', 'create table b (id int);\n\n  create table a (id int);');
  const failure = await project.failure();
  expect(failure.message).toBe('migrations/2_b.sql:3:3: relation "a" already exists (42P07)');
  expect((await sql`select version from dbadmin.migration_history`).map(({ version }) => version as string)).toEqual(['1']);
  expect((await sql`select to_regclass('b') as b`)[0]?.['b']).toBeNull();
});

test('a file that is sent while the one before commits fails as itself, at its first bad statement, and leaves nothing', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);\ndeallocate all;');
  await project.write('migrations/2_b.sql', 'create table b (id int);');
  await project.write('migrations/3_c.sql', 'create table c (id int);\n  create index c_id on c (nosuch);\ncreate table b (id int);');
  await project.write('migrations/4_d.sql', 'create table d (id int);');
  const failure = await project.failure();
  expect(failure.message).toBe('migrations/3_c.sql:2:3: column "nosuch" does not exist (42703)');
  expect(failure.detail).toContain('Nothing of this file is applied.\n2 of 4 files were applied before and stay applied');
  expect((await sql`select to_regclass('b')::text as b, to_regclass('c') as c, to_regclass('d') as d`)[0]).toEqual({
    b: 'b',
    c: null,
    d: null,
  });
  await project.write('migrations/3_c.sql', 'create table c (id int);\ncreate index c_id on c (id);');
  expect((await project.up()).versioned.map(({ file, statements }) => [file, statements])).toEqual([
    ['3_c.sql', 2],
    ['4_d.sql', 1],
  ]);
  const rows = await sql`select version, attempts from dbadmin.migration_history order by seq`;
  expect(rows.map(({ version, attempts }) => [version, attempts])).toEqual([
    ['1', 1],
    ['2', 1],
    ['3', 1],
    ['4', 1],
  ]);
});

test('a constraint that fails only at commit leaves neither table nor history', async () => {
  const deferred =
    'create table a (id int primary key, parent int references a deferrable initially deferred);\ninsert into a values (1, 2);';
  await project.write('migrations/1_a.sql', deferred);
  expect((await project.failure()).message).toContain('(23503)');
  expect(await sql`select from dbadmin.migration_history`).toHaveLength(0);
});

test('a no-transaction file goes on after its last good statement, and settings hold again', async () => {
  const start = "-- dbadmin: no-transaction\nset application_name = 'kept';\ncreate table a (id int);\ninsert into a values (1);\n";
  await project.write(
    'migrations/1_a.sql',
    `${start}insert into a select 1 / 0;\ncreate table b as select current_setting('application_name') as name;\n`,
  );
  expect((await project.failure()).message).toMatch(/^migrations\/1_a\.sql:5:1: division by zero/);
  await project.write(
    'migrations/1_a.sql',
    `${start}insert into a select 2;\ncreate table b as select current_setting('application_name') as name;\n`,
  );
  const { versioned } = await project.up();
  expect(versioned[0]?.statements).toBe(2);
  expect((await sql`select id from a order by 1`).map(({ id }) => id as number)).toEqual([1, 2]);
  expect((await sql`select name from b`)[0]?.['name']).toBe('kept');
});

test('a no-transaction file that goes on looks along the path that it set, however it set it', async () => {
  await sql.unsafe('create schema core; create table core.play (id int); create table public.play (id int)');
  const start = "-- dbadmin: no-transaction\nselect pg_catalog.set_config('search_path', 'core', false);\n";
  await project.write('migrations/1_a.sql', `${start}insert into play select 1 / 0;\nalter table play add column length int;\n`);
  await project.failure();
  await project.write('migrations/1_a.sql', `${start}insert into play select 1;\nalter table play add column length int;\n`);
  await project.up();
  const rows =
    await sql`select table_schema as schema from information_schema.columns where column_name = 'length' and table_name = 'play'`;
  expect(rows.map(({ schema }) => schema as string)).toEqual(['core']);
});

test('temporary tables of one file are not there in the next, and are while a no-transaction file goes on', async () => {
  await project.write('migrations/1_a.sql', 'create temp table map as select 1 as id; create table a as select * from map;');
  await project.write('migrations/2_b.sql', 'create temp table map as select 2 as id; create table b as select * from map;');
  await project.up();
  const holder = postgres(database.url, { max: 1 });
  await project.write(
    'migrations/4_d.sql',
    '-- dbadmin: no-transaction\n-- dbadmin: lock-timeout 200ms\ncreate temp table map as select 4 as id;\nalter table a add column late int;\ninsert into a (id) select id from map;\n',
  );
  await holder.unsafe('begin; lock table a in access share mode');
  const running = project.up();
  await vi.waitUntil(() => project.messages.some((message) => message.includes('; attempt 2 of')), { timeout: 30_000 });
  await holder.unsafe('commit');
  await holder.end();
  await running;
  expect((await sql`select id from a order by 1`).map(({ id }) => id as number)).toEqual([1, 4]);
  expect((await sql`select id from b`).map(({ id }) => id as number)).toEqual([2]);
});

test('a partitioned table is reindexed and clustered in a file without a transaction', async () => {
  await sql.unsafe(
    'create table p (id int) partition by range (id); create table p1 partition of p for values from (0) to (9); create index p_id on p (id)',
  );
  const [server] = await sql<{ major: number }[]>`select current_setting('server_version_num')::int / 10000 as major`;
  // PostgreSQL 14 clusters no partitioned table.
  const cluster = (server?.major ?? 0) < 15 ? '' : 'cluster p using p_id;\n';
  await project.write('migrations/1_r.sql', `-- dbadmin: no-transaction\nreindex table p;\nreindex index p_id;\n${cluster}`);
  expect((await project.up()).versioned).toHaveLength(1);
});

test('a statement that already ran may not become another one', async () => {
  await project.write('migrations/1_a.sql', '-- dbadmin: no-transaction\ncreate table a (id int);\nselect 1 / 0;\n');
  await project.failure();
  await project.write('migrations/1_a.sql', '-- dbadmin: no-transaction\ncreate table a (id bigint);\nselect 1;\n');
  expect((await project.failure()).message).toBe(
    'migrations/1_a.sql:2:1: statement 1 was applied by an interrupted run and is another one now',
  );
});

test('a unique index that cannot be built leaves no INVALID index, and is built once the rows allow it', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int); insert into a values (1), (1);');
  await project.write('migrations/2_i.sql', '-- dbadmin: no-transaction\ncreate unique index concurrently if not exists a_id on a (id);');
  expect((await project.failure()).message).toMatch(/could not create unique index "a_id" \(23505\)/);
  expect(await sql`select from pg_index where indrelid = 'a'::regclass`).toHaveLength(0);
  await sql`delete from a`;
  await project.up();
  expect((await sql`select indisvalid as valid from pg_index where indrelid = 'a'::regclass`)[0]?.['valid']).toBe(true);
});

test('IF NOT EXISTS does not take an INVALID index for the one that is wanted', async () => {
  await sql.unsafe('create table a (id int); create index a_id on a (id)');
  await sql`update pg_index set indisvalid = false where indexrelid = 'a_id'::regclass`;
  await project.write('migrations/2_i.sql', '-- dbadmin: no-transaction\ncreate index concurrently if not exists a_id on a (id);');
  await project.up();
  expect((await sql`select indisvalid as valid from pg_index where indrelid = 'a'::regclass`)[0]?.['valid']).toBe(true);
  expect(project.messages.join('\n')).toContain('index public.a_id was INVALID');
});

test('the history holds who, what, how long and which locks, and cannot be changed', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);');
  await project.write('migrations/2_b.sql', 'alter table a add b int;\n');
  await project.up({ gitCommit: async () => await Promise.resolve('f'.repeat(40)) });
  const [row] = await sql`select kind, version, name, body, encode(sha256, 'hex') as sha, applied_by, tool_version, git_commit, locks,
    finished_at >= started_at as ordered, statement_no from dbadmin.migration_history where version = '2'`;
  expect({ ...row }).toEqual({
    kind: 'versioned',
    version: '2',
    name: '2_b.sql',
    body: 'alter table a add b int;\n',
    sha: '271e4c450d9cbd88ab34ea501b77df5e5b5a7168019f27b6fd432095e09d93f3',
    applied_by: 'postgres',
    tool_version: '0.0.0-test',
    git_commit: 'f'.repeat(40),
    locks: [{ relation: 'public.a', mode: 'AccessExclusiveLock', heldMs: expect.any(Number) }],
    ordered: true,
    statement_no: null,
  });
  await expect(sql`update dbadmin.migration_history set name = 'x'`).rejects.toThrow(/append-only/);
  await expect(sql`delete from dbadmin.migration_history`).rejects.toThrow(/append-only/);
  await expect(sql`truncate dbadmin.migration_history`).rejects.toThrow(/append-only/);
});

test('a restore point is set before the first file and only when there is something to do', async () => {
  await project.write('migrations/20260101T000000_a.sql', 'create table a (id int);');
  const seen: string[] = [];
  const awaitArchived = async ({ name }: { readonly name: string }): Promise<Archival> => {
    seen.push(name);
    const archived = (await sql`select to_regclass('a') is not null as there`)[0]?.['there'] === true;
    return { archived, repositories: [], reasons: ['local: nobody receives'] };
  };
  const { restorePoint } = await project.up({ wantsRestorePoint: true, awaitArchived });
  expect(restorePoint?.name).toMatch(/^dbadmin_\d{8}T\d{6}Z_20260101T000000$/);
  expect(restorePoint?.archived).toBe(false);
  expect(project.messages.join('\n')).toContain('is not recoverable yet: local: nobody receives');
  const [row] = await sql`select restore_point, restore_lsn::text as lsn from dbadmin.migration_history`;
  expect({ ...row }).toEqual({ restore_point: restorePoint?.name, lsn: restorePoint?.lsn });
  expect((await project.up({ wantsRestorePoint: true, awaitArchived })).restorePoint).toBeUndefined();
  expect(seen).toHaveLength(1);
});

test('a role without the right to set restore points migrates all the same, and is told', async () => {
  const role = `${database.name}_owner`;
  await sql.unsafe(
    `create role ${role} login; grant create on database ${database.name} to ${role}; grant all on schema public to ${role}`,
  );
  await project.write('migrations/1_a.sql', 'create table a (id int);');
  const { connection } = project.options();
  const { restorePoint } = await project.up({ connection: { ...connection, user: role }, wantsRestorePoint: true });
  expect(restorePoint).toBeUndefined();
  expect(project.messages.join('\n')).toContain(`no restore point: ${role} may not call pg_create_restore_point`);
  await sql.unsafe(`drop owned by ${role} cascade; drop role ${role}`);
});

test('a role that may not read the history is told what it needs', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);');
  await project.up();
  const role = `${database.name}_stranger`;
  await sql.unsafe(`create role ${role} login`);
  const { connection } = project.options();
  const failure = await project.failure({ connection: { ...connection, user: role } });
  await sql.unsafe(`drop role ${role}`);
  expect([failure.code, failure.message]).toEqual([
    'privilege-missing',
    'the server refused: permission denied for schema dbadmin (42501)',
  ]);
});

test('an interruption cancels the running statement and leaves nothing of the file', async () => {
  await project.write('migrations/1_a.sql', 'create table a (); select pg_sleep(30);');
  const controller = new AbortController();
  const running = expect(project.up({ signal: controller.signal })).rejects.toThrow('stopped by the test');
  const asleep = async (): Promise<boolean> =>
    (await sql`select from pg_stat_activity where datname = current_database() and state = 'active' and query = 'select pg_sleep(30)'`)
      .length > 0;
  while (!(await asleep())) await systemClock.sleep(20);
  const startedMs = Date.now();
  controller.abort(new Error('stopped by the test'));
  await running;
  expect(Date.now() - startedMs).toBeLessThan(10_000);
  expect((await sql`select to_regclass('a') as name`)[0]?.['name']).toBeNull();
});

test('an interruption says what of which file is in the database', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();');
  await project.write('migrations/2_b.sql', '-- dbadmin: no-transaction\ncreate table b ();\nselect pg_sleep(30);');
  const controller = new AbortController();
  const running = project.up({ signal: controller.signal }).catch((error: unknown) => error);
  const asleep = async (): Promise<boolean> =>
    (await sql`select from pg_stat_activity where datname = current_database() and state = 'active' and query = 'select pg_sleep(30)'`)
      .length > 0;
  while (!(await asleep())) await systemClock.sleep(20);
  controller.abort(new DbadminError('interrupted', 'interrupted by SIGINT'));
  expect(await running).toMatchObject({
    code: 'interrupted',
    message: 'interrupted by SIGINT',
    detail: [
      'It stopped in migrations/2_b.sql.',
      'Statement 1 is applied and stays so; the next run goes on with statement 2.',
      '1 of 2 files was applied before and stays applied; the next run goes on from here.',
    ].join('\n'),
  });
});

test('the failure of a DO block is shown on the line of the file where it happened', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();\n-- why\ndo $x$\nbegin\n  perform 1;\n  perform nosuch(1);\nend $x$;\n');
  const failure = await project.failure();
  expect(failure.message).toMatch(/^migrations\/1_a\.sql:6:3: function nosuch\(integer\) does not exist \(42883\)$/);
  expect(failure.detail).toContain('6 |   perform nosuch(1);\n  |   ^');
  await project.write(
    'migrations/1_a.sql',
    "create function inner_one() returns void language plpgsql as $$\nbegin\n\n\n\n  raise 'no';\nend $$;\ndo language plpgsql 'declare x int;\nbegin\n  perform inner_one();\nend';\n",
  );
  expect((await project.failure()).message).toMatch(/^migrations\/1_a\.sql:10:3: no \(P0001\)$/);
});

test.each([
  ['not SQL', 'create tabel a ();', /1_a\.sql:1:8: syntax error at or near "tabel"/],
  ['a string without its end', "select 1;\nselect 'abc", /1_a\.sql:2:8: a string is never closed/],
  ['a line for psql', 'select 1;\n\\i other.sql\n', /1_a\.sql:2:1: "\\i other\.sql" is for psql, not SQL/],
  ['Latin-1', new Uint8Array([0x2d, 0x2d, 0x20, 0xe9, 0x0a]), /1_a\.sql: not UTF-8/],
  ['an unknown directive', '-- dbadmin: no-transactoin\nselect 1;', /unknown directive "no-transactoin", did you mean "no-transaction"\?/],
  ['a directive too late', 'select 1;\n-- dbadmin: no-transaction\nselect 2;', /must stand before the first statement/],
  ['a version required that is nowhere', '-- dbadmin: requires 7\nselect 1;', /requires 7, which is neither applied nor pending before it/],
  ['a concurrent index in a transaction', 'create index concurrently i on a (b);', /cannot run in a transaction/],
])('bad input is refused before anything runs: %s', async (_, text, message) => {
  await project.write('migrations/1_a.sql', text);
  const failure = await project.failure();
  expect([failure.code, failure.exitStatus]).toEqual(['migration-invalid', 1]);
  expect(failure.message).toMatch(message);
  expect((await sql`select to_regclass('dbadmin.migration_history') as name`)[0]?.['name']).toBeNull();
});

test('an applied file that was saved as UTF-16 is said to be that, and not to be gone', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();');
  await project.write('routines/public/f.sql', 'create or replace view f as select 1 as one;');
  await project.up();
  await project.write('migrations/1_a.sql', Buffer.from('\ufeffcreate table a ();', 'utf16le'));
  const failure = await project.failure();
  expect(failure.message).toBe('migrations/1_a.sql: not UTF-8');
  expect(failure.hint).not.toContain('--forget');
});

test('a project without its directory of files is not said to be up to date without a word', async () => {
  expect((await project.up()).warnings).toEqual(['there is no directory migrations, so no versioned file was found']);
  await project.write('migrations/README.md', 'Nothing yet.');
  expect((await project.up()).warnings).toEqual([]);
});
