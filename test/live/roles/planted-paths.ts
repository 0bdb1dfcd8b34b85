/** A way up for `mallory`, planted by a superuser, and what the audit must say of it. */
export interface PlantedPath {
  /** The rule that must find it. */
  readonly finding: string;
  readonly subject: string;
  /** Statements in database `app`. */
  readonly plant: string;
  /** What the closing SQL leaves behind that the next path does not expect. */
  readonly undo?: string;
  /** Up to this major the server differs, so that it is tried there too. */
  readonly differs?: number;
  readonly from?: number;
  readonly until?: number;
}

/** A database of an owner that nobody logs in as, a login that may act as it, and one that may not. Nothing is to be found in it. */
export const CLEAN_ROLES = `
  create role app_owner;
  create role victim login connection limit 5 in role app_owner;
  create role mallory login connection limit 5`;

export const CLEAN_DATABASE = `
  revoke connect, temporary on database app from public;
  grant connect on database app to victim, mallory;
  revoke create on schema public from public;
  create schema app authorization app_owner;
  create table app.secret (id int, note text);
  create table app.tenant (id int, tenant text);
  alter table app.secret owner to app_owner;
  alter table app.tenant owner to app_owner;
  grant usage on schema app to mallory`;

const DEFINER = `create function app.danger() returns int language sql security definer as 'select 1'`;

export const PLANTED_PATHS: readonly PlantedPath[] = [
  { finding: 'superuser-login', subject: 'mallory', plant: 'alter role mallory superuser' },
  {
    finding: 'superuser-by-set-role',
    subject: 'mallory',
    plant: 'create role dba superuser; grant dba to mallory',
    undo: 'drop role dba',
  },
  {
    finding: 'superuser-by-set-role',
    subject: 'team',
    plant: 'create role dba superuser; create role team; grant dba to team; grant team to mallory',
    undo: 'drop role dba, team',
  },
  { finding: 'createrole-before-16', subject: 'mallory', plant: 'alter role mallory createrole', until: 15 },
  { finding: 'replication-login', subject: 'mallory', plant: 'alter role mallory replication' },
  { finding: 'bypassrls-login', subject: 'mallory', plant: 'alter role mallory bypassrls' },
  { finding: 'pg-execute-server-program', subject: 'mallory', plant: 'grant pg_execute_server_program to mallory' },
  {
    finding: 'pg-write-server-files',
    subject: 'ops',
    plant: 'create role ops; grant pg_write_server_files to ops; grant ops to mallory',
    undo: 'drop role ops',
  },
  { differs: 15, finding: 'pg-read-server-files', subject: 'mallory', plant: 'grant pg_read_server_files to mallory' },
  { finding: 'pg-write-all-data', subject: 'mallory', plant: 'grant pg_write_all_data to mallory' },
  { finding: 'pg-read-all-data', subject: 'mallory', plant: 'grant pg_read_all_data to mallory' },
  { finding: 'pg-create-subscription', subject: 'mallory', plant: 'grant pg_create_subscription to mallory', from: 16 },
  { finding: 'pg-maintain', subject: 'mallory', plant: 'grant pg_maintain to mallory', from: 17 },
  {
    differs: 15,
    finding: 'admin-option',
    subject: 'mallory',
    plant: 'create role team; grant team to mallory with admin option',
    undo: 'drop role team',
  },
  {
    differs: 15,
    finding: 'admin-option',
    subject: 'mallory',
    plant: `create role team; create role guest; grant team to mallory with admin option;
            set role mallory; grant team to guest; reset role`,
    undo: 'drop role team, guest',
  },
  {
    finding: 'admin-option',
    subject: 'mallory',
    plant: 'grant pg_execute_server_program to mallory with admin true, inherit false, set false',
    undo: 'revoke pg_execute_server_program from mallory',
    from: 16,
  },
  {
    finding: 'definer-search-path',
    subject: 'routine app.danger()',
    plant: `${DEFINER}; revoke execute on function app.danger() from public; grant execute on function app.danger() to mallory`,
    undo: 'drop function app.danger()',
  },
  {
    finding: 'definer-open-path',
    subject: 'routine app.danger()',
    plant: `create schema plant; grant create on schema plant to mallory; ${DEFINER} set search_path = app, plant, pg_temp;
            revoke execute on function app.danger() from public; grant execute on function app.danger() to mallory`,
    undo: 'drop function app.danger(); drop schema plant',
  },
  {
    finding: 'definer-open-path',
    subject: 'routine app.danger()',
    plant: `${DEFINER} set search_path = app; revoke execute on function app.danger() from public; grant execute on function app.danger() to mallory`,
    undo: 'drop function app.danger()',
  },
  {
    finding: 'definer-public',
    subject: 'routine app.danger()',
    plant: `${DEFINER} set search_path = app, pg_temp`,
    undo: 'drop function app.danger()',
  },
  {
    finding: 'untrusted-routine',
    subject: 'routine app.slurp(text)',
    plant: `create function app.slurp(text) returns text language internal strict as 'pg_read_file_all'`,
    undo: 'drop function app.slurp(text)',
  },
  {
    differs: 15,
    finding: 'guarded-function',
    subject: 'routine pg_catalog.pg_read_file(text)',
    plant: 'grant execute on function pg_read_file(text) to mallory',
  },
  {
    finding: 'guarded-function',
    subject: 'routine pg_catalog.lo_export(oid, text)',
    plant: 'grant execute on function lo_export(oid, text) to public',
  },
  { finding: 'trigger-privilege', subject: 'table app.secret', plant: 'grant trigger on app.secret to mallory' },
  {
    finding: 'trigger-privilege',
    subject: 'table app.secret',
    plant: `create role mid; grant trigger on app.secret to mid with grant option; grant usage on schema app to mid;
            set role mid; grant trigger on app.secret to mallory; reset role`,
    undo: 'drop owned by mid; drop role mid',
  },
  {
    differs: 15,
    finding: 'routine-of-another',
    subject: 'routine app.hook()',
    plant: `create function app.hook() returns trigger language plpgsql as 'begin return new; end'; alter function app.hook() owner to mallory;
            create trigger hook before insert on app.secret for each row execute function app.hook()`,
    undo: 'drop trigger hook on app.secret; drop function app.hook()',
  },
  {
    finding: 'routine-of-another',
    subject: 'routine app.mask(text)',
    plant: `create function app.mask(text) returns text language sql as 'select $1'; alter function app.mask(text) owner to mallory;
            create view app.masked as select app.mask(note) from app.secret; alter view app.masked owner to app_owner`,
    undo: 'drop view app.masked; drop function app.mask(text)',
  },
  {
    finding: 'event-trigger-owner',
    subject: 'event trigger spy',
    plant: `create function app.spy() returns event_trigger language plpgsql as 'begin end'; alter function app.spy() owner to mallory;
            create event trigger spy on ddl_command_end execute function app.spy()`,
    undo: 'drop event trigger spy; drop function app.spy()',
  },
  { finding: 'language-marked-trusted', subject: 'language c', plant: `update pg_language set lanpltrusted = true where lanname = 'c'` },
  { differs: 15, finding: 'schema-create-public', subject: 'schema public', plant: 'grant create on schema public to public' },
  { finding: 'schema-create-public', subject: 'schema pg_catalog', plant: 'grant create on schema pg_catalog to public' },
  { finding: 'schema-in-path', subject: 'schema public', plant: 'grant create on schema public to mallory' },
  {
    finding: 'schema-in-path',
    subject: 'schema stage',
    plant:
      'create schema stage; grant create on schema stage to mallory; alter role postgres in database app set search_path = stage, public',
    undo: 'alter role postgres in database app reset search_path; drop schema stage',
  },
  {
    finding: 'schema-owner-in-path',
    subject: 'schema hers',
    plant: 'create schema hers authorization mallory; alter role postgres in database app set search_path = hers',
    undo: 'alter role postgres in database app reset search_path; drop schema hers',
  },
  { finding: 'database-create-public', subject: 'database app', plant: 'grant create on database app to public' },
  { finding: 'public-connect', subject: 'database app', plant: 'grant connect on database app to public' },
  { finding: 'secret-catalog', subject: 'table pg_catalog.pg_authid', plant: 'grant select on pg_authid to mallory' },
  {
    finding: 'secret-catalog',
    subject: 'column pg_catalog.pg_authid.rolpassword',
    plant: 'grant select (rolname, rolpassword) on pg_authid to mallory',
    undo: 'revoke select (rolname) on pg_authid from mallory',
  },
  { finding: 'public-table', subject: 'table app.secret', plant: 'grant select, update on app.secret to public' },
  {
    finding: 'public-default',
    subject: 'default privileges of app_owner in app',
    plant: 'alter default privileges for role app_owner in schema app grant select on tables to public',
  },
  {
    differs: 14,
    finding: 'view-past-row-security',
    subject: 'view app.window',
    plant: `alter table app.tenant enable row level security; alter table app.tenant force row level security;
            create view app."window" as select * from app.tenant; grant select on app."window", app.tenant to mallory`,
    undo: `drop view app."window"; revoke select on app.tenant from mallory;
           alter table app.tenant no force row level security; alter table app.tenant disable row level security`,
  },
  {
    finding: 'policies-without-row-security',
    subject: 'table app.tenant',
    plant: `alter table app.tenant force row level security; create policy mine on app.tenant using (tenant = current_user)`,
    undo: 'drop policy mine on app.tenant; alter table app.tenant no force row level security; alter table app.tenant disable row level security',
  },
  {
    finding: 'owner-past-row-security',
    subject: 'table app.tenant',
    plant: `alter table app.tenant enable row level security`,
    undo: 'alter table app.tenant no force row level security; alter table app.tenant disable row level security',
  },
  {
    finding: 'policy-true',
    subject: 'policy everybody on app.tenant',
    plant: `alter table app.tenant enable row level security; alter table app.tenant force row level security;
            create policy everybody on app.tenant using (true)`,
    undo: 'alter table app.tenant no force row level security; alter table app.tenant disable row level security',
  },
  {
    finding: 'public-user-mapping',
    subject: 'user mapping of PUBLIC at lake',
    plant: `create foreign data wrapper wrapper; create server lake foreign data wrapper wrapper; grant usage on foreign server lake to mallory;
            create user mapping for public server lake options (user 'reader', password 'x')`,
    undo: 'drop foreign data wrapper wrapper cascade',
  },
  {
    finding: 'mapping-to-superuser',
    subject: 'user mapping of mallory at loop',
    plant: `create foreign data wrapper wrapper; create server loop foreign data wrapper wrapper options (host 'localhost', port '5432');
            grant usage on foreign server loop to mallory; create user mapping for mallory server loop options (user 'postgres', password 'x')`,
    undo: 'drop foreign data wrapper wrapper cascade',
  },
  {
    finding: 'dangerous-parameter',
    subject: 'parameter archive_command',
    plant: 'grant alter system on parameter archive_command to mallory',
    from: 15,
  },
  {
    finding: 'dangerous-parameter',
    subject: 'parameter session_replication_role',
    plant: 'grant set on parameter session_replication_role to mallory',
    from: 15,
  },
  { finding: 'guessable-password', subject: 'mallory', plant: `alter role mallory password 'mallory'` },
  {
    finding: 'md5-password',
    subject: 'mallory',
    plant: `set password_encryption = 'md5'; alter role mallory password 'k3Vq-unlikely'; reset password_encryption`,
  },
  {
    finding: 'expired-login',
    subject: 'mallory',
    plant: `alter role mallory valid until '2020-01-01'`,
    undo: `alter role mallory login valid until 'infinity'`,
  },
  {
    finding: 'expired-login',
    subject: 'mallory',
    plant: `alter role mallory valid until '-infinity'`,
    undo: `alter role mallory login valid until 'infinity'`,
  },
  {
    finding: 'unlimited-login',
    subject: 'mallory',
    plant: 'alter role mallory connection limit -1',
    undo: 'alter role mallory connection limit 5',
  },
];
