import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandEnd, startCommand } from '../../backup/command.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { connect, openProject, type Project } from './project.ts';

const FILE = 'version: 1\ngroups: { app_reader: {} }\nservices: { svc_api: { password: { from: generate, path: svc_api } } }\n';

describe('roles history', () => {
  let cluster: TestCluster;
  let admin: Sql;
  let project: Project;
  const run = async (...args: string[]): Promise<CommandResult> =>
    await dbadmin(['roles', ...args, '--url', cluster.url()], project.directory, { USER: 'ann' });
  const apply = async (text: string): Promise<CommandResult> => {
    await writeFile(path.join(project.directory, 'roles.yaml'), text);
    return await run('apply', '--yes', '--file', 'roles.yaml');
  };
  const runs = async (...args: string[]): Promise<readonly object[]> =>
    (JSON.parse((await run('history', '--json', ...args)).stdout) as { runs: object[] }).runs;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: 17 });
    admin = connect(cluster.url());
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await project?.close();
    await admin?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('says so where nothing is recorded', async () => {
    const { status, stdout } = await run('history');
    expect([status, stdout]).toEqual([0, 'nothing is recorded in database postgres\n']);
  });

  it('lists who applied what and how it ended, newest first, and the statements of one run without a password', async () => {
    expect((await apply(FILE)).status).toBe(0);
    await admin.unsafe('create role svc_other login; grant app_reader to svc_other');
    // One that no plan tries: the server refuses it after it was begun.
    expect((await apply(FILE.replace('app_reader: {}', 'app_reader: { settings: { transaction_isolation: soon } }'))).status).toBe(1);
    const { status, stdout } = await run('history');
    expect(status).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .filter((line) => /postgres/.test(line));
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/2 .*failed .*postgres.*ann@.*roles\.yaml/);
    expect(lines[1]).toMatch(/1 .*done .*postgres.*ann@.*roles\.yaml/);
    const one = await run('history', '--run', '1');
    expect(one.stdout).toMatch(/run 1: done, 3 changes of roles\.yaml[\s\S]*CREATE ROLE "svc_api"/);
    expect(one.stdout).toContain('-- password of svc_api: generate, from file svc_api');
    expect(one.stdout).not.toContain('SCRAM');
    expect(await runs('--limit', '1')).toMatchObject([{ run: 2, outcome: 'failed', changes: 1, role: 'postgres', file: 'roles.yaml' }]);
  });

  it('a rotation stands there too', async () => {
    expect((await run('rotate', 'svc_api', '--yes', '--file', 'roles.yaml', '--unproven')).status).toBe(0);
    expect((await runs('--limit', '1'))[0]).toMatchObject({ run: 3, outcome: 'done', changes: 1 });
  });

  it('an apply is running while it runs, and unfinished when it is killed; the next one makes what it had not', async () => {
    await admin.unsafe('create table public.guarded (id int)');
    const text = `${FILE}databases: { postgres: { schemas: { public: {} }, row_security: [{ table: public.guarded }] } }\n`;
    await writeFile(path.join(project.directory, 'roles.yaml'), text);
    const holder = connect(cluster.url());
    await holder.unsafe('begin; lock table public.guarded');
    const file = path.join(project.directory, 'roles.yaml');
    const child = startCommand(['roles', 'apply', '--yes', '--file', file, '--lock-timeout', '60s', '--url', cluster.url()]);
    const ended = commandEnd(child);
    const waits = async (): Promise<boolean> =>
      (await admin`select from pg_stat_activity where application_name = 'dbadmin roles' and wait_event_type = 'Lock'`).length > 0;
    while (child.exitCode === null && !(await waits())) await pause(20);
    expect((await runs('--limit', '1'))[0]).toMatchObject({ run: 4, outcome: 'running', endedAt: null });
    child.kill('SIGKILL');
    await ended;
    await holder.unsafe('rollback');
    await holder.end();
    while ((await admin`select from pg_locks where locktype = 'advisory'`).length > 0) await pause(20);
    expect((await runs('--limit', '1'))[0]).toMatchObject({ run: 4, outcome: 'unfinished' });
    expect((await apply(text)).status).toBe(0);
    expect((await runs('--limit', '2')).map((each) => ('outcome' in each ? each.outcome : ''))).toEqual(['done', 'unfinished']);
  });

  it.each([
    [['--run', '77'], 'there is no run 77 in the record of postgres'],
    [['--limit', 'all'], '--limit is "all"'],
  ])('%j is wrong usage', async (args, message) => {
    const { status, stderr } = await run('history', ...args);
    expect([status, stderr]).toEqual([64, expect.stringContaining(message) as unknown]);
  });

  it('neither writes to a record nor reads one that somebody else could make act for whoever does', async () => {
    await admin.unsafe(`
      create role mallory login; create table public.stolen (by text); grant all on public.stolen to public;
      alter table dbadmin.roles_applied owner to mallory; grant usage on schema dbadmin to mallory;
      create function public.steal() returns trigger language plpgsql as
        $$ begin insert into public.stolen values (current_user); return new; end $$;
      create trigger steal before insert on dbadmin.roles_applied for each row execute function public.steal()`);
    const applied = await apply(FILE.replace('app_reader: {}', 'app_reader: {}, app_y: {}'));
    expect(applied.status).toBe(0);
    expect(applied.stderr).toContain('this apply is not recorded in dbadmin.roles_applied: dbadmin.roles_applied belongs to mallory');
    expect(await admin`select * from public.stolen`).toEqual([]);
    const read = await run('history');
    expect([read.status, read.stderr]).toEqual([1, expect.stringContaining('belongs to mallory') as unknown]);
  });
});
