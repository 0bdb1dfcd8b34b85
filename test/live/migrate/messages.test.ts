import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { createProject, type TestProject } from './project.ts';

const database = await createTestDatabase();
const { sql } = database;
const role = `${database.name}_app`;
await sql.unsafe(`create role ${role} login`);
afterAll(async () => {
  await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  await database.drop();
});

let project: TestProject;
beforeEach(async () => {
  project = await createProject(database.url);
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
});

const asRole = (): { readonly connection: ReturnType<TestProject['options']>['connection'] } => ({
  connection: { ...project.options().connection, user: role },
});

test('a table that does not exist: the place, that nothing is applied, where names are looked for', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();\nalter table\n  core.play add b int;\n');
  const failure = await project.failure();
  expect(failure.message).toBe('migrations/1_a.sql:2:1: schema "core" does not exist (3F000)');
  expect(failure.detail).toBe('2 | alter table\n  | ^\nNothing of this file is applied.');
  expect(failure.hint).toMatch(/^Make it in a migration before this one\./);
  await project.write('migrations/1_a.sql', 'select * from gone;');
  expect((await project.failure()).message).toBe('migrations/1_a.sql:1:15: relation "gone" does not exist (42P01)');
});

test('a failure in the middle of a no-transaction file says which statements stay and with which the next run goes on', async () => {
  await project.write('migrations/1_a.sql', '-- dbadmin: no-transaction\ncreate table a ();\ncreate table b ();\nselect 1 / 0;');
  const failure = await project.failure();
  expect(failure.message).toBe('migrations/1_a.sql:4:1: division by zero (22012)');
  expect(failure.detail).toMatch(/Statements 1 to 2 are applied and stay so; the next run goes on with statement 3\.$/);
});

test('a role that may not write to the history is refused before a file runs; one that owns nothing gets the place', async () => {
  await project.write('migrations/1_a.sql', 'create table a ();');
  await project.up();
  await project.write('migrations/2_b.sql', 'alter table a add b int;');
  const unseen = await project.failure(asRole());
  expect([unseen.code, unseen.message]).toEqual(['privilege-missing', 'the server refused: permission denied for schema dbadmin (42501)']);
  await sql.unsafe(`grant usage on schema dbadmin, public to ${role}; grant select on dbadmin.migration_history to ${role}`);
  const unwritten = await project.failure(asRole());
  expect([unwritten.code, unwritten.message]).toEqual(['privilege-missing', `${role} may not write to the history in schema dbadmin`]);
  expect(unwritten.hint).toBe(`As the owner of the table: GRANT SELECT, INSERT ON dbadmin.migration_history TO ${role};`);
  await sql.unsafe(`grant insert on dbadmin.migration_history to ${role}`);
  const unowned = await project.failure(asRole());
  expect(unowned.message).toBe('migrations/2_b.sql:1:1: must be owner of table a (42501)');
  expect(unowned.hint).toMatch(/grant what is missing to the role of this connection/);
  await sql.unsafe(`alter table a owner to ${role}`);
  expect((await project.up(asRole())).versioned).toHaveLength(1);
});

test('a role that may not make the history is told what to grant', async () => {
  await project.write('migrations/1_a.sql', 'select 1;');
  const failure = await project.failure(asRole());
  expect([failure.code, failure.hint]).toEqual([
    'privilege-missing',
    `As a superuser: GRANT CREATE ON DATABASE ${database.name} TO ${role};`,
  ]);
});

test('a role that may set a restore point and not switch WAL sets it; one that may neither is told once', async () => {
  await project.write('migrations/1_a.sql', 'select 1;');
  await sql.unsafe(`grant create on database ${database.name} to ${role}`);
  const without = await project.up({ ...asRole(), wantsRestorePoint: true });
  expect(without.restorePoint).toBeUndefined();
  expect(project.messages).toEqual([expect.stringMatching(/^no restore point: .* may not call pg_create_restore_point/)]);
  await sql.unsafe(`grant execute on function pg_create_restore_point(text) to ${role}`);
  await project.write('migrations/2_b.sql', 'select 1;');
  const { restorePoint } = await project.up({ ...asRole(), wantsRestorePoint: true });
  expect(restorePoint).toMatchObject({ name: expect.stringMatching(/_2$/), timeline: 1, archived: undefined });
});
