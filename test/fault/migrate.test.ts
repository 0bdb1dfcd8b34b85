import postgres from 'postgres';
import { expect, test as base } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createTestDatabase } from '../postgres/fixture.ts';
import { runCommand, startCommand } from '../live/migrate/command.ts';
import { createProject, type TestProject } from '../live/migrate/project.ts';

interface Scene {
  readonly url: string;
  readonly sql: postgres.Sql;
  readonly project: TestProject;
  /** The words of a run here. */
  readonly up: readonly string[];
}

// Until the server notices that a client was killed takes two seconds: each test has a database of its own, and they wait beside each other.
const test = base.extend<{ scene: Scene }>({
  // oxlint-disable-next-line no-empty-pattern
  scene: async ({}, use) => {
    const database = await createTestDatabase();
    const { url, sql } = database;
    const project = await createProject(url);
    await sql.unsafe('create schema test; create table test.pause (step int, seconds int)');
    await use({ url, sql, project, up: ['migrate', '--url', url, '--no-schema-file'] });
    await project.delete();
    await database.drop();
  },
}).concurrent;

const pause = (step: number): string => `select pg_sleep(seconds) from test.pause where step = ${step};\n`;

/** Starts a run, kills it with SIGKILL once the statement at `step` is being executed, and lets a second run finish. */
async function killAt({ sql, project, up }: Scene, step: number): Promise<void> {
  await sql`delete from test.pause`;
  await sql`insert into test.pause values (${step}, 60)`;
  const { process, ended } = startCommand(project.directory, up);
  await until(async () => {
    const like = `%step = ${step};%`;
    const shown = `%step = ${step}`;
    return (
      (
        await sql`select from pg_stat_activity where datname = current_database() and state = 'active' and (query like ${like} or query like ${shown}) and pid <> pg_backend_pid()`
      ).length > 0
    );
  });
  process.kill('SIGKILL');
  await ended;
  await sql`delete from test.pause`;
  const startedMs = Date.now();
  const second = await runCommand(project.directory, up);
  expect([second.status, second.stderr.replaceAll(/waiting for another migration.*\n/g, '')]).toEqual([0, '']);
  // The server has to notice by itself that the client died: the pause alone would take a minute.
  expect(Date.now() - startedMs).toBeLessThan(30_000);
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await done()); tries += 1) {
    if (tries > 300) throw new Error('it never came to that');
    await systemClock.sleep(50);
  }
}

test.for([1, 2])('a run killed inside a transactional file is as if that file had not begun: pause %i', async (step, { scene }) => {
  const { sql, project } = scene;
  await project.write('sql/migrations/1_a.sql', 'create table a (id int);');
  await project.write(
    'sql/migrations/2_b.sql',
    `insert into a values (1);\n${pause(1)}insert into a values (2);\n${pause(2)}create table b ();`,
  );
  await killAt(scene, step);
  expect((await sql`select id from a order by id`).map(({ id }) => id as number)).toEqual([1, 2]);
  expect(await sql`select from dbadmin.migration_history`).toHaveLength(2);
});

test.for([1, 2, 3])('a run killed inside a no-transaction file goes on where it was: pause %i', async (step, { scene }) => {
  const { sql, project } = scene;
  const [first, second, third] = [pause(1), pause(2), pause(3)];
  const alone = `do $$ begin perform pg_sleep(seconds) from test.pause where step = 2; end $$;\n`;
  await project.write(
    'sql/migrations/1_a.sql',
    `-- dbadmin: no-transaction\ncreate table a (id int);\n${first}insert into a values (1);\n${alone}${second}insert into a values (2);\n${third}insert into a values (3);\n`,
  );
  await killAt(scene, step);
  expect((await sql`select id from a order by id`).map(({ id }) => id as number)).toEqual([1, 2, 3]);
  expect(await sql`select from dbadmin.migration_history where statement_no is null`).toHaveLength(1);
});

test('a run killed among routines leaves none of them changed, and the next applies all', async ({ scene }) => {
  const { sql, project } = scene;
  const routine = (name: string): string => `create or replace function ${name}() returns int language sql as $$ select 1 $$;\n`;
  await project.write('sql/routines/public/a.sql', routine('a'));
  await project.write('sql/routines/public/b.sql', `${routine('b')}${pause(1)}`);
  await project.write('sql/routines/public/c.sql', routine('c'));
  await killAt(scene, 1);
  expect(
    (await sql`select proname as name from pg_proc where pronamespace = 'public'::regnamespace order by 1`).map(
      ({ name }) => name as string,
    ),
  ).toEqual(['a', 'b', 'c']);
  expect(await sql`select from dbadmin.migration_history where kind = 'routine'`).toHaveLength(3);
});

test('a concurrent index build that is killed leaves an INVALID index, which the next run drops and builds anew', async ({ scene }) => {
  const { url, sql, project, up } = scene;
  await project.write('sql/migrations/1_a.sql', 'create table a as select generate_series(1, 1000) as id;');
  await runCommand(project.directory, up);
  await project.write(
    'sql/migrations/2_i.sql',
    '-- dbadmin: no-transaction\ncreate index concurrently a_id on a (id);\ncreate table after ();',
  );
  const old = postgres(url, { max: 1, onnotice: () => undefined });
  await old.unsafe('begin; insert into a values (0)');
  const { process, ended } = startCommand(project.directory, up);
  const broken = async (): Promise<boolean> =>
    (await sql`select from pg_index where indrelid = 'a'::regclass and not indisvalid`).length === 1;
  await until(broken);
  process.kill('SIGKILL');
  await ended;
  await until(
    async () =>
      (
        await sql`select from pg_stat_activity where datname = current_database() and query like 'create index concurrently a_id%' and state = 'active'`
      ).length === 0,
  );
  expect(await broken()).toBe(true);
  await old.unsafe('commit');
  await old.end();
  const { status, stderr } = await runCommand(project.directory, up);
  expect([status, stderr]).toEqual([0, 'warning: index public.a_id was INVALID, left by a build that did not end; dropped\n']);
  expect(await broken()).toBe(false);
  expect((await sql`select to_regclass('a_id') is not null as built, to_regclass('after') is not null as after`)[0]).toEqual({
    built: true,
    after: true,
  });
});

test('an index finished by a server whose client was killed is not built again', async ({ scene: { sql, project, up } }) => {
  await project.write(
    'sql/migrations/1_a.sql',
    '-- dbadmin: no-transaction\ncreate table a (id int);\ncreate index concurrently a_id on a (id);\nselect 1 / 0;',
  );
  await runCommand(project.directory, up);
  await project.write(
    'sql/migrations/1_a.sql',
    '-- dbadmin: no-transaction\ncreate table a (id int);\ncreate index concurrently a_id on a (id);\nselect 1;',
  );
  // The row that says that statement 2 ended was never written: take it away as a superuser can.
  await sql.unsafe(
    'alter table dbadmin.migration_history disable trigger all; delete from dbadmin.migration_history where statement_no = 2 and finished_at is not null',
  );
  const { status, stderr } = await runCommand(project.directory, up);
  expect([status, stderr]).toEqual([
    0,
    '1_a.sql:3: an interrupted run had finished CREATE INDEX CONCURRENTLY; going on after it\n'.replace(/^/, 'sql/migrations/'),
  ]);
});
