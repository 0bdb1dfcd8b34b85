import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { connect } from './project.ts';

const WORLD = `
  create role app_owner; create role app_reader; create role app_writer; grant app_reader to app_writer;
  create role svc_api login; grant app_writer to svc_api;
  create role analyst login; create role contractor login; create role stranger login;
  create role human_dba login; grant app_owner to human_dba with inherit false, set true;
  create schema core authorization app_owner; set role app_owner;
  create table core.listener (id int, country text, email text, token text);
  create table core.play (id int); create table core."Odd ""t" (a int);
  create function core.emails() returns setof text language sql security definer as 'select email from core.listener';
  create view core.countries as select id, country from core.listener;
  revoke execute on function core.emails() from public; grant execute on function core.emails() to contractor;
  grant usage on schema core to app_reader, analyst, contractor;
  grant select (id, country, email) on core.listener to app_reader; grant select (id, country) on core.listener to analyst;
  grant select on core.countries to contractor; grant select on core.play to app_reader, stranger;
  grant insert, update on core.play to app_writer; grant select on core."Odd ""t" to public; reset role`;

const FILE = `
version: 1
scope: { roles: [app_*, svc_*, analyst] }
groups: { app_owner: {}, app_reader: {}, app_writer: { member_of: app_reader } }
services: { svc_api: { member_of: app_writer }, analyst: { member_of: app_reader } }
never:
  - analyst can not update on table core.play
databases:
  music:
    schemas: { core: { owner: app_owner, creators: [app_owner] } }
    access:
      - { grant: [select, insert], on: table core.play, to: app_writer }
      - { grant: select, on: table core.play, to: app_reader }
`;

describe('dbadmin roles who-can', () => {
  let cluster: TestCluster;
  let sql: Sql;
  let directory: string;
  let config: string;
  const whoCan = async (...args: readonly string[]): Promise<CommandEnd> =>
    await runInProcess(['roles', 'who-can', ...args, '--database', 'music', '--config', config], {
      DBADMIN_PG_BIN_17: cluster.programs?.binDirectory ?? '',
      DBADMIN_SCRATCH: path.join(directory, 'scratch'),
    });

  beforeAll(async () => {
    directory = await makeDirectory();
    await mkdir(path.join(directory, 'scratch'), { mode: 0o711 });
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    sql = connect(cluster.url('music'));
    await sql.unsafe(WORLD);
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    await writeFile(path.join(directory, 'roles.yaml'), FILE);
  });

  afterAll(async () => {
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
    await removeDirectory(directory);
  });

  it('answers for every login with the way it comes, and why not', async () => {
    const { status, stdout } = await whoCan('select', 'core.listener.email');
    expect(status).toBe(0);
    expect(stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  '))).toEqual([
      'analyst  no  other columns, not this one: id, country',
      'contractor  perhaps  through function core.emails(), which acts as app_owner and names it (EXECUTE granted by app_owner)',
      'human_dba  yes  only after SET ROLE app_owner (owner)',
      'postgres  yes  superuser',
      'stranger  no',
      'svc_api  yes  member of app_writer (inherit) → app_reader → SELECT (email) granted by app_owner',
      '6 logins asked about SELECT on column core.listener.email: 2 can at once, 1 after SET ROLE, 1 perhaps through a function',
      '',
    ]);
  });

  it('finds the way through a view, and says no where USAGE on the schema is missing', async () => {
    expect((await whoCan('select', 'core.listener.country', '--role', 'contractor')).stdout).toMatch(
      /^contractor +yes +through view core\.countries, which reads as app_owner \(SELECT granted by app_owner\)$/m,
    );
    expect((await whoCan('select', 'core.play', '--role', 'stranger')).stdout).toMatch(
      /^stranger +no +has SELECT, lacks USAGE on schema core$/m,
    );
    expect((await whoCan('connect', 'music', '--role', 'stranger')).stdout).toMatch(/yes +CONNECT to PUBLIC granted by postgres/);
  });

  it('takes names as SQL has them, with their kind where it is needed, and says what there is instead', async () => {
    expect((await whoCan('select', 'core."Odd ""t"', '--role', 'analyst')).stdout).toMatch(/yes +SELECT to PUBLIC granted by app_owner/);
    expect((await whoCan('execute', 'core.emails', '--role', 'contractor')).stdout).toMatch(/^contractor +yes/);
    expect((await whoCan('execute', 'function core.emails()', '--role', 'analyst')).stdout).toMatch(/^analyst +no/);
    expect((await whoCan('usage', 'schema', 'core', '--role', 'analyst')).stdout).toMatch(/^analyst +yes/);
    const wrong = await whoCan('select', 'core.listener.e_mail');
    expect(wrong).toMatchObject({
      status: 64,
      stderr: expect.stringMatching(/core\.listener has no column "e_mail"\nIt has id, country, email, token\./),
    });
    expect(await whoCan('select', 'core.lstener')).toMatchObject({
      status: 64,
      stderr: expect.stringMatching(/nothing with a privilege SELECT by the name core\.lstener/),
    });
    expect(await whoCan('read', 'core.play')).toMatchObject({ status: 64, stderr: expect.stringMatching(/there is no privilege "read"/) });
    expect(await whoCan('select', 'core.play', '--role', 'nobody')).toMatchObject({ status: 64 });
    expect(await whoCan()).toMatchObject({ status: 64 });
  });

  it('lists all that one role may do, at once and after SET ROLE', async () => {
    const { stdout } = await whoCan('--role', 'svc_api');
    expect(stdout).toMatch(
      /^ {2}table core\.play +INSERT, UPDATE +member of app_writer \(inherit\) → INSERT, UPDATE granted by app_owner$/m,
    );
    expect(stdout).toMatch(/^ {2}column core\.listener \(id, country, email\) +SELECT +member of app_writer/m);
    expect(stdout).not.toContain('pg_catalog');
    const dba = await whoCan('--role', 'human_dba', '--json');
    const { access } = JSON.parse(dba.stdout) as {
      access: readonly { setRole: string | null; kind: string; names: string[]; privileges: string[] }[];
    };
    expect(access.filter(({ setRole }) => setRole === 'app_owner').map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['table', 'routine', 'schema']),
    );
    expect((await whoCan('--role', 'postgres')).stdout).toContain('superuser: everything');
  });

  it('explains every way with --explain, and gives all of it as JSON', async () => {
    const { stdout } = await whoCan('select', 'core.listener.country', '--role', 'contractor', '--explain');
    expect(stdout).toMatch(/also through function core\.emails\(\)/);
    const document = JSON.parse((await whoCan('update', 'core.play', '--json')).stdout) as {
      answers: readonly { role: string; can: string; holds: boolean; ways: readonly { kind: string }[] }[];
    };
    expect(document).toMatchObject({
      cluster: 'main',
      database: 'music',
      at: null,
      whatIf: null,
      privilege: 'UPDATE',
      object: { kind: 'table', schema: 'core', name: 'play', column: null },
    });
    expect(document.answers.map(({ role, can, holds }) => [role, can, holds])).toEqual([
      ['analyst', 'no', false],
      ['contractor', 'no', false],
      ['human_dba', 'set-role', false],
      ['postgres', 'yes', true],
      ['stranger', 'no', false],
      ['svc_api', 'yes', true],
    ]);
  });

  it('with --what-if answers for the cluster as the plan would leave it, and changes nothing', async () => {
    const file = path.join(directory, 'roles.yaml');
    const { stdout } = await whoCan('update', 'core.play', '--what-if', file);
    expect(stdout).toMatch(/^svc_api +yes → no$/m);
    expect(stdout).toMatch(/1 answer would change/);
    expect((await whoCan('select', 'core.play', '--what-if', file)).stdout).toMatch(
      /^analyst +no → yes +member of app_reader \(inherit\) → SELECT granted by app_owner$/m,
    );
    expect((await whoCan('--role', 'analyst', '--what-if', file)).stdout).toMatch(/^\+ table core\.play +SELECT/m);
    expect((await whoCan('update', 'core.play', '--role', 'svc_api')).stdout).toMatch(/^svc_api +yes/);
  });

  it('with --at answers from a restored state: before a revoke yes, after it no, and nothing stays behind', async () => {
    const repository = await makeRepository(path.join(directory, 'repository'));
    const receiver = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    await pause(50);
    const before = new Date();
    await pause(50);
    await sql`revoke select (email) on core.listener from app_reader granted by app_owner`.catch(async () => {
      await sql.unsafe('set role app_owner; revoke select (email) on core.listener from app_reader; reset role');
    });
    await sql.unsafe('create role came_later login');
    await pause(50);
    const after = new Date();
    await sql`select pg_switch_wal()`;
    await sql`create table public.later ()`;
    await waitUntilAllStored(repository, sql);
    await receiver.stop();
    const question = ['select', 'core.listener.email', '--role', 'svc_api'];
    const then = await whoCan(...question, '--at', before.toISOString());
    expect(then, then.stderr).toMatchObject({ status: 0 });
    expect(then.stdout).toMatch(/^main as it was at /m);
    expect(then.stdout).toMatch(/^svc_api +yes +member of app_writer/m);
    const later = await whoCan(...question, '--at', after.toISOString(), '--json');
    expect(later, later.stderr).toMatchObject({ status: 0 });
    expect(JSON.parse(later.stdout)).toMatchObject({ at: after.toISOString(), answers: [{ role: 'svc_api', can: 'no', holds: false }] });
    expect(await whoCan('select', 'core.play', '--role', 'came_later', '--at', before.toISOString())).toMatchObject({ status: 64 });
    expect(await readdir(path.join(directory, 'scratch'))).toEqual([]);
    expect(await whoCan(...question, '--at', '2020-01-01')).toMatchObject({ status: 1, stderr: expect.stringMatching(/not recoverable/) });
    expect(await whoCan(...question, '--at', before.toISOString(), '--what-if')).toMatchObject({ status: 64 });
  }, 60_000);
});
