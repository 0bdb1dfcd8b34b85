import postgres from 'postgres';
import type { TestCluster } from '../postgres/cluster.ts';

/** The database that holds every kind of object. */
export const RICH_DATABASE = 'Every "kind" of öbject';

const TYPES = `
create schema app; create schema "Odd ""schema"""; create schema other authorization keeper;
comment on schema app is 'what ''is'' here';
create domain app.positive as int check (value > 0) not null;
create domain app.code as text collate "C" default 'x' constraint code_form check (value ~ '^[a-z]+$');
create type app.mood as enum ('sad', 'ok', 'happy'); alter type app.mood add value 'eager' after 'ok';
create type app.pair as (a int, b text collate "C", c app.mood[]);
create type app.float_range as range (subtype = float8, subtype_diff = float8mi, multirange_type_name = app.float_ranges);
create type app.shell;
create collation app.plain from "C";
create extension hstore schema other; create extension bloom; create extension btree_gist; create extension pg_trgm; create extension intarray;`;

const ROUTINES = `
create function app.add_one(i int default 1) returns int language sql immutable strict parallel safe as 'select i + 1';
create function app.rows_of(n int, out a int, out b text) returns setof record language plpgsql stable rows 7 cost 3
  as $f$ begin return query select g, g::text from generate_series(1, n) g; end $f$;
create function app.variadic_sum(variadic list int[]) returns bigint language sql as 'select sum(x) from unnest(list) x';
create function app.with_setting() returns text language sql security definer set search_path = app, pg_temp set work_mem = '1MB' as 'select current_user::text';
create procedure app.nothing(inout a int, b text default 'it''s') language plpgsql as 'begin a := a + 1; end';
create function app.take(state int, value int) returns int language sql as 'select coalesce(state, 0) + value';
create aggregate app.total(int) (sfunc = app.take, stype = int, initcond = '0');
create aggregate app.rolling(int) (sfunc = app.take, stype = int, msfunc = app.take, minvfunc = app.take, mstype = int);
create function app.same(a int, b int) returns bool language sql immutable as 'select a = b';
create function app.less(a int, b int) returns bool language sql immutable as 'select a > b';
create function app.compare(a int, b int) returns int language sql immutable as 'select case when a > b then -1 when a = b then 0 else 1 end';
create operator app.=== (leftarg = int, rightarg = int, function = app.same, commutator = operator(app.===));
create operator app.<<< (leftarg = int, rightarg = int, function = app.less);
create operator family app.backwards using btree;
create operator class app.backwards_ops for type int using btree family app.backwards as operator 1 app.<<<, operator 3 app.===, function 1 app.compare(int, int);
create function app.pair_of(text) returns app.pair language sql immutable as $f$ select row(length($1), $1, array['ok']::app.mood[])::app.pair $f$;
create cast (text as app.pair) with function app.pair_of(text) as assignment;
create conversion app.latin for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;
create access method heap2 type table handler heap_tableam_handler;
create text search dictionary app.words (template = simple, stopwords = english);
create text search configuration app.search (copy = english);
alter text search configuration app.search alter mapping for asciiword with app.words, english_stem;`;

const TABLES = `
create sequence app.counter as smallint increment by 3 minvalue -5 maxvalue 900 start 10 cache 7 cycle;
create table app.base (id bigint generated always as identity (start 7) primary key, code app.code, mood app.mood default 'ok',
  area float8 generated always as (width * height) stored, width float8, height float8 check (height > 0) no inherit,
  span tstzrange, tags text[], doc jsonb, body text, pairs app.pair[], spans app.float_ranges, attributes other.hstore, raw bytea, dropped int);
alter table app.base drop column dropped;
alter table app.base alter body set storage external, alter raw set statistics 500, set (fillfactor = 70, autovacuum_enabled = off);
create table app.child (more numeric(10, 3) default 1.5) inherits (app.base);
create table app.owner (n serial unique deferrable initially deferred, base_id bigint references app.base on delete set null, constraint n_positive check (n > 0) not valid);
create table app.reservation (room int, during tsrange, exclude using gist (room with =, during with &&));
create table app.odd ("Column ""x""" int, "ünï" text, "select" bool); comment on column app.odd."ünï" is E'two\\nlines';
create table app.event (at date not null, kind text, n int, primary key (at, kind)) partition by range (at);
create table app.event_2025 partition of app.event for values from ('2025-01-01') to ('2026-01-01') partition by list (kind);
create table app.event_2025_a partition of app.event_2025 for values in ('a', 'b');
create table app.event_2025_rest partition of app.event_2025 default;
create table app.event_default partition of app.event default;
create table app.event_2026 (n int, at date not null, kind text not null); alter table app.event attach partition app.event_2026 for values from ('2026-01-01') to ('2027-01-01');
create table app.hashed (id int, t text) partition by hash (id);
create table app.hashed_0 partition of app.hashed for values with (modulus 2, remainder 0);
create table app.hashed_1 partition of app.hashed for values with (modulus 2, remainder 1) with (fillfactor = 50);
create table app.typed of app.pair (a with options primary key);
create table app.other_method (id int) using heap2;
create unlogged table app.fleeting (id int primary key);
create table "Odd ""schema"""."Odd table; --" (id int);
create table app.empty (); create table app.wide as select g as id, repeat(md5(g::text), 300) as big from generate_series(1, 60) g;
create foreign data wrapper nowhere; create server far foreign data wrapper nowhere options (host 'x');
create user mapping for keeper server far options (secret 's'); create foreign table app.remote (id int options (column_name 'y')) server far options (t 'z');
create view app.seen with (security_barrier) as select id, code from app.base where code is not null with local check option;
create view app.numbers as with recursive n (i) as (values (1) union all select i + 1 from n where i < 5) select i from n;
create materialized view app.summary as select mood, count(*) from app.base group by mood; create materialized view app.unfilled as select 1 as one with no data;
create rule no_delete as on delete to app.odd do instead nothing;
create statistics app.correlated (ndistinct, dependencies, mcv) on width, height from app.base;
alter table app.owner replica identity full; alter table app.owner alter n set statistics 17;`;

const INDEXES = `
create index base_hash on app.base using hash (code); create index base_gin on app.base using gin (doc jsonb_path_ops, tags);
create index base_gist on app.base using gist (span); create index base_spgist on app.base using spgist (body text_ops);
create index base_brin on app.base using brin (width, height) with (pages_per_range = 2); create index base_bloom on app.base using bloom (body) with (length = 80);
create index base_partial on app.base (lower(body) text_pattern_ops desc nulls last) include (mood) where mood <> 'sad';
create index base_trigram on app.base using gin (body gin_trgm_ops); create unique index base_expression on app.base ((id * 2));
create index base_backwards on app.owner (n app.backwards_ops); create index base_search on app.base using gin (to_tsvector('app.search', coalesce(body, '')));
create unique index summary_mood on app.summary (mood); create index on app.event (n); create index hashed_t on only app.hashed (t);
alter table app.wide add primary key (id); alter table app.wide cluster on wide_pkey;`;

const RIGHTS = `
create function app.on_change() returns trigger language plpgsql as 'begin return new; end';
create trigger touched before insert or update of code on app.base for each row when (new.code is not null) execute function app.on_change('argument');
create trigger counted after insert on app.owner referencing new table as fresh for each statement execute function app.on_change();
create constraint trigger late after insert on app.owner deferrable initially deferred for each row execute function app.on_change();
alter table app.base disable trigger touched;
create function app.on_ddl() returns event_trigger language plpgsql as 'begin end';
create event trigger noticed on ddl_command_end when tag in ('CREATE TABLE') execute function app.on_ddl();
alter table app.base enable row level security; alter table app.base force row level security;
create policy own_rows on app.base as restrictive for select to keeper using (code = current_user) ;
grant select (id, code), update (mood) on app.base to reader; grant usage on schema app to reader with grant option; grant execute on procedure app.nothing to public;
revoke execute on function app.with_setting() from public; alter default privileges for role keeper in schema app grant select on tables to reader;
alter table app.odd owner to keeper; grant usage on type app.mood to reader; grant usage on foreign server far to reader;
create publication everything for all tables with (publish = 'insert, truncate'); create publication chosen for table app.base, app.owner with (publish = 'insert');
create subscription idle connection 'host=nowhere.invalid dbname=x' publication p with (connect = false, enabled = false, create_slot = false, slot_name = none);
comment on index app.base_gin is 'finds'; comment on constraint n_positive on app.owner is 'c'; comment on database ${quote(RICH_DATABASE)} is 'all of it';`;

const ROWS = `
insert into app.base (code, mood, width, height, span, tags, doc, body, pairs, spans, attributes, raw)
  select chr(97 + g % 26), (array['sad', 'ok', 'eager', 'happy'])[1 + g % 4]::app.mood, g, g + 0.5, tstzrange(now(), now() + g * interval '1 hour'), array[g::text, null],
         jsonb_build_object('n', g, 'list', array[g, null]), repeat('text ' || g, g % 700), array[row(g, 'x', null)::app.pair], '{[1,2),[3,4)}', 'a=>1', decode(md5(g::text), 'hex')
  from generate_series(1, 700) g;
insert into app.child (id, code, height, more) values (-1, 'child', 1, 2.25); insert into app.owner (base_id) select id from only app.base limit 50;
insert into app.reservation select g % 5, tsrange(timestamp '2026-01-01' + g * interval '1 day', timestamp '2026-01-02' + g * interval '1 day') from generate_series(1, 40) g;
insert into app.odd values (1, E'tab\\t newline\\n \\\\ ''', true), (null, '', false);
insert into app.event select date '2024-12-01' + g * 3, chr(97 + g % 5), g from generate_series(1, 300) g; insert into app.hashed select g, g::text from generate_series(1, 100) g;
insert into app.typed values (1, 't', null); insert into app.other_method values (1); insert into app.fleeting select generate_series(1, 100);
select lo_from_bytea(4711, decode(repeat('00ff', 3000), 'hex')), lo_create(4712); comment on large object 4712 is 'empty'; alter large object 4711 owner to keeper; grant select on large object 4711 to reader;
select setval('app.counter', 40); refresh materialized view app.summary; analyze; create table app.goes as select 1 as one;`;

/** What only newer servers have. */
const SINCE: readonly (readonly [major: number, sql: string])[] = [
  [
    15,
    `create unique index nulls_alike on app.odd ("ünï") nulls not distinct; create publication filtered for table app.owner (n) where (n > 5) with (publish = 'insert'); create view app.invoker with (security_invoker) as select 1 as one`,
  ],
  [17, 'create table app.parts (id int generated always as identity primary key) partition by range (id)'],
  [
    18,
    'create table app.virtual (a int, twice int generated always as (a * 2) virtual, constraint a_there not null a not valid); insert into app.virtual values (4); create table app.periods (id int, valid_at daterange, primary key (id, valid_at without overlaps))',
  ],
];

/** Fills a database with every kind of object, and the cluster with roles, settings, a second database and a prepared transaction. */
export async function createEveryObject(cluster: TestCluster): Promise<void> {
  const admin = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await admin.unsafe(`
    create role reader; create role keeper login password 'k' valid until '2030-01-01' connection limit 5 in role reader; create role "Odd ""role""" noinherit createdb;
    grant reader to "Odd ""role""" with admin option; alter role keeper set work_mem = '9MB'; comment on role keeper is 'keeps'`);
  await admin.unsafe(`create database ${quote(RICH_DATABASE)}`);
  await admin.unsafe("create database latin template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' connection limit 9");
  await admin.unsafe(`alter role keeper in database ${quote(RICH_DATABASE)} set statement_timeout = '7s'`);
  await admin.unsafe("alter database latin set timezone = 'Asia/Kolkata'");
  await admin.end();
  await inRich(cluster, async (sql) => {
    for (const part of [TYPES, ROUTINES, TABLES, INDEXES, RIGHTS, ROWS]) await sql.unsafe(part);
    for (const [major, text] of SINCE) if (cluster.major >= major) await sql.unsafe(text);
    // Only where the clone's server, which is the embedded one, can be built with it too.
    if (cluster.provider === 'embedded') await sql.unsafe('alter table app.wide alter big set compression lz4').catch(() => undefined);
    await sql.unsafe('update app.wide set big = big || big where id % 3 = 0');
    await sql.unsafe("begin; insert into app.odd values (77, 'prepared', true); prepare transaction 'pending'");
    await sql.unsafe("begin; insert into app.odd values (78, 'to be committed', true); prepare transaction 'settled'");
  });
}

/** What happens between two backups: rows and objects come, change and go. */
export async function changeEveryObject(cluster: TestCluster): Promise<void> {
  await inRich(cluster, async (sql) => {
    await sql.unsafe("commit prepared 'settled'");
    await sql.unsafe(`
      update app.base set body = body || ' changed', mood = 'happy' where id % 7 = 0; delete from app.base where id % 11 = 0;
      insert into app.event select date '2026-02-01' + g, 'z', g from generate_series(1, 200) g; truncate app.hashed_1; insert into app.fleeting values (1000);
      drop table app.goes; create table app.comes as select g as id, md5(g::text) as t from generate_series(1, 5000) g; create index on app.comes (t);
      alter table app.other_method add column added int default 5; alter type app.mood rename value 'sad' to 'low'; refresh materialized view app.summary;
      alter table app.event detach partition app.event_2025; select lo_put(4711, 100, 'changed'), lo_unlink(4712), lo_from_bytea(4713, 'new');
      select setval('app.counter', 100); select setval('app.owner_n_seq', 60)`);
    for (const statement of [
      'vacuum full app.base',
      'vacuum app.event',
      'reindex table app.wide',
      'cluster app.wide',
      'create index concurrently comes_id on app.comes (id)',
    ])
      await sql.unsafe(statement);
    await sql.unsafe('create database third template latin');
  });
}

async function inRich(cluster: TestCluster, work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(cluster.url(), { database: RICH_DATABASE, max: 1, onnotice: () => undefined });
  try {
    await work(sql);
  } finally {
    await sql.end();
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
