import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportTable } from '../../../src/backup/table/export-run.ts';
import { importTable } from '../../../src/backup/table/import-run.ts';
import { transferTables } from '../../../src/backup/table/transfer-run.ts';
import { parseTableName } from '../../../src/backup/table/definition.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { runCommand, writeConfig, type CommandEnd } from '../../backup/command.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { appendLedger } from '../../../src/repository/ledger.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { createDiskStore } from '../../../src/storage/disk.ts';

let directory: string;
let cluster: TestCluster;
let sql: postgres.Sql;
let count = 0;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 17, provider: 'embedded', settings: { summarize_wal: 'on' } });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe(`
    create schema "odd "" schema"; create type "odd "" schema".mood as enum ('low', 'high''s');
    create table "odd "" schema"."order" (
      id int primary key, "select" text collate "C" not null default 'x', mood "odd "" schema".mood, moods "odd "" schema".mood[],
      doc jsonb, x xml, amount numeric(12,3) check (amount >= 0), at timestamptz, b bytea, tags text[], r int4range, exclude using gist (r with &&));
    create index on "odd "" schema"."order" (lower("select")) where amount > 1;
    comment on column "odd "" schema"."order"."select" is 'it''s \\ here';
    insert into "odd "" schema"."order" select g, case when g = 1 then '' else 'a "quoted", text' || chr(10) || 'line' end, 'high''s', '{low,"high''s"}',
      '{"a": null}', '<a/>', g, now(), '\\x00ff', array[null, 'NULL', '', '\\N'], int4range(g, g + 1) from generate_series(1, 50) g;
    insert into "odd "" schema"."order" (id, "select") values (51, '\\.');
    create table public.plain (n int, t text); insert into public.plain values (1, 'twice'), (1, 'twice'), (2, null), (2, '');
    create table public.empty (n int);`);
});

afterAll(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

async function exported(schema: string, name: string): Promise<string> {
  count += 1;
  const out = path.join(directory, `export-${count}`);
  const signal = new AbortController().signal;
  await exportTable({ parameters: cluster.parameters(), schema, name, directory: out, clock: systemClock, tool: 'test', signal });
  return out;
}

describe('a table exported', () => {
  test('needs SELECT on the table, and says so where its columns or its schema alone are not enough', async () => {
    await sql.unsafe(`create schema narrow; create table narrow.t (id int, n int); insert into narrow.t values (1, 2);
      create role "odd reader" login; grant select (id, n) on narrow.t to "odd reader"`);
    const attempt = async (): Promise<unknown> => {
      count += 1;
      const out = path.join(directory, `export-${count}`);
      const table = { schema: 'narrow', name: 't', directory: out, clock: systemClock, tool: 'test', signal: new AbortController().signal };
      return await exportTable({ parameters: cluster.parameters('postgres', 'odd reader'), ...table });
    };
    const refusal = (hint: string): object => ({ code: 'privilege-missing', hint: expect.stringContaining(hint) as unknown });
    const [usage, select] = ['GRANT USAGE ON SCHEMA "narrow" TO "odd reader"', 'GRANT SELECT ON "narrow"."t" TO "odd reader"'];
    await expect(attempt()).rejects.toMatchObject(refusal(`${usage}; ${select}`));
    await sql.unsafe(usage);
    await expect(attempt()).rejects.toMatchObject({
      ...refusal(select),
      detail: expect.stringContaining('its columns') as unknown,
    });
    await sql.unsafe(select);
    expect(await attempt()).toMatchObject({ rows: 1 });
    await sql.unsafe('drop owned by "odd reader"; drop role "odd reader"; drop schema narrow cascade');
  });

  test('E8: and imported elsewhere is the same: every value, constraint, index and comment', async () => {
    const out = await exported('odd " schema', 'order');
    const to = { schema: 'again', name: 'order' };
    expect(await importTable({ parameters: cluster.parameters(), directory: out, to })).toMatchObject({ made: true, rows: 51, added: 51 });
    const [difference] = await sql.unsafe<{ count: number }[]>(
      `select count(*)::int as count from (select o::text from "odd "" schema"."order" o except select a::text from again."order" a) d`,
    );
    expect(difference?.count).toBe(0);
    const describeTable = async (table: string): Promise<unknown> =>
      await sql.unsafe(
        `select (select array_agg(pg_get_constraintdef(oid) order by pg_get_constraintdef(oid)) from pg_constraint where conrelid = $1::regclass) as constraints,
          (select count(*)::int from pg_index where indrelid = $1::regclass) as indexes, col_description($1::regclass, 2) as comment`,
        [table],
      );
    expect(await describeTable('again."order"')).toEqual(await describeTable('"odd "" schema"."order"'));
  });

  test('E8: and imported twice adds nothing, and what was taken away since comes back, as often as it was there', async () => {
    const out = await exported('public', 'plain');
    const request = { parameters: cluster.parameters(), directory: out, to: undefined };
    expect(await importTable(request)).toMatchObject({ made: false, rows: 4, added: 0 });
    await sql`delete from plain where ctid in (select min(ctid) from plain where t = 'twice')`;
    await sql`delete from plain where t = ''`;
    await sql`insert into plain values (9, 'new')`;
    expect(await importTable(request)).toMatchObject({ added: 2 });
    expect(await importTable(request)).toMatchObject({ added: 0 });
    expect((await sql`select n, t from plain order by n, t nulls first`).map(({ n, t }) => [n, t])).toEqual([
      [1, 'twice'],
      [1, 'twice'],
      [2, null],
      [2, ''],
      [9, 'new'],
    ]);
  });

  test('E8: may be empty', async () => {
    const out = await exported('public', 'empty');
    const to = { schema: 'again', name: 'empty' };
    expect(await importTable({ parameters: cluster.parameters(), directory: out, to })).toMatchObject({ made: true, rows: 0 });
  });

  test.each([
    ['a load that empties it first', 'truncate chart; insert into chart select g, g from generate_series(1, 7) g', 'chart', 7],
    ['a load of one partition', 'truncate chart_low; insert into chart select g, g from generate_series(1, 7) g', 'chart', 9],
    ['a change that rewrites it', 'alter table chart alter column m type bigint', 'chart', 4],
    ['a REFRESH', 'insert into drawn values (3, 3); refresh materialized view chart_view', 'chart_view', 3],
  ])('waits for %s, and has what is there then', async (_what, change, name, rows) => {
    await sql.unsafe(`drop table if exists chart, drawn cascade; create table chart (n int, m int) partition by range (n);
      create table chart_low partition of chart for values from (1) to (100);
      create table chart_high partition of chart for values from (100) to (200);
      insert into chart values (1, 1), (2, 2), (101, 1), (102, 2); create table drawn (n int, m int); insert into drawn values (1, 1), (2, 2);
      create materialized view chart_view as select * from drawn`);
    const other = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await other.unsafe(`begin; ${change}`);
    const exporting = exported('public', name);
    try {
      await expect.poll(async () => (await sql`select 1 from pg_locks where not granted`).length).toBeGreaterThan(0);
    } finally {
      await other.unsafe('commit');
      await other.end();
    }
    const out = await exporting;
    const { table, rows: counted } = JSON.parse(await readFile(path.join(out, 'table.json'), 'utf8')) as {
      rows: number;
      table: { columns: { type: string }[] };
    };
    expect(counted).toBe(rows);
    expect((await readFile(path.join(out, 'rows.csv'), 'utf8')).trimEnd().split('\n')).toHaveLength(rows + 1);
    expect(table.columns[1]?.type).toBe(change.startsWith('alter') ? 'bigint' : 'integer');
  });

  test('is refused when its rows are not those that were exported, and nothing is changed', async () => {
    const out = await exported('public', 'plain');
    const file = path.join(out, 'rows.csv');
    await writeFile(file, (await readFile(file, 'utf8')).replace('new', 'old'));
    const to = { schema: 'again', name: 'plain' };
    const request = { parameters: cluster.parameters(), directory: out, to };
    await expect(importTable(request)).rejects.toMatchObject({ code: 'refused', message: expect.stringMatching(/not what was exported/) });
    expect(await sql`select to_regclass('again.plain') as t`).toMatchObject([{ t: null }]);
    await rm(path.join(out, 'table.json'));
    await expect(importTable(request)).rejects.toMatchObject({ code: 'file-unreadable' });
    const other = {
      parameters: cluster.parameters(),
      directory: await exported('public', 'empty'),
      to: { schema: 'public', name: 'plain' },
    };
    await expect(importTable(other)).rejects.toThrow(/other columns/);
  });

  test('is refused, and so is an import, where a policy would leave rows out', async () => {
    await sql.unsafe(`create role clerk login; create table public.tenant_row (n int, owner text);
      insert into public.tenant_row values (1, 'clerk'), (2, 'another'); grant select, insert on public.tenant_row to clerk;
      grant create on schema public to clerk; alter table public.tenant_row enable row level security;
      create policy own on public.tenant_row using (owner = current_user)`);
    const out = path.join(directory, 'filtered');
    const table = { schema: 'public', name: 'tenant_row', clock: systemClock, tool: 'test', signal: new AbortController().signal };
    const clerk = cluster.parameters('postgres', 'clerk');
    const refusal = {
      code: 'privilege-missing',
      message: 'row-level security policies would leave rows out for role clerk',
      detail: expect.stringContaining('"tenant_row"'),
    };
    await expect(exportTable({ ...table, parameters: clerk, directory: out })).rejects.toMatchObject(refusal);
    expect(await readdir(out)).not.toContain('table.json');
    const request = { parameters: clerk, directory: await exported('public', 'tenant_row'), to: undefined };
    await expect(importTable(request)).rejects.toMatchObject(refusal);
    expect(await importTable({ ...request, parameters: cluster.parameters() })).toMatchObject({ rows: 2, added: 0 });
  });

  test('keeps its values between databases that write and read dates, intervals, numbers and money each in its own way', async () => {
    const columns = '(d date, at timestamptz, i interval, f float8, m money, b bytea, a text[], x xml)';
    await sql.unsafe('create database days_first');
    await sql.unsafe('create database months_first');
    for (const setting of [
      "datestyle = 'SQL, DMY'",
      "intervalstyle = 'sql_standard'",
      'extra_float_digits = -10',
      "timezone = 'Asia/Tokyo'",
    ])
      await sql.unsafe(`alter database days_first set ${setting}`);
    await sql.unsafe("alter database days_first set bytea_output = 'escape'");
    for (const setting of ["datestyle = 'SQL, MDY'", "intervalstyle = 'postgres_verbose'", 'array_nulls = off', "xmloption = 'document'"])
      await sql.unsafe(`alter database months_first set ${setting}`);
    await sql.unsafe('alter database days_first set search_path = app, public');
    const days = postgres(cluster.url('days_first'), { max: 1, onnotice: () => undefined });
    const months = postgres(cluster.url('months_first'), { max: 1, onnotice: () => undefined });
    await days.unsafe(`create schema app; create function app.is_early(date) returns bool language sql immutable as $$select $1 < date '2999-01-01'$$;
      create table app.visit ${columns}; alter table app.visit add check (app.is_early(d));
      insert into app.visit values ('2026-02-01', '2026-02-01 03:04:05.678901+00', '-1 day +02:03:04', pi(), 12.34, '\\x00ff5c', '{null,"NULL"}', 'a<b/>')`);
    await months.unsafe(`create schema app; create function app.is_early(date) returns bool language sql immutable as 'select true'`);
    const same = async (client: postgres.Sql, table: string): Promise<unknown> =>
      await client.unsafe(`select d - date '2000-01-01' as d, extract(epoch from at)::text as at, extract(epoch from i)::text as i,
        encode(float8send(f), 'hex') as f, m::numeric::text as m, encode(b, 'hex') as b, a[1] is null as null, a[2] as a, x::text as x from ${table}`);
    const source = await same(days, 'app.visit');
    const out = path.join(directory, 'days');
    const signal = new AbortController().signal;
    const table = { schema: 'app', name: 'visit' };
    await exportTable({ parameters: cluster.parameters('days_first'), ...table, directory: out, clock: systemClock, tool: 'test', signal });
    await importTable({ parameters: cluster.parameters('months_first'), directory: out, to: undefined });
    expect(await same(months, 'app.visit')).toEqual(source);
    await transferTables(cluster.parameters('days_first'), cluster.parameters('months_first'), [table], 'back', signal);
    expect(await same(months, 'back.visit')).toEqual(source);
    await days.end();
    await months.end();
  });

  test('of before its settings were recorded is read as the session is set', async () => {
    const out = await exported('public', 'empty');
    const file = path.join(out, 'table.json');
    const { textSettings, ...before } = JSON.parse(await readFile(file, 'utf8')) as { textSettings: object; sha256: string };
    expect(textSettings).toMatchObject({ datestyle: 'ISO, YMD' });
    const rows = '"d"\n"01/02/2026"\n';
    const sha256 = createHash('sha256').update(rows).digest('hex');
    const column = { name: 'd', type: 'date', notNull: false, collation: null, comment: null };
    const day = { schema: 'public', name: 'day', columns: [column], constraints: [], indexes: [], comment: null };
    await writeFile(file, JSON.stringify({ ...before, table: day, rows: 1, sha256 }));
    await writeFile(path.join(out, 'rows.csv'), rows);
    await importTable({ parameters: cluster.parameters('days_first'), directory: out, to: undefined });
    const days = postgres(cluster.url('days_first'), { max: 1 });
    expect(await days`select to_char(d, 'YYYY-MM-DD') as d from public.day`).toEqual([{ d: '2026-02-01' }]);
    await days.end();
  });

  test('is named with its schema, quoted or not', () => {
    expect(parseTableName('Core.Track')).toEqual({ schema: 'core', name: 'track' });
    expect(parseTableName('"A ""b"".c".d')).toEqual({ schema: 'A "b".c', name: 'd' });
    for (const text of ['track', 'a.b.c', '"a.b', '']) expect(parseTableName(text)).toBeUndefined();
  });
});

test('restore --table brings tables back as they were, into a new schema, and leaves nothing behind', async () => {
  const place = path.join(directory, 'repository');
  const config = await writeConfig(directory, cluster, place);
  const command = async (...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> =>
    await runCommand([...args, '--config', config, '--yes'], { DBADMIN_PG_BIN_17: cluster.programs?.binDirectory ?? '' });
  expect(await command('backup', 'init')).toMatchObject({ status: 0 });
  expect(await command('backup', 'run')).toMatchObject({ status: 0 });
  const before = await sql`select * from plain order by n, t`;
  await sql`drop table plain`;
  await sql.unsafe('update "odd "" schema"."order" set amount = 0');
  const spool = path.join(directory, 'spool');
  // A run that was killed an hour ago left a copy of everything.
  const left = path.join(spool, 'dbadmin-drill-killed');
  await mkdir(path.join(left, 'data'), { recursive: true });
  await utimes(left, Date.now() / 1000 - 3600, Date.now() / 1000 - 3600);
  const restored = await command(
    'restore',
    '--table',
    'public.plain,"odd "" schema"."order"',
    '--to-latest',
    '--schema',
    'back',
    '--spool',
    spool,
  );
  expect(restored, restored.stderr).toMatchObject({ status: 0 });
  expect(restored.stdout).toMatch(/made {7}"back"."plain" {3}5 rows/);
  expect(await sql`select * from back.plain order by n, t`).toEqual(before);
  expect(await sql.unsafe('select sum(amount)::int as sum from back."order"')).toEqual([{ sum: 1275 }]);
  expect(await readdir(spool)).toEqual([]);
  const again = await command('restore', '--table', 'public.plain', '--to-latest', '--schema', 'back', '--spool', spool);
  expect(again).toMatchObject({ status: 1, stderr: expect.stringMatching(/there is a table "back"."plain" already/) });
  expect(await readdir(spool)).toEqual([]);
});

test('restore --table of what was not there says which moment and database it looked at, and how the moment is found', async () => {
  const spool = path.join(directory, 'spool');
  const restore = async (...args: string[]): Promise<CommandEnd> =>
    await runCommand(['restore', '--to-latest', '--spool', spool, '--yes', '--config', path.join(directory, 'dbadmin.yaml'), ...args], {
      DBADMIN_PG_BIN_17: cluster.programs?.binDirectory ?? '',
    });
  const absent = await restore('--table', 'public.empty,public."Gone"');
  expect(absent.status).toBe(64);
  expect(absent.stderr).toContain('there was no table "public"."Gone" in database "postgres" (everything in the repository)');
  expect(absent.stderr).toMatch(/wal find --drop 'public\."Gone"' --database postgres .*--before-drop .*--to/);
  const elsewhere = await restore('--table', 'public.plain', '--database', 'nowhere');
  expect(elsewhere.status).toBe(64);
  expect(elsewhere.stderr).toMatch(/there was no database "nowhere"[^]*There were .*"postgres"[^]*--database/);
  expect(await readdir(spool)).toEqual([]);
  expect(await sql`select nspname from pg_namespace where nspname like 'restored%'`).toEqual([]);
});

test('restore --table looks at where tables are to come before it restores anything', async () => {
  const config = path.join(directory, 'dbadmin.yaml');
  const plan = async (...args: string[]): Promise<CommandEnd> =>
    await runCommand(['restore', '--to-latest', '--dry-run', '--config', config, ...args]);
  const refusal = (text: RegExp): object => ({ status: 1, stderr: expect.stringMatching(text) as unknown });
  expect(await plan('--table', 'public.plain', '--schema', 'back')).toMatchObject(refusal(/there is a table "back"."plain" already/));
  expect(await plan('--table', 'public.plain,again.plain')).toMatchObject({
    status: 64,
    stderr: expect.stringMatching(/"public"."plain" and "again"."plain" have the same name/),
  });
  expect(await plan('--table', 'public.plain', '--table', 'Public.Plain')).toMatchObject({
    status: 64,
    stderr: expect.stringMatching(/"public"."plain" is named twice/),
  });
  const spooled = await plan('--table', 'public.plain', '--spool', path.join(directory, 'nowhere'));
  expect(spooled.stderr).toMatch(/cannot make a directory for a throw-away cluster in .*nowhere\n[^]*another place with --spool/);
  expect(spooled.stderr).not.toMatch(/the drill|--scratch/);
  const lost = await plan('--table', 'public.plain', '--into-url', cluster.url('nowhere'));
  expect(lost.stderr).toMatch(/database nowhere does not exist[^]*CREATE DATABASE/);
  expect(lost.stderr).not.toContain('--url');
  await sql.unsafe('create role visitor login');
  const visitor = cluster.url().replace('postgres@', 'visitor@');
  expect(await plan('--table', 'public.plain', '--into-url', visitor)).toMatchObject(
    refusal(/role visitor may not make schemas[^]*GRANT CREATE ON DATABASE postgres TO visitor/),
  );
  await sql.unsafe('drop role visitor');
});

describe('restore --table of people who were erased since', () => {
  let place: string;
  let restore: (...args: string[]) => Promise<CommandEnd>;

  beforeAll(async () => {
    const home = path.join(directory, 'erased');
    await mkdir(home);
    place = path.join(home, 'repository');
    const config = await writeConfig(home, cluster, place);
    const command = async (...args: string[]): Promise<CommandEnd> =>
      await runCommand([...args, '--config', config, '--yes'], { DBADMIN_PG_BIN_17: cluster.programs?.binDirectory ?? '' });
    restore = async (...args) => await command('restore', '--table', 'public.visit', '--to-latest', ...args);
    await sql.unsafe(`create table public.visit (listener int); insert into public.visit values (71), (71), (72);
      create procedure public.forget(int) language sql as 'delete from public.visit where listener = $1'`);
    expect(await command('backup', 'init')).toMatchObject({ status: 0 });
    expect(await command('backup', 'run')).toMatchObject({ status: 0 });
    await sql`call public.forget(71)`;
    for (const words of ['subject-forgotten public.forget 71 --subject somebody', 'role-dropped leaver'])
      expect(await command('backup', 'ledger', 'add', ...words.split(' '))).toMatchObject({ status: 0 });
  });

  test('names them before it asks, and nothing that tables do not bring', async () => {
    const { status, stdout, stderr } = await restore('--dry-run');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/^may come back with them: somebody \(erased [^)]*\)$/m);
    expect(stdout).toMatch(/--reconcile would erase them/);
    expect(stdout).not.toMatch(/leaver/);
    const json = JSON.parse((await restore('--schema', 'as_it_was', '--json')).stdout) as Record<string, unknown>;
    expect(json).toMatchObject({ returning: [{ kind: 'subject-forgotten', text: expect.stringMatching(/^somebody/) }], reconciled: null });
    expect(await sql`select listener from as_it_was.visit order by 1`).toEqual([{ listener: 71 }, { listener: 71 }, { listener: 72 }]);
  });

  test('with --reconcile erases them before anything is copied', async () => {
    const { status, stdout, stderr } = await restore('--schema', 'clean', '--reconcile', '--json');
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ reconciled: [{ kind: 'subject-forgotten', outcome: 'undone' }], restored: true });
    expect(await sql`select listener from clean.visit`).toEqual([{ listener: 72 }]);
  });

  test('copies nothing when somebody cannot be erased, and does not ask for an option that it refuses', async () => {
    const [id = ''] = await readdir(path.join(place, 'clusters'));
    const repository = await openRepository(await createDiskStore(place), { kind: 'none' });
    const position = { systemIdentifier: id, timeline: 1, lsn: 2n ** 60n };
    const deed = {
      kind: 'subject-forgotten',
      database: 'postgres',
      procedure: ['public', 'later'],
      arguments: [],
      subject: 'else',
    } as const;
    await appendLedger(repository, { ...position, at: new Date(), by: 'test', deed });
    const { status, stderr } = await restore('--schema', 'none', '--reconcile');
    expect(status).toBe(1);
    expect(stderr).toMatch(/could not be taken away again: else/);
    expect(stderr).toMatch(/Nothing was copied\.[^]*Restore a clone with --into, --reconcile and --replay-migrations/);
    expect(await sql`select 1 from pg_namespace where nspname = 'none'`).toEqual([]);
  });

  test('is refused where an entry of the ledger cannot be read, until somebody decides', async () => {
    const [id = ''] = await readdir(path.join(place, 'clusters'));
    await writeFile(path.join(place, id, 'ledger', '20261121T000000000Z-0_1-0000000000000000'), 'torn');
    const { status, stderr } = await restore('--dry-run');
    expect(status).toBe(1);
    expect(stderr).toMatch(/an entry of the ledger cannot be read/);
    const without = await restore('--dry-run', '--without-ledger-entry', 'damaged');
    expect(without.status).toBe(0);
    expect(without.stdout).toMatch(/UNKNOWN {4}may come back too: whom .*0000000000000000 erased/);
  });
});
