import { writeFile } from 'node:fs/promises';
import path from 'node:path';
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

describe('roles diff and graph', () => {
  let cluster: TestCluster;
  let project: Project;
  const roles = async (...args: string[]): Promise<CommandResult> => await dbadmin(['roles', ...args], project.directory);

  beforeAll(async () => {
    cluster = await startTestCluster({ major: 17 });
    const postgres = connect(cluster.url());
    for (const name of ['music', 'music_test']) {
      await postgres.unsafe(`create database ${name}`);
      const sql = connect(cluster.url(name));
      await sql.unsafe('create schema core; create table core.a (id int); create table core.b (id int); create table core.c (id int)');
      await sql.end();
    }
    await postgres.end();
    project = await openProject(cluster);
    await writeFile(path.join(project.directory, 'roles.yaml'), FILE);
    await project.apply(FILE);
    await project.apply(FILE.replace('music:', 'music_test:'));
    await writeFile(
      path.join(project.directory, 'dbadmin.yaml'),
      `version: 1\nclusters: { main: { url: ${JSON.stringify(cluster.url())} } }\n`,
    );
  });

  afterAll(async () => {
    await project?.close();
    await cluster?.stop();
  });

  it('finds two databases of one cluster alike when one file made both', async () => {
    const same = await roles('diff', 'main/music', 'main/music_test');
    expect(same.stdout).toBe('main/music (−) and main/music_test (+)\nthe same\n');
    expect(same.status).toBe(0);
  });

  it('tells what one database has and the other has not, and exits 2', async () => {
    const sql = connect(cluster.url('music_test'));
    await sql.unsafe(`grant insert on core.a, core.b to app_reader; grant select on core.c to public; create table core.d (id int);
      alter table core.b enable row level security; create policy own on core.b to app_reader using (id > 0);
      alter table core.a owner to postgres; alter role svc_api in database music_test set work_mem = '1GB'`);
    await sql.end();
    const { status, stdout } = await roles('diff', 'main/music', 'main/music_test');
    expect(status).toBe(2);
    expect(stdout).toMatch(/\+ app_reader +INSERT on 2 tables in core: a, b\n/);
    expect(stdout).toMatch(/\+ PUBLIC +SELECT on table core\.c\n/);
    expect(stdout).toMatch(/\+ core +table core\.d\n/);
    expect(stdout).toMatch(/\+ svc_api +work_mem in the database {3}1GB\n/);
    expect(stdout).not.toContain('SELECT on table core.d');
    expect(stdout).toMatch(/\+ table core\.b +row security {3}on\n/);
    expect(stdout).toMatch(/\+ table core\.b +policy own {3}for all to app_reader using \(id > 0\)\n/);
    const json = JSON.parse((await roles('diff', 'main/music', cluster.url('music_test'), '--json')).stdout) as Record<string, unknown>;
    expect(json).toMatchObject({ left: 'main/music', same: false });
    expect(json['differences']).toContainEqual({
      section: 'privileges',
      subject: 'PUBLIC',
      text: 'SELECT on table core.c',
      left: null,
      right: '',
    });
  });

  it('compares a whole cluster with itself, a file with a cluster, and two files', async () => {
    expect((await roles('diff', 'main', cluster.url('postgres'))).status).toBe(0);
    expect((await roles('diff', 'roles.yaml', 'main')).status).toBe(0);
    await writeFile(
      path.join(project.directory, 'other.yaml'),
      FILE.replace('15s', '30s').replace('app_reader: {}', 'app_reader: {}, app_new: {}'),
    );
    const live = await roles('diff', 'main', 'other.yaml');
    expect(live.status).toBe(2);
    expect(live.stdout).toMatch(/\+ app_new +group role/);
    const files = await roles('diff', 'roles.yaml', 'other.yaml');
    expect(files.stdout).toMatch(/~ svc_api +statement_timeout {3}15s \| 30s/);
    expect(files.stdout).toContain('2 differences: 0 only on the left, 1 only on the right, 1 with other values');
  });

  it('refuses what is no side: a cluster against one database, a cluster or a file that is not there', async () => {
    expect((await roles('diff', 'main', 'main/music')).stderr).toContain('one side is a whole cluster and the other one database');
    expect((await roles('diff', 'main', 'staging')).status).toBe(64);
    expect((await roles('diff', 'main', 'gone.yaml')).stderr).toContain('there is no file gone.yaml to compare');
    expect((await roles('diff', 'main/music', 'main/gone')).stderr).toContain('there is no database gone in main/gone');
  });

  it('imports without being superuser, and names the databases that let it in nowhere', async () => {
    const postgres = connect(cluster.url());
    await postgres.unsafe('create role visitor login');
    await postgres.unsafe('create database closed');
    await postgres.unsafe('revoke connect on database closed from public');
    await postgres.end();
    const { status, stdout, stderr } = await roles('import', '--print', '--url', cluster.url('postgres', 'visitor'));
    expect(stderr).toContain('its plan is empty');
    expect(stdout).toContain('# Not in here: databases: closed\n');
    expect(status).toBe(0);
  });

  it('draws the file and the cluster', async () => {
    const file = await roles('graph', '--file', 'roles.yaml');
    expect(file.status).toBe(0);
    expect(file.stdout).toMatch(/^flowchart LR\n/);
    expect(file.stdout).toContain('tables: SELECT');
    const live = await roles('graph', '--live', '--role', 'svc_api', '--markdown', '--database', 'music');
    expect(live.stdout).toMatch(/^```mermaid\nflowchart LR\n[\s\S]*```\n$/);
    expect(live.stdout).toContain('(["svc_api"])');
    expect(live.stdout).toContain('["app_reader"]');
    expect(live.stdout).not.toContain('app_owner');
    const bare = await roles('graph', '--live', '--memberships', '--json');
    expect(JSON.parse(bare.stdout)).toMatchObject({ memberships: [{ member: 'svc_api', role: 'app_reader', options: [] }], access: [] });
  });
});
