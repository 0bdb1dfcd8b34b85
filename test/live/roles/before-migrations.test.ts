import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { connect, openProject, type Project } from './project.ts';

const ROLES = `
version: 1
scope: { roles: ["app_*"] }
profiles: { reader: { tables: [select] } }
groups: { app_owner: {}, app_reader: {} }
databases:
  music:
    schemas: { raw: { owner: app_owner }, kept: { owner: app_owner }, ours: { owner: app_owner } }
    access:
      - { profile: reader, on: [raw, ours], to: app_reader }
      - { grant: insert, on: table raw.song, to: app_reader }
    columns: [{ on: table raw.song, to: app_reader, allow: [id] }]
    row_security: [{ table: raw.song, policies: [{ name: own, using: "true" }] }]
    owners: [{ owner: app_owner, of: table raw.song }]
never: [app_reader can not delete on table raw.*]
`;

/** The third makes a schema that the file does not name. */
const MIGRATIONS = {
  '20260101T000000_raw.sql': `create schema raw; create table raw.song (id int, note text);`,
  '20260101T000100_kept.sql': 'create schema if not exists kept;',
  '20260101T000200_later.sql': 'create schema later;',
};

describe('roles applied before the first migration', () => {
  let cluster: TestCluster;
  let music: Sql;
  let project: Project;
  const run = async (...args: string[]): Promise<CommandResult> =>
    await dbadmin([...args, '--url', cluster.url('music')], project.directory);
  const schemas = async (): Promise<readonly string[]> =>
    (await music<{ name: string }[]>`select nspname::text as name from pg_namespace where nspowner = 'app_owner'::regrole order by 1`).map(
      ({ name }) => name,
    );

  beforeAll(async () => {
    cluster = await startTestCluster({ major: 17 });
    const admin = connect(cluster.url());
    await admin.unsafe('create database music');
    await admin.end();
    music = connect(cluster.url('music'));
    project = await openProject(cluster);
    await mkdir(path.join(project.directory, 'roles'));
    await mkdir(path.join(project.directory, 'sql', 'migrations'), { recursive: true });
    await writeFile(path.join(project.directory, 'dbadmin.yaml'), 'version: 1\nclusters: { main: {} }\n');
    await writeFile(path.join(project.directory, 'roles', 'roles.yaml'), ROLES);
    for (const [name, text] of Object.entries(MIGRATIONS)) await writeFile(path.join(project.directory, 'sql', 'migrations', name), text);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('leaves to a migration the schema that it makes, says so, and makes the others', async () => {
    const { status, stdout, stderr } = await run('roles', 'apply', '--yes');
    expect(stderr).toContain(
      'schema raw is left to 20260101T000000_raw.sql, which makes it: what the file says about it waits for dbadmin migrate, and for an apply after that',
    );
    expect(stderr).toContain('schema kept is left to 20260101T000100_kept.sql');
    expect(status).toBe(0);
    expect(stdout).toContain('looked again: in sync');
    expect(await schemas()).toEqual(['ours']);
  });

  it('a plan saved before the migrations is stale after them', async () => {
    await writeFile(path.join(project.directory, 'roles', 'roles.yaml'), ROLES.replace('app_reader: {}', 'app_reader: {}, app_new: {}'));
    expect(await run('roles', 'plan', '--out', 'p.json')).toMatchObject({ status: 2 });
    expect(await run('migrate')).toMatchObject({ status: 0 });
    const stale = await run('roles', 'apply', 'p.json', '--yes');
    expect([stale.status, stale.stderr]).toEqual([
      1,
      expect.stringContaining('Now in the plan: app_owner + owner of schema raw.') as unknown,
    ]);
  });

  it('after them the same command does what had to wait', async () => {
    const { status, stderr } = await run('roles', 'apply', '--yes');
    expect([status, stderr]).toEqual([0, '']);
    expect(await schemas()).toEqual(['kept', 'ours', 'raw']);
    expect(await run('roles', 'check', '--severity', 'error')).toMatchObject({ status: 0 });
  });

  it('a schema that somebody dropped after its migration is made again', async () => {
    await music.unsafe('drop schema raw cascade');
    await writeFile(path.join(project.directory, 'roles', 'roles.yaml'), ROLES.replace(/ {6}- \{ grant[\s\S]*never/, 'never'));
    expect(await run('roles', 'apply', '--yes')).toMatchObject({ status: 0, stderr: '' });
    expect(await schemas()).toEqual(['kept', 'ours', 'raw']);
  });

  it('the reference project goes both ways: roles, migrations and roles again; and it is then as its file says', async () => {
    const admin = connect(cluster.url());
    await admin.unsafe('create database listening');
    await admin.end();
    // Each migrate writes two files beside the migrations.
    const copy = path.join(project.directory, 'reference');
    for (const part of ['sql', 'roles'])
      await cp(fileURLToPath(new URL(`../../../${part}`, import.meta.url)), path.join(copy, part), { recursive: true });
    await writeFile(path.join(copy, 'dbadmin.yaml'), 'version: 1\nclusters: { main: {} }\n');
    const there = async (...args: string[]): Promise<CommandResult> => await dbadmin([...args, '--url', cluster.url('listening')], copy);
    const first = await there('roles', 'apply', '--yes');
    expect([first.status, first.stderr]).toEqual([
      0,
      expect.stringMatching(/left to 20261121T020000_schemas\.sql, which makes them/) as unknown,
    ]);
    expect(await there('migrate')).toMatchObject({ status: 0 });
    expect(await there('roles', 'apply', '--yes')).toMatchObject({ status: 0 });
    expect(await there('roles', 'check', '--severity', 'error')).toMatchObject({ status: 0 });
  });
});
