import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { runCommand, type CommandResult } from './command.ts';
import { createProject, type TestProject } from './project.ts';

const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
let configured = '';
beforeEach(async () => {
  project = await createProject(database.url);
  configured = path.join(project.directory, 'dbadmin.yaml');
  const paths = 'paths: { migrations: migrations, routines: routines }';
  await writeFile(configured, `version: 1\nclusters:\n  main: { url: "${database.url}" }\n${paths}\n`);
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
});

const dbadmin = async (...args: readonly string[]): Promise<CommandResult> =>
  await runCommand(project.directory, [...args, '--config', configured]);
const json = ({ stdout }: CommandResult): Record<string, unknown> => JSON.parse(stdout) as Record<string, unknown>;

test('eight runs at once apply every file once', async () => {
  for (let number = 1; number <= 12; number += 1) {
    await project.write(`migrations/${number}_t.sql`, `create table t${number} (); select pg_sleep(0.05);`);
  }
  await project.write('routines/public/f.sql', 'create or replace function f() returns int language sql as $$ select 1 $$;');
  const runs = await Promise.all(Array.from({ length: 8 }, async () => await dbadmin('migrate', '--json', '--no-schema-file')));
  expect(runs.map(({ status, stderr }) => `${status} ${stderr.replaceAll(/waiting for another migration.*\n/g, '')}`)).toEqual(
    Array(8).fill('0 '),
  );
  const applied = runs.flatMap((run) => json(run)['versioned'] as readonly { readonly version: string }[]);
  expect(applied.map(({ version }) => Number(version)).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  expect(await sql`select from dbadmin.migration_history`).toHaveLength(13);
  expect(await sql`select distinct run_id from dbadmin.migration_history`).toHaveLength(1);
});

test('new, plan, up and status tell one story, and plan changes nothing', async () => {
  const made = await dbadmin('migrate', 'new', 'Add', 'plays!');
  expect(made.stdout).toMatch(/^migrations\/\d{8}T\d{6}_add_plays\.sql\n$/);
  const second = json(await dbadmin('migrate', 'new', 'index', 'plays', '--no-transaction', '--json'));
  const [file = '', index = ''] = (await readdir(path.join(project.directory, 'migrations'))).sort();
  expect([path.basename(String(second['file'])), index]).toEqual([index, `${String(second['version'])}_index_plays.sql`]);
  await project.write(`migrations/${file}`, 'create table play (id int);\ninsert into play values (1);\n');
  await project.write(`migrations/${index}`, '-- dbadmin: no-transaction\ncreate index concurrently play_id on play (id);\n');

  const plan = await dbadmin('migrate', 'plan');
  expect(plan.status).toBe(2);
  expect(plan.stdout).toContain(
    `2 versioned files and 0 routines to apply to ${database.name} on main\n\n${file}\n  1  create table play (id int)`,
  );
  expect(plan.stdout).toContain(`${index}   no-transaction\n  1  create index concurrently play_id on play (id)  ShareUpdateExclusive`);
  expect(plan.stdout).toMatch(/restore point dbadmin_\d{8}T\d{6}Z_\d{8}T\d{6} will be set first\.\nApply with: dbadmin migrate/);
  expect(await sql`select from pg_namespace where nspname = 'dbadmin'`).toHaveLength(0);

  const up = await dbadmin('migrate', '--no-schema-file');
  expect([up.status, up.stderr]).toEqual([0, '']);
  expect(up.stdout).toContain(`2 files and 0 routines applied to ${database.name} on main`);
  const status = await dbadmin('migrate', 'status', '--exit-code', '--json');
  expect(status.status).toBe(0);
  expect(json(status)['counts']).toEqual({ applied: 2, pending: 0, changed: 0, missing: 0, routines: 0 });
  expect((await dbadmin('migrate', 'status', '--body', file.split('_', 1)[0] ?? '')).stdout).toBe(
    'create table play (id int);\ninsert into play values (1);\n',
  );
});

test('validate reports every problem at once, without a database where none is wanted', async () => {
  await project.write('migrations/1_a.sql', 'create tabel a ();');
  await project.write('migrations/2_b.sql', 'select 1;\ncommit;');
  await project.write('migrations/02_c.sql', 'select 1;');
  await project.write('routines/core/f.sql', 'create view v as select 1;');
  await writeFile(
    configured,
    'version: 1\nclusters:\n  main: { url: "postgresql://nobody@127.0.0.1:1/none" }\npaths: { migrations: migrations, routines: routines }\n',
  );
  const { status, stderr } = await dbadmin('migrate', 'validate', '--offline');
  expect(status).toBe(1);
  expect(stderr).toContain('error: 4 problems with migrations');
  for (const place of [
    '1_a.sql:1:8: syntax error',
    '2_b.sql:2:1: COMMIT',
    '2_b.sql: version 2 is that of 02_c.sql too',
    'f.sql:1:1: CREATE VIEW cannot',
  ]) {
    expect(stderr).toContain(place);
  }
  const reached = await dbadmin('migrate', 'status');
  expect([reached.status, reached.stderr]).toEqual([1, expect.stringContaining('error: cannot connect to none at 127.0.0.1:1')]);
});
