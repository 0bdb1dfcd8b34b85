import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { inspectAll } from '../../../src/roles/inspect-all.ts';
import { connect, openProject, outcome, type Project } from './project.ts';

describe.each([16, 18])('corners of PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let project: Project;
  let sql: Sql;
  let music: Sql;
  const as = async (user: string): Promise<Project> => {
    const other = await openProject(cluster, {}, cluster.parameters('postgres', user));
    onTestFinished(async () => await other.close());
    return other;
  };

  beforeAll(async () => {
    cluster = await startTestCluster({ major });
    sql = connect(cluster.url());
    await sql.unsafe('create database music');
    music = connect(cluster.url('music'));
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('a search_path of nothing is one, however it is written', async () => {
    for (const nothing of ['""', '[]', '[""]']) {
      const text = `version: 1\nservices: { svc_empty: { settings: { search_path: ${nothing}, temp_tablespaces: ${nothing} } } }\n`;
      await project.apply(text);
      expect(await project.lines(text)).toEqual([]);
    }
    const path = connect(cluster.url('postgres', 'svc_empty'));
    onTestFinished(async () => await path.end());
    expect(await path`show search_path`).toEqual([{ search_path: '""' }]);
  });

  it('refuses at once, located, a circle through roles out of scope, a member of pg_database_owner, a grantor and a password that are not there', async () => {
    await sql.unsafe('create role circle_a; create role outside; grant circle_a to outside');
    const text = `version: 1
groups:
  circle_a: { member_of: [outside] }
  circle_b: { member_of: [pg_database_owner, { role: circle_a, granted_by: nobody }] }
services: { svc_pw: { password: { from: env, name: NOT_THERE } } }
`;
    await expect(project.plan(text)).rejects.toMatchObject({
      code: 'roles-invalid',
      detail: [
        'roles.yaml:3:27: membership of circle_a in outside would run in a circle: circle_a → outside → circle_a, for memberships out of scope stay',
        'roles.yaml:4:27: pg_database_owner takes no members: in each database its owner is the only one',
        'roles.yaml:4:46: granted_by: role "nobody" does not exist and is not declared',
        'roles.yaml:5:13: the password of role svc_pw is not there: environment variable NOT_THERE is not set; Set NOT_THERE, or name another source in the file',
      ].join('\n'),
    });
  });

  it('a login that acts as another role is as little managed as that role', async () => {
    await sql.unsafe('create role dba superuser; create role alice login superuser; grant dba to alice; alter role alice set role = dba');
    const alice = await as('alice');
    expect(await alice.lines('version: 1\nscope: { roles: [alice, dba] }\nmode: exact\n')).toEqual([]);
    await expect(alice.plan('version: 1\nhumans: { alice: {} }\n')).rejects.toMatchObject({
      detail: 'roles.yaml:2:11: role "alice" is the one dbadmin connects as: it does not manage itself',
    });
  });

  it('a database whose DROP was interrupted is passed over, and refused by name', async () => {
    await sql.unsafe('create database broken');
    await sql.unsafe("update pg_database set datconnlimit = -2 where datname = 'broken'");
    onTestFinished(async () => void (await sql.unsafe('drop database broken')));
    expect([...(await inspectAll(cluster.parameters(), 'postgres')).databases.keys()]).toEqual(['music', 'postgres']);
    await expect(project.plan('version: 1\ndatabases: { broken: {} }\n')).rejects.toMatchObject({
      detail: 'roles.yaml:2:14: database "broken" does not exist or takes no connections',
    });
  });

  it('says before anything is done that it may only read', async () => {
    await sql.unsafe('create role ro login superuser; alter role ro set default_transaction_read_only = on');
    const reading = await as('ro');
    const text = 'version: 1\ngroups: { g_ro: {} }\n';
    expect(await reading.lines(text)).toEqual(['g_ro + group role']);
    await expect(reading.apply(text)).rejects.toMatchObject({
      code: 'refused',
      message: 'transactions are read-only here: default_transaction_read_only is on',
    });
  });

  it('names a routine so that a procedure with OUT arguments beside it is not meant', async () => {
    await music.unsafe(`create schema app;
      create procedure app.p(a int, out b int) language plpgsql as 'begin b := 1; end';
      create procedure app.p(a int, b int) language plpgsql as 'begin end';
      create function app.p(a text) returns int language sql as 'select 1'`);
    const text = (types: string): string => `version: 1
groups: { g_p: {}, g_owner: {} }
databases:
  music:
    schemas: { app: { creators: [] } }
    owners: [{ owner: g_owner, of: "procedure app.p(${types})" }]
    access: [{ grant: execute, on: "routine app.p(${types})", to: g_p }]
`;
    for (const types of ['int, int', 'int, OUT int', 'IN integer, IN integer']) {
      await project.apply(text(types));
      expect(await project.lines(text(types))).toEqual([]);
    }
    const [owned] = await music<{ name: string }[]>`
      select array_to_string(proargmodes, '') as name from pg_proc where proowner = 'g_owner'::regrole and proargmodes is null`;
    expect(owned).toBeDefined();
  });

  it('makes verifiers with as many iterations as the server would', async () => {
    await sql.unsafe('alter role postgres set scram_iterations = 5000');
    onTestFinished(async () => void (await sql.unsafe('alter role postgres reset scram_iterations')));
    await project.apply('version: 1\nservices: { svc_scram: { password: { from: generate, path: pw } } }\n');
    const [row] = await sql<{ verifier: string }[]>`select rolpassword as verifier from pg_authid where rolname = 'svc_scram'`;
    expect(row?.verifier).toMatch(/^SCRAM-SHA-256\$5000:/);
  });

  describe('for a role of its own that is no superuser', () => {
    beforeAll(async () => {
      await sql.unsafe(`create role tool login createrole; create role heir; create role old_owner;
        grant heir, old_owner to tool with admin true; alter database music owner to tool`);
      await music.unsafe(`create schema held authorization old_owner; create table held.t (i int); alter table held.t owner to old_owner;
        create function held.f() returns int language sql as 'select 1'; alter function held.f() owner to old_owner;
        create table public.of_super (i int); create sequence public.seq_of_super`);
    });

    it('gives an object to who may create nothing in its schema, and leaves it so', async () => {
      const tool = await as('tool');
      const text = `version: 1
groups: { heir: {} }
scope: { roles: [heir] }
databases:
  music:
    schemas: { held: { creators: [] } }
    owners: [{ owner: heir, of: [table held.t, routine held.f()] }]
`;
      await tool.apply(text);
      expect(await tool.lines(text)).toEqual([]);
      expect(
        await music`select relowner::regrole::text as owner from pg_class where relname = 't' and relnamespace = 'held'::regnamespace`,
      ).toEqual([{ owner: 'heir' }]);
      expect(await outcome(cluster, 'music', 'postgres', 'set role heir; create table held.more ()')).toBe('42501');
    });

    it('lists each thing of a superuser by itself, with what would help', async () => {
      const tool = await as('tool');
      await sql.unsafe('create database other');
      onTestFinished(async () => void (await sql.unsafe('drop database other')));
      const { lacks } = await tool.plan(`version: 1
groups: { heir: {} }
scope: { roles: [heir] }
databases:
  music:
    schemas: { public: { creators: [] } }
    access: [{ grant: select, on: table public.of_super, to: heir }, { grant: usage, on: sequence public.seq_of_super, to: heir }]
  other: { connect: [heir] }
`);
      expect(lacks.map(({ what, sql: help }) => [what, help])).toEqual(
        expect.arrayContaining([
          ['another owner than postgres, a superuser, for tables in public', []],
          ['another owner than postgres, a superuser, for sequences in public', []],
          ['another owner than postgres, a superuser, for database other', ['ALTER DATABASE "other" OWNER TO "tool"']],
        ]),
      );
    });

    it('refuses before anything is made what the server would write down in the end', async () => {
      await sql.unsafe("alter role tool set log_statement = 'all'");
      onTestFinished(async () => void (await sql.unsafe('alter role tool reset log_statement')));
      const tool = await as('tool');
      const text = 'version: 1\nservices: { svc_late: { password: { from: generate, path: late } } }\n';
      await expect(tool.apply(text)).rejects.toMatchObject({
        code: 'privilege-missing',
        message: 'the server would write the verifier of role svc_late down, so it was not sent',
      });
      expect(await sql`select from pg_roles where rolname = 'svc_late'`).toHaveLength(0);
      expect(await tool.lines(text)).toEqual(['svc_late + role that logs in', expect.stringMatching(/^svc_late ~ password: <generated>/)]);
    });
  });
});
