import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { inspect } from 'node:util';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { runTransaction } from '../../../src/roles/apply-transaction.ts';
import type { Change } from '../../../src/roles/change.ts';
import { role } from '../../../src/roles/state.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { cutAtCommitOf } from './cut-at-commit.ts';
import { connect, openProject, outcome, type Project } from './project.ts';

const file = (more = ''): string => `
version: 1
scope: { roles: ["app_*", "new_*"] }
profiles: { reader: { tables: [select] } }
groups: { app_owner: {}, app_reader: {}, ${more} }
databases:
  music:
    schemas: { core: { owner: app_owner } }
    access: [{ profile: reader, on: core, to: app_reader, except: core.t1 }]
`;

describe('roles apply', () => {
  let cluster: TestCluster;
  let project: Project;
  let music: Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: 18 });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.unsafe('create database other');
    await postgres.end();
    music = connect(cluster.url('music'));
    await music.unsafe(
      `create schema core; do $$ begin for i in 1..2500 loop execute format('create table core.t%s ()', i); end loop; end $$`,
    );
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('names at most 1,000 objects in a transaction where naming locks them', async () => {
    expect(await project.apply(file())).toBe(3);
    expect(await project.lines(file())).toEqual([]);
    expect(await outcome(cluster, 'music', 'postgres', 'set role app_reader; table core.t2500')).toBe('ok');
    expect(await outcome(cluster, 'music', 'postgres', 'set role app_reader; table core.t1')).toBe('42501');
  });

  it('changes nothing when the server refuses one change', async () => {
    await music.unsafe(
      'create role outside; grant select on core.t1 to app_reader with grant option; set role app_reader; grant select on core.t1 to outside; reset role',
    );
    await expect(project.apply(file('new_group: {}'))).rejects.toMatchObject({
      code: 'query-failed',
      detail: expect.stringMatching(/dependent privileges exist \(SQLSTATE 2BP01\)/) as unknown,
    });
    expect(await music`select from pg_roles where rolname = 'new_group'`).toHaveLength(0);
    await music.unsafe('revoke select on core.t1 from app_reader cascade');
    expect(await project.apply(file('new_group: {}'))).toBe(1);
  });

  it('waits for a lock and tries again', async () => {
    const other = connect(cluster.url('music'));
    await music.unsafe('revoke select on core.t2 from app_reader');
    // On 18 a GRANT that names a table queues behind whoever has it.
    await other.unsafe('begin; lock table core.t2');
    const applied = project.apply(file('new_group: {}'));
    await new Promise((resolve) => setTimeout(resolve, 900));
    await other.unsafe('commit');
    await other.end();
    expect(await applied).toBe(1);
  });

  it('two at once end in the wanted state, and one of them makes the change', async () => {
    await music.unsafe('revoke select on core.t2 from app_reader; revoke usage on schema core from app_reader');
    const text = file('new_group: {}');
    const results = await Promise.allSettled([project.apply(text), project.apply(text)]);
    expect(results.filter((result) => result.status === 'fulfilled' && result.value === 1)).toHaveLength(1);
    for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'plan-stale' });
    expect(await project.lines(text)).toEqual([]);
  });

  it('with two databases, tells what stays done when the second fails', async () => {
    const text = `${file('new_group: {}, new_second: {}')}  other:\n    connect: [new_second]\n    schemas: { s: { owner: new_second } }\npublic: locked\n`;
    const other = connect(cluster.url('other'));
    await other.unsafe(
      'create schema s; grant usage on schema s to new_group with grant option; set role new_group; grant usage on schema s to outside; reset role',
    );
    await expect(project.apply(text)).rejects.toMatchObject({ code: 'partly-done', exitStatus: 3 });
    await other.unsafe('revoke usage on schema s from new_group cascade');
    await project.apply(text);
    expect(await project.lines(text)).toEqual([]);
    await other.end();
  });
});

describe('roles apply by a role that is no superuser, 16 and later', () => {
  let cluster: TestCluster;
  let sql: Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: 17 });
    sql = connect(cluster.url());
    await sql.unsafe("create role tool login createrole; alter role tool set createrole_self_grant to 'set, inherit'");
    await sql.unsafe('create database music owner tool');
  });

  afterAll(async () => {
    await sql?.end({ timeout: 1 });
    await cluster?.stop();
  });

  const text = `
version: 1
public: locked
profiles: { reader: { tables: [select], routines: [execute] } }
groups: { app_owner: {}, app_reader: {} }
services: { svc: { member_of: app_reader, password: { from: env, name: PW }, settings: { work_mem: 8MB } } }
databases:
  music:
    schemas: { core: { owner: app_owner } }
    access: [{ profile: reader, on: core, to: app_reader }]
`;

  it('makes owner, schema, default privileges and logins, and leaves its own edges alone', async () => {
    const project = await openProject(cluster, { PW: 'abc-1' }, cluster.parameters('music', 'tool'));
    onTestFinished(async () => await project.close());
    await project.apply(text);
    const plan = await project.plan(text);
    expect(plan.changes).toEqual([]);
    expect(plan.notes).toEqual(['the passwords of svc were not compared: tool may not read pg_authid']);
    const music = connect(cluster.url('music'));
    await music.unsafe('set role app_owner; create table core.t ()');
    await music.end();
    expect(await outcome(cluster, 'music', 'svc', 'table core.t')).toBe('ok');
  });

  it('tells of what it made also where the connection is lost on the commit, and nobody knows', async () => {
    const project = await openProject(cluster);
    onTestFinished(async () => await project.close());
    const groups = 'version: 1\nscope: { roles: ["new_*"] }\ngroups: { new_reader: {}, new_writer: {} }\n';
    await project.apply(groups);
    for (const side of ['before', 'after'] as const) {
      await sql.unsafe('grant new_reader to new_writer');
      const way = await cutAtCommitOf('REVOKE', side, cluster.port);
      onTestFinished(() => way.close());
      const told: string[] = [];
      const onMade = (changes: readonly Change[]): void => void told.push(...changes.map(({ kind }) => kind));
      const connection = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: way.port }] };
      await expect(project.apply(groups, { connection, onMade })).rejects.toMatchObject({
        code: 'connection-failed',
        message: 'the connection was lost while changes were being committed in database postgres',
      });
      expect(told).toEqual(['revoke-membership']);
      const left = await sql`select from pg_auth_members where member = 'new_writer'::regrole`;
      expect(left).toHaveLength(side === 'before' ? 1 : 0);
    }
  });

  it.each(['before', 'after'] as const)('keeps a generated password that was lost %s the commit, and goes on with it', async (side) => {
    const project = await openProject(cluster);
    onTestFinished(async () => await project.close());
    const name = `new_${side}`;
    await sql.unsafe(`create role ${name} login`);
    onTestFinished(async () => void (await sql.unsafe(`drop role ${name}`)));
    const text = `version: 1\nscope: { roles: [${name}] }\nservices: { ${name}: { password: { from: generate, path: made } } }\n`;
    const way = await cutAtCommitOf('PASSWORD', side, cluster.port);
    onTestFinished(() => way.close());
    const told: string[] = [];
    const onMade = (changes: readonly Change[]): void => void told.push(...changes.map(({ kind }) => kind));
    const connection = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: way.port }] };
    const lost: unknown = await project.apply(text, { connection, onMade }).catch((error: unknown) => error);
    expect(lost).toMatchObject({
      code: 'connection-failed',
      message: `the connection was lost while the password of role ${name} was being committed in database postgres`,
    });
    expect(inspect(lost, { depth: 9, showHidden: true })).not.toContain('SCRAM-SHA-256$');
    expect(told).toEqual(['password']);
    const password = await readFile(path.join(project.directory, 'made'), 'utf8');
    expect(await project.lines(text)).toHaveLength(side === 'before' ? 1 : 0);
    await project.apply(text);
    expect(await readFile(path.join(project.directory, 'made'), 'utf8')).toBe(password);
    expect(await project.lines(text)).toEqual([]);
  });

  it.each([
    ['grant', '01007', 'notice'],
    ['revoke', '01006', 'notice'],
    // The login is told no warnings, as its settings have it.
    ['grant', '01007', 'error'],
    ['revoke', '01006', 'error'],
  ] as const)('takes the warning that nothing came of a %s (%s) for the failure it is, at level %s', async (action, code, level) => {
    const music = connect(cluster.url('music'));
    await music.unsafe(`alter role tool set client_min_messages = '${level}'`);
    onTestFinished(async () => {
      await music.unsafe('alter role tool reset client_min_messages');
      await music.end();
    });
    await music.unsafe('create table if not exists core.of_postgres (); grant select on core.of_postgres to tool');
    const on = { kind: 'table', schema: 'core', names: ['of_postgres'], all: false } as const;
    const rest = { privileges: ['SELECT'], grantable: false, grantor: 'postgres', actAs: undefined, depth: 0 } as const;
    const change = { kind: 'privilege', action, database: 'music', on, grantee: role('svc'), ...rest } as const;
    const made = { kind: 'create-role', role: 'new_group', attributes: {} } as const;
    const transaction = { database: 'music', changes: [made, change] };
    const connection = cluster.parameters('music', 'tool');
    const { signal } = new AbortController();
    await expect(
      runTransaction(transaction, { connection, clock: systemClock, log: silentLog, signal, lockTimeoutMs: 500 }),
    ).rejects.toMatchObject({
      code: 'privilege-missing',
      detail: expect.stringContaining(`SQLSTATE ${code}`) as unknown,
    });
    expect(await music`select from pg_roles where rolname = 'new_group'`).toHaveLength(0);
  });
});
