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
  expect(failure.detail).toContain('1 of 1 file was applied before');
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

const function_ = (name: string, rest: string): string => `create or replace function core.${name}${rest}`;

test('a changed return type, parameter name or kind makes the function anew, with its grants, owner and comment', async () => {
  await sql.unsafe('create role keeper_app; create role keeper_owner; grant create on database ' + database.name + ' to keeper_owner');
  try {
    await project.write('routines/core/f.sql', function_('f', '(a int) returns int language sql as $$ select 1 $$;'));
    await project.up();
    await sql.unsafe(`revoke execute on function core.f(int) from public; grant execute on function core.f(int) to keeper_app with grant option;
      grant usage, create on schema core to keeper_owner; alter function core.f(int) owner to keeper_owner; comment on function core.f(int) is 'what it''s for'`);
    const carried = async (): Promise<unknown> =>
      await sql`select proacl::text as acl, proowner::regrole::text as owner, obj_description(oid) as comment, prokind, pg_get_function_result(oid) as result
        from pg_proc where oid = to_regprocedure('core.f(int)')`.then(([row]) => ({ ...row }));
    const before = await carried();
    expect(before).toMatchObject({ acl: '{keeper_owner=X/keeper_owner,keeper_app=X*/keeper_owner}', comment: "what it's for" });
    for (const [rest, result] of [
      ['(a int) returns text language sql as $$ select null::text $$;', { result: 'text' }],
      ['(b int) returns text language sql as $$ select null::text $$;', { result: 'text' }],
    ] as const) {
      await project.write('routines/core/f.sql', function_('f', rest));
      await project.up();
      expect(await carried()).toEqual({ ...(before as object), ...result });
    }
    await project.write('routines/core/f.sql', 'create or replace procedure core.f(b int) language sql as $$ select 1 $$;');
    await project.up();
    expect(await carried()).toEqual({ ...(before as object), prokind: 'p', result: null });
    expect(project.messages).toContain('routines/core/f.sql: core.f(integer) is made anew');
  } finally {
    await sql.unsafe('drop owned by keeper_app, keeper_owner cascade; drop role keeper_app; drop role keeper_owner');
  }
});

test('a view with other columns is made anew with the views, routines and triggers on it that routines make', async () => {
  await project.write('routines/core/m.sql', 'create or replace view core.m as select id as b from core.t;');
  await project.write('routines/core/a.sql', 'create or replace view core.a as select m.b from core.m;');
  await project.write(
    'routines/core/aa.sql',
    'drop materialized view if exists core.aa; create materialized view core.aa as select b from core.a; create unique index if not exists aa_b on core.aa (b);',
  );
  await project.write(
    'routines/core/g.sql',
    function_('g', '() returns setof core.m language sql begin atomic select * from core.m; end;'),
  );
  await project.write('routines/core/y.sql', function_('y', '() returns trigger language plpgsql as $$ begin return null; end $$;'));
  await project.write(
    'routines/core/t.sql',
    'create or replace trigger t instead of insert on core.m for each row execute function core.y();',
  );
  await project.up();
  await sql.unsafe('grant select (b) on core.a to public; grant select on core.aa to public');
  const acl = async (): Promise<unknown> =>
    (
      await sql`select relacl::text as acl, (select attacl::text from pg_attribute where attrelid = c.oid and attname = 'b') as b
      from pg_class c where relnamespace = to_regnamespace('core') and relname in ('a', 'aa') order by relname`
    ).map((row) => ({ ...row }));
  const before = await acl();
  await project.write('routines/core/m.sql', 'create or replace view core.m as select now() as at, id::text as b from core.t;');
  const { routines } = await project.up();
  expect(routines).toEqual([
    { name: 'core/m', change: 'changed' },
    ...['core/a', 'core/aa', 'core/g', 'core/t'].map((name) => ({ name, change: 'remade' })),
  ]);
  expect(await acl()).toEqual(before);
  expect(await sql`select from pg_trigger where tgrelid = to_regclass('core.m')`).toHaveLength(1);
  expect(await sql`select from pg_index where indrelid = to_regclass('core.aa')`).toHaveLength(1);
  expect((await project.up()).runId).toBeUndefined();
});

test('a view that something outside of the routines needs is refused, and everything that is in the way is named', async () => {
  await project.write('routines/core/m.sql', 'create or replace view core.m as select id as b from core.t;');
  await project.write('routines/core/a.sql', 'create or replace view core.a as select m.b from core.m;');
  await project.write('routines/core/f.sql', function_('f', '(a int) returns int immutable language sql as $$ select a $$;'));
  await project.up();
  await sql.unsafe('create view core.stranger as select * from core.a; create rule r as on insert to core.m do instead nothing');
  await sql.unsafe('create table core.u (a int default core.f(1), check (core.f(a) > 0)); create index on core.u (core.f(a))');
  await project.write('routines/core/m.sql', 'create or replace view core.m as select id::text as b from core.t;');
  const view = await project.failure();
  expect(view.message).toBe('routines/core/m.sql: core.m cannot be replaced in place, and something that no routine makes needs it');
  expect(view.detail?.split('\n').slice(1)).toEqual(['view core.stranger needs core.m', 'rule r on core.m needs core.m']);
  await project.write('routines/core/m.sql', 'create or replace view core.m as select id as b from core.t;');
  await project.write('routines/core/f.sql', function_('f', '(a int) returns bigint immutable language sql as $$ select a $$;'));
  const called = await project.failure();
  expect(called.detail).toContain('default value for core.u.a needs core.f(integer)');
  expect(called.detail).toContain('table constraint u_a_check on core.u');
  expect(called.detail).toContain('index core.u_f_idx needs');
  expect(await sql`select * from core.stranger`).toHaveLength(0);
});

test('a function with other arguments takes over the grants of the one that it replaces', async () => {
  await project.write('routines/core/f.sql', function_('f', '(a int) returns int language sql as $$ select 1 $$;'));
  await project.up();
  await sql`revoke execute on function core.f(int) from public`;
  await project.write('routines/core/f.sql', function_('f', '(a text) returns int language sql as $$ select 1 $$;'));
  await project.up();
  expect((await sql`select proacl::text as acl from pg_proc where proname = 'f' and pronamespace = 'core'::regnamespace`)[0]?.['acl']).toBe(
    '{postgres=X/postgres}',
  );
});

test('a view on the function in the same file is there after the function takes other arguments, with what needs it and its grants', async () => {
  const text = (type: string): string =>
    `${function_('f', `(a ${type}) returns int language sql as $$ select 1 $$`)};\ncreate or replace view core.v as select core.f(id) as b from core.t;`;
  await project.write('routines/core/f.sql', text('int'));
  await project.write('routines/core/a.sql', 'create or replace view core.a as select b from core.v;');
  await project.write('routines/core/w.sql', 'create or replace view core.w as select b from core.a;');
  await project.up();
  await sql`grant select on core.v to public`;
  await project.write('routines/core/f.sql', text('bigint'));
  await project.write('routines/core/w.sql', 'create or replace view core.w as select b, 1 as one from core.a;');
  const { routines } = await project.up();
  expect(routines).toEqual([
    { name: 'core/f', change: 'changed' },
    { name: 'core/w', change: 'changed' },
    { name: 'core/a', change: 'remade' },
  ]);
  const made =
    await sql`select relname as name, relacl is not null as granted from pg_class where relnamespace = 'core'::regnamespace and relkind = 'v'
    order by relname`;
  expect(made.map((row) => ({ ...row }))).toEqual([
    { name: 'a', granted: false },
    { name: 'v', granted: true },
    { name: 'w', granted: false },
  ]);
  expect(await sql`select oid::regprocedure::text as name from pg_proc where proname = 'f'`).toMatchObject([{ name: 'core.f(bigint)' }]);
  expect((await project.up()).runId).toBeUndefined();
});

test('a file that loses what its earlier statement made is run again, and one that always does is refused', async () => {
  const view = (columns: string): string => `create or replace view core.m as select ${columns} from core.t;`;
  const needs = 'create or replace view core.w as select b from core.m;';
  await project.write('routines/core/m.sql', `${view('id as b')} ${needs}`);
  await project.up();
  await project.write('routines/core/m.sql', `${needs} ${view('id::text as b')}`);
  await project.up();
  expect(await sql`select pg_typeof(b)::text as type from core.w right join (values (1)) one on true`).toMatchObject([{ type: 'text' }]);
  await project.write('routines/core/m.sql', `${view('id as b')} ${needs} ${view('id::text as b')}`);
  const failure = await project.failure();
  expect(failure).toMatchObject({
    code: 'migration-failed',
    message: 'routines/core/m.sql: view core.w had to be dropped and was not made again',
  });
  expect(failure.hint).toContain('drop view core.w;');
  expect(await sql`select pg_typeof(b)::text as type from core.w right join (values (1)) one on true`).toMatchObject([{ type: 'text' }]);
});

const atomic = (argument: string): string =>
  function_('f', `(${argument}) returns bigint language sql begin atomic select count(*) from core.m; end;`);

test('overloads in files of their own are both there, with their grants, after what one of them needs was made anew', async () => {
  await project.write('routines/core/m.sql', 'create or replace view core.m as select id as b from core.t;');
  await project.write('routines/core/f_int.sql', atomic('a int'));
  await project.write('routines/core/f_text.sql', function_('f', '(a text) returns int language sql as $$ select 1 $$;'));
  await project.up();
  await sql`revoke execute on function core.f(int) from public`;
  const functions = async (): Promise<unknown> =>
    (
      await sql`select oid::regprocedure::text as name, proacl::text as acl from pg_proc where pronamespace = 'core'::regnamespace order by 1`
    ).map((row) => ({ ...row }));
  const before = await functions();
  expect(before).toHaveLength(2);
  await project.write('routines/core/m.sql', 'create or replace view core.m as select id::text as b from core.t;');
  await project.up();
  expect(await functions()).toEqual(before);
});

test('an overload that no file makes stops the run, and is there as before', async () => {
  await project.write('migrations/2_f.sql', 'create view core.m as select id as b from core.t;' + atomic('a int'));
  await project.write('routines/core/m.sql', 'create or replace view core.m as select id as b from core.t;');
  await project.write('routines/core/f_text.sql', function_('f', '(a text) returns int language sql as $$ select 1 $$;'));
  await project.up();
  await project.write('routines/core/m.sql', 'create or replace view core.m as select id::text as b from core.t;');
  const failure = await project.failure();
  expect(failure).toMatchObject({
    code: 'migration-failed',
    message: 'routines/core/m.sql: function core.f(integer) had to be dropped and was not made again',
  });
  expect(failure.hint).toContain('drop routine core.f(integer);');
  expect(await sql`select from pg_proc where oid = to_regprocedure('core.f(int)')`).toHaveLength(1);
});

test.each([
  ['a int', 'a bigint, b text[]', 'core.f(bigint,text[])'],
  ['a core.m, b numeric(5, 2)[]', 'a core.m', 'core.f(core.m)'],
])(
  'an old overload that went along with what it needs is not asked for again, and its grants are taken over: %s',
  async (old, now, name) => {
    await project.write('routines/core/m.sql', 'create or replace view core.m as select id as b from core.t;');
    await project.write('routines/core/f.sql', atomic(old));
    await project.up();
    await sql`revoke execute on all functions in schema core from public`;
    await project.write('routines/core/m.sql', 'create or replace view core.m as select id::text as b from core.t;');
    await project.write('routines/core/f.sql', atomic(now));
    await project.up();
    expect(await sql`select oid::regprocedure::text as name, proacl::text as acl from pg_proc where proname = 'f'`).toMatchObject([
      { name, acl: '{postgres=X/postgres}' },
    ]);
  },
);

test('an overload that moved into another file stays, whichever of them runs first', async () => {
  const [int, text] = ['int', 'text'].map((type) => function_('f', `(a ${type}) returns int language sql as $$ select 1 $$;`));
  await project.write('routines/core/f.sql', `${int} ${text}`);
  await project.up();
  await project.write('routines/core/e.sql', int ?? '');
  await project.write('routines/core/f.sql', text ?? '');
  await project.up();
  const left = await sql`select oid::regprocedure::text as name from pg_proc where proname = 'f' order by 1`;
  expect(left.map(({ name }) => name as string)).toEqual(['core.f(integer)', 'core.f(text)']);
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
