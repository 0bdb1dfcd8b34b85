import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { createProject, type TestProject } from './project.ts';

const database = await createTestDatabase();
const { sql } = database;
// Roles are the cluster's: names of this database's own.
const [reader, writer, owner] = ['reader', 'writer', 'owner'].map((name) => `${name}_${database.name}`);
await sql.unsafe(`create role ${reader}; create role ${writer}; create role ${owner}`);
afterAll(async () => {
  await sql.unsafe(`drop owned by ${reader}, ${writer}, ${owner} cascade; drop role ${reader}; drop role ${writer}; drop role ${owner}`);
  await database.drop();
});

let project: TestProject;
beforeEach(async () => {
  project = await createProject(database.url);
  await project.write(
    'migrations/1_core.sql',
    `create schema core; create table core.t (id serial, a int, b int);
     create view core.v as select id, a, b from core.t;
     create function core.f(x int) returns int language sql as 'select x';`,
  );
  await project.up();
});
afterEach(async () => {
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema if exists core cascade');
});

const acl = async (): Promise<Record<string, unknown>> => {
  const rows = await sql`
    select relname as name, relacl::text as acl, relowner::regrole::text as owner, obj_description(c.oid, 'pg_class') as comment,
      (select string_agg(attname || attacl::text || coalesce(col_description(attrelid, attnum), ''), ',' order by attnum)
       from pg_attribute where attrelid = c.oid and attacl is not null) as columns
    from pg_class c where relnamespace = to_regnamespace('core') and relkind in ('r', 'v', 'S')
    union all select proname, proacl::text, proowner::regrole::text, obj_description(oid, 'pg_proc'), null from pg_proc where pronamespace = to_regnamespace('core')`;
  return Object.fromEntries(rows.map(({ name, ...rest }) => [name as string, rest]));
};

test('what one file drops and a later one of the same run makes again keeps privileges, columns of them, owner and comments', async () => {
  await sql.unsafe(`grant select on core.t to ${reader}; grant update (a) on core.t to ${writer}; comment on column core.t.a is 'it''s a';
    grant usage on sequence core.t_id_seq to ${writer} with grant option; grant select on core.v to public; comment on view core.v is 'v';
    revoke all on function core.f(int) from public; grant execute on function core.f(int) to ${reader};
    grant usage, create on schema core to ${owner}; alter view core.v owner to ${owner}`);
  const before = await acl();
  expect(before['v']).toMatchObject({ owner, comment: 'v' });
  await project.write('migrations/2_drop.sql', 'drop function core.f; drop table core.t cascade;');
  await project.write('migrations/3_other.sql', 'create table core.other (id int);');
  await project.write(
    'migrations/4_again.sql',
    `create table core.t (a bigint, id serial, b int); create view core.v as select a, id, b from core.t;
     create function core.f(x int) returns int language sql as 'select x + 1';`,
  );
  await project.up();
  const { other, ...after } = await acl();
  expect(other).toMatchObject({ acl: null });
  expect(after).toEqual(before);
  expect(project.messages).toContain(`core.v was made anew; given back: owner ${owner}, SELECT to PUBLIC, its comment`);
});

test('a GRANT or REVOKE below the CREATE has the last word, and default privileges that came since add nothing', async () => {
  await sql.unsafe(`grant select, insert on core.v to ${reader}; alter default privileges in schema core grant all on tables to ${writer};
    alter default privileges revoke execute on functions from public; grant execute on function core.f(int) to ${reader}`);
  await project.write(
    'migrations/2_again.sql',
    `drop view core.v; create view core.v as select 1 as one; revoke insert on core.v from ${reader};
     do $$ begin drop function core.f; create function core.f(x int) returns int language sql as 'select x + 1'; end $$;`,
  );
  await project.up();
  const after = (await acl()) as Record<string, { acl: string }>;
  await sql.unsafe('alter default privileges grant execute on functions to public');
  expect(after['v']?.acl).toBe(`{postgres=arwdDxtm/postgres,${reader}=r/postgres}`);
  expect(after['f']?.acl).toBe(`{postgres=X/postgres,=X/postgres,${reader}=X/postgres}`);
});

test('an object that nobody granted anything on gets what default privileges give a new one', async () => {
  await sql.unsafe(
    `alter default privileges in schema core grant select on tables to ${reader}; alter default privileges revoke execute on functions from public`,
  );
  await project.write(
    'migrations/2_again.sql',
    `drop view core.v; create view core.v as select 1 as one; drop function core.f(int); create function core.f(x int) returns int language sql as 'select x';`,
  );
  await project.up();
  const after = (await acl()) as Record<string, { acl: string }>;
  await sql.unsafe('alter default privileges grant execute on functions to public');
  expect(after['v']?.acl).toBe(`{postgres=arwdDxtm/postgres,${reader}=r/postgres}`);
  expect(after['f']?.acl).toBe('{postgres=X/postgres}');
});

test('a table that takes the place of a dropped one by its name takes over what that carried', async () => {
  await sql.unsafe(`drop view core.v; grant select on core.t to ${reader}`);
  await project.write(
    'migrations/2_swap.sql',
    'create table core.t_new (id bigint); drop table core.t; alter table core.t_new rename to t;',
  );
  await project.up();
  expect((await acl())['t']).toMatchObject({ acl: `{postgres=arwdDxtm/postgres,${reader}=r/postgres}` });
});

test('without a transaction, and after a statement that lost against a lock, it is the same', async () => {
  await sql.unsafe(`grant select on core.v to ${reader}`);
  await project.write(
    'migrations/2_no.sql',
    '-- dbadmin: no-transaction\n-- dbadmin: lock-timeout 100ms\ndrop view core.v;\ncreate view core.v as select a from core.t;\nalter table core.t add c int;',
  );
  const other = await sql.reserve();
  await other.unsafe('begin; lock core.t in access share mode');
  const lost = (): boolean => project.messages.some((message) => message.includes('; attempt 2 of'));
  const released = vi.waitUntil(lost, { timeout: 30_000 }).then(async () => {
    await other.unsafe('rollback');
    other.release();
  });
  const [{ versioned }] = await Promise.all([project.up(), released]);
  expect(versioned[0]?.attempts).toBeGreaterThan(1);
  expect((await acl())['v']).toMatchObject({ acl: `{postgres=arwdDxtm/postgres,${reader}=r/postgres}` });
});
