import { expect, test } from 'vitest';
import { afterStatement, startOfFile } from '../../../../src/migrate/effects/after.ts';
import { effectsOf, isOpaque } from '../../../../src/migrate/effects/effects.ts';
import { foresee } from '../../../../src/migrate/effects/foresee.ts';
import {
  knownFrom,
  NOTHING_KNOWN,
  type CatalogFacts,
  type KnownObjects,
  type RelationFacts,
} from '../../../../src/migrate/effects/known-objects.ts';
import { showRelation } from '../../../../src/migrate/effects/relation-name.ts';
import { sha256Of } from '../../../../src/migrate/files/checksum.ts';
import { parseSqlFile } from '../../../../src/migrate/files/migration.ts';
import { loadSqlParser, type AstNode } from '../../../../src/migrate/sql/parser.ts';

const parser = await loadSqlParser();
const node = (sql: string): { readonly node: AstNode | undefined } => ({ node: parser.parse(sql)[0] });
const shown = (sql: string, known: KnownObjects = NOTHING_KNOWN): string =>
  effectsOf(node(sql), known)
    .map(({ relation, lock, work, isNew, assumed }) =>
      [showRelation(relation), lock, work, isNew ? 'new' : '', assumed === undefined ? '' : '?'].filter((each) => each !== '').join(' '),
    )
    .join('; ');

/** Without a database: what the tree says, and the worst where it does not. The same with one is compared with servers in test/live. */
const OFFLINE: readonly (readonly [sql: string, effects: string])[] = [
  ['alter table core.t add column x int', 'core.t AccessExclusive none'],
  ['alter table t add column x int default foo()', 't AccessExclusive rewrite ?'],
  ['alter table t add column x int default foo(), add column y int default random()', 't AccessExclusive rewrite'],
  ['alter table t add column x int default pg_catalog.now()', 't AccessExclusive none'],
  ['alter table t add column x int generated always as (a * 2) virtual', 't AccessExclusive none'],
  ['alter table t add column x int not null', 't AccessExclusive scan'],
  ['alter table t alter x type bigint', 't AccessExclusive rewrite ?'],
  ['alter table t alter x type bigint using x + 1', 't AccessExclusive rewrite'],
  ['alter table t alter x set expression as (a + 1)', 't AccessExclusive rewrite'],
  ['alter table t set access method heap2', 't AccessExclusive rewrite'],
  ['alter table t set tablespace fast', 't AccessExclusive rewrite'],
  ['alter table t set logged', 't AccessExclusive rewrite'],
  ['alter table t set (user_catalog_table = true)', 't AccessExclusive none'],
  ['alter table t add constraint c not null a not valid', 't AccessExclusive none'],
  ['alter table t alter constraint c enforced', 't AccessExclusive scan'],
  ['alter table t detach partition p', 't AccessExclusive none; p AccessExclusive none'],
  ['alter table t detach partition p concurrently', 't ShareUpdateExclusive none; p AccessExclusive none'],
  ['alter table t detach partition p finalize', 't ShareUpdateExclusive none'],
  ['alter index i attach partition j', 'i ShareUpdateExclusive none; j AccessExclusive scan ?'],
  ['create unique index concurrently i on "T" (a)', '"T" ShareUpdateExclusive build'],
  [
    'create constraint trigger tg after insert on t from u for each row execute function f()',
    't ShareRowExclusive none; u ShareRowExclusive none',
  ],
  ['alter publication p add table s.t', 's.t ShareUpdateExclusive none'],
  ['create foreign table f (a int) inherits (t) server s', 't ShareUpdateExclusive none'],
  ['create table p1 partition of p default', 'p AccessExclusive none'],
  ['select * from t a join only u on true for share of a', 't RowShare none; u AccessShare none'],
  ['with u as (select 1) select * from u, v', 'v AccessShare none'],
  ['with u as (select 1) update u set a = 1', 'u RowExclusive scan'],
  ['delete from t where id in (select id from u)', 't RowExclusive none; u AccessShare none'],
  ['insert into t select * from u on conflict do nothing', 't RowExclusive none; u AccessShare none'],
  ['merge into t using u on t.a = u.a when matched then delete', 't RowExclusive none; u AccessShare none'],
  ['copy t from stdin', 't RowExclusive none'],
  ['copy (select * from t) to program $$x$$', 't AccessShare none'],
  ['explain delete from t', 't RowExclusive none'],
  ['explain analyze delete from t', 't RowExclusive scan'],
  ['lock table t, u in row share mode', 't RowShare none; u RowShare none'],
  ['vacuum (full false) t', 't ShareUpdateExclusive scan'],
  ['vacuum (full, analyze) t', 't AccessExclusive rewrite'],
  ['refresh materialized view m with no data', 'm AccessExclusive none'],
  ['drop trigger tg on s.t', 's.t AccessExclusive none'],
  ['drop index concurrently a, s.b', 'a ShareUpdateExclusive none; s.b ShareUpdateExclusive none'],
  ['drop function f()', ''],
  ['alter type mood add value $$x$$', ''],
  ['grant select on t to public', ''],
  ['set search_path = core', ''],
  ['select 1 from pg_catalog.pg_class', ''],
];

test.each(OFFLINE)('%s', (sql, effects) => {
  expect(shown(sql)).toBe(effects);
});

const after = (...statements: readonly string[]): KnownObjects =>
  statements.reduce<KnownObjects>((known, sql) => afterStatement(node(sql), known), NOTHING_KNOWN);

test('what a file made before is new, under every name it gets, and no longer when it is dropped', () => {
  expect(shown('alter table t add x int', after('create table t ()'))).toBe('t AccessExclusive none new');
  expect(shown('alter table public.t add x int', after('create table t ()'))).toBe('public.t AccessExclusive none new');
  expect(shown('truncate t', after('create temp table t ()'))).toBe('t AccessExclusive none new');
  expect(shown('truncate core.t', after('create table core.t ()', 'alter table core.t rename to u'))).toBe('core.t AccessExclusive none');
  expect(shown('truncate core.u', after('create table core.t ()', 'alter table core.t rename to u'))).toBe(
    'core.u AccessExclusive none new',
  );
  expect(shown('truncate t', after('create table t ()', 'alter table t set schema core', 'set search_path to core, public'))).toBe(
    't AccessExclusive none new',
  );
  expect(shown('truncate t', after('create table t ()', 'drop table t'))).toBe('t AccessExclusive none');
  expect(shown('drop index i', after('create table t ()', 'create index i on t (a)'))).toBe(
    't AccessExclusive none new; i AccessExclusive none new',
  );
  expect(shown('drop index i', after('create index i on t (a)'))).toBe('t AccessExclusive none; i AccessExclusive none new');
  expect(shown('truncate t', startOfFile(after('create table t ()')))).toBe('t AccessExclusive none');
});

const facts = (name: string, changes: Partial<RelationFacts> = {}): RelationFacts => ({
  relation: { schema: 'public', name },
  kind: 'r',
  rows: 10,
  sizeBytes: 8192,
  columns: new Map([['a', 'integer']]),
  indexed: new Set(),
  notNull: new Set(),
  constraints: [],
  referencedBy: [],
  table: undefined,
  parents: [],
  children: [],
  defaultPartition: undefined,
  views: [],
  ...changes,
});
const catalogOf = (...all: readonly RelationFacts[]): CatalogFacts => ({
  serverMajor: 17,
  relation: ({ name }) => all.find(({ relation }) => relation.name === name),
  volatility: ({ name }) => (name === 'steady' ? 's' : undefined),
});

test('what the catalog does not have is not touched by IF EXISTS, and what it has is not made again', () => {
  const known = knownFrom(catalogOf(facts('t')));
  expect(shown('drop table if exists gone', known)).toBe('');
  expect(shown('alter table if exists gone add x int', known)).toBe('');
  expect(shown('create table if not exists t (id int references p)', known)).toBe('');
  expect(shown('create or replace view v as select 1', known)).toBe('');
  const then = afterStatement(node('create table if not exists t ()'), known);
  expect(shown('truncate t', then)).toBe('t AccessExclusive none');
});

test('a renamed table keeps its facts, and one with its old name is another', () => {
  let known = afterStatement(node('alter table t rename to old'), knownFrom(catalogOf(facts('t'))));
  known = afterStatement(node('create table t (a int)'), known);
  expect(shown('alter table old alter a type bigint', known)).toBe('old AccessExclusive rewrite');
  expect(shown('alter table t add b int default steady()', known)).toBe('t AccessExclusive none new');
});

test('tables of earlier files of the run exist, though the catalog has them not yet', () => {
  const first = afterStatement(node('create table t ()'), knownFrom(catalogOf()));
  const known = { ...startOfFile(first), earlier: new Set(first.made) };
  expect(shown('alter table t add x int', known)).toBe('t AccessExclusive none');
  expect(shown('drop table if exists u', known)).toBe('');
});

test('ten thousand statements are looked at without copying what is known each time, in one file and in as many', () => {
  const statements = Array.from({ length: 10_000 }, (_, index) => ({
    text: `create table t${index} ()`,
    node: node(`create table t${index} ()`).node,
    start: 0,
    line: 1,
    number: index + 1,
    copyData: undefined,
    kind: { command: 'CREATE TABLE', object: undefined, alone: false },
  }));
  const startedMs = performance.now();
  foresee([statements], undefined, parser);
  foresee(
    statements.map((each) => [each]),
    undefined,
    parser,
  );
  // A copy of what is known for each statement took ten seconds for each half.
  expect(performance.now() - startedMs).toBeLessThan(5000);
});

test('what is written or changed and is neither there nor made before is absent; what is only read may be a view of the system', () => {
  const text = 'update nosuch set a = 1; create table n (a int); insert into n values (1); delete from t; select * from pg_class, unseen;';
  const { statements } = parseSqlFile({ path: 'f', location: '/f', text, sha256: sha256Of(text) }, parser);
  const [foreseen = []] = foresee([statements], catalogOf(facts('t')), parser);
  const absent = foreseen.flatMap(({ effects }) => effects.filter((each) => each.isAbsent).map(({ relation }) => relation.name));
  expect(absent).toEqual(['nosuch']);
});

test('ALTER and DROP TABLE of what is not there are absent too, unless they bear it', () => {
  const text = `alter table gone1 add x int; alter table if exists gone2 add x int; drop table gone3; drop table if exists gone4;
create table n (a int); alter table n add b int; drop table n; alter table gone_sequence owner to me;`;
  const { statements } = parseSqlFile({ path: 'f', location: '/f', text, sha256: sha256Of(text) }, parser);
  const [foreseen = []] = foresee([statements], catalogOf(facts('t')), parser);
  const absent = foreseen.flatMap(({ effects }) => effects.filter((each) => each.isAbsent).map(({ relation }) => relation.name));
  expect(absent).toEqual(['gone1', 'gone3']);
});

test('what a DO block runs counts, what an EXECUTE makes up is opaque, and a body that is only declared does nothing', () => {
  const text = `do $$ begin create table n (); drop table n; truncate t; end $$;
do $$ begin execute 'drop table ' || current_user; end $$;
create function f() returns void language plpgsql as $$ begin truncate t; end $$;
call f();`;
  const { statements } = parseSqlFile({ path: 'f', location: '/f', text, sha256: sha256Of(text) }, parser);
  const [[first, second, third, fourth] = []] = foresee([statements], catalogOf(facts('t')), parser);
  expect(first?.effects.map(({ relation, lock, isNew }) => [relation.name, lock, isNew])).toEqual([
    ['t', 'AccessExclusive', false],
    ['n', 'AccessExclusive', true],
  ]);
  expect(first?.effects[0]?.facts?.rows).toBe(10);
  expect([first, second, third, fourth].map((each) => each?.isOpaque)).toEqual([false, true, false, true]);
  expect(third?.effects).toEqual([]);
  expect(isOpaque({ node: undefined })).toBe(true);
});
