import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { createProject, type TestProject } from './project.ts';

const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
beforeEach(async () => {
  project = await createProject(database.url);
  await project.write('migrations/1_core.sql', 'create schema core; create table core.t (id int);');
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema if exists core cascade');
});

test('routines are applied in the order of what they need, whatever their names', async () => {
  await project.write('routines/core/a.sql', 'create or replace view core.a as select b, core.z(b) as z from core.m;');
  await project.write('routines/core/m.sql', 'create or replace view core.m as select id as b from core.t;');
  await project.write('routines/core/t.sql', 'create or replace trigger t before insert on core.t for each row execute function core.y();');
  await project.write(
    'routines/core/y.sql',
    'create or replace function core.y() returns trigger language plpgsql as $$ begin return new; end $$;',
  );
  await project.write(
    'routines/core/z.sql',
    'create or replace function core.z(x int) returns int language sql begin atomic select core.zz(x); end;',
  );
  await project.write('routines/core/zz.sql', 'create or replace function core.zz(x int) returns int language sql as $$ select x + 1 $$;');
  const { routines } = await project.up();
  expect(routines.map(({ name }) => name)).toEqual(['core/zz', 'core/z', 'core/m', 'core/a', 'core/y', 'core/t']);
  await sql`insert into core.t values (1)`;
  expect({ ...(await sql`select * from core.a`)[0] }).toEqual({ b: 1, z: 2 });
});

test('only changed routines are applied again, and one may return to an earlier text', async () => {
  const one = 'create or replace function core.f() returns int language sql as $$ select 1 $$;';
  await project.write('routines/core/f.sql', one);
  await project.write('routines/core/g.sql', 'create or replace function core.g() returns int language sql as $$ select 1 $$;');
  await project.up();
  await project.write('routines/core/f.sql', one.replace('select 1', 'select 2'));
  expect((await project.up()).routines).toEqual([{ name: 'core/f', change: 'changed' }]);
  await project.write('routines/core/f.sql', one);
  expect((await project.up()).routines).toEqual([{ name: 'core/f', change: 'changed' }]);
  expect((await sql`select core.f() as value`)[0]?.['value']).toBe(1);
  expect((await project.up()).runId).toBeUndefined();
});

test('one wrong routine leaves all of them as they were, with its body checked', async () => {
  await project.write('routines/core/a.sql', 'create or replace function core.a() returns int language sql as $$ select 1 $$;');
  await project.write(
    'routines/core/b.sql',
    'create or replace function core.b() returns int language plpgsql as $$ begin retrun 1; end $$;',
  );
  const failure = await project.failure();
  expect(failure.message).toMatch(/routines\/core\/b\.sql: the body of core\.b is wrong: syntax error at or near "retrun" \(42601\)/);
  expect(failure.detail).toContain('1 of 1 files were applied before');
  expect(await sql`select from pg_proc where pronamespace = 'core'::regnamespace`).toHaveLength(0);
});

test('a changed argument list takes the place of the old overload', async () => {
  await project.write(
    'routines/core/f.sql',
    'create or replace function core.f(a int, b text[]) returns int language sql as $$ select 1 $$;',
  );
  await project.up();
  await project.write('routines/core/f.sql', 'create or replace function core.f(a bigint, out r int) language sql as $$ select 2 $$;');
  await project.up();
  const left = await sql`select oid::regprocedure::text as name from pg_proc where pronamespace = 'core'::regnamespace`;
  expect(left.map(({ name }) => name as string)).toEqual(['core.f(bigint)']);
  expect(project.messages).toContain('dropped core.f(integer,text[]): core/f has other arguments now');
});

test('an old overload that something needs is refused with the way out', async () => {
  await project.write('routines/core/f.sql', 'create or replace function core.f(a int) returns int language sql as $$ select 1 $$;');
  await project.up();
  await sql`create view core.needs as select core.f(1)`;
  await project.write('routines/core/f.sql', 'create or replace function core.f(a text) returns int language sql as $$ select 1 $$;');
  const failure = await project.failure();
  expect(failure.message).toContain('core.f(integer) has other arguments now, and something needs the old one');
  expect(failure.hint).toContain('DROP ROUTINE core.f(integer)');
});

test('a changed return type is refused with the statement to write, and passes with it in the file', async () => {
  await project.write('routines/core/f.sql', 'create or replace function core.f() returns int language sql as $$ select 1 $$;');
  await project.up();
  const changed = 'create or replace function core.f() returns text language sql as $$ select null::text $$;';
  await project.write('routines/core/f.sql', changed);
  const failure = await project.failure();
  expect(failure.message).toContain('cannot change return type of existing function (42P13)');
  expect(failure.hint).toContain('put DROP FUNCTION IF EXISTS before it in this file');
  await project.write('routines/core/f.sql', `drop function if exists core.f();\n${changed}`);
  await project.up();
});

test('a routine that could run only once is refused', async () => {
  await project.write('routines/core/f.sql', 'select 1;\ncreate function core.f() returns int language sql as $$ select 1 $$;');
  expect((await project.failure()).message).toBe('routines/core/f.sql:2:1: CREATE FUNCTION cannot run a second time');
});

test('views that need each other in a circle are named', async () => {
  await project.write('routines/core/a.sql', 'create or replace view core.a as select * from core.b;');
  await project.write('routines/core/b.sql', 'create or replace view core.b as select * from core.a;');
  expect((await project.failure()).message).toBe('routines need each other in a circle: core/a → core/b → core/a');
});
