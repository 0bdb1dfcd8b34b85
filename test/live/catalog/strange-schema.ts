/** Every kind of object, under names and with comments that mean something to SQL, Markdown, HTML and Mermaid. */
export const STRANGE_SCHEMA = `
create role "odd ""role""" ;
create schema "My ""odd"" schema|\`x\`";
comment on schema "My ""odd"" schema|\`x\`" is $$It's <b>odd</b> | with \`ticks\`, *stars* and
two lines$$;
set search_path = "My ""odd"" schema|\`x\`";
create type mood as enum ('sad', 'o''k', 'ha|ppy');
create domain percent as numeric(5,2) default 0 not null check (value between 0 and 100);
create type pair as (a int, "b c" text);
create type span as range (subtype = float8);
create table "Table with
newline" ("select" bigint generated always as identity primary key, "a|b" text collate "C" default 'x|y\`z\`', "<script>" mood, pct percent, twice bigint generated always as (pct::bigint * 2) stored, unique ("a|b", "<script>"));
comment on table "Table with
newline" is '</article><script>alert(1)</script>';
create table child (id int primary key, "Parent" bigint not null references "Table with
newline", self int references child, once bigint unique references "Table with
newline") ;
create table parts (at date not null, id int, primary key (at, id)) partition by range (at);
create table parts_2025 partition of parts for values from ('2025-01-01') to ('2026-01-01');
create table parts_rest partition of parts default;
create index parts_id on parts (id);
create table animal (name text); create table cat (lives int) inherits (animal);
create view seen with (security_barrier) as select "a|b", "select" from "Table with
newline";
create materialized view kept as select count(*) from child;
create unlogged table gone (x int);
create sequence lonely;
create function odd("p|q" text default 'a|b', variadic rest int[] default '{}') returns table ("r s" int) language sql stable security definer set search_path = pg_catalog as 'select 1';
create function odd(int) returns int language sql immutable as 'select $1';
create procedure act(inout x int) language plpgsql as 'begin end';
create aggregate adder(int) (sfunc = int4pl, stype = int, initcond = '0');
create function tg() returns trigger language plpgsql as 'begin return new; end';
create trigger "t|g" before insert on child for each row execute function tg();
create trigger pt after insert on parts for each row execute function tg();
alter table child disable trigger "t|g";
alter table child enable row level security;
create policy "own rows" on child as restrictive for select to "odd ""role""" using (self = 1);
grant select, insert on child to "odd ""role""" with grant option; grant select (name) on animal to public; grant usage on schema "My ""odd"" schema|\`x\`" to public;
create schema empty_one; create schema "a*"; create table "a*".t (x int, y int references "My ""odd"" schema|\`x\`".child(id));
create table "a*".c1 (id int primary key); create table "a*".c2 (id int primary key references "a*".c1); alter table "a*".c1 add foreign key (id) references "a*".c2;
`;
