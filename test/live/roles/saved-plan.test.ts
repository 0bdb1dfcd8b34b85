import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { connect, openProject, type Project } from './project.ts';

const FILE = `
version: 1
scope: { roles: ["app_*", "svc_*"] }
profiles: { reader: { tables: [select] } }
groups: { app_owner: {}, app_reader: {} }
services: { svc_api: { member_of: app_reader, password: { from: env, name: PW } } }
databases:
  music:
    schemas: { core: { owner: app_owner } }
    access: [{ profile: reader, on: core, to: app_reader }]
`;

describe('a saved plan of roles', () => {
  let cluster: TestCluster;
  let second: TestCluster;
  let music: Sql;
  let project: Project;
  const roles = async (...args: string[]): Promise<CommandResult> => await on(cluster, ...args);
  const on = async (where: TestCluster, ...args: string[]): Promise<CommandResult> =>
    await dbadmin(['roles', ...args, '--file', 'roles.yaml', '--url', where.url()], project.directory, { PW: 'first-1' });

  beforeAll(async () => {
    [cluster, second] = await Promise.all([startTestCluster({ major: 18 }), startTestCluster({ major: 18 })]);
    for (const each of [cluster, second]) {
      const postgres = connect(each.url());
      await postgres.unsafe('create database music');
      await postgres.end();
    }
    music = connect(cluster.url('music'));
    await music.unsafe('create schema core; create table core.a (id int); create schema outside');
    project = await openProject(cluster, { PW: 'first-1' });
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
    await second?.stop();
  });

  beforeEach(async () => {
    await writeFile(path.join(project.directory, 'roles.yaml'), FILE);
    await project.apply(FILE);
    await music.unsafe('revoke select on core.a from app_reader');
    const { status, stdout } = await roles('plan', '--out', 'plan.json');
    expect(status).toBe(2);
    expect(stdout).toMatch(
      /1 change, .*Apply with: dbadmin roles apply plan\.json --file roles\.yaml\nsaved as plan\.json: plan [0-9a-f]{16} for postgres/,
    );
  });

  it('is what apply makes, and the record has its number', async () => {
    const saved = JSON.parse(await readFile(path.join(project.directory, 'plan.json'), 'utf8')) as { sha256: string };
    await music.unsafe('create table outside.t (id int); create role bystander');
    const { status, stdout } = await roles('apply', 'plan.json', '--yes');
    expect(stdout).toContain('looked again: in sync');
    expect(status).toBe(0);
    const postgres = connect(cluster.url());
    expect(
      await postgres`select distinct plan_sha256 as number from dbadmin.roles_applied where run = (select max(run) from dbadmin.roles_applied)`,
    ).toEqual([{ number: saved.sha256 }]);
    await postgres.end();
    await music.unsafe('drop table outside.t; drop role bystander');
  });

  it.each([
    ['a table more', 'create table core.b (id int)', /The cluster has changed: objects of music/],
    ['a password changed by hand', "alter role svc_api password 'x'", /The cluster has changed: passwords/],
  ])('is refused after %s, and says what moved', async (_name, sql, detail) => {
    await music.unsafe(sql);
    const { status, stdout } = await roles('apply', 'plan.json', '--yes', '--json');
    expect(status).toBe(1);
    const { error } = JSON.parse(stdout) as { error: { code: string; detail: string } };
    expect(error.code).toBe('plan-stale');
    expect(error.detail).toMatch(detail);
    await music.unsafe('drop table if exists core.b; grant select on core.a to app_reader');
  });

  it('is refused with another text of the file, on another cluster, and tampered with', async () => {
    await writeFile(path.join(project.directory, 'roles.yaml'), `${FILE}# a remark\n`);
    expect((await roles('apply', 'plan.json', '--yes')).stderr).toContain('roles.yaml has another text than then.');
    await writeFile(
      path.join(project.directory, 'roles.yaml'),
      FILE.replace(
        'databases:\n  music:\n    schemas: { core: { owner: app_owner } }\n    access: [{ profile: reader, on: core, to: app_reader }]\n',
        '',
      ),
    );
    expect((await on(second, 'apply', 'plan.json', '--yes')).stderr).toContain('It was made for the cluster with system identifier');
    await writeFile(path.join(project.directory, 'roles.yaml'), FILE);
    const text = await readFile(path.join(project.directory, 'plan.json'), 'utf8');
    await writeFile(path.join(project.directory, 'plan.json'), text.replace('"SELECT"', '"DELETE"'));
    const tampered = await roles('apply', 'plan.json', '--yes');
    expect(tampered.status).toBe(64);
    expect(tampered.stderr).toContain('plan.json has been changed since it was saved');
    expect(await music`select has_table_privilege('app_reader', 'core.a', 'select') as may`).toEqual([{ may: false }]);
  });

  it('holds no password and no verifier', async () => {
    await music.unsafe("alter role svc_api password 'x'");
    await roles('plan', '--out', 'plan.json');
    const text = await readFile(path.join(project.directory, 'plan.json'), 'utf8');
    expect(text).toContain('"kind": "password"');
    expect(text).not.toMatch(/first-1|SCRAM-SHA-256/);
    expect((await roles('apply', 'plan.json', '--yes')).status).toBe(0);
    const postgres = connect(cluster.url());
    const [row] = await postgres`select string_agg(r::text, ' ') as record from dbadmin.roles_applied r`;
    await postgres.end();
    expect(row?.['record']).toContain('-- password of svc_api: set, from environment variable PW');
    expect(row?.['record']).not.toMatch(/first-1|SCRAM-SHA-256/);
  });
});
