import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { runCommand, startCommand, type CommandResult } from './command.ts';
import { createProject, type TestProject } from './project.ts';
import { withExtension } from './with-extension.ts';

const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
beforeEach(async () => {
  project = await createProject(database.url);
  await writeFile(
    path.join(project.directory, 'dbadmin.yaml'),
    `version: 1
clusters:
  main: { url: "${database.url}" }
  nowhere: { url: "postgresql://nobody@127.0.0.1:1/app" }
  prod: { url: "postgresql://nobody@127.0.0.1:1/app", production: true }
paths: { migrations: migrations, routines: routines, seeds: seeds, tests: tests }
`,
  );
  await project.write(
    'migrations/1_core.sql',
    'create schema core; create table core.t (id int primary key, name text); grant select on core.t to somebody_new;',
  );
  await project.write('routines/core/f.sql', 'create or replace function core.f(a int) returns int language sql as $$ select a + 1 $$;');
  await project.write('seeds/test/t.sql', "insert into core.t values (1, 'one') on conflict do nothing;");
  await project.write('tests/a.sql', "do $$ begin\n  assert core.f(1) = 2;\nend $$;\ninsert into core.t values (2, 'two');");
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema if exists core cascade; drop role if exists somebody_new');
});

const dbadmin = async (...args: readonly string[]): Promise<CommandResult> => await runCommand(project.directory, ['migrate', ...args]);

test('test: on a scratch server with migrations, routines and seeds; the configured one need not even run', async () => {
  await project.write(
    'tests/b.sql',
    'do $test$\nbegin\n  assert (select count(*) from core.t) = 1;\n  if true then\n    assert core.f(1) = 3,\n      $$f adds two$$;\n  end if;\nend $test$;',
  );
  await project.write('tests/c.sql', "select core.f('a' ||\n  nosuch)");
  const found = await dbadmin('test', '--cluster', 'nowhere');
  expect(found.status).toBe(1);
  expect(found.stderr).toMatch(/^scratch database on PostgreSQL \d+: 1 migration, 1 routine, 1 seed\n$/);
  expect(found.stdout).toContain('ok   tests/a.sql');
  expect(found.stdout).toContain('tests/b.sql:5: f adds two\n       5 |     assert core.f(1) = 3,\n         |     ^');
  expect(found.stdout).toContain('tests/c.sql:2: column "nosuch" does not exist (42703)');
  expect(found.stdout).toContain('3 tests in a scratch database: 2 failed; everything is rolled back');
  const one = await dbadmin('test', '--cluster', 'nowhere', '--json', 'tests/a.sql');
  expect([one.status, JSON.parse(one.stdout)]).toMatchObject([
    0,
    { where: 'scratch', counts: { files: 1, passed: 1, failed: 0, assertions: 0 } },
  ]);
});

test('test --live: in the database as it is, with nothing left; a COMMIT is refused before anything runs, production too', async () => {
  await sql`create role somebody_new`;
  await project.up();
  expect((await dbadmin('test', '--live')).stdout).toMatch(
    /ok {3}tests\/a\.sql[\s\S]*1 test in \S+ on main: all passed; everything is rolled back\n$/,
  );
  expect(await sql`select from core.t`).toHaveLength(0);
  await project.write('tests/b.sql', 'insert into core.t values (3);\ncommit;');
  const refused = await dbadmin('test', '--live');
  expect([refused.status, refused.stdout]).toEqual([1, '']);
  expect(refused.stderr).toContain('error: tests/b.sql:2:1: COMMIT would end the transaction that the test is rolled back with');
  await project.write(
    'tests/b.sql',
    'create procedure core.p() language plpgsql as $$ begin insert into core.t values (4); commit; end $$; call core.p();',
  );
  expect((await dbadmin('test', '--live')).stdout).toContain('tests/b.sql:1: invalid transaction termination (2D000)');
  expect(await sql`select from core.t`).toHaveLength(0);
  expect((await dbadmin('test', '--live', '--cluster', 'prod')).stderr).toContain(
    'cluster prod is marked as production: tests are not run in it',
  );
});

test('seed: what changed goes in, with its row; never by up, nor into production or without migrations', async () => {
  await sql`create role somebody_new`;
  expect((await dbadmin('seed', 'test')).stderr).toContain('error: this database has no migrations yet');
  await project.up();
  expect(await sql`select from core.t`).toHaveLength(0);
  await project.write('seeds/test/more/u.sql', 'insert into core.t select 2 where not exists (select from core.t where id = 2);');
  const first = await dbadmin('seed', 'test');
  expect([first.status, first.stdout.split('\n').at(-2)]).toEqual([0, `2 seeds put into ${database.name} on main`]);
  await project.write('seeds/test/t.sql', "insert into core.t values (1, 'uno') on conflict (id) do update set name = excluded.name;");
  const second = JSON.parse((await dbadmin('seed', 'test', '--json')).stdout) as Record<string, unknown>;
  expect(second).toMatchObject({ environment: 'test', seeds: [{ name: 'test/t', change: 'changed', statements: 1 }], unchanged: 1 });
  expect((await dbadmin('seed', 'test')).stdout).toBe(`${database.name} on main has the seeds of test\n`);
  expect((await sql`select name from core.t where id = 1`)[0]?.['name']).toBe('uno');
  expect(
    (await sql`select name from dbadmin.migration_history as h where kind = 'seed' order by h.seq`).map((row) => row['name'] as string),
  ).toEqual(['test/more/u', 'test/t', 'test/t']);
  await project.write('seeds/test/t.sql', 'select 1;\ninsert into core.nosuch values (1);');
  expect((await dbadmin('seed', 'test')).stderr).toContain('error: seeds/test/t.sql:2:13: relation "core.nosuch" does not exist (42P01)');
  expect((await dbadmin('seed', 'tset')).stderr).toContain('there are no seeds for "tset", did you mean "test"?');
  expect((await dbadmin('seed', 'test', '--cluster', 'prod')).stderr).toContain('cluster prod is marked as production');
  expect((await project.up()).runId).toBeUndefined();
});

test('seed: an interruption cancels the statement in the server, and of that seed nothing is in', async () => {
  await sql`create role somebody_new`;
  await project.up();
  await project.write('seeds/test/u.sql', "insert into core.t values (9, 'nine');\nselect pg_sleep(60);");
  const { process, ended } = startCommand(project.directory, ['migrate', 'seed', 'test']);
  const asleep = async (): Promise<boolean> =>
    (await sql`select from pg_stat_activity where datname = current_database() and state = 'active' and query = 'select pg_sleep(60)'`)
      .length > 0;
  while (!(await asleep())) await systemClock.sleep(50);
  process.kill('SIGINT');
  const { status, stderr } = await ended;
  expect([status, stderr]).toEqual([130, expect.stringContaining('error: interrupted by SIGINT')]);
  expect(await asleep()).toBe(false);
  expect((await sql`select id from core.t order by id`).map(({ id }) => id as number)).toEqual([1]);
  expect((await sql`select name from dbadmin.migration_history where kind = 'seed'`).map(({ name }) => name as string)).toEqual(['test/t']);
  expect(
    await sql`select from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
  ).toHaveLength(0);
});

test('test: pgTAP is made in the scratch database where the machine has it, its assertions are counted', async (context) => {
  await project.write(
    'tests/a.sql',
    "BEGIN;\nSELECT plan(3);\nSELECT is(core.f(1), 2, 'adds one');\nSELECT is(core.f(1), 3, 'adds two');\nSELECT throws_ok('select 1/0', '22012');\nSELECT * FROM finish();\nROLLBACK;",
  );
  const ran = await withExtension('pgtap', async ({ hosts, user }) => {
    const { host = '', port = 0 } = hosts[0] ?? {};
    const url = host.startsWith('/')
      ? `postgresql://${user}@/postgres?host=${encodeURIComponent(host)}&port=${port}`
      : `postgresql://${user}@${host}:${port}/postgres`;
    const found = await dbadmin('test', '--scratch', url, '--cluster', 'nowhere', '--format', 'tap');
    expect([found.status, found.stdout]).toEqual([
      1,
      'TAP version 13\nok 1 - tests/a.sql:3 adds one\nnot ok 2 - tests/a.sql:4 adds two\n# Failed test 2: "adds two"\n# have: 2\n# want: 3\nok 3 - tests/a.sql:5 threw 22012\n1..3\n',
    ]);
  });
  if (!ran) context.skip('no server here has pgTAP');
});
