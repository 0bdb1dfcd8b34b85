/**
 * Roles and grants as the regression tests of a database look for trouble: chains of grant options cut in the middle, tables
 * closed and columns left open, owners without their own rights, default privileges of several creators, views on views.
 */
export function trickyPrivileges(major: number): string {
  const edge = (options: string): string => (major >= 16 ? ` with ${options}` : '');
  return `
  create role tu1 login; create role tu2 login; create role tu3 login noinherit; create role tu4 login; create role tu5 login createrole;
  create role tg1; create role tg2; create role tg3; create role dbo login;
  grant tg1 to tu1, tu3; grant tg2 to tu2 with admin option; grant tg1 to tg2${edge('inherit false, set true')}; grant tg3 to tg1;
  grant tg2 to tu4${edge('inherit true, set false')}; grant dbo to tu2; grant pg_read_all_data to tg3; grant pg_write_all_data to tu5;
  alter database music owner to dbo;
  create schema s1 authorization tg1; create schema s2; grant all on schema s2 to public; grant usage on schema s1 to tu1 with grant option;
  set session authorization tu1;
  create table s2.chain (a int, b text, c text); create sequence s2.ser; create type s2.color as enum ('r');
  create function s2.add(int, int) returns int language sql as 'select $1 + $2';
  grant select, insert on s2.chain to tu2 with grant option; grant update (b), select (c) on s2.chain to tu3 with grant option;
  grant usage on schema s1 to tu4;
  set session authorization tu2;
  grant select on s2.chain to tu3, tg3 with grant option; grant insert on s2.chain to tg1;
  set session authorization tu3;
  grant select on s2.chain to tu4; grant update (b) on s2.chain to tu4, public;
  set session authorization tu1;
  revoke grant option for insert on s2.chain from tu2 cascade; revoke select on s2.chain from tu1;
  grant all on sequence s2.ser to tg2; revoke usage on sequence s2.ser from tu1; revoke execute on function s2.add(int, int) from public;
  revoke usage on type s2.color from public; grant usage on type s2.color to tg1 with grant option;
  alter default privileges grant select on tables to tg3; alter default privileges revoke execute on functions from public;
  alter default privileges in schema s2 grant update on tables to tu4; alter default privileges grant usage on types to tu4;
  create table s2.later (a int); create view s2.v as select a from s2.later; create view s2.vv as select a from s2.v;
  create function s2.fresh() returns int language sql as 'select 1'; create domain s2.small as int;
  create table s2.shut (a int, b int); grant select (a, b), update on s2.shut to tu2; revoke all on s2.shut from tu2, tu1; grant select (a) on s2.shut to tu2;
  reset session authorization;
  create table s1.owned (a int); alter table s1.owned owner to tg1; create procedure s1.work() language sql security definer as 'select 1';
  alter procedure s1.work() owner to pg_database_owner; alter view s2.v owner to tg2;
  create table s2.dropped (a int, b int, c int); grant select (b), update (c) on s2.dropped to tu4; alter table s2.dropped drop column b;
  revoke usage on schema pg_catalog from public; grant usage on schema pg_catalog to tg1; revoke all on language sql from public; grant usage on language sql to tu2;
  revoke connect, temporary on database music from public; grant connect on database music to tg1 with grant option; grant temporary on database music to tu4;
  select lo_create(90001); alter large object 90001 owner to tu1; grant select on large object 90001 to public;
  create role gone; grant select on s2.later to gone; drop owned by gone; drop role gone;
  grant usage on schema pg_catalog to public;`;
}

/** Every extension there is on this server, each with its own schemas, functions, types and privileges. */
export const EVERY_EXTENSION = `
  do $$ declare each text; begin
    for each in select name from pg_available_extensions where name not like '%plperl%' and name not like '%plpython%' order by name loop
      begin execute format('create extension if not exists %I cascade', each); exception when others then null; end;
    end loop;
  end $$`;
