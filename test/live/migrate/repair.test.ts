import { readdir, readFile, writeFile } from 'node:fs/promises';
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

const dbadmin = async (command: string, ...args: readonly string[]): Promise<CommandResult> =>
  await runCommand(project.directory, ['migrate', command, '--config', configured, ...args]);

test('a changed file is accepted with a reason, and up goes on; without a reason nothing happens', async () => {
  await project.write('migrations/1_a.sql', 'create table a (id int);');
  await project.up();
  await project.write('migrations/1_a.sql', 'create table a (id integer);\n-- and a slip\nselect 1;');
  await project.write('migrations/2_b.sql', 'create table b (id int);');
  const refused = await project.failure();
  expect(refused.hint).toContain('dbadmin migrate repair --accept 1 -- REASON');
  expect(await dbadmin('repair', '--accept', '1', '--yes')).toMatchObject({ status: 64 });
  expect(await dbadmin('repair', '--accept', '1', '--', 'no answer given')).toMatchObject({ status: 1 });
  expect(await sql`select from dbadmin.migration_history`).toHaveLength(1);
  const accepted = await dbadmin('repair', '--accept', '1', '--yes', '--', 'the same table', 'said otherwise');
  expect(accepted.status, accepted.stderr).toBe(0);
  expect(accepted.stdout).toContain('- create table a (id int);');
  expect((await project.up()).versioned.map(({ version }) => version)).toEqual(['2']);
  const [row] = await sql`select kind, reason, body like '%slip%' as new_body from dbadmin.migration_history where kind = 'repair'`;
  expect(row).toEqual({ kind: 'repair', reason: 'the same table said otherwise', new_body: true });
});

test('a version whose file is gone is forgotten with a reason', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();');
  await project.write('migrations/2_b.sql', 'create table b ();');
  await project.up();
  expect((await dbadmin('repair', '--forget', '1', '--yes', '--', 'x')).stderr).toContain('migrations/1_a.sql is there');
  await project.remove('migrations/1_a.sql');
  expect((await project.failure()).hint).toContain('dbadmin migrate repair --forget 1 -- REASON');
  expect((await dbadmin('repair', '--forget', '1', '--yes', '--', 'squashed')).status).toBe(0);
  expect((await project.up()).runId).toBeUndefined();
});

test('a begun no-transaction file that was undone by hand begins again at its first statement', async () => {
  await project.write(
    'migrations/1_a.sql',
    '-- dbadmin: no-transaction\ncreate table a (id int);\ncreate index concurrently a_id on nowhere (id);',
  );
  await project.failure();
  await sql`drop table a`;
  expect((await dbadmin('repair', '--undone', '1', '--yes', '--', 'dropped a by hand')).status).toBe(0);
  await project.write(
    'migrations/1_a.sql',
    '-- dbadmin: no-transaction\ncreate table a (id bigint);\ncreate index concurrently a_id on a (id);',
  );
  expect((await project.up()).versioned).toMatchObject([{ version: '1', statements: 2 }]);
});

test('an INVALID index is built anew; one that cannot be stays, the others go on, and the exit status is 3', async () => {
  await sql.unsafe(
    'create table good (i int); create table "double" (i int); insert into "double" values (1), (1); insert into good values (1), (1)',
  );
  for (const table of ['good', '"double"']) await sql.unsafe(`create unique index concurrently on ${table} (i)`).catch(() => undefined);
  await sql.unsafe('delete from good where ctid = (select min(ctid) from good)');
  const invalid = async (): Promise<readonly string[]> =>
    (await sql<{ name: string }[]>`select indexrelid::regclass::text as name from pg_index where not indisvalid order by 1`).map(
      ({ name }) => name,
    );
  expect(await invalid()).toEqual(['double_i_idx', 'good_i_idx']);
  expect((await dbadmin('repair')).status).toBe(1);

  const part = await dbadmin('repair', '--yes');
  expect(part.status, part.stderr).toBe(3);
  expect(part.stdout).toContain('public.good_i_idx   rebuilt');
  expect(part.stderr).toContain('public.double_i_idx: could not create unique index');
  expect(await invalid()).toEqual(['double_i_idx']);
  expect((await dbadmin('repair', '--drop-invalid', '--yes')).stdout).toContain('public.double_i_idx   dropped');
  expect(await invalid()).toEqual([]);
  expect((await dbadmin('repair')).stdout).toBe('no index is INVALID; nothing to mend\n');
});

test('rebase renames what comes too early, and up takes it', async () => {
  await project.write('migrations/2_b.sql', 'create table b ();');
  await project.up();
  await project.write('migrations/1_a.sql', 'create table a ();');
  expect((await project.failure()).hint).toContain('dbadmin migrate rebase');
  expect((await dbadmin('rebase', '--yes')).stdout).toMatch(/1_a\.sql → \d{8}T\d{6}_a\.sql\n1 file renamed/);
  expect(await readdir(path.join(project.directory, 'migrations'))).toEqual([expect.stringMatching(/^\d{8}T\d{6}_a\.sql$/), '2_b.sql']);
  expect((await project.up()).versioned).toHaveLength(1);
  expect((await dbadmin('validate')).status).toBe(0);
});

test('validate compares with the lock file, names each difference, and --write-lock mends it', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();');
  expect((await dbadmin('new', 'second')).status).toBe(0);
  const second = (await readdir(path.join(project.directory, 'migrations')))[1] ?? '';
  await project.write(`migrations/${second}`, 'create table b ();');
  const lock = path.join(project.directory, 'migrations.lock');
  const differing = await dbadmin('validate', '--offline');
  expect(differing.status).toBe(1);
  expect(differing.stderr).toContain(`migrations.lock: ${second} is another text than the one listed`);
  expect((await dbadmin('validate', '--offline', '--write-lock')).status).toBe(0);
  expect(await dbadmin('validate', '--offline')).toMatchObject({ status: 0, stderr: '' });
  await writeFile(lock, `<<<<<<< HEAD\n${await readFile(lock, 'utf8')}`);
  expect((await dbadmin('validate', '--offline')).stderr).toContain('migrations.lock:1: two branches changed the migrations');
});
