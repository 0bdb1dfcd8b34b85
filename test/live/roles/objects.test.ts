import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect, openProject, outcome, type Project } from './project.ts';

/** 63 bytes, with everything in it that SQL cares about. */
const ODD = `a "b" c.d; -- é$$'\\${'x'.repeat(43)}`;

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

interface Lines {
  readonly schemas?: string;
  readonly access?: readonly string[];
  readonly columns?: readonly string[];
  readonly roles?: string;
  readonly more?: string;
}

function file({ schemas = 'core: { owner: app_owner }', access = [], columns = [], roles = '', more = '' }: Lines): string {
  return `
version: 1
scope: { roles: ["app_*", ${JSON.stringify(ODD.replaceAll('\\', '\\\\'))}] }
groups: { app_owner: {}, app_reader: {}, app_writer: {}, ${JSON.stringify(ODD)}: {}${roles} }
databases:
  music:
    schemas: { ${schemas} }
    access: [${access.map((line) => `\n      ${line}`).join(',')}]
    columns: [${columns.map((line) => `\n      ${line}`).join(',')}]
${more}`;
}

describe.each([14, 18] as const)('objects of every kind on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let project: Project;
  let music: Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    music = connect(cluster.url('music'));
    project = await openProject(cluster);
    await project.apply(file({}));
  });

  beforeEach(async () => {
    await music.unsafe('drop schema if exists core cascade; create schema core authorization app_owner');
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  async function converges(text: string): Promise<void> {
    await project.apply(text);
    expect(await project.lines(text)).toEqual([]);
  }

  const asReader = async (statement: string): Promise<string> =>
    await outcome(cluster, 'music', 'postgres', `set role app_reader; ${statement}`);

  it('takes the whole of a table away and leaves the columns, in one apply', async () => {
    await music.unsafe(`create table core.account (id int, email text, country text);
      grant select on core.account to app_reader; grant select (id) on core.account to app_reader;
      grant update on core.account to app_reader; grant update (email) on core.account to app_reader`);
    await converges(file({ columns: ['{ on: table core.account, to: app_reader, allow: [id, country] }'] }));
    expect(await asReader('select id, country from core.account')).toBe('ok');
    expect(await asReader('select email from core.account')).toBe('42501');
    expect(await asReader("update core.account set email = ''")).toBe('42501');
  });

  it('keeps a column made later closed until the next apply', async () => {
    await music.unsafe('create table core.account (id int, email text)');
    const text = file({ columns: ['{ on: table core.account, to: app_reader, deny: email }'] });
    await converges(text);
    await music.unsafe('alter table core.account add column born date');
    expect(await asReader('select born from core.account')).toBe('42501');
    expect(await project.lines(text)).toEqual([
      'app_reader + SELECT on column born of core.account (columns made later: not before the next apply)',
    ]);
    await converges(text);
    expect(await asReader('select born from core.account')).toBe('ok');
  });

  it('takes a table with a rule about columns out of a line about them all, and keeps it out', async () => {
    await music.unsafe('create table core.account (id int, email text); create table core.play (id int)');
    const columns = ['{ on: table core.account, to: app_reader, deny: email }'];
    await converges(file({ access: ['{ grant: select, on: table core.*, to: app_reader }'], columns }));
    expect(await asReader('table core.play')).toBe('ok');
    expect(await asReader('table core.account')).toBe('42501');
  });

  it('says of each column rule that would not hold why, and changes nothing', async () => {
    await music.unsafe('create table core.account (id int, email text); grant select on core.account to public');
    const text = file({
      access: ['{ grant: select, on: table core.*, to: app_writer }', '{ grant: update, on: table core.account, to: app_reader }'],
      columns: [
        '{ on: table core.account, to: app_reader, deny: email }',
        '{ on: table core.account, to: app_reader, privileges: [update], allow: id }',
        '{ on: table core.account, to: app_member, privileges: [select], allow: id }',
        '{ on: table core.account, to: app_writer, privileges: [insert], deny: [emial] }',
        '{ on: table core.account, to: app_all, allow: id }',
      ],
      roles: ', app_member: { member_of: app_writer }, app_all: { member_of: [pg_read_all_data] }',
    });
    await expect(project.apply(text)).rejects.toMatchObject({
      code: 'roles-invalid',
      detail: [
        'roles.yaml:12:7: columns of core.account for app_reader would not hold: PUBLIC has SELECT on the whole of it',
        'roles.yaml:13:7: columns of core.account for app_reader would not hold: app_reader has UPDATE on the whole of it',
        'roles.yaml:14:7: columns of core.account for app_member would not hold: app_member is a member of app_writer, which has SELECT on the whole of it',
        'roles.yaml:15:7: columns: core.account has no column emial',
        'roles.yaml:16:7: columns of core.account for app_all would not hold: app_all is a member of pg_read_all_data, which has SELECT on everything',
      ].join('\n'),
    });
    expect(await music`select from pg_roles where rolname = 'app_member'`).toHaveLength(0);
  });

  it('takes back as each grantor what was granted on, leaves first, also from one who lost the way into the schema', async () => {
    await music.unsafe(`create table core.account (id int, email text); alter table core.account owner to app_owner;
      create role outsider; grant usage on schema core to app_writer, outsider;
      set role app_owner; grant select, update (email) on core.account to app_writer with grant option; reset role;
      set role app_writer; grant select, update (email) on core.account to outsider with grant option;
      grant select (id) on core.account to app_reader; reset role;
      set role outsider; grant select, update (email) on core.account to app_reader; reset role;
      revoke usage on schema core from app_writer, outsider`);
    const text = file({ roles: ', outsider: {}' }).replace('"app_*"', '"app_*", outsider');
    expect((await project.lines(text)).filter((line) => line.includes('account'))).toEqual([
      'app_reader − SELECT on core.account (granted by outsider)',
      'app_reader − UPDATE on column email of core.account (granted by outsider)',
      'outsider − SELECT on core.account (granted by app_writer)',
      'outsider − UPDATE on column email of core.account (granted by app_writer)',
      'app_reader − SELECT on column id of core.account (granted by app_writer)',
      'app_writer − SELECT on core.account (granted by app_owner)',
      'app_writer − UPDATE on column email of core.account (granted by app_owner)',
    ]);
    await converges(text);
    const [left] = await music`select relacl::text as acl, (select count(*)::int from pg_attribute
      where attrelid = c.oid and attacl is not null and attacl <> '{}') as columns from pg_class c where oid = 'core.account'::regclass`;
    expect(left).toEqual({ acl: `{app_owner=arwdDxt${major >= 17 ? 'm' : ''}/app_owner}`, columns: 0 });
    expect(await music`select from pg_namespace where nspacl::text like '%outsider%' or nspacl::text like '%app_writer%'`).toHaveLength(0);
    await music.unsafe('drop owned by outsider; drop role outsider');
  });

  it('takes back what somebody granted on who became a member of the owner since', async () => {
    await music.unsafe(`create table core.account (id int); alter table core.account owner to app_owner; grant usage on schema core to app_writer;
      set role app_owner; grant select, insert on core.account to app_writer with grant option; reset role;
      set role app_writer; grant select, insert on core.account to app_reader; reset role; grant app_owner to app_writer`);
    const access = [
      '{ grant: select, on: table core.account, to: app_writer, with_grant_option: true }',
      '{ grant: insert, on: table core.account, to: app_writer }',
    ];
    const text = file({ access }).replace('app_writer: {}', 'app_writer: { member_of: app_owner }');
    expect((await project.lines(text)).filter((each) => each.includes('account'))).toEqual([
      'app_reader − SELECT, INSERT on core.account (granted by app_writer)',
      'app_writer − grant option of INSERT on core.account (granted by app_owner)',
    ]);
    await converges(text);
    const [left] = await music`select relacl::text as acl from pg_class where oid = 'core.account'::regclass`;
    expect(left).toEqual({ acl: `{app_owner=arwdDxt${major >= 17 ? 'm' : ''}/app_owner,app_writer=ar*/app_owner}` });
    expect(await outcome(cluster, 'music', 'postgres', 'set role app_writer; delete from core.account')).toBe('ok');
  });

  it('gives whole schemas to their owner, whatever is in them, with sequences that follow their tables', async () => {
    await music.unsafe(`create table core.t (id serial, n int generated always as identity); create table core.part (id int) partition by range (id);
      create view core.v as select 1 as one; create materialized view core.m as select 1 as one; create sequence core.s;
      create function core.f(int) returns int language sql as 'select 1'; create procedure core.p() language sql as 'select 1';
      create aggregate core.total(int) (sfunc = int4pl, stype = int); create function core.odd("${'x'.repeat(60)}" core.t) returns int language sql as 'select 1';
      create type core.pair as (a int, b int); create type core.span as range (subtype = int); create domain core.d as int; create type core.e as enum ('a');
      grant select on core.t to app_reader`);
    await converges(file({ schemas: 'core: { owner: app_owner, owns: all }' }));
    expect(
      await music`select relname as name from pg_class where relnamespace = 'core'::regnamespace and relowner <> 'app_owner'::regrole
        union all select proname from pg_proc where pronamespace = 'core'::regnamespace and proowner <> 'app_owner'::regrole
        union all select typname from pg_type where typnamespace = 'core'::regnamespace and typowner <> 'app_owner'::regrole`,
    ).toEqual([]);
    expect(await asReader('table core.t')).toBe('42501');
  });

  it('leaves owners as they are in mode add, and where the file says nothing of them', async () => {
    await music.unsafe('create table core.t (id int)');
    expect(await project.lines(file({}))).toEqual([]);
    expect(await project.lines(file({ schemas: 'core: { owner: app_writer, owns: all }', more: 'mode: add\n' }))).toEqual(
      expect.not.arrayContaining([expect.stringContaining('owner of')]) as unknown,
    );
  });

  it('gives views, functions and procedures apart from what is beside them', async () => {
    await music.unsafe(`create table core.t (id int); create view core.v as select 1 as one; create view core.w as select 2 as two;
      create materialized view core.m as select 1 as one; create function core.f() returns int language sql as 'select 1';
      create procedure core.p() language sql as 'select 1'; revoke execute on routine core.f(), core.p() from public`);
    await converges(
      file({ access: ['{ grant: select, on: view core.*, to: app_reader }', '{ grant: execute, on: procedure core.*, to: app_reader }'] }),
    );
    expect(await asReader('table core.v')).toBe('ok');
    expect(await asReader('table core.m')).toBe('42501');
    expect(await asReader('table core.t')).toBe('42501');
    expect(await asReader('call core.p()')).toBe('ok');
    expect(await asReader('select core.f()')).toBe('42501');
  });

  it('tells overloads, long signatures and odd names apart', async () => {
    const types = Array.from({ length: 12 }, () => 'timestamp with time zone').join(', ');
    await music.unsafe(`create function core.f(int) returns int language sql as 'select 1'; create function core.f(text) returns int language sql as 'select 2';
      create function core.f(${types}) returns int language sql as 'select 3'; create function core.${quoted(ODD)}(variadic text[]) returns int language sql as 'select 4';
      revoke execute on all routines in schema core from public`);
    const on = (routine: string): string => `{ grant: execute, on: ${JSON.stringify(`routine core.${routine}`)}, to: app_reader }`;
    await converges(file({ access: [on('f(int4)'), on(`f(${types})`), on(`${quoted(ODD)}(text[])`)] }));
    expect(await asReader('select core.f(1)')).toBe('ok');
    expect(await asReader("select core.f('x'::text)")).toBe('42501');
    expect(await asReader(`select core.${quoted(ODD)}('a', 'b')`)).toBe('ok');
  });

  it('takes names with quotes, spaces and 63 bytes for everything that has a name', async () => {
    const odd = quoted(ODD);
    expect(Buffer.byteLength(ODD)).toBe(63);
    await music.unsafe(`create schema if not exists ${odd}; create table ${odd}.${odd} (${odd} int, other int); create type ${odd}."t""" as enum ('a');
      create foreign data wrapper ${odd}; create server ${odd} foreign data wrapper ${odd};
      create language ${odd} handler plpgsql_call_handler`);
    await music.unsafe('set allow_in_place_tablespaces = on');
    await music.unsafe(`create tablespace ${odd} location ''`);
    const name = JSON.stringify(ODD);
    const line = (grant: string, on: string): string => `{ grant: ${grant}, on: ${JSON.stringify(on)}, to: ${name} }`;
    const text = file({
      schemas: `${name}: { owner: app_owner, owns: all }`,
      access: [
        line('insert', `table ${odd}.${odd}`),
        line('usage', `type ${odd}."t"""`),
        line('usage', `foreign data wrapper ${odd}`),
        line('usage', `server ${odd}`),
        line('create', `tablespace ${odd}`),
      ],
      columns: [`{ on: ${JSON.stringify(`table ${odd}.${odd}`)}, to: ${name}, deny: ${name} }`],
    });
    await converges(text);
    expect(await outcome(cluster, 'music', 'postgres', `set role ${odd}; select other from ${odd}.${odd}`)).toBe('ok');
    expect(await outcome(cluster, 'music', 'postgres', `set role ${odd}; select ${odd} from ${odd}.${odd}`)).toBe('42501');
    const none = file({ schemas: `${name}: { owner: app_owner }` });
    await converges(none);
    await music.unsafe(`drop schema ${odd} cascade; drop server ${odd}; drop foreign data wrapper ${odd}; drop language ${odd}`);
    await music.unsafe(`drop tablespace ${odd}`);
  });

  it('refuses at once, located, all that is not there or is something else', async () => {
    await music.unsafe(
      "create table core.t (id int); create view core.v as select 1 as one; create procedure core.p() language sql as 'select 1'",
    );
    const text = file({
      access: [
        '{ grant: select, on: view core.t, to: app_reader }',
        '{ grant: execute, on: function core.p(), to: app_reader }',
        '{ grant: usage, on: domain core.nothing, to: app_reader }',
        '{ grant: usage, on: server nowhere, to: app_reader }',
        '{ grant: usage, on: language c, to: app_reader }',
        '{ grant: create, on: tablespace nowhere, to: app_reader }',
        '{ grant: select, on: table core.*, to: app_reader, except: core.typo }',
        '{ grant: maintain, on: table core.t, to: app_reader }',
      ],
      columns: ['{ on: materialized view core.v, to: app_reader, allow: one }'],
      more: 'parameters:\n  - { grant: set, on: no_such_parameter, to: app_reader }\n',
    });
    const problems = [
      'roles.yaml:9:7: core.t is a table, not a view',
      'roles.yaml:10:7: core.p() is a procedure, not a function',
      'roles.yaml:11:7: domain core.nothing does not exist in database music',
      'roles.yaml:12:7: server nowhere does not exist in database music',
      'roles.yaml:13:7: language c is not trusted: the server lets nobody but superusers use it',
      'roles.yaml:14:7: tablespace nowhere does not exist',
      'roles.yaml:15:7: except: there is no core.typo in database music to leave out',
      ...(major >= 17 ? [] : [`roles.yaml:16:7: PostgreSQL ${major} has no privilege MAINTAIN on a table; say if_server in a profile`]),
      'roles.yaml:18:7: core.v is a view, not a materialized view',
      major >= 15
        ? `roles.yaml:20:5: PostgreSQL ${major} has no parameter no_such_parameter`
        : `roles.yaml:20:5: privileges on parameters need PostgreSQL 15 or later and this is ${major}`,
    ];
    const refused = await project.plan(text).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'roles-invalid' });
    expect((refused as { detail: string }).detail.split('\n')).toEqual(problems);
  });
});
