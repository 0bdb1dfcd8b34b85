import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspectServer } from '../../../../src/migrate/session/inspect-server.ts';
import { openSession, type Session } from '../../../../src/migrate/session/session.ts';
import { createTestDatabase, startTestCluster } from '../../../postgres/fixture.ts';
import { parametersOf } from '../project.ts';
import { claimsOf, compareClaims, locksBehind } from './claims.ts';

/** Another major than the shared cluster's, for looking at all of them in turn. */
const WANTED = process.env['DBADMIN_TEST_EFFECTS'];
const cluster = WANTED === undefined ? undefined : await startTestCluster({ major: Number(WANTED) });
const database = cluster === undefined ? await createTestDatabase() : { url: cluster.url(), drop: async () => await cluster.stop() };
let session: Session;
let major = 0;

const SETUP = `
create type mood as enum ('sad', 'happy');
create domain word as text;
create table p (id int primary key, note text);
create table t (id int primary key, a int, u int not null, b varchar(50), n numeric(10, 2), at timestamp, pid int, w text,
  constraint t_pid foreign key (pid) references p (id), constraint t_u unique (u));
create index t_a on t (a);
create table c (id int primary key, tid int references t (id));
create view vw as select id, note from p;
create view vt as select w from t;
create materialized view mv as select id, a from t;
create unique index mv_id on mv (id);
create table part (id int, k int not null, v text) partition by range (k);
create table part1 partition of part for values from (0) to (100);
create table part_rest partition of part default;
create table part2 (id int, k int not null, v text);
create table part3 (id int, k int not null, v text, check (k >= 300 and k < 400));
create table base (id int, v text);
create table derived () inherits (base);
create function tg() returns trigger language plpgsql as $$ begin return new; end $$;
create function steady() returns int language sql stable as $$ select 1 $$;
create function unsteady() returns int language plpgsql volatile as $$ begin return 1; end $$;
create trigger tg_t before update on t for each row execute function tg();
create policy pol on t using (true);
create sequence s;
create table r (id int primary key);
create table rr (rid int references r (id));
create table q (id int primary key, a int, z int, "Odd" int, pid int, c varchar(20) check (c <> 'bad'),
  made timestamp, constraint nn check (a is not null and id > 0),
  constraint odd check ("Odd" is not null), constraint zz check (z is not null or id > 0));
alter table q add constraint later check (a > 0) not valid, add constraint fk foreign key (pid) references p (id) not valid;
create unique index q_id on q (id);
create unique index q_a on q (a);
create unique index q_z on q (z);
create index q_made on q (made);
insert into p select g, 'x' from generate_series(1, 50) g;
insert into t select g, g, g, 'b', 1, now(), g, 'w' from generate_series(1, 50) g;
insert into c select g, g from generate_series(1, 50) g;
insert into q select g, g, g, g, g from generate_series(1, 50) g;
insert into r select g from generate_series(1, 50) g;
insert into rr select g from generate_series(1, 50) g;
insert into part select g, g, 'v' from generate_series(0, 150) g;
insert into part2 select g, g + 400, 'v' from generate_series(0, 50) g;
insert into part3 select g, g + 300, 'v' from generate_series(0, 50) g;
insert into base select g, 'v' from generate_series(0, 50) g;
insert into derived select g, 'v' from generate_series(0, 50) g;
refresh materialized view mv;
analyze;
`;

beforeAll(async () => {
  session = await openSession(parametersOf(database.url), { applicationName: 'effects test' });
  await session.query(SETUP);
  major = (await inspectServer(session)).major;
});
afterAll(async () => {
  await session.close();
  await database.drop();
});

const STATEMENTS: readonly string[] = [
  'create index on t (b)',
  'create index on part (v)',
  'create index on only part (v)',
  'create index if not exists t_a on t (b)',
  'drop index t_a',
  'reindex table t',
  'reindex index t_a',
  'alter table t add column x int',
  'alter table t add column x int default 5',
  'alter table t add column x int not null default 5',
  'alter table t add column x timestamptz default now()',
  'alter table t add column x timestamptz default clock_timestamp()',
  'alter table t add column x uuid default gen_random_uuid()',
  'alter table t add column x int default steady()',
  'alter table t add column x int default unsteady()',
  `alter table t add column x text default lower('A') || coalesce(current_setting('application_name'), '')`,
  'alter table t add column x serial',
  'alter table t add column x bigserial',
  'alter table t add column x int generated always as identity',
  'alter table t add column x int generated always as (a * 2) stored',
  'alter table t add column x int check (x > 0)',
  'alter table t add column x int unique',
  'alter table t add column x int references p (id)',
  'alter table t add column x int default 1 references p (id)',
  'alter table base add column x int default 5',
  'alter table only base alter column v set default 1',
  'alter table part add column x int',
  'alter table part add column x uuid default gen_random_uuid()',
  'alter table t drop column w cascade',
  'alter table t drop column a cascade',
  'alter table t drop column pid',
  'alter table t alter column b type varchar(100)',
  'alter table t alter column b type text',
  'alter table t alter column b type text using b',
  'alter table t alter column b type text using b::text',
  'alter table t alter column b type text using upper(b)',
  'alter table t alter column b type varchar(20)',
  'alter table t alter column n type numeric(12, 2)',
  'alter table t alter column n type numeric',
  'alter table t alter column n type numeric(12, 3)',
  'alter table t alter column at type timestamptz',
  'alter table t alter column at type timestamp(3)',
  'alter table t alter column at type date',
  'alter table t alter column u type bigint',
  'alter table t alter column u type oid',
  'alter table c alter column tid type bigint',
  'alter table base alter column id type bigint',
  'alter table t alter column a set not null',
  'alter table t alter column u set not null',
  'alter table base alter column id set not null',
  'alter table t alter column u drop not null',
  'alter table t alter column a set default 1',
  'alter table t alter column a set statistics 100',
  'alter table t alter column a set (n_distinct = 5)',
  'alter table t alter column b set storage external',
  'alter table t alter column b set compression pglz',
  'alter table t alter column u add generated always as identity',
  'alter table t add constraint ck check (a > 0)',
  'alter table t add constraint ck check (a > 0) not valid',
  'alter table c add constraint fk foreign key (id) references p (id)',
  'alter table c add constraint fk foreign key (id) references p (id) not valid',
  'alter table t add unique (b, a)',
  'alter table p add exclude using btree (note with =) where (id < 0)',
  'alter table mv owner to current_user',
  'alter table t drop constraint t_u',
  'alter table t drop constraint t_pid',
  'alter table t drop constraint t_pkey cascade',
  'alter table t set (fillfactor = 70)',
  'alter table t set (autovacuum_enabled = false), alter column a set default 2',
  'alter table part2 set unlogged',
  'alter table t set without cluster',
  'alter table t cluster on t_a',
  'alter table t replica identity full',
  'alter table t enable row level security',
  'alter table t force row level security',
  'alter table t disable trigger tg_t',
  'alter table t enable trigger all',
  'alter table t enable always trigger tg_t',
  'alter table part attach partition part2 for values from (400) to (500)',
  'alter table part detach partition part1',
  'alter table derived no inherit base',
  'alter table t rename to t9',
  'alter table t rename column a to a9',
  'alter table base rename column id to id9',
  'alter table t rename constraint t_u to t_u9',
  'alter index t_a rename to t_a9',
  'alter index t_a set (fillfactor = 70)',
  'alter trigger tg_t on t rename to tg9',
  'alter policy pol on t to public',
  'alter view vw set (security_barrier = true)',
  'alter sequence s restart',
  'create trigger tg2 before insert on t for each row execute function tg()',
  'create trigger tg2 before insert on part for each row execute function tg()',
  'create or replace trigger tg_t before update on t for each row execute function tg()',
  'drop trigger tg_t on t',
  'create policy pol2 on t using (true)',
  'drop policy pol on t',
  'create rule r as on insert to p do also nothing',
  'create statistics st on a, u from t',
  'create publication pub for table t, only base',
  `comment on table t is 'x'`,
  `comment on column t.a is 'x'`,
  `comment on view vw is 'x'`,
  `comment on constraint t_u on t is 'x'`,
  `comment on index t_a is 'x'`,
  'grant select on t to public',
  'create table new_t (id int references p (id), t int references t)',
  'create table new_t (like t including all)',
  'create table new_t () inherits (base)',
  'create table new_t partition of part for values from (200) to (300)',
  'create table new_t as select * from t',
  'create table if not exists t (id int references p (id))',
  'create view new_v as select * from t',
  'create or replace view vw as select id, note from p',
  'create or replace view new_v as select * from t',
  'create materialized view new_mv as select * from t with no data',
  'drop table c',
  'drop table t cascade',
  'drop table part1',
  'drop table part',
  'drop table if exists nothing_there',
  'drop view vw',
  'drop materialized view mv',
  'refresh materialized view mv',
  'refresh materialized view concurrently mv',
  'cluster t using t_a',
  'lock table t',
  'lock table base in share mode',
  'lock table only base in exclusive mode',
  'analyze t',
  'alter table q validate constraint later',
  'alter table q validate constraint fk',
  'alter table q validate constraint nn',
  'alter table q alter column a set not null',
  'alter table q alter column z set not null',
  'alter table q alter column "Odd" set not null',
  'alter table q add constraint k unique using index q_a',
  'alter table q drop constraint q_pkey, add primary key using index q_id',
  'alter table q drop constraint q_pkey, add primary key using index q_a',
  'alter table q drop constraint q_pkey, add primary key using index q_z',
  'alter table q drop constraint q_pkey, add constraint key primary key using index q_z',
  'alter table q alter column c type varchar(40)',
  'alter table q alter column made type timestamptz',
  'alter table r alter column id type bigint',
  'alter table q drop constraint fk',
  'insert into p values (1000)',
  'update part2 set v = v',
  'delete from part2',
  'with gone as (delete from part2 returning *) insert into part3 select gone.* from gone where false',
  'merge into part2 using part3 on false when not matched then do nothing',
  'create schema inner_s create table z (id int references public.p (id))',
];

test.each(STATEMENTS)('what is claimed of "%s" is what the server does', async (statement) => {
  if (major < 15 && statement.startsWith('merge')) return;
  const { claimed, seen, assumed } = await compareClaims(session, major, statement);
  expect(claimed).toEqual(seen);
  expect(assumed).toEqual([]);
});

test('a CHECK that proves the bounds spares the scan of ATTACH PARTITION, so its scan is only assumed', async () => {
  const { claimed, seen, assumed } = await compareClaims(
    session,
    major,
    'alter table part attach partition part3 for values from (300) to (400)',
  );
  expect(claimed.map((each) => each.replace('part3 AccessExclusive scan', 'part3 AccessExclusive none'))).toEqual(seen);
  expect(assumed).toEqual(['public.part3']);
});

test('TRUNCATE gives the tables new files, and reads none', async () => {
  for (const statement of ['truncate c', 'truncate part', 'truncate p cascade']) {
    const { claimed, seen } = await compareClaims(session, major, statement);
    expect(claimed.map((each) => each.replace(/ none$/, ' rewrite')).filter((each) => !each.startsWith('public.part '))).toEqual(
      seen.filter((each) => !each.startsWith('public.part ')),
    );
  }
});

/** These run in no transaction, so they are made to wait for a writer of `t` and looked at from beside. DETACH CONCURRENTLY waits holding nothing. */
const ALONE: readonly (readonly [statement: string, holder: string])[] = [
  ['create index concurrently t_b on t (b)', 'update t set a = a where id = 1'],
  ['drop index concurrently t_a', 'update t set a = a where id = 1'],
  ['reindex index concurrently t_a', 'update t set a = a where id = 1'],
  ['reindex table concurrently t', 'update t set a = a where id = 1'],
  ['vacuum full t', 'update t set a = a where id = 1'],
];

test.each(ALONE)('what is claimed of "%s" is held or waited for', async (statement, holder) => {
  const claimed = (await claimsOf(session, major, statement)).filter(({ relation }) => relation.name !== 't_a');
  const locks = await locksBehind(parametersOf(database.url), statement, holder);
  for (const { relation, lock } of claimed) {
    expect(locks.get(relation.name), `${relation.name} of ${statement}`).toBe(lock);
  }
  expect(claimed.length).toBeGreaterThan(0);
});
