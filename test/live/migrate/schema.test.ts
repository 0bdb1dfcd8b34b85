import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasEmbedded } from '../../../src/postgres/embedded.ts';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import { refreshSchemaFiles } from '../../../src/migrate/schema/refresh-run.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { runCommand, type CommandResult } from './command.ts';
import { createProject, parametersOf, type TestProject } from './project.ts';

/** The newest major that this machine has both a pg_dump and a server of; the npm servers come without pg_dump. */
const major = await newestDumpable();

async function newestDumpable(): Promise<number | undefined> {
  for (const each of [18, 17, 16, 15, 14]) {
    if (!hasEmbedded(each)) continue;
    if ((await findClientProgram('pg_dump', { atLeastMajor: each }, process.env).catch(() => undefined)) !== undefined) return each;
  }
  return undefined;
}

const FILES: Readonly<Record<string, string>> = {
  'migrations/1_play.sql': `create schema core;
create table core.artist (artist_id int generated always as identity primary key, name text not null);
create table core.play (
  play_id bigint primary key, artist_id int references core.artist, ms int check (ms >= 0), "Odd name" text default ')
x,');
create index play_artist_idx on core.play (artist_id);
create domain core.percent as int check (value between 0 and 100);
create type core.mood as enum ('sad', 'glad');
grant select on core.play to dbadmin_test_reader;`,
  'migrations/2_part.sql': `create table core.part (id int, at date not null) partition by range (at);
create table core.part_2026 partition of core.part for values from ('2026-01-01') to ('2027-01-01');
alter table core.play enable row level security;
create policy own on core.play using (ms > 0);`,
  'migrations/3_index.sql': '-- dbadmin: no-transaction\ncreate index concurrently play_ms_idx on core.play (ms);',
  'routines/core/touch.sql': `create or replace function core.touch() returns trigger language plpgsql as $f$
begin
  -- Name: not_a_table; Type: TABLE; Schema: core; Owner: -
  return new;
end $f$;
create or replace trigger play_touch before update on core.play for each row execute function core.touch();`,
  'routines/core/long_plays.sql': 'create or replace view core.long_plays as select play_id from core.play where ms > 1000;',
};

describe.skipIf(major === undefined)(`the schema in git, on PostgreSQL ${major ?? '(no pg_dump on this machine)'}`, () => {
  let cluster: TestCluster;
  let project: TestProject;
  let sql: postgres.Sql;
  let configured = '';

  beforeAll(async () => {
    cluster = await startTestCluster({ major: major ?? 17 });
    await admin('create role dbadmin_test_reader');
  });
  afterAll(async () => await cluster.stop());
  beforeEach(async () => {
    await admin('create database shop');
    sql = postgres(cluster.url('shop'), { max: 1, onnotice: () => undefined });
    project = await createProject(cluster.url('shop'));
    configured = path.join(project.directory, 'dbadmin.yaml');
    const paths = 'paths: { migrations: migrations, routines: routines }';
    await writeFile(configured, `version: 1\nclusters:\n  main: { url: "${cluster.url('shop')}" }\n${paths}\n`);
    for (const [file, text] of Object.entries(FILES)) await project.write(file, text);
  });
  afterEach(async () => {
    await sql.end({ timeout: 1 });
    await admin('drop database shop with (force)');
    await project.delete();
  });

  async function admin(statement: string): Promise<void> {
    const connection = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await connection.unsafe(statement);
    await connection.end();
  }
  const dbadmin = async (command: string, ...args: readonly string[]): Promise<CommandResult> =>
    await runCommand(project.directory, ['migrate', command, '--config', configured, ...args]);
  const read = async (file: string): Promise<string> => await readFile(path.join(project.directory, file), 'utf8');

  test('up writes schema.sql and the lock file; verify agrees with both, then names each object of the drift', async () => {
    const up = await dbadmin('up');
    expect(up.status, up.stderr).toBe(0);
    expect(up.stderr).toContain('migrations.lock and schema.sql written: commit them');
    const schema = await read('schema.sql');
    expect(schema).toContain('-- Name: play_artist_idx; Type: INDEX; Schema: core');
    expect(schema).not.toMatch(/migration_history|GRANT|OWNER TO|pg_dump|restrict/);
    expect((await read('migrations.lock')).split('\n').filter((line) => !line.startsWith('#'))).toHaveLength(4);
    expect((await dbadmin('validate')).stderr).toBe('');
    expect(await dbadmin('dump')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^schema\.sql {3}\d+ objects of shop.*unchanged\n$/),
    });

    const clean = await dbadmin('verify', '--live');
    expect(clean.status, clean.stderr).toBe(0);
    expect(clean.stdout).toMatch(
      /^3 migrations and 2 routines replayed on an empty PostgreSQL \d\d in .*\nok {5}schema\.sql is what the files make\nok {5}shop on main is what the files make\n$/,
    );

    await sql.unsafe(`alter table core.play add column device text; drop policy own on core.play; alter table core.play alter column ms set not null;
      drop index core.play_artist_idx; alter type core.mood add value 'calm';
      alter table core.play drop constraint play_ms_check; alter table core.artist add constraint short check (length(name) < 99);
      create or replace function core.touch() returns trigger language plpgsql as $$ begin return old; end $$;`);
    const drift = await dbadmin('verify', '--live', '--json');
    expect(drift.status, drift.stderr).toBe(2);
    const found = JSON.parse(drift.stdout) as {
      schemaFile: { differences: unknown[] };
      live: { differences: { change: string; type: string; name: string }[] };
    };
    expect(found.schemaFile.differences).toEqual([]);
    expect(found.live.differences.map(({ change, type, name }) => `${change} ${type} ${name}`).sort()).toEqual([
      'added column core.play.device',
      'added constraint core.artist.short',
      'changed column core.play.ms',
      'changed function core.touch()',
      'changed type core.mood',
      'removed constraint core.play.play_ms_check',
      'removed index core.play_artist_idx',
      'removed policy core.play.own',
    ]);
  });

  test('schema.sql makes the same schema again, byte for byte', async () => {
    expect((await dbadmin('up')).status).toBe(0);
    const schema = await read('schema.sql');
    await copyFile(path.join(project.directory, 'schema.sql'), path.join(project.directory, 'kept.sql'));
    await sql.unsafe('drop schema core cascade; drop schema dbadmin cascade');
    await sql.unsafe(schema);
    await sql.unsafe('reset all');
    expect((await dbadmin('dump', '--stdout')).stdout).toBe(schema);
  });

  test('verify fails with the file, line and caret where the files do not run on an empty server', async () => {
    await project.write('migrations/4_wrong.sql', 'create table core.more (id int);\nalter table core.gone add column x int;');
    const { status, stderr } = await dbadmin('verify');
    expect(status).toBe(1);
    expect(stderr).toContain('migrations/4_wrong.sql:2:1: relation "core.gone" does not exist (42P01)');
  });

  test('a machine without a fitting pg_dump gets its lock file, and schema.sql stays as it was', async () => {
    const { signal } = new AbortController();
    const options = { connection: parametersOf(cluster.url('shop')), historySchema: 'dbadmin', env: process.env, signal };
    const refreshed = await refreshSchemaFiles({ ...options, major: 99, directories: project.options().directories });
    expect(refreshed).toEqual({
      lockChanged: true,
      schema: { kind: 'left', why: 'pg_dump of PostgreSQL 99 or newer is not on this machine' },
    });
    await expect(read('schema.sql')).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('baseline compares first: a difference is refused, an equal schema becomes the history, a second time is refused', async () => {
    for (const file of ['migrations/1_play.sql', 'migrations/2_part.sql']) await sql.unsafe(FILES[file] ?? '');
    await sql.unsafe('create table core.forgotten (id int)');
    const refused = await dbadmin('baseline', '2', '--yes');
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(
      'shop on main is not what the files up to 2 make: 1 difference\n  detail: only in the database: table core.forgotten',
    );
    expect(await sql`select from pg_namespace where nspname = 'dbadmin'`).toHaveLength(0);

    await sql.unsafe('drop table core.forgotten');
    const done = await dbadmin('baseline', '2', '--yes', '--json');
    expect(done.status, done.stderr).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ versions: ['1', '2'], compared: true });
    expect(await sql`select kind, version, reason from dbadmin.migration_history order by seq`).toEqual([
      { kind: 'baseline', version: '1', reason: 'compared with the live schema' },
      { kind: 'baseline', version: '2', reason: 'compared with the live schema' },
    ]);
    expect((await dbadmin('baseline', '2', '--yes')).stderr).toContain('this database has a history already');
    const up = await dbadmin('up');
    expect(up.status, up.stderr).toBe(0);
  });

  test('baseline --force wants a reason, and keeps it', async () => {
    expect(await dbadmin('baseline', '2', '--force', '--yes')).toMatchObject({ status: 64 });
    expect((await dbadmin('baseline', '2', '--force', '--yes', '--', 'known', 'to differ')).status).toBe(0);
    expect(await sql`select distinct reason from dbadmin.migration_history`).toEqual([{ reason: 'known to differ' }]);
  });
});

test("the reference project's schema.sql is what its files make", async ({ skip }) => {
  if ((major ?? 0) < 17) skip('it needs pg_dump of PostgreSQL 17 or newer on this machine');
  const root = path.resolve(import.meta.dirname, '../../..');
  const { status, stdout, stderr } = await runCommand(root, ['migrate', 'verify', '--url', 'postgresql://nobody@127.0.0.1:1/listening']);
  expect(status, stdout + stderr).toBe(0);
});
