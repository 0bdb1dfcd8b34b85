import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeChange } from '../../../src/roles/describe.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { connect, openProject, outcome, type Project } from './project.ts';

/** A cluster with a history: roles, owners and memberships that a superuser made before dbadmin came. */
const BROWNFIELD = `
  create role app_owner; create role app_reader; create role svc_api login; create role svc_old login; create role app_heir;
  grant app_reader to svc_api;
  alter database music owner to app_owner;
  set role app_owner; create schema core; create table core.play (id int, tenant int);
  alter default privileges in schema core grant select on tables to app_reader; reset role;
  create table core.of_old (id int); alter table core.of_old owner to svc_old`;

const FILE = `
version: 1
public: locked
scope: { roles: ["app_*", "svc_*", "human_*"], ignore_roles: [app_ignored] }
profiles: { reader: { tables: [select], routines: [execute] } }
groups: { app_owner: { comment: owns }, app_reader: {}, app_heir: {}, app_new: { member_of: app_reader } }
services:
  svc_api: { member_of: app_reader, password: { from: env, name: PW }, settings: { work_mem: 8MB, log_min_messages: error, music.tenant: acme } }
  svc_new: { member_of: [app_new, { role: app_owner, inherit: false }], settings_in: { music: { work_mem: 9MB } } }
humans:
  human_ann: { member_of: [{ role: pg_monitor, until: 2099-01-01 }], valid_until: 2099-01-31, attributes: [createdb] }
databases:
  music:
    connect: [app_heir]
    schemas: { core: { owner: app_owner }, fresh: { owner: app_new } }
    access:
      - { profile: reader, on: [core, fresh], to: app_reader }
      - { grant: insert, on: table core.play, to: app_new, with_grant_option: true }
    row_security:
      - { table: core.play, policies: [{ name: own, to: app_reader, using: "tenant = 1" }] }
retire: [{ role: svc_old, reassign_to: app_heir, terminate: true }]
`;

describe.each([16, 18])('a role of its own that is no superuser, on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let music: Sql;
  let tool: Project;
  let root: Project;
  const roles = async (...args: string[]): Promise<CommandResult> =>
    await dbadmin(['roles', ...args, '--file', 'roles.yaml', '--url', cluster.url()], root.directory, { PW: 'abc-1' });

  beforeAll(async () => {
    cluster = await startTestCluster({ major });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    music = connect(cluster.url('music'));
    await music.unsafe(BROWNFIELD);
    root = await openProject(cluster, { PW: 'abc-1' });
    await writeFile(path.join(root.directory, 'roles.yaml'), FILE);
    tool = await openProject(cluster, { PW: 'abc-1' }, cluster.parameters('postgres', 'dbadmin'));
  });

  afterAll(async () => {
    await root?.close();
    await tool?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('plan tells a bare role all that it lacks with the SQL that helps; apply refuses before it changes anything', async () => {
    await music.unsafe('create role dbadmin login; create role ignored');
    const { lacks } = await tool.plan(FILE);
    const whats = lacks.map(({ what }) => what).join('\n');
    for (const expected of [
      'CREATEROLE',
      'CREATEDB',
      'ADMIN OPTION on svc_api',
      'ADMIN OPTION on pg_monitor',
      'the privileges of app_owner',
      'SET on parameter log_min_messages',
      'SET on parameter music.tenant',
    ]) {
      expect(whats).toContain(expected);
    }
    expect(lacks.flatMap(({ sql }) => sql)).toContain('GRANT "pg_monitor" TO "dbadmin" WITH ADMIN TRUE');
    await expect(tool.apply(FILE)).rejects.toMatchObject({
      code: 'privilege-missing',
      hint: expect.stringContaining('GRANT "svc_api" TO "dbadmin" WITH ADMIN TRUE;') as unknown,
    });
    expect(await music`select from pg_roles where rolname = 'app_new'`).toHaveLength(0);
  });

  it('bootstrap prints SQL after which it lacks nothing and applies all of the file', async () => {
    const { status, stdout, stderr } = await roles('bootstrap');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).not.toMatch(/\bSUPERUSER|GRANT "postgres"/);
    const postgres = connect(cluster.url());
    await postgres.unsafe(stdout.replaceAll(/^\\connect .*$/gm, ''));
    await postgres.end();
    expect((await tool.plan(FILE)).lacks).toEqual([]);
    await tool.apply(FILE);
    const plan = await tool.plan(FILE);
    expect(plan.changes.map((change) => describeChange(change).text)).toEqual([]);
    expect(plan.lacks).toEqual([]);
    expect(plan.notes).toEqual(['the passwords of svc_api were not compared: dbadmin may not read pg_authid']);
  });

  it('bootstrap again has nothing more to ask', async () => {
    const { stdout } = await roles('bootstrap', '--json');
    const { statements } = JSON.parse(stdout) as { statements: { sql: string; isOptional: boolean }[] };
    const grants = statements.filter(({ sql, isOptional }) => !isOptional && /^GRANT "|^CREATE ROLE|CREATEROLE/.test(sql));
    expect(grants).toEqual([]);
  });

  it('what it made works', async () => {
    await music.unsafe('set role app_owner; create table core.later (id int); reset role');
    expect(await outcome(cluster, 'music', 'svc_api', 'table core.later')).toBe('ok');
    expect(await outcome(cluster, 'music', 'svc_new', 'insert into core.play values (1, 1)')).toBe('ok');
    expect(await outcome(cluster, 'music', 'svc_new', 'insert into core.play values (1, 2)')).toBe('42501');
    expect(await outcome(cluster, 'music', 'svc_new', 'set role app_owner')).toBe('ok');
    expect(await outcome(cluster, 'music', 'human_ann', 'select 1')).toBe('42501');
    expect(await music`select pg_get_userbyid(relowner) as owner from pg_class where relname = 'of_old'`).toEqual([{ owner: 'app_heir' }]);
    expect(await music`select from pg_roles where rolname = 'svc_old'`).toHaveLength(0);
    expect(await outcome(cluster, 'music', 'dbadmin', 'alter role postgres nologin')).toBe('42501');
    expect(await outcome(cluster, 'music', 'dbadmin', 'alter role dbadmin superuser')).toBe('42501');
  });

  it('records what it did, and rows of the record cannot be changed', async () => {
    await writeFile(path.join(root.directory, 'roles.yaml'), FILE.replace('comment: owns', 'comment: owns all'));
    const { status } = await dbadmin(
      ['roles', 'apply', '--yes', '--file', 'roles.yaml', '--url', cluster.url('postgres', 'dbadmin')],
      root.directory,
      {
        PW: 'abc-1',
        USER: 'ann',
      },
    );
    expect(status).toBe(0);
    const postgres = connect(cluster.url());
    const rows =
      await postgres`select event, role, by, file, changes, statements, took_ms is null as open from dbadmin.roles_applied order by id`;
    expect(rows).toMatchObject([
      { event: 'began', role: 'dbadmin', by: expect.stringMatching(/^ann@/) as unknown, file: 'roles.yaml', changes: 1, open: true },
      { event: 'done', changes: 1, statements: [], open: false },
    ]);
    expect(rows[0]?.['statements']).toEqual([`COMMENT ON ROLE "app_owner" IS 'owns all'`]);
    for (const statement of [
      'update dbadmin.roles_applied set role = null',
      'delete from dbadmin.roles_applied',
      'truncate dbadmin.roles_applied',
    ]) {
      await expect(postgres.unsafe(statement)).rejects.toThrow('rows are only added');
    }
    await postgres.end();
  });

  it('leaves a membership that a superuser granted, and says who has to take it away', async () => {
    await music.unsafe('create role app_strange; grant app_strange to svc_api');
    const plan = await tool.plan(FILE.replace('app_heir: {}', 'app_heir: {}, app_strange: {}'));
    const lack = plan.lacks.find(({ what }) => what.includes('app_strange'));
    const stuck = plan.lacks.find(({ what }) => what.startsWith('membership of svc_api in app_strange'));
    expect(lack).toBeDefined();
    expect(stuck).toEqual({
      what: 'membership of svc_api in app_strange, which postgres granted and the file does not want',
      changes: [],
      sql: ['REVOKE "app_strange" FROM "svc_api" GRANTED BY "postgres"'],
    });
  });

  it('what a superuser owns is out of its reach, and it says so', async () => {
    await music.unsafe('create table core.of_root (id int)');
    const { lacks } = await tool.plan(FILE);
    expect(lacks).toEqual([
      {
        what: 'another owner than postgres, a superuser, for tables in core',
        changes: ['app_reader + SELECT on core.of_root'],
        sql: [],
      },
      expect.objectContaining({ what: expect.stringContaining('app_strange') as unknown }),
    ]);
    await expect(tool.apply(FILE)).rejects.toMatchObject({
      code: 'privilege-missing',
      detail: expect.stringContaining('core.of_root') as unknown,
    });
    await music.unsafe('alter table core.of_root owner to app_owner');
    await tool.apply(FILE);
  });

  it('a plan made by a login that may only read is the one that the tool makes, with --as', async () => {
    await music.unsafe('revoke select on core.play from app_reader');
    const made = await dbadmin(
      ['roles', 'plan', '--as', 'dbadmin', '--out', 'p.json', '--file', 'roles.yaml', '--url', cluster.url('postgres', 'svc_api')],
      root.directory,
      { PW: 'abc-1' },
    );
    expect(made.stderr).not.toContain('error');
    expect(made.status).toBe(2);
    const applied = await dbadmin(
      ['roles', 'apply', 'p.json', '--yes', '--file', 'roles.yaml', '--url', cluster.url('postgres', 'dbadmin')],
      root.directory,
      { PW: 'abc-1' },
    );
    expect(applied.stderr).not.toContain('error');
    expect(applied.status).toBe(0);
  });
});

describe('roles bootstrap before 16', () => {
  it('is refused with the reason', async () => {
    const cluster = await startTestCluster({ major: 15 });
    const project = await openProject(cluster);
    try {
      await writeFile(path.join(project.directory, 'roles.yaml'), 'version: 1\ngroups: { a: {} }\n');
      const { status, stderr } = await dbadmin(['roles', 'bootstrap', '--file', 'roles.yaml', '--url', cluster.url()], project.directory);
      expect(status).toBe(1);
      expect(stderr).toContain('needs PostgreSQL 16 or later and this is 15');
      const sql = connect(cluster.url());
      await sql.unsafe('create role maker login createrole');
      await sql.end();
      const maker = await openProject(cluster, {}, cluster.parameters('postgres', 'maker'));
      await expect(maker.apply('version: 1\ngroups: { a: {} }\n')).rejects.toMatchObject({
        code: 'privilege-missing',
        detail: expect.stringContaining('a superuser: on PostgreSQL 15') as unknown,
      });
      await maker.close();
    } finally {
      await project.close();
      await cluster.stop();
    }
  });
});
