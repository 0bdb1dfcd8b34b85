import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { connect, openProject, type Project } from './project.ts';

const FILE = `
version: 1
profiles: { reader: { tables: [select] } }
groups: { app_owner: {}, app_reader: {} }
services: { svc_api: { member_of: app_reader, settings: { statement_timeout: 15s } } }
databases:
  music:
    schemas: { core: { owner: app_owner } }
    access: [{ profile: reader, on: core, to: app_reader }]
`;

describe('dbadmin roles', () => {
  let cluster: TestCluster;
  let music: Sql;
  let directory: string;
  let project: Project;
  const roles = async (text: string, ...args: string[]): Promise<CommandResult> => {
    await writeFile(path.join(directory, 'roles.yaml'), text);
    return await dbadmin(['roles', ...args, '--file', 'roles.yaml', '--url', cluster.url()], directory);
  };

  beforeAll(async () => {
    cluster = await startTestCluster({ major: 17 });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    music = connect(cluster.url('music'));
    await music.unsafe('create schema core; create table core.a (id int); create table core.b (id int); create schema other');
    project = await openProject(cluster);
    ({ directory } = project);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('plan prints changes with their risk and exits 2', async () => {
    const { status, stdout } = await roles(FILE, 'plan');
    expect(status).toBe(2);
    expect(stdout).toContain('music on main, mode manage');
    expect(stdout).toMatch(/WIDEN\s+app_reader\s+\+ SELECT on all 2 tables in core/);
    expect(stdout).toMatch(/SAFE\s+svc_api\s+\+ statement_timeout 15s/);
    expect(stdout).toMatch(/\d+ changes, 0 destructive, 1 role and 2 schemas unmanaged \(--unmanaged\)\. Apply with: dbadmin roles apply/);
  });

  it('plan --sql prints SQL that does the same when pasted', async () => {
    const { status, stdout } = await roles(FILE, 'plan', '--sql');
    expect(status).toBe(2);
    const script = stdout.replaceAll(/^\\connect "music"$/gm, '');
    expect(script).not.toContain('\\');
    await music.unsafe(script);
    expect((await roles(FILE, 'check')).status).toBe(0);
    await music.unsafe('alter role svc_api reset all');
  });

  it('apply asks, and refuses where there is nobody to ask', async () => {
    const { status, stderr } = await roles(FILE, 'apply');
    expect(status).toBe(1);
    expect(stderr).toContain('--yes');
  });

  it('apply --yes makes the changes; after it plan and check exit 0', async () => {
    const applied = await roles(FILE, 'apply', '--yes');
    expect(applied.stderr).toBe('');
    expect(applied.status).toBe(0);
    expect((await roles(FILE, 'plan')).status).toBe(0);
    const check = await roles(FILE, 'check', '--json');
    expect(check.status).toBe(0);
    expect(JSON.parse(check.stdout)).toMatchObject({ inSync: true, changes: [], counts: { safe: 0, widen: 0, narrow: 0, destroy: 0 } });
  });

  it('check exits 2 on drift and names it', async () => {
    await music.unsafe('grant delete on core.a to app_reader');
    const check = await roles(FILE, 'check');
    expect(check.status).toBe(2);
    expect(check.stdout).toContain('NARROW  app_reader − DELETE on core.a   granted by postgres');
    await roles(FILE, 'apply', '--yes');
    expect((await roles(FILE, 'check')).status).toBe(0);
  });

  it('says all that is wrong with a file, located, and changes nothing', async () => {
    const { status, stderr } = await roles(
      `${FILE}colour: red\nhumans: { ann: { member_of: nobody, connection_limit: many } }\n`,
      'apply',
      '--yes',
    );
    expect(status).toBe(1);
    expect(stderr).toContain('roles.yaml:10:1: the file has no key "colour"');
    expect(stderr).toContain('roles.yaml:11:55: connection_limit of role ann must be a whole number');
    expect(await music`select from pg_roles where rolname = 'ann'`).toHaveLength(0);
  });

  it.each([
    ['a database that does not exist', FILE.replace('music:', 'musik:'), 'roles.yaml:7:3: database "musik" does not exist'],
    [
      'a table that does not exist',
      FILE.replace('access: [', 'access: [{ grant: select, on: table core.zzz, to: app_reader }, '),
      'table core.zzz does not exist in database music',
    ],
    [
      'a routine that does not exist',
      FILE.replace('access: [', "access: [{ grant: execute, on: 'routine core.f(nonsense)', to: app_reader }, "),
      'routine core.f(nonsense) does not exist',
    ],
    [
      'a member of a role that does not exist',
      FILE.replace('member_of: app_reader', 'member_of: ghost'),
      'role "ghost" does not exist on PostgreSQL 17 and is not declared',
    ],
    [
      'the bootstrap superuser',
      FILE.replace('services: {', 'services: { postgres: {},'),
      'role "postgres" is the bootstrap superuser: it is never managed',
    ],
    [
      'a newer server',
      FILE.replace('version: 1', 'version: 1\ncluster: { min_server: 18 }'),
      'is for PostgreSQL 18 or later and this is 17',
    ],
  ])('refuses %s', async (_name, text, message) => {
    const { status, stderr } = await roles(text, 'apply', '--yes');
    expect(status).toBe(1);
    expect(stderr).toContain(message);
  });

  it('a wrong host exits 1 with a hint', async () => {
    const { status, stderr } = await dbadmin(
      ['roles', 'plan', '--file', 'roles.yaml', '--url', 'postgresql://postgres@127.0.0.1:1/postgres'],
      directory,
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/error: cannot connect[\s\S]*hint:/);
  });
});
