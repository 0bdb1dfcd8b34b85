import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createTestDatabase } from '../postgres/fixture.ts';
import { runCommand, startCommand } from '../live/migrate/command.ts';
import { createProject, type TestProject } from '../live/migrate/project.ts';

const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
beforeEach(async () => {
  project = await createProject(database.url);
  const paths = 'paths: { migrations: migrations, routines: routines }';
  await writeFile(path.join(project.directory, 'dbadmin.yaml'), `version: 1\nclusters:\n  main: { url: "${database.url}" }\n${paths}\n`);
  await sql.unsafe('create schema test; create table test.pause (seconds int); insert into test.pause values (60)');
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema test cascade; drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
});

const DOWN = ['migrate', 'down', '--yes', '--no-schema-file'];
const PAUSE = 'select pg_sleep(seconds) from test.pause;';

/** Kills a `down` in its pause with SIGKILL, lets the next one go through, and gives what that one undid. */
async function killAndGoOn(): Promise<number> {
  const { process: child, ended } = startCommand(project.directory, DOWN);
  for (let tries = 0; ; tries += 1) {
    if (tries > 300) throw new Error('it never came to the pause');
    const sleeping = await sql`select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`;
    if (sleeping.length > 0) break;
    await systemClock.sleep(50);
  }
  child.kill('SIGKILL');
  await ended;
  await sql`delete from test.pause`;
  const next = await runCommand(project.directory, [...DOWN, '--json']);
  expect(next.status, next.stderr).toBe(0);
  const { done } = JSON.parse(next.stdout) as { readonly done: { readonly undone: readonly { readonly statements: number }[] } };
  return done.undone[0]?.statements ?? 0;
}

test('a down killed inside a transactional section is as if it had not begun', async () => {
  await project.write(
    'migrations/1_a.sql',
    `create table a (); create table b ();\n-- dbadmin: down\ndrop table a;\n${PAUSE}\ndrop table b;\n`,
  );
  await project.up();
  expect(await killAndGoOn()).toBe(3);
  expect(await sql`select kind from dbadmin.migration_history order by seq`).toEqual([{ kind: 'versioned' }, { kind: 'down' }]);
  expect(await sql`select to_regclass('a') as a, to_regclass('b') as b`).toEqual([{ a: null, b: null }]);
});

test('a down killed inside a no-transaction section goes on after its last good statement', async () => {
  await project.write(
    'migrations/1_a.sql',
    `-- dbadmin: no-transaction\ncreate table a (id int); create index concurrently a_id on a (id);\n-- dbadmin: down\ndrop index concurrently a_id;\n${PAUSE}\ndrop table a;\n`,
  );
  await project.up();
  expect(await killAndGoOn()).toBe(2);
  expect(await sql`select to_regclass('a') as a`).toEqual([{ a: null }]);
  expect((await project.up()).versioned).toHaveLength(1);
});
