import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { ensureHistory } from '../../../src/migrate/history/ensure.ts';
import { HISTORY_FORM } from '../../../src/migrate/history/form.ts';
import { openSession } from '../../../src/migrate/session/session.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { createProject, parametersOf, type TestProject } from './project.ts';

const FIRST = await readFile(new URL('../../golden/migration-history-1.sql', import.meta.url), 'utf8');
const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
beforeEach(async () => {
  project = await createProject(database.url);
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
});

const comment = async (): Promise<string> =>
  String((await sql`select obj_description('dbadmin.migration_history'::regclass) as said`)[0]?.['said']);
const columns = async (): Promise<readonly string[]> =>
  (
    await sql<{ said: string }[]>`select attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull as said from pg_attribute
      where attrelid = 'dbadmin.migration_history'::regclass and attnum > 0 order by attname`
  ).map(({ said }) => said);
const firstForm = async (): Promise<void> => {
  await sql.unsafe(`create table a (id int); ${FIRST}`);
  await project.write('migrations/1_a.sql', 'create table a (id int);');
};

test('the first form is brought to the present one by a run, keeps its rows and its guard, and equals a new one', async () => {
  await project.write('migrations/1_new.sql', 'select 1;');
  await project.up();
  const fresh = { columns: await columns(), comment: await comment() };
  await sql.unsafe('drop schema dbadmin cascade');
  await project.remove('migrations/1_new.sql');

  await firstForm();
  const before =
    await sql`select seq, run_id, kind, version, name, body, started_at, restore_point, restore_lsn, locks from dbadmin.migration_history`;
  expect((await project.up()).runId).toBeUndefined();
  expect(await comment()).not.toContain('form');
  await project.write('migrations/2_b.sql', 'alter table a add b int;');
  const { versioned } = await project.up({ toolVersion: '0.2.0' });
  expect(versioned.map(({ file }) => file)).toEqual(['2_b.sql']);
  expect({ columns: await columns(), comment: (await comment()).replace('0.2.0', '0.0.0-test') }).toEqual(fresh);
  expect(await comment()).toMatch(new RegExp(`\\(form ${HISTORY_FORM}, since dbadmin 0\\.2\\.0\\)$`));
  const after =
    await sql`select seq, run_id, kind, version, name, body, started_at, restore_point, restore_lsn, locks from dbadmin.migration_history where version = '1'`;
  expect([...after]).toEqual([...before]);
  await expect(sql`delete from dbadmin.migration_history`).rejects.toThrow(/append-only/);
});

test('a history without a comment, as a dump without comments leaves it, is brought to the present form again', async () => {
  await firstForm();
  await project.write('migrations/2_b.sql', 'select 1;');
  await project.up();
  await sql.unsafe('comment on table dbadmin.migration_history is null');
  await project.write('migrations/3_c.sql', 'select 1;');
  await project.up();
  expect(await comment()).toContain(`(form ${HISTORY_FORM},`);
});

test('a form that a newer dbadmin made is refused by that name, before anything is read', async () => {
  await firstForm();
  const said = `What dbadmin applied. (form ${HISTORY_FORM + 1}, since dbadmin 9.1.0)`;
  await sql.unsafe(
    `comment on table dbadmin.migration_history is '${said}'; alter table dbadmin.migration_history rename column sha256 to digest`,
  );
  await project.write('migrations/2_b.sql', 'create table b ();');
  const failure = await project.failure();
  expect(failure.code).toBe('history-newer');
  expect(failure.message).toBe(
    `dbadmin.migration_history has form ${HISTORY_FORM + 1}, and this dbadmin knows forms up to ${HISTORY_FORM}`,
  );
  expect(failure.hint).toBe('Use dbadmin 9.1.0 or newer.');
  expect(await comment()).toBe(said);
});

test('four runs that meet the first form at once bring it to the present one once, and apply each file once', async () => {
  await firstForm();
  for (const number of [2, 3, 4]) await project.write(`migrations/${number}_t.sql`, `create table t${number} ();`);
  const runs = await Promise.all(Array.from({ length: 4 }, async () => await project.up()));
  expect(runs.flatMap(({ versioned }) => versioned.map(({ version }) => version)).sort()).toEqual(['2', '3', '4']);
  expect(await comment()).toContain(`(form ${HISTORY_FORM},`);
});

test('an upgrade that fails half way leaves the form it began with', async () => {
  await firstForm();
  await sql.unsafe('alter table dbadmin.migration_history add restore_timeline text');
  await sql.unsafe(`create function public.no_comment() returns event_trigger language plpgsql as $$ begin raise exception 'not now'; end $$;
    create event trigger no_comment_${database.name} on ddl_command_end when tag in ('COMMENT') execute function public.no_comment()`);
  try {
    await project.write('migrations/2_b.sql', 'create table b ();');
    const failure = await project.failure();
    expect([failure.code, failure.message]).toEqual([
      'query-failed',
      `cannot bring dbadmin.migration_history from form 1 to form ${HISTORY_FORM}`,
    ]);
    expect(failure.detail).toBe('not now');
    expect(await comment()).not.toContain('form');
  } finally {
    await sql.unsafe(`drop event trigger no_comment_${database.name}`);
  }
});

test('somebody who reads the history for long is not queued behind: the upgrade gives up and says why', async () => {
  await firstForm();
  const session = await openSession(parametersOf(database.url), { applicationName: 'test' });
  const reader = await sql.reserve();
  try {
    await reader.unsafe('begin; select from dbadmin.migration_history');
    const owner = { user: 'postgres', database: database.name, toolVersion: '0.2.0' };
    await expect(ensureHistory(session, 'dbadmin', owner)).rejects.toMatchObject({ code: 'locked' });
    await reader.unsafe('commit');
    await ensureHistory(session, 'dbadmin', owner);
    expect(await comment()).toContain(`(form ${HISTORY_FORM},`);
  } finally {
    reader.release();
    await session.close();
  }
});

test('a role that does not own the history is told who has to bring it to the present form', async () => {
  await firstForm();
  const role = `${database.name}_other`;
  await sql.unsafe(`create role ${role} login; grant usage on schema dbadmin to ${role}; grant select, insert on dbadmin.migration_history to ${role};
    grant all on schema public to ${role}`);
  try {
    await project.write('migrations/2_b.sql', 'create table b ();');
    const { connection } = project.options();
    const failure = await project.failure({ connection: { ...connection, user: role } });
    expect([failure.code, failure.hint]).toEqual([
      'privilege-missing',
      `Run this once as the owner of the table, or let ${role} be a member of the owner.`,
    ]);
  } finally {
    await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
  }
});
