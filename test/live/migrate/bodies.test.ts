import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { openClient } from '../../../src/postgres/client.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { createProject, type TestProject } from './project.ts';
import { withExtension } from './with-extension.ts';

const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
beforeEach(async () => {
  project = await createProject(database.url);
  await project.write('migrations/1_core.sql', 'create schema core; create table core.t (id int, bal int);');
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema if exists core cascade');
});

const plpgsql = (name: string, body: string): string =>
  `create or replace function core.${name}() returns int language plpgsql as $$\nbegin\n  ${body}\nend $$;`;

test('a rename that breaks an SQL function fails its file before it commits, with the function and what it misses', async () => {
  await project.write(
    'routines/core/f.sql',
    'create or replace function core.f() returns bigint language sql set search_path = core as $$ select sum(bal) from t $$;',
  );
  await project.up();
  await project.write('migrations/2_rename.sql', 'alter table core.t rename bal to balance;');
  const failure = await project.failure();
  expect(failure.code).toBe('migration-failed');
  expect(failure.message).toBe('core.f() line 1: column "bal" does not exist (42703)');
  expect(failure.detail).toContain('Nothing of migrations/2_rename.sql is applied.');
  expect(await sql`select bal from core.t`).toEqual([]);
  await project.write(
    'routines/core/f.sql',
    'create or replace function core.f() returns bigint language sql set search_path = core as $$ select sum(balance) from t $$;',
  );
  const { versioned, routines } = await project.up();
  expect([versioned.length, routines.length]).toEqual([1, 1]);
});

test('a body is looked into with the path that a session begins with, also in the last file of a run', async () => {
  await project.write(
    'migrations/2_public.sql',
    "create table plain (id int); create function plain_count() returns bigint language sql as 'select count(*) from plain';",
  );
  expect((await project.up()).versioned.map(({ version }) => version)).toEqual(['1', '2']);
  expect(await sql`select plain_count()::int as n`).toEqual([{ n: 0 }]);
  await project.write('migrations/3_rename.sql', 'alter table plain rename to plainer;');
  expect((await project.failure()).message).toContain('plain_count() line 1: relation "plain" does not exist');
  await project.write('migrations/3_rename.sql', 'drop function plain_count(); drop table plain;');
  await project.up();
});

test('what was broken before stops nobody and is said; a routine of this run must be right', async () => {
  await project.up();
  await sql.unsafe(
    "set check_function_bodies = off; create function core.old() returns int language sql as 'select nosuch()'; reset check_function_bodies",
  );
  await project.write('migrations/2_more.sql', 'create table core.u (id int);');
  await project.up();
  expect(project.messages).toContain('core.old() line 1 fails when it runs, as it did before: function nosuch() does not exist');
  await project.write('routines/core/old.sql', "create or replace function core.old() returns int language sql as 'select nosuch()';");
  expect((await project.failure()).message).toContain('routines/core/old.sql: the body of core.old is wrong');
});

test('without plpgsql_check a run says once what is not checked, and only where there is something', async () => {
  await project.up();
  expect(project.messages).toEqual([]);
  await project.write('routines/core/f.sql', plpgsql('f', 'return (select nosuch from core.t);'));
  await project.write('migrations/2_more.sql', 'create table core.u (id int);');
  await project.up();
  expect(project.messages.filter((each) => each.includes('plpgsql_check'))).toEqual([
    'the bodies of 1 PL/pgSQL routines are checked for syntax only: plpgsql_check is not installed in this database (CREATE EXTENSION plpgsql_check)',
  ]);
});

test('with plpgsql_check a rename that breaks a procedure or a trigger is found, in the file of this run with its line', async (context) => {
  const ran = await withExtension('plpgsql_check', async (connection) => {
    const own = await openClient(connection);
    try {
      await own.unsafe('create schema checks; create extension plpgsql_check schema checks');
      await project.write('routines/core/f.sql', plpgsql('f', 'return (select sum(bal) from core.t);'));
      await project.write(
        'routines/core/tmp.sql',
        `-- dbadmin: allow plpgsql-check -- makes its own table\n${plpgsql('tmp', 'create temp table x (a int); return (select a from x);')}`,
      );
      await project.write(
        'routines/core/trg.sql',
        `create or replace function core.trg() returns trigger language plpgsql as $$ begin
  new.bal := 1; return new; end $$; create or replace trigger trg before insert on core.t for each row execute function core.trg();`,
      );
      await project.write(
        'routines/core/moved.sql',
        `create or replace function core.moved() returns trigger language plpgsql as $$ begin
  if tg_op = 'DELETE' then perform count(*) from gone; else perform count(*) from come; end if; return null; end $$;
create or replace trigger moved_in after insert on core.t referencing new table as come for each statement execute function core.moved();
create or replace trigger moved_out after delete on core.t referencing old table as gone for each statement execute function core.moved();`,
      );
      await project.up({ connection });
      expect(project.messages).toEqual([]);

      await project.write('migrations/2_rename.sql', 'alter table core.t rename bal to balance;');
      const broken = await project.failure({ connection });
      expect(broken.message).toBe('2 routines would fail when they run');
      expect(broken.detail).toContain('core.f() line 3: column "bal" does not exist (42703)');
      expect(broken.detail).toContain('core.trg() on core.t line 2: record "new" has no field "bal" (42703)');
      expect(await own`select bal from core.t`).toEqual([]);

      // Repaired in the same run, with a new mistake.
      await project.write(
        'routines/core/trg.sql',
        `create or replace function core.trg() returns trigger language plpgsql as $$ begin
  new.balance := 1; return new; end $$; create or replace trigger trg before insert on core.t for each row execute function core.trg();`,
      );
      await project.write('routines/core/f.sql', `\n${plpgsql('f', 'return (select sum(balanse) from core.t);')}`);
      const wrong = await project.failure({ connection });
      expect(wrong.message).toBe('routines/core/f.sql:4: core.f() line 3: column "balanse" does not exist (42703)');
      expect(wrong.detail).toContain('None of the routines is changed.\n1 of 1 file was applied before and stays applied');
      await project.write('routines/core/f.sql', plpgsql('f', 'return (select sum(balance) from core.t);'));
      expect((await project.up({ connection })).routines.map(({ name }) => name)).toEqual(['core/f', 'core/trg']);
      expect(await own`select extname from pg_extension where extname like 'plpgsql_%'`).toHaveLength(1);
    } finally {
      await own.end({ timeout: 1 });
    }
  });
  if (!ran) context.skip('no server here has plpgsql_check');
});
