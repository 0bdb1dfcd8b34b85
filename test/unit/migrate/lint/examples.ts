/** What the rules find and what they pass over, by rule, on the tables of {@link EXAMPLE_SCHEMA}. */
export interface Examples {
  /** Each is found; several statements run in one transaction. */
  readonly dangerous: readonly string[];
  /** Nothing at all is said about these. */
  readonly safe: readonly string[];
}

const ALONE = '-- dbadmin: no-transaction\n';

export const EXAMPLE_SCHEMA = `
create schema core;
create table core.parent (id bigint primary key, name text);
create table core.play (id bigint primary key, a int, b int, email varchar(50), code text, parent_id bigint,
  constraint play_parent_fk foreign key (parent_id) references core.parent);
create index play_a on core.play (a);
create table core.other (id bigint primary key, a int);
create table core.leaf (id bigint primary key, other_id bigint references core.other);
create materialized view core.mv as select id, a from core.play;
create unique index mv_id on core.mv (id);
create view core.vw as select id from core.other;
create function core.tf() returns trigger language plpgsql as 'begin return new; end';
create trigger tg before insert on core.play for each row execute function core.tf();
create policy pol on core.other using (true);
create table core.part (id int) partition by range (id);
create table core.part1 partition of core.part for values from (0) to (10);
create table core.part2 (id int);
create type core.e as enum ('a', 'b');
insert into core.parent values (1, 'x');
insert into core.play values (1, 1, 1, 'e', '1', 1);
`;

export const EXAMPLES: Readonly<Record<string, Examples>> = {
  'index-not-concurrent': {
    dangerous: ['create index x on core.play (b)', 'create unique index on core.other (a)'],
    safe: [
      `${ALONE}create index concurrently x on core.play (b)`,
      'create table core.n (a int); create index on core.n (a)',
      'create index x on only core.part (id)',
      'create temp table n as select 1 as a; create index on n (a)',
    ],
  },
  'drop-index-not-concurrent': {
    dangerous: ['drop index core.play_a', 'reindex table core.play', 'reindex index core.play_a'],
    safe: [
      `${ALONE}drop index concurrently core.play_a`,
      `${ALONE}reindex index concurrently core.play_a`,
      'create table core.n (a int); create index n_a on core.n (a); drop index core.n_a',
    ],
  },
  'cic-multi': {
    dangerous: [`${ALONE}create index concurrently x on core.play (b); create table core.n (a int)`],
    safe: [`${ALONE}create index concurrently x on core.play (b); create index concurrently y on core.play (a)`],
  },
  'add-column-volatile-default': {
    dangerous: [
      'alter table core.play add column k uuid default gen_random_uuid()',
      'alter table core.play add column k float default random() * 2',
      'alter table core.play add column k bigserial',
      'alter table core.play add column k int generated always as identity',
      'alter table core.play add column k int generated always as (a * 2) stored',
      'alter table core.play add column k timestamptz default clock_timestamp()',
    ],
    safe: [
      'alter table core.play add column k int default 1',
      'alter table core.play add column k timestamptz default now()',
      'alter table core.play add column k timestamptz not null default current_timestamp',
      "alter table core.play add column k jsonb not null default '{}'",
      'alter table core.play add column k int; alter table core.play alter column k set default floor(random() * 10)::int',
    ],
  },
  'add-column-not-null': {
    dangerous: ['alter table core.other add column k int not null'],
    safe: ['alter table core.other add column k int', 'alter table core.other add column k int not null default 0'],
  },
  'add-column-check': {
    dangerous: ['alter table core.play add column k int check (k > 0)'],
    safe: ['alter table core.play add column k int; alter table core.play add constraint k_check check (k > 0) not valid'],
  },
  'type-change': {
    dangerous: ['alter table core.play alter column b type bigint', 'alter table core.play alter column code type int using code::int'],
    safe: ['create table core.n (a int); alter table core.n alter column a type bigint'],
  },
  'set-not-null': {
    dangerous: ['alter table core.play alter column b set not null'],
    safe: [
      'alter table core.play alter column b drop not null',
      `${ALONE}alter table core.play add constraint b_nn check (b is not null) not valid; alter table core.play validate constraint b_nn; alter table core.play alter column b set not null; alter table core.play drop constraint b_nn`,
    ],
  },
  'check-not-valid': {
    dangerous: ['alter table core.play add check (a > 0)', 'alter table core.play add constraint c check (a > 0)'],
    safe: [
      'alter table core.play add constraint c check (a > 0) not valid',
      `${ALONE}alter table core.play add constraint c check (a > 0) not valid; alter table core.play validate constraint c`,
    ],
  },
  'fk-not-valid': {
    dangerous: [
      'alter table core.other add foreign key (id) references core.parent',
      'alter table core.other add column parent_id bigint references core.parent',
    ],
    safe: [
      'alter table core.other add constraint fk foreign key (id) references core.parent not valid',
      'create table core.n (id bigint primary key); create table core.m (id bigint); alter table core.m add foreign key (id) references core.n',
    ],
  },
  'validate-same-tx': {
    dangerous: [
      'alter table core.play add constraint c check (a > 0) not valid; alter table core.play validate constraint c',
      'alter table core.other add constraint c foreign key (id) references core.parent not valid; alter table core.other validate constraint c',
    ],
    safe: ['alter table core.play validate constraint c'],
  },
  'unique-constraint': {
    dangerous: [
      'alter table core.play add unique (a)',
      'alter table core.part2 add primary key (id)',
      'alter table core.play add column k int unique',
      'alter table core.play add exclude (a with =)',
    ],
    safe: ['alter table core.play add constraint u unique using index x'],
  },
  'drop-fk': {
    dangerous: ['alter table core.play drop constraint play_parent_fk'],
    safe: ['alter table core.play drop constraint play_pkey', 'alter table core.play drop constraint a_check'],
  },
  'fk-on-create-table': {
    dangerous: [
      'create table core.n (id bigint references core.parent)',
      'create table core.n (id bigint, foreign key (id) references core.parent)',
    ],
    safe: ['create table core.n (id bigint primary key, up bigint references core.n)', 'create table core.n (id bigint)'],
  },
  'trigger-ddl': {
    dangerous: [
      'create trigger t2 before insert on core.play for each row execute function core.tf()',
      'drop trigger tg on core.play',
      'alter table core.play disable trigger tg',
      'alter table core.play enable trigger all',
    ],
    safe: ['create table core.n (a int); create trigger t before insert on core.n for each row execute function core.tf()'],
  },
  'policy-rls': {
    dangerous: [
      'create policy p on core.play using (true)',
      'alter policy pol on core.other using (false)',
      'drop policy pol on core.other',
      'alter table core.play enable row level security',
      'alter table core.play no force row level security',
    ],
    safe: ['create table core.n (a int); create policy p on core.n using (true); alter table core.n enable row level security'],
  },
  partition: {
    dangerous: [
      'alter table core.part attach partition core.part2 for values from (10) to (20)',
      'alter table core.part detach partition core.part1',
      'create table core.part3 partition of core.part for values from (20) to (30)',
    ],
    safe: [
      `${ALONE}alter table core.part detach partition core.part1 concurrently`,
      'create table core.part3 (like core.part); alter table core.part attach partition core.part3 for values from (20) to (30)',
      `${ALONE}alter table core.part2 add constraint b check (id >= 10 and id < 20) not valid; alter table core.part2 validate constraint b; alter table core.part attach partition core.part2 for values from (10) to (20)`,
    ],
  },
  'rewrite-command': {
    dangerous: [
      'cluster core.play using play_pkey',
      'alter table core.mv set tablespace pg_default',
      'alter table core.part2 set unlogged',
    ],
    safe: [
      `${ALONE}vacuum core.play`,
      `${ALONE}vacuum (analyze) core.play`,
      'create table core.n (a int); alter table core.n set unlogged',
    ],
  },
  matview: {
    dangerous: ['refresh materialized view core.mv'],
    safe: ['refresh materialized view concurrently core.mv', 'refresh materialized view core.mv with no data'],
  },
  'whole-table-dml': {
    dangerous: [
      'update core.play set a = 2',
      'delete from core.leaf',
      'with gone as (delete from core.leaf returning 1) select count(*) from gone',
      'update core.play set a = 2 where true',
    ],
    safe: ['update core.play set a = 2 where id = 1', 'delete from core.leaf where id < 5', 'insert into core.other select 5, 5'],
  },
  'mixed-tables': {
    dangerous: ['alter table core.play add column x int; alter table core.other add column x int'],
    safe: [
      'alter table core.play add column x int; alter table core.play add column y int',
      `${ALONE}alter table core.play add column x int; alter table core.other add column x int`,
      'alter table core.play add column x int; create table core.n (a int); alter table core.n add column b int',
    ],
  },
  rename: {
    dangerous: [
      'alter table core.play rename to plays',
      'alter table core.play rename column a to z',
      'alter view core.vw rename to vv',
      'alter schema core rename to kern',
      'alter table core.leaf set schema public',
    ],
    safe: ['alter index core.play_a rename to play_b', 'alter table core.play rename constraint play_pkey to play_key'],
  },
  'drop-destructive': {
    dangerous: [
      'drop table core.leaf',
      'alter table core.play drop column b',
      'truncate core.leaf',
      'drop view core.vw cascade',
      'drop function core.tf() cascade',
      'drop schema core cascade',
      'drop type core.e cascade',
      'alter table core.parent drop constraint parent_pkey cascade',
    ],
    safe: [
      'create table core.n (a int); drop table core.n',
      'drop view core.vw',
      'create table core.n (a int, b int); alter table core.n drop column b',
    ],
  },
  'enum-add-use': {
    dangerous: ["alter type core.e add value 'z'", "alter type core.e add value 'z'; insert into core.parent values (9, 'z')"],
    safe: [`${ALONE}alter type core.e add value if not exists 'z'`, "create type core.f as enum ('a'); alter type core.f add value 'z'"],
  },
  'dangerous-sql': {
    dangerous: [
      "alter system set work_mem = '1GB'",
      "copy core.play from program 'true'",
      'create extension if not exists plperlu',
      'lock table core.play',
      'lock table core.play in share mode',
      "set work_mem = '1GB'",
      'select pg_catalog.pg_terminate_backend(1)',
      "create function core.g() returns int language sql security definer as 'select 1'",
      'alter table core.play replica identity full',
      'set session_replication_role = replica',
    ],
    safe: [
      "set local work_mem = '1GB'",
      'lock table core.play in access share mode',
      "create function core.g() returns int language sql security definer set search_path = pg_catalog as 'select 1'",
      'create function core.g() returns int language sql security definer begin atomic select 1; end',
      'create extension if not exists pg_trgm',
    ],
  },
};

/** The same statements where a glance does not see them. */
export const WRAPPERS: readonly (readonly [string, (sql: string) => string])[] = [
  ['requoted', (sql) => sql.replaceAll(/\bcore\.(\w+)/g, '"core"."$1"')],
  ['in a DO block', (sql) => `do $w$ begin ${sql}; end $w$`],
  ['in EXECUTE', (sql) => `do $w$ begin execute '${sql.replaceAll("'", "''")}'; end $w$`],
  ['in a function', (sql) => `create function public.w() returns void language plpgsql as $w$ begin ${sql}; end $w$`],
  ['in EXECUTE in a procedure', (sql) => `create procedure public.w() language plpgsql as $w$ begin execute $x$${sql}$x$; end $w$`],
];
