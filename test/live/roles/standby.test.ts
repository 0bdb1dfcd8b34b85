import { chown, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { connect, openProject, type Project } from './project.ts';

const FILE = `version: 1
scope: { roles: [app_*, svc_*] }
profiles: { reader: { schema: [usage], tables: [select] } }
groups: { app_reader: {} }
services: { svc_api: { member_of: [app_reader], connection_limit: 5, password: { from: generate, path: svc_api.pw }, settings: { work_mem: 8MB } } }
databases:
  music:
    schemas: { core: { creators: [] } }
    access: [{ profile: reader, on: core, to: app_reader }]
    row_security:
      - { table: core.play, enable: true, policies: [{ name: own, to: [app_reader], using: "listener = current_setting('app.me', true)" }] }
`;
const DRIFTED = FILE.replace('work_mem: 8MB', 'work_mem: 9MB');
const WRONG = FILE.replace('work_mem: 8MB', 'work_mem: 9 stone');

describe('roles on a standby', () => {
  let cluster: TestCluster;
  let project: Project;

  const roles = async (text: string, ...args: readonly string[]): Promise<CommandResult> => {
    await writeFile(path.join(project.directory, 'roles.yaml'), text);
    return await dbadmin(['roles', ...args], project.directory);
  };

  beforeAll(async () => {
    cluster = await startTestCluster({ provider: 'embedded', major: 16 });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    const music = connect(cluster.url('music'));
    await music.unsafe('create schema core; create table core.play (listener text, track text)');
    await music.end();
    project = await openProject(cluster);
    await project.apply(FILE);
    await writeFile(
      path.join(project.directory, 'dbadmin.yaml'),
      `version: 1\npaths: { roles: roles.yaml }\nclusters: { main: { url: ${JSON.stringify(cluster.url('music'))} } }\n`,
    );
    // Of itself: it recovers, is consistent at once, and waits for WAL that nobody sends.
    const signal = path.join(cluster.dataDirectory ?? '', 'standby.signal');
    await writeFile(signal, '');
    const runAs = cluster.programs?.runAs;
    if (runAs !== undefined) await chown(signal, runAs.uid, runAs.gid);
    await cluster.restart();
  });

  afterAll(async () => {
    await project?.close();
    await cluster?.stop();
  });

  it('are planned and checked, policies included, and said to be for the primary', async () => {
    expect(await project.lines(FILE)).toEqual([]);
    expect((await project.plan(DRIFTED)).notes).toEqual(['this server is a standby: what is planned on it is applied to its primary']);
    await expect(project.plan(WRONG)).rejects.toMatchObject({ code: 'roles-invalid', detail: expect.stringMatching(/"9 stone"/) });
    const plan = await roles(DRIFTED, 'plan');
    expect(plan).toMatchObject({ status: 2, stdout: expect.stringMatching(/svc_api {2}~ work_mem 8MB → 9MB/) });
    expect(plan.stdout).not.toContain('Apply with');
    expect(await roles(DRIFTED, 'check')).toMatchObject({ status: 2 });
    expect(await roles(FILE, 'check')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^in sync/) });
  });

  it('are asked about and audited', async () => {
    expect(await roles(FILE, 'who-can', 'select', 'core.play')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/svc_api +yes +member of app_reader \(inherit\) → SELECT granted by postgres/),
    });
    expect(await roles(FILE, 'audit')).toMatchObject({ stdout: expect.stringMatching(/^main \(PostgreSQL 16\): 2 databases/) });
  });

  it('are not applied and no password is rotated, before anybody is asked', async () => {
    const message = expect.stringMatching(
      /error: this server is a standby: nothing can be changed on it\n {2}hint: {3}Connect to the primary/,
    );
    await expect(project.apply(DRIFTED)).rejects.toMatchObject({ code: 'refused' });
    expect(await roles(DRIFTED, 'apply')).toMatchObject({ status: 1, stderr: message });
    expect(await roles(DRIFTED, 'rotate', 'svc_api', '--yes')).toMatchObject({ status: 1, stderr: message });
  });
});
