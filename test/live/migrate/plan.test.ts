import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { inspectServer } from '../../../src/migrate/session/inspect-server.ts';
import { observe, readFiles } from '../../../src/migrate/inspect.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { planMigrations, STRICT } from '../../../src/migrate/plan.ts';
import { formatSavedPlan, parseSavedPlan, type SavedPlan } from '../../../src/migrate/saved-plan/format.ts';
import { expectedPlan, inspectPlanState } from '../../../src/migrate/saved-plan/inspect.ts';
import { openSession } from '../../../src/migrate/session/session.ts';
import { rehearsalFile, writeRehearsal } from '../../../src/migrate/rehearse/record.ts';
import { statementSha } from '../../../src/migrate/files/migration.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { runCommand, type CommandResult } from './command.ts';
import { createProject, type TestProject } from './project.ts';

const parser = await loadSqlParser();
const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
let configured = '';
beforeEach(async () => {
  project = await createProject(database.url);
  process.env['XDG_STATE_HOME'] = project.directory;
  configured = path.join(project.directory, 'dbadmin.yaml');
  const paths = 'paths: { migrations: migrations, routines: routines }';
  await writeFile(configured, `version: 1\nclusters:\n  main: { url: "${database.url}" }\n${paths}\n`);
  await sql.unsafe(`
    create table play (id bigint primary key, device varchar(20));
    insert into play select g, 'd' from generate_series(1, 1000) g;
    create table listener (id int primary key);
    create table device as select generate_series(1, 3) as id;
    analyze play, listener, device;`);
});
afterEach(async () => {
  delete process.env['XDG_STATE_HOME'];
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
});

const dbadmin = async (...args: readonly string[]): Promise<CommandResult> =>
  await runCommand(project.directory, [...args, '--config', configured]);
const json = ({ stdout }: CommandResult): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;
const lineWith = ({ stdout }: CommandResult, text: string): string =>
  (stdout.split('\n').find((line) => line.includes(text)) ?? '').replaceAll(/ {2,}/g, '  ').trim();

test('each statement is shown with its lock, whom that stops, the work, and the size of its table', async () => {
  await project.write(
    'migrations/1_a.sql',
    `alter table play add column family text;
alter table play alter column device type varchar(40);
alter table play add column key uuid default gen_random_uuid();
create table own (id int references listener (id));
create index on own (id);
do $$ begin delete from device where id < 0; end $$;
grant select on play to public;
`,
  );
  await project.write('migrations/3_c.sql', 'alter table play drop column device;\n');
  await project.write('migrations/2_b.sql', '-- dbadmin: no-transaction\ncreate index concurrently play_device on play (device);\n');
  const plan = await dbadmin('migrate', 'plan');
  expect(plan.status).toBe(2);
  const size = /play, 1,000 rows, \d+(\.\d+)? kB/;
  expect(lineWith(plan, 'family text')).toMatch(
    /^1 {2}alter table play add column family text {2}AccessExclusive {2}blocks reads\+writes of play, 1,000 rows, [\d.]+ kB {2}no rewrite$/,
  );
  expect(lineWith(plan, 'varchar(40)')).toMatch(/AccessExclusive {2}blocks reads\+writes of play, .* no rewrite$/);
  expect(lineWith(plan, 'gen_random_uuid()')).toMatch(/AccessExclusive {2}blocks reads\+writes of play, .*REWRITES the table$/);
  expect(lineWith(plan, 'gen_random_uuid()')).toMatch(size);
  expect(lineWith(plan, 'create table own')).toMatch(/ShareRowExclusive {2}blocks writes of listener, 0 rows, [\d.]+ k?B {2}no rewrite$/);
  expect(lineWith(plan, 'create index on own')).toMatch(/only what this file made$/);
  expect(lineWith(plan, 'do $$')).toMatch(/RowExclusive {2}blocks nothing on device, 3 rows/);
  expect(lineWith(plan, 'grant select')).toMatch(/locks no table$/);
  expect(lineWith(plan, 'concurrently')).toMatch(/ShareUpdateExclusive {2}blocks nothing on play, .*builds an index$/);
  expect(plan.stdout).toMatch(/\n {6}warning drop-destructive: /);
  expect(plan.stdout).toMatch(/\d warnings?\. Apply with: dbadmin migrate {8}Try it on a clone: dbadmin migrate rehearse\n$/);
  const [first] = json(await dbadmin('migrate', 'plan', '--json'))['versioned'] as readonly {
    readonly statements: readonly Record<string, unknown>[];
  }[];
  expect(first?.statements[0]).toMatchObject({
    number: 1,
    effects: [{ relation: 'public.play', lock: 'AccessExclusive', blocks: 'reads+writes', work: 'none', isNew: false, rows: 1000 }],
    opaque: false,
    expectedMs: null,
  });
  expect(await sql`select from pg_namespace where nspname = 'dbadmin'`).toHaveLength(0);
});

test('times are those of the last rehearsal, for statements that are still the same', async () => {
  await project.write('migrations/1_a.sql', 'alter table play add column x int;\nalter table play add column y int;\n');
  const text = 'alter table play add column x int';
  const sha256 = statementSha({ text, start: 0, line: 1, copyData: undefined });
  const statement = { file: 'f', number: 1, line: 1, sha256, command: 'c', object: null, text, tookMs: 1234, walBytes: 1, rows: null };
  const file = {
    kind: 'versioned',
    version: '1',
    path: 'f',
    transaction: true,
    applied: true,
    tookMs: 1,
    walBytes: 1,
    commitMs: 1,
  } as const;
  await writeRehearsal(
    rehearsalFile({ XDG_STATE_HOME: project.directory }, { project: project.directory, cluster: 'main', database: database.name }),
    {
      format: 1,
      at: new Date().toISOString(),
      tool: '1',
      cluster: 'main',
      database: database.name,
      user: 'u',
      serverVersion: '17',
      backup: '20261120T203000Z-full',
      moment: 'm',
      restoreMs: 1,
      files: [{ ...file, statements: [{ ...statement, seen: 'exact', locks: [], rewrites: [] }], blocked: [] }],
      warnings: [],
    },
  );
  const plan = await dbadmin('migrate', 'plan');
  expect(lineWith(plan, 'column x')).toMatch(/~1\.2 s$/);
  expect(lineWith(plan, 'column y')).not.toContain('~');
  expect(plan.stdout).toMatch(/Times are those of the rehearsal .* ago, on backup 20261120T203000Z-full\./);
  // Half of it was never measured, and that is what is said.
  const { forecast, versioned } = json(await dbadmin('migrate', 'plan', '--json')) as {
    forecast: unknown;
    versioned: readonly { sql: string }[];
  };
  expect(forecast).toMatchObject({ source: 'locks', longestMs: null, blocks: [{ table: 'public.play', statement: 1, line: 1, ms: null }] });
  expect(versioned[0]?.sql).toBe('alter table play add column x int;\nalter table play add column y int;\n');
  expect(lineWith(plan, 'no rehearsal has measured')).toMatch(/^Reads and writes wait for public\.play/);
  // What was measured can be seen again, judged by another limit.
  const last = await dbadmin('migrate', 'rehearse', '--last', '--json');
  expect(json(last)).toMatchObject({ backup: '20261120T203000Z-full', verdict: 'passed', overLimit: [] });
});

test('history tells of each row who, when, how long and what was held, the newest first', async () => {
  await project.write('migrations/1_a.sql', 'alter table play add column x int;');
  await project.write('migrations/2_b.sql', '-- dbadmin: no-transaction\ncreate index concurrently play_x on play (x);');
  expect(json(await dbadmin('migrate', 'history', '--json'))).toMatchObject({ total: 0, entries: [] });
  expect(await dbadmin('migrate', 'up', '--no-schema-file')).toMatchObject({ status: 0 });
  const told = json(await dbadmin('migrate', 'history', '--json'));
  expect(told).toMatchObject({
    total: 3,
    entries: [
      { version: '2', statement: null, kind: 'versioned' },
      { version: '2', statement: 1, finishedAt: expect.any(String) },
      {
        version: '1',
        name: '1_a.sql',
        statement: null,
        tookMs: expect.any(Number),
        attempts: 1,
        appliedBy: 'postgres',
        restorePoint: {
          name: expect.stringMatching(/^dbadmin_\d{8}T\d{6}Z_1$/),
          lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
          timeline: 1,
        },
        locks: [{ relation: 'public.play', mode: 'AccessExclusiveLock', heldMs: expect.any(Number) }],
        reason: null,
      },
    ],
  });
  const newest = await dbadmin('migrate', 'history', '--limit', '1');
  expect(newest.stdout).toMatch(/3 rows of history[\s\S]*2_b\.sql[\s\S]*… and 2 older rows \(--limit\)/);
  expect(await dbadmin('migrate', 'history', '--limit', 'many')).toMatchObject({ status: 64 });
});

test('a routine that somebody changed in the database is told of before it is overwritten', async () => {
  await project.write('routines/public/f.sql', 'create or replace function f(a int) returns int language sql as $$ select a $$;');
  await project.up();
  await sql.unsafe('create or replace function f(a int) returns int language sql as $$ select a + 1 $$');
  await project.write('routines/public/f.sql', 'create or replace function f(a int) returns int language sql as $$ select a * 2 $$;');
  const plan = await dbadmin('migrate', 'plan', '--diff');
  expect(plan.stdout).toMatch(/routine public\/f {3}changed, 2 lines\n/);
  expect(plan.stdout).toContain('is not what was applied: somebody changed it there, and this overwrites it');
  expect(plan.stdout).toContain('+  select a + 1');
  await sql.unsafe('drop function f(int)');
  const { routines } = json(await dbadmin('migrate', 'plan', '--json')) as { readonly routines: readonly { readonly drift: unknown }[] };
  expect(routines[0]?.drift).toEqual([{ signature: '"f"("pg_catalog"."int4")', kind: 'gone', diff: [] }]);
});

const saved = async (): Promise<SavedPlan> => {
  const options = project.options();
  const session = await openSession(options.connection, { applicationName: 'plan test' });
  const observed = await observe(session, options.schema, await readFiles(options.directories));
  const plan = planMigrations(observed, STRICT, parser, new Date());
  const state = await inspectPlanState({ plan, observed, server: await inspectServer(session), session }, STRICT, parser);
  await session.close();
  return parseSavedPlan(formatSavedPlan(state, { at: new Date(), tool: '0', cluster: 'main' }), 'p');
};

test('a saved plan is applied when nothing moved, rows and sizes apart, and once only', async () => {
  await project.write('migrations/1_a.sql', 'alter table play add column x int;\n');
  expect((await dbadmin('migrate', 'plan', '--out', 'saved.plan')).stdout).toMatch(
    /saved in saved\.plan: dbadmin migrate up --plan saved\.plan applies this or nothing\n$/,
  );
  await sql.unsafe(`insert into play select g, 'e' from generate_series(2000, 3000) g; analyze play`);
  const up = await dbadmin('migrate', 'up', '--plan', 'saved.plan', '--no-schema-file');
  expect([up.status, up.stderr]).toEqual([0, '']);
  const again = await dbadmin('migrate', 'up', '--plan', 'saved.plan');
  expect(again.status).toBe(1);
  expect(again.stderr).toContain('The history has moved: then 0 applied, the newest none; now 1 applied, the newest 1.');
  await writeFile(path.join(project.directory, 'saved.plan'), '{}');
  expect((await dbadmin('migrate', 'up', '--plan', 'saved.plan')).status).toBe(64);
});

const MOVES: readonly (readonly [what: string, said: RegExp, move: () => Promise<unknown>])[] = [
  [
    'a file changed',
    /^file 1_a\.sql has another text\.$/,
    async () => await project.write('migrations/1_a.sql', 'alter table play add column z int;'),
  ],
  [
    'a file came',
    /^file 3_c\.sql is pending and was not in the plan\.$/,
    async () => await project.write('migrations/3_c.sql', 'select 1;'),
  ],
  ['a file went', /^file 2_b\.sql is in the plan and no longer pending\.$/, async () => await project.remove('migrations/2_b.sql')],
  [
    'a routine changed',
    /^routine public\/f has another text\.$/,
    async () => await project.write('routines/public/f.sql', 'create or replace view f as select 2 as a;'),
  ],
  [
    'a table was altered',
    /^public\.play has been altered\.$/,
    async () => await sql.unsafe('alter table play alter column device set default 1'),
  ],
  ['an index came', /^public\.play has been altered\.$/, async () => await sql.unsafe('create index on play (device)')],
  [
    'a foreign key came',
    /^public\.play has been altered\.$/,
    async () => await sql.unsafe('create table c (p bigint references play (id))'),
  ],
  [
    'a trigger was switched off',
    /^public\.listener has been altered\.$/,
    async () => await sql.unsafe('alter table listener disable trigger tg'),
  ],
  ['a table went', /^public\.listener was there and is not now\.$/, async () => await sql.unsafe('drop table listener')],
  ['a table came', /^gone was not there and is now\.$/, async () => await sql.unsafe('create table gone (id int)')],
  [
    'somebody migrated',
    /^The history has moved: then 0 applied, the newest none; now 1 applied, the newest 1\.\nfile 1_a\.sql is in the plan and no longer pending/,
    async () => {
      const directories = { ...project.options().directories, migrations: path.join(project.directory, 'first'), routines: '/nowhere' };
      await project.up({ directories });
    },
  ],
];

test.each(MOVES)('a plan is refused when %s, and nothing is applied', async (_what, said, move) => {
  await sql.unsafe(`create function tg() returns trigger language plpgsql as $$ begin return new; end $$;
    create trigger tg before insert on listener for each row execute function tg()`);
  await project.write('migrations/1_a.sql', 'alter table play add column x int;\n');
  await project.write('first/1_a.sql', 'alter table play add column x int;\n');
  await project.write('migrations/2_b.sql', 'truncate listener; update gone set id = 1 where false;\n');
  await project.write('routines/public/f.sql', 'create or replace view f as select 1 as a;');
  const expected = expectedPlan(await saved(), parser);
  await move();
  const before = await sql`select count(*) from information_schema.columns where table_schema = 'public'`;
  const failure = await project.failure({ expected });
  expect([failure.code, failure.message]).toEqual(['plan-stale', 'the saved plan is not what would run now; nothing was applied']);
  expect(failure.detail).toMatch(said);
  expect(await sql`select count(*) from information_schema.columns where table_schema = 'public'`).toEqual(before);
});

test('a plan is not stale because its session has values written in another way', async () => {
  await sql.unsafe(`alter table play add at timestamptz default '2026-11-05 01:00+00', add day date check (day > '2026-11-05'),
    add pause interval default '1 day 02:00', add raw bytea default '\\x00ff'; create index on play (id) where at > '2026-11-05 12:00+00'`);
  await project.write('migrations/1_a.sql', 'alter table play add column x int;\n');
  const settings = {
    timezone: 'Asia/Kolkata',
    datestyle: 'German',
    intervalstyle: 'iso_8601',
    bytea_output: 'escape',
    quote_all_identifiers: 'on',
  };
  for (const [name, value] of Object.entries(settings)) await sql.unsafe(`alter database ${database.name} set ${name} = '${value}'`);
  const plan = await saved();
  for (const name of Object.keys(settings)) await sql.unsafe(`alter database ${database.name} reset ${name}`);
  await project.up({ expected: expectedPlan(plan, parser) });
  expect(await sql`select x from play limit 1`).toEqual([{ x: null }]);
});

test('a plan for another cluster or database is refused', async () => {
  await project.write('migrations/1_a.sql', 'alter table play add column x int;\n');
  const plan = await saved();
  const refused = async (change: Partial<SavedPlan>): Promise<string | undefined> =>
    (await project.failure({ expected: expectedPlan({ ...plan, ...change }, parser) })).detail;
  expect(plan.system).toMatch(/^\d+$/);
  expect(await refused({ system: '1' })).toMatch(/^It was made for the cluster with system identifier 1, and this one has \d+\.$/);
  expect(await refused({ database: 'other' })).toMatch(/^It was made for database other, and this is /);
});
