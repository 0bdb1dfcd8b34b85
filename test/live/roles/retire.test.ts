import type { Sql } from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { dbadmin } from './command.ts';
import { connect, openProject, type Project } from './project.ts';

/** On 16 memberships came to depend on who granted them. */
const MAJORS = [14, 16, 18] as const;

const file = (retire: string, more = ''): string => `
version: 1
${more}
scope: { roles: ["app_*", "svc_*"] }
groups: { app_owner: {}, app_reader: {} }
services: { svc_api: { member_of: app_reader } }
databases: { music: { schemas: { core: { owner: app_owner } } } }
${retire === '' ? '' : `retire: [{ role: svc_old, ${retire} }]`}
`;

/** Somebody who owns and may something in three databases, one of them not in the file, and passed some of it on. */
const OLD = {
  postgres: `create role svc_old login; alter role svc_old set work_mem to '8MB'; comment on role svc_old is 'old'`,
  music: `
    create schema if not exists core;
    create table core.mine (id int); alter table core.mine owner to svc_old;
    create table core.theirs (id int);
    grant usage on schema core to svc_old, outside;
    grant select on core.theirs to svc_old with grant option;
    set role svc_old; grant select on core.theirs to outside;
    alter default privileges in schema core grant select on tables to outside; reset role;
    alter table core.theirs enable row level security;
    create policy for_old on core.theirs as restrictive to svc_old using (true);
    create policy for_both on core.theirs to svc_old, app_owner using (true)`,
  other: `create table public.kept (id int); alter table public.kept owner to svc_old; grant connect on database other to svc_old`,
};

describe.each(MAJORS)('retire on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let project: Project;
  let sql: Record<'postgres' | 'music' | 'other', Sql>;
  const exists = async (role: string): Promise<boolean> => (await sql.postgres`select from pg_roles where rolname = ${role}`).length === 1;

  beforeAll(async () => {
    // A lock table that four hundred tables do not go into.
    cluster = await startTestCluster({ major, settings: { max_locks_per_transaction: 10, max_connections: 20 } });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.unsafe('create database other');
    await postgres.unsafe('create role outside');
    sql = { postgres, music: connect(cluster.url('music')), other: connect(cluster.url('other')) };
    await sql.music.unsafe('create schema core');
    project = await openProject(cluster);
    await project.apply(file(''));
  });

  afterAll(async () => {
    await project?.close();
    for (const each of Object.values(sql ?? {})) await each.end({ timeout: 1 });
    await cluster?.stop();
  });

  beforeEach(async () => {
    if (await exists('svc_old')) return;
    await sql.music.unsafe('drop table if exists core.mine, core.theirs');
    await sql.other.unsafe('drop table if exists public.kept');
    for (const [database, text] of Object.entries(OLD)) await sql[database as keyof typeof OLD].unsafe(text);
  });

  it('leaves a role as it is until its day, and says so', async () => {
    const plan = await project.plan(file('reassign_to: app_owner, after: 2099-12-31'));
    expect(plan.changes).toEqual([]);
    expect(plan.notes).toEqual([expect.stringContaining('role svc_old is to be retired after 2099-12-31')]);
  });

  it('refuses to drop what a role owns, and names it in every database', async () => {
    await expect(project.plan(file('terminate: true'))).rejects.toMatchObject({
      code: 'roles-invalid',
      detail: expect.stringMatching(
        /roles\.yaml:\d+:\d+: retire of svc_old: it owns 1 object in music \(table core\.mine\); 1 object in other \(table (?:public\.)?kept\)/,
      ) as unknown,
    });
  });

  it('says what goes with it', async () => {
    const lines = (await project.lines(file('reassign_to: app_owner'))).join('\n');
    expect(lines).toMatch(
      /svc_old − in music: 1 object to app_owner, its privileges revoked \(goes with it: .*row policy for_old of core\.theirs/,
    );
    expect(lines).toMatch(/SELECT on table core\.theirs from outside/);
    expect(lines).not.toContain('for_both');
    expect(lines).toMatch(/svc_old − in other: 1 object to app_owner, its privileges revoked/);
    expect(lines).toMatch(/svc_old − the role is dropped/);
  });

  it('refuses while somebody works as it; with terminate ends the session', async () => {
    const session = connect(cluster.url('other', 'svc_old'));
    await session`select 1`;
    await expect(project.apply(file('reassign_to: app_owner'))).rejects.toMatchObject({
      code: 'refused',
      detail: expect.stringContaining('1 session is open as it') as unknown,
    });
    expect(await exists('svc_old')).toBe(true);
    await project.apply(file('reassign_to: app_owner, terminate: true'));
    await expect(session`select 1`).rejects.toThrow();
    await session.end({ timeout: 1 });
    expect(await exists('svc_old')).toBe(false);
  });

  it('gives what it owned to the heir in every database, and leaves nothing behind', async () => {
    await project.apply(file('reassign_to: app_owner'));
    expect(await exists('svc_old')).toBe(false);
    expect(await sql.music`select pg_get_userbyid(relowner) as owner from pg_class where relname = 'mine'`).toEqual([
      { owner: 'app_owner' },
    ]);
    expect(await sql.other`select pg_get_userbyid(relowner) as owner from pg_class where relname = 'kept'`).toEqual([
      { owner: 'app_owner' },
    ]);
    expect(await sql.music`select polname::text as name from pg_policy order by 1`).toEqual([{ name: 'for_both' }]);
    expect(await project.lines(file('reassign_to: app_owner'))).toEqual([]);
  });

  it('goes on where an apply was interrupted', async () => {
    await sql.postgres.unsafe('alter role svc_old nologin');
    await sql.music.unsafe('reassign owned by svc_old to app_owner; drop owned by svc_old');
    await project.apply(file('reassign_to: app_owner'));
    expect(await exists('svc_old')).toBe(false);
  });

  it('mode exact drops what is in scope and undeclared, but nothing that owns something', async () => {
    await expect(project.plan(file('', 'mode: exact'))).rejects.toMatchObject({
      detail: expect.stringMatching(/roles\.yaml:3:7: mode exact would drop role svc_old, which owns 1 object in music/) as unknown,
    });
    await sql.music.unsafe('reassign owned by svc_old to app_owner');
    await sql.other.unsafe('reassign owned by svc_old to app_owner');
    await sql.postgres.unsafe('create role svc_stray; grant app_reader to svc_stray');
    expect((await project.lines(file('', 'mode: manage'))).join('\n')).not.toContain('dropped');
    const lines = (await project.lines(file('', 'mode: exact'))).join('\n');
    expect(lines).toMatch(/svc_stray − the role is dropped \(not in the file\)/);
    expect(lines).toMatch(/svc_old − the role is dropped/);
    await project.apply(file('', 'mode: exact'));
    expect([await exists('svc_old'), await exists('svc_stray'), await exists('outside')]).toEqual([false, false, true]);
    expect(await project.lines(file('', 'mode: exact'))).toEqual([]);
  });

  if (major < 16) return;

  it('takes memberships along that the role granted, and says so', async () => {
    await sql.postgres.unsafe('grant app_reader to svc_old with admin option; set role svc_old; grant app_reader to outside; reset role');
    const text = file('reassign_to: app_owner');
    expect((await project.lines(text)).join('\n')).toContain('membership of app_reader in outside, which it granted');
    await project.apply(text);
    expect(await exists('svc_old')).toBe(false);
  });

  // The command is the same on every major, and so is what locks.
  if (major < 18) return;

  it('gives away more tables than the lock table holds, some in each transaction', async () => {
    await sql.music.unsafe(`do $$ begin for i in 1..400 loop
      execute format('create table core.many_%s (id serial primary key, note text)', i);
      execute format('alter table core.many_%1$s owner to svc_old', i);
      execute format('grant select on core.many_%s to outside', i);
      if i % 20 = 0 then commit; end if; end loop; end $$`);
    await sql.music.unsafe(`create view core.seen as select 1 as one; alter view core.seen owner to svc_old;
      create type core.pair as (a int); alter type core.pair owner to svc_old; create sequence core.ids; alter sequence core.ids owner to svc_old`);
    await expect(sql.music.unsafe('reassign owned by svc_old to app_owner')).rejects.toMatchObject({ code: '53200' });
    const text = file('reassign_to: app_owner');
    expect((await project.plan(text)).notes).toContainEqual(
      expect.stringMatching(/owns \d{3,4} objects in music: its relations get their new owner/),
    );
    await project.apply(text);
    expect(await exists('svc_old')).toBe(false);
    expect(
      await sql.music`select distinct pg_get_userbyid(relowner) as owner from pg_class where relname ~ '^(many_|seen|pair|ids)'`,
    ).toEqual([{ owner: 'app_owner' }]);
    await sql.music.unsafe(
      `do $$ begin for i in 1..400 loop execute format('drop table core.many_%s', i); if i % 20 = 0 then commit; end if; end loop; end $$`,
    );
    await sql.music.unsafe('drop view core.seen; drop type core.pair; drop sequence core.ids');
  });

  it('without --allow-drop nothing is done, with --keep-roles everything else', async () => {
    await sql.postgres.unsafe('grant app_owner to svc_api');
    await writeFile(path.join(project.directory, 'roles.yaml'), file('reassign_to: app_owner'));
    const apply = async (...args: readonly string[]): ReturnType<typeof dbadmin> =>
      await dbadmin(['roles', 'apply', '--yes', '--file', 'roles.yaml', '--url', cluster.url(), ...args], project.directory);
    const refused = await apply();
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('the plan has 4 destructive changes') as unknown]);
    expect((await project.lines(file(''))).join()).toContain('svc_api − member of app_owner');
    const kept = await apply('--keep-roles');
    expect(kept.stdout).toContain('1 applied');
    expect(kept.status).toBe(0);
    expect(await exists('svc_old')).toBe(true);
  });
});
