import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Sql } from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { dbadmin, type CommandResult } from './command.ts';
import { effectiveAccess, forgetRoles } from './effective-access.ts';
import { connect, openProject, type Project } from './project.ts';

/** The newest; the oldest has the foreign schemas. Each of them: DBADMIN_TEST_IMPORT=14,15,16,17,18. */
const MAJORS = (process.env['DBADMIN_TEST_IMPORT'] ?? '18').split(',').map(Number);

const OBJECTS = `
  create schema core; create schema mart; create schema "Odd ""schema"; create schema empty;
  create table core.play (id bigint generated always as identity primary key, note text, secret text);
  create table core.listener (id serial primary key, email text);
  create table core.audit (at timestamptz);
  create view core.v as select id from core.play;
  create table core.part (id int) partition by range (id);
  create table mart.top (id int); create table mart.low (id int); create table mart.plain (id int); create table mart.other (id int);
  create materialized view mart.m as select 1 as one;
  create table "Odd ""schema"."Odd ""table" (id int, "Odd column" int);
  create function core.f(int, text) returns int language sql as 'select 1';
  create function core.f(text) returns int language sql as 'select 2';
  create procedure core.p() language sql as 'select 1';
  create aggregate core.total(int) (sfunc = int4pl, stype = int);
  create type core.mood as enum ('good', 'bad');
  create domain core.positive as int check (value > 0);
  create foreign data wrapper lake; create server shore foreign data wrapper lake;
  create extension pg_trgm schema core;`;

/** Roles and privileges as they grow by hand over years: grants by others, on columns, half taken away, with defaults that only some have. */
function habits(major: number): string {
  return `
  create role app_owner; create role app_reader; create role app_writer in role app_reader; create role auditor;
  create role old_owner noinherit; create role "Odd ""role" comment_me;
  create role svc_api login connection limit 5 password 'x' in role app_writer;
  create role svc_late login valid until '2031-05-06 07:08:09.123+02' createdb replication;
  create role svc_shut login valid until '-infinity'; create role svc_ever login valid until '20000-01-01';
  create role human_ann login noinherit in role app_reader, pg_monitor;
  comment on role app_owner is 'owns: "it" # all';
  alter role svc_api set search_path = core, "Odd, one"; alter role svc_api set statement_timeout = '15s';
  alter role svc_api in database music set work_mem = '32MB'; alter database music set timezone = 'UTC';
  alter database music set app.tenant = 'it''s';
  grant auditor to human_ann with admin option; set role human_ann; grant auditor to svc_late; reset role;
  ${major >= 16 ? 'grant app_owner to human_ann with inherit false, set true; grant app_owner to svc_api with set false;' : 'grant app_owner to human_ann;'}
  alter schema core owner to app_owner; alter schema mart owner to old_owner;
  alter table core.play owner to app_owner; alter table core.listener owner to app_owner; alter table core.v owner to app_owner;
  alter table core.audit owner to app_owner; alter table core.part owner to app_owner; alter table mart.top owner to old_owner;
  alter function core.f(text) owner to app_owner; alter type core.mood owner to app_owner;
  revoke connect on database music from public; revoke temp on database music from public;
  grant connect on database music to app_reader, app_writer, app_owner, svc_late, "Odd ""role"; grant create on database music to app_owner with grant option;
  grant usage on schema core, mart to app_reader, app_writer; grant usage on schema core to auditor with grant option; grant create, usage on schema core to svc_late;
  grant usage on schema empty to public; revoke all on schema public from public;
  grant select on all tables in schema core, mart to app_reader; grant select, insert, update, delete on all tables in schema core, mart to app_writer;
  grant usage, select on all sequences in schema core to app_writer;
  alter default privileges for role app_owner in schema core grant select on tables to app_reader;
  alter default privileges for role app_owner in schema core grant select, insert, update, delete on tables to app_writer;
  alter default privileges for role app_owner in schema core grant usage, select on sequences to app_writer;
  alter default privileges for role app_owner revoke execute on routines from public;
  alter default privileges for role old_owner in schema mart grant select on tables to auditor with grant option;
  alter default privileges for role postgres grant trigger on tables to auditor;
  revoke update on core.audit from app_writer; revoke select on mart.other from app_reader;
  grant select on core.audit to auditor with grant option; set role auditor; grant select on core.audit to svc_late with grant option; reset role;
  set role svc_late; grant select on core.audit to public; reset role;
  revoke execute on function core.f(int, text) from public; grant execute on function core.f(int, text) to app_reader;
  revoke execute on function core.similarity(text, text) from public; grant execute on function core.similarity(text, text) to auditor;
  revoke usage on type core.positive from public; grant usage on type core.positive to auditor;
  grant select (id, note), update (note) on core.play to auditor; grant select (email) on core.listener to public;
  grant references on core.listener to auditor; grant select ("Odd column") on "Odd ""schema"."Odd ""table" to "Odd ""role";
  grant usage on schema "Odd ""schema" to "Odd ""role"; grant insert on "Odd ""schema"."Odd ""table" to "Odd ""role";
  grant usage on foreign data wrapper lake to app_owner with grant option; grant usage on foreign server shore to app_reader;
  revoke usage on language plpgsql from public; grant usage on language plpgsql to app_owner;
  grant create on tablespace pg_default to app_owner;
  alter table core.listener enable row level security, force row level security; create policy "own rows" on core.listener to app_reader, auditor
    using (email = current_user || '@x' and id > (select 1)) ; create policy mine on core.listener as restrictive for insert with check (id > 0);
  create policy idle on core.play using (true);
  ${major >= 15 ? 'grant set on parameter log_statement to auditor; grant alter system on parameter work_mem to human_ann with grant option;' : ''}
  ${major >= 17 ? 'grant maintain on core.play to auditor;' : ''}`.replace(' comment_me', '');
}

describe.each(MAJORS)('roles import on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let music: Sql;
  let project: Project;
  const roles = async (...args: string[]): Promise<CommandResult> =>
    await dbadmin(['roles', ...args, '--url', cluster.url()], project.directory);
  const file = async (name = 'roles.yaml'): Promise<string> => await readFile(path.join(project.directory, name), 'utf8');

  beforeAll(async () => {
    cluster = await startTestCluster({ major });
    const postgres = connect(cluster.url());
    await postgres.unsafe('create database music');
    await postgres.end();
    music = connect(cluster.url('music'));
    await music.unsafe(OBJECTS);
    await music.unsafe(habits(major));
    project = await openProject(cluster);
  });

  afterAll(async () => {
    await project?.close();
    await music?.end({ timeout: 1 });
    await cluster?.stop();
  });

  it('writes a file whose plan is empty, with shared shapes as profiles', async () => {
    const imported = await roles('import', '--out', 'roles.yaml', '--humans', 'human_*');
    expect(imported.stderr + imported.stdout).toContain('its plan is empty');
    expect(imported.status).toBe(0);
    const text = await file();
    expect(await project.lines(text)).toEqual([]);
    const read = parse(text) as {
      profiles: Record<string, unknown>;
      humans: object;
      services: Record<string, unknown>;
      databases: { music: { access: readonly unknown[] } };
    };
    expect(read.profiles).toMatchObject({ reader: { tables: ['select'] } });
    expect(Object.keys(read.humans)).toEqual(['human_ann']);
    expect(read.services['svc_api']).toMatchObject({ password: { from: 'keep' }, connection_limit: 5 });
    expect(JSON.stringify(read.databases.music.access)).toContain('app_reader');
    expect(text).not.toContain('SCRAM-SHA-256');
  });

  it('does not touch a file that is there', async () => {
    const before = await file();
    const again = await roles('import', '--out', 'roles.yaml');
    expect(again.status).toBe(1);
    expect(again.stderr).toContain('roles.yaml is there already');
    expect(await file()).toBe(before);
    expect((await roles('import', '--out', 'roles.yaml', '--humans', 'human_*', '--overwrite')).status).toBe(0);
    expect(await file()).toBe(before);
  });

  it('says with --by-name only what is there, object by object', async () => {
    const imported = await roles('import', '--by-name', '--print', '--database', 'music');
    expect(imported.status).toBe(0);
    expect(imported.stdout).not.toContain('.*');
    expect(await project.lines(imported.stdout)).toEqual([]);
  });

  it('imports only the roles that are asked for, and the file still changes nothing', async () => {
    const imported = await roles('import', '--roles', 'app_*', '--print');
    expect(imported.status).toBe(0);
    expect(imported.stdout).toContain('Not in here: roles that are not declared: Odd "role, auditor');
    expect(imported.stdout).not.toMatch(/^ {2}svc_api:/m);
    expect(await project.lines(imported.stdout)).toEqual([]);
  });

  it('gives the same effective access when it is applied to the same objects without any role', async () => {
    const before = await effectiveAccess(music);
    expect(before.length).toBeGreaterThan(300);
    const postgres = connect(cluster.url());
    await forgetRoles(music, [postgres]);
    await postgres.end();
    expect(await effectiveAccess(music)).not.toEqual(before);
    await project.apply(await file());
    expect(await project.lines(await file())).toEqual([]);
    const after = await effectiveAccess(music);
    expect(after.filter((fact) => !before.includes(fact))).toEqual([]);
    expect(before.filter((fact) => !after.includes(fact))).toEqual([]);
  });
});
