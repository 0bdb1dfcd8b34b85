import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyReconcile, type Reconciled } from '../../../src/backup/reconcile/apply.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** What a role may have made that runs with the rights of its owner, whoever calls it. */
const OWNED = `
create role svc_old login password 'old' createrole bypassrls;
create role caller;
create schema core;
grant usage on schema core to caller;
grant usage on schema core to svc_old with grant option;
grant create on schema core to svc_old;
create table core.secret (word text);
insert into core.secret values ('treasure');
create role app_reader;
grant select on core.secret to app_reader;
grant app_reader to svc_old;
grant svc_old to caller;
set role svc_old;
create function core.who() returns text language sql security definer as 'select current_user::text';
create view core.leak as select word from core.secret;
create table core.genre (id int primary key);
grant execute on function core.who() to caller;
grant select on core.leak to caller;
grant insert, select on core.genre to caller;
reset role;
create table core.play (genre int references core.genre);
grant insert on core.play to caller`;

describe.each([14, 18])('what a dropped role owned, in a cluster restored on PostgreSQL %d', (major) => {
  let cluster: TestCluster;
  let sql: postgres.Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major, provider: 'embedded' });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  });

  afterAll(async () => {
    await sql.end();
    await cluster.stop();
  });

  const drop = async (role: string): Promise<readonly Reconciled[]> => {
    const deed = { kind: 'role-dropped', role } as const;
    return await applyReconcile(cluster.parameters(), [
      { systemIdentifier: '1', at: new Date(0), timeline: 1, lsn: 1n, by: 'a test', deed },
    ]);
  };
  const as = async (role: string, statement: string): Promise<object> =>
    await sql.begin(async (transaction) => {
      await transaction.unsafe(`set local role ${role}`);
      return await transaction.unsafe<{ who: string }[]>(statement);
    });

  test('runs with no right of a superuser, and is there', async () => {
    await sql.unsafe(OWNED);
    // Twice, as where two entries tell of it.
    for (const round of [1, 2])
      expect((await drop('svc_old')).map((each) => [round, each.outcome, each.owned])).toEqual([
        [round, 'left-as-owner', ['postgres: function core.who()', 'postgres: table core.genre', 'postgres: view core.leak']],
      ]);
    const [row] = await sql`select rolsuper, rolcanlogin, rolcreaterole, rolbypassrls, rolpassword is null as open,
      (select count(*)::int from pg_auth_members where roleid = a.oid or member = a.oid) as memberships,
      has_table_privilege(a.oid, 'core.secret', 'select') as reads, has_schema_privilege(a.oid, 'core', 'create') as makes
      from pg_authid a where rolname = 'svc_old'`;
    expect(row).toEqual({
      rolsuper: false,
      rolcanlogin: false,
      rolcreaterole: false,
      rolbypassrls: false,
      open: true,
      memberships: 0,
      reads: false,
      makes: false,
    });
    expect(await as('caller', 'select core.who()')).toEqual([{ who: 'svc_old' }]);
    await expect(as('caller', 'select * from core.leak')).rejects.toMatchObject({ code: '42501' });
    // Whoever was given it by its owner has it still, and what refers to it works.
    await as('caller', 'insert into core.genre values (1); insert into core.play values (1)');
  });

  test('goes to a superuser where it was one already', async () => {
    await sql.unsafe(`create role dba_old superuser login; set role dba_old; create table public.of_dba (); reset role`);
    expect(await drop('dba_old')).toMatchObject([{ outcome: 'undone' }]);
    expect(await sql`select pg_get_userbyid(relowner) as owner from pg_class where relname = 'of_dba'`).toEqual([{ owner: 'postgres' }]);
  });

  test('goes to a superuser where only one may own it, though its owner was none any more', async () => {
    await sql.unsafe(`create role dba_before superuser login; set role dba_before;
      create function public.on_ddl() returns event_trigger language plpgsql as 'begin end';
      create event trigger "On ddl" on ddl_command_end execute function public.on_ddl();
      create foreign data wrapper "Far";
      create server far foreign data wrapper "Far";
      reset role; alter role dba_before nosuperuser`);
    expect(await drop('dba_before')).toMatchObject([
      { outcome: 'left-as-owner', owned: ['postgres: function public.on_ddl()', 'postgres: server far'] },
    ]);
    expect(
      await sql`select evtname as name, pg_get_userbyid(evtowner) as owner from pg_event_trigger
        union select fdwname, pg_get_userbyid(fdwowner) from pg_foreign_data_wrapper order by 1`,
    ).toEqual([
      { name: 'Far', owner: 'postgres' },
      { name: 'On ddl', owner: 'postgres' },
    ]);
  });

  test('is nothing where it owned nothing: the role goes with its privileges', async () => {
    await sql.unsafe('create role svc_poor login; grant select on core.secret to svc_poor');
    expect(await drop('svc_poor')).toMatchObject([{ outcome: 'undone' }]);
    expect(await sql`select 1 from pg_roles where rolname in ('svc_poor', 'dba_old')`).toHaveLength(0);
    expect(await drop('svc_poor')).toMatchObject([{ outcome: 'nothing-to-undo' }]);
  });
});
