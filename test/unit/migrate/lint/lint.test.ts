import { expect, test } from 'vitest';
import { formatGithub } from '../../../../src/migrate/lint/format/github.ts';
import { findingJson } from '../../../../src/migrate/lint/format/json.ts';
import { toSarif } from '../../../../src/migrate/lint/format/sarif.ts';
import { countText, formatText } from '../../../../src/migrate/lint/format/text.ts';
import { RULES } from '../../../../src/migrate/lint/rules/table.ts';
import { catalogOf, lintText, verdicts } from './lint-text.ts';

const MB = 1_000_000;

test.each<readonly [string, Parameters<typeof catalogOf>[0][string], string]>([
  ['small', { sizeBytes: 2 * MB }, 'index-not-concurrent: notice'],
  ['of some size', { sizeBytes: 50 * MB }, 'index-not-concurrent: warning'],
  ['large', { sizeBytes: 5000 * MB }, 'index-not-concurrent: error'],
])('lint: an index on a table that is %s', (_, facts, expected) => {
  expect(verdicts('create index on core.play (a)', catalogOf({ play: facts }))).toEqual([expected]);
});

test.each<readonly [string, string, Parameters<typeof catalogOf>[0], readonly string[]]>([
  [
    'a longer varchar costs nothing',
    'alter table core.play alter column a type varchar(99)',
    { play: { columns: new Map([['a', 'character varying(50)']]) } },
    [],
  ],
  [
    'another type is a rewrite',
    'alter table core.play alter column a type bigint',
    { play: { sizeBytes: 50 * MB } },
    ['type-change: warning'],
  ],
  ['a table that is not there and dropped', 'drop table if exists core.gone', {}, []],
  ['an empty table dropped', 'drop table core.play', { play: { rows: 0 } }, ['drop-destructive: notice']],
  ['rows dropped', 'drop table core.play', { play: { sizeBytes: 50 * MB } }, ['drop-destructive: error']],
  ['a constraint that is no foreign key', 'alter table core.play drop constraint x', { play: {} }, []],
  ['NOT NULL without a default on rows', 'alter table core.play add column k int not null', { play: {} }, ['add-column-not-null: error']],
  [
    'NOT NULL without a default on none',
    'alter table core.play add column k int not null',
    { play: { rows: 0 } },
    ['add-column-not-null: notice'],
  ],
  ['a short lock on a small table', 'drop trigger t on core.play', { play: {} }, ['trigger-ddl: notice']],
  ['a short lock on a larger one', 'drop trigger t on core.play', { play: { sizeBytes: 50 * MB } }, ['trigger-ddl: warning']],
  [
    'NOT NULL that a valid CHECK proves',
    'alter table core.play alter column a set not null',
    {
      play: {
        constraints: [
          { name: 'c', kind: 'c', validated: true, definition: 'CHECK ((a IS NOT NULL))', columns: ['a'], references: undefined },
        ],
      },
    },
    [],
  ],
])('lint with a catalog: %s', (_, sql, tables, expected) => {
  expect(verdicts(sql, catalogOf(tables))).toEqual(expected);
});

test('lint: a finding says who waits, why, what is safe, and exactly where', () => {
  const text = 'select 1;\n\n/* 😀 */ do $$ begin\n  create index play_b on core.play (b);\nend $$;\n';
  const [finding] = lintText(text, catalogOf({ play: { rows: 1_200_000, sizeBytes: 214 * MB } }));
  expect(finding).toEqual({
    rule: 'index-not-concurrent',
    severity: 'warning',
    file: 'sql/migrations/1_a.sql',
    line: 4,
    column: 3,
    statement: 2,
    message: 'CREATE INDEX on core.play',
    blocked: 'writes of core.play (1.2 M rows, 214 MB) wait while an index is built, and until the transaction ends (Share)',
    why: expect.stringContaining('takes no write until the index is built'),
    safe: 'create index CONCURRENTLY play_b on core.play (b);\n  in a file that begins with -- dbadmin: no-transaction',
    relation: 'core.play',
    lock: 'Share',
    work: 'build',
    inside: ['DO'],
  });
});

test('lint: an allow line with a reason silences its rule in its file, and no other', () => {
  const sql = 'alter table core.play rename column a to b;\ncreate index on core.play (b)';
  expect(verdicts(`-- dbadmin: allow rename -- nobody reads it yet\n${sql}`)).toEqual(['index-not-concurrent: warning']);
});

test('lint: an allow line that allows nothing, or names no rule, is said', () => {
  const found = lintText('-- dbadmin: allow renam -- x\n-- dbadmin: allow matview -- x\nselect 1');
  expect(found.map(({ rule, line, message }) => [rule, line, message])).toEqual([
    ['unknown-rule', 1, 'allow renam: there is no such rule, did you mean "rename"?'],
    ['unused-allow', 2, 'allow matview allows nothing'],
  ]);
});

test('lint: what EXECUTE makes only when it runs is a notice, and may be allowed', () => {
  const sql = "do $$ declare t text; begin execute 'drop table ' || t; end $$";
  expect(verdicts(sql)).toEqual(['opaque: notice']);
  expect(verdicts(`-- dbadmin: allow opaque -- looked at by hand\n${sql}`)).toEqual([]);
});

test('lint: a value added to an enum and used in the same transaction is an error', () => {
  expect(verdicts("alter type core.e add value 'z'; insert into core.t values ('z')")).toEqual([
    'enum-add-use: notice',
    'enum-add-use: error',
  ]);
});

test('lint: what an earlier statement locked stays locked while every row is written', () => {
  const found = lintText('alter table core.play add column c text; update core.play set c = 1');
  expect(found.map(({ rule }) => rule)).toEqual(['whole-table-dml']);
  expect(found[0]?.why).toContain('locked core.play, and keeps it locked');
});

test('lint: DO blocks of a file without a transaction each have one of their own', () => {
  const blocks = ['core.a', 'core.b'].map((table) => `do $$ begin alter table ${table} add column x int; end $$`).join(';\n');
  expect(verdicts(`-- dbadmin: no-transaction\n${blocks}`)).toEqual([]);
  expect(verdicts(blocks)).toEqual(['mixed-tables: warning']);
});

test('lint: a table that a routine drops is in use by then, also when this file makes it', () => {
  const sql = "create table core.n (a int); create procedure core.p() language plpgsql as 'begin drop table core.n; end'";
  expect(verdicts(sql)).toEqual(['drop-destructive: warning']);
});

test('lint: the down section is not looked at', () => {
  expect(verdicts('create table core.n (a int);\n-- dbadmin: down\ndrop table core.n')).toEqual([]);
});

test('lint: a file that up refuses is a finding, and is looked at as far as it is SQL', () => {
  expect(verdicts('begin; drop table core.n; commit')).toEqual(['unreadable: error', 'drop-destructive: warning']);
  const [only] = lintText('select 1;\n  select from from');
  expect(only).toMatchObject({ rule: 'unreadable', line: 2, column: 15, severity: 'error' });
});

test('lint: rules say why and what is safe, and have the names that files may allow', () => {
  expect(RULES).toHaveLength(27);
  for (const { id, summary, why, safe } of RULES) {
    expect(id).toMatch(/^[a-z][a-z-]*$/);
    for (const text of [summary, why, safe]) expect(text.length).toBeGreaterThan(5);
    expect(why).toMatch(/\.$/);
  }
});

test('formatText: says what was said only once, and keeps SQL on its line', () => {
  const text = formatText(lintText('create index i on core.play (a);\ncreate index j on core.play (b);'), (_, each) => each);
  expect(text).toEqual([
    'sql/migrations/1_a.sql',
    '    1:1  warning  CREATE INDEX on core.play   index-not-concurrent',
    '         Writes of core.play wait while an index is built, and until the transaction ends (Share).',
    '         The table takes no write until the index is built: 0.3 to 0.6 s for each million narrow rows, much more for',
    '         wide ones.',
    '         safe: create index CONCURRENTLY i on core.play (a);',
    '               in a file that begins with -- dbadmin: no-transaction',
    '    2:1  warning  CREATE INDEX on core.play   index-not-concurrent',
    '         Writes of core.play wait while an index is built, and until the transaction ends (Share).',
    '         safe: create index CONCURRENTLY j on core.play (b);',
    '               in a file that begins with -- dbadmin: no-transaction',
  ]);
  expect(countText(lintText('create index i on core.play (a)'))).toBe('1 warning');
  expect(countText([])).toBe('nothing');
});

test('formatGithub: one workflow command a finding, with what would break it escaped', () => {
  const [line = ''] = formatGithub(lintText('alter table core."a,b:c%" rename to d'));
  expect(line).toMatch(/^::warning file=sql\/migrations\/1_a\.sql,line=1,col=1,title=rename%3A RENAME core\."a%2Cb%3Ac%25" to d::/);
  expect(line).not.toContain('\n');
});

test('findingJson: every key is there, null where there is nothing', () => {
  const [finding] = lintText('-- dbadmin: allow matview -- x\nselect 1');
  expect(finding).toBeDefined();
  if (finding === undefined) return;
  expect(findingJson(finding)).toMatchObject({ statement: null, blocked: null, relation: null, lock: null, work: null, inside: [] });
});

test('toSarif: a log of version 2.1.0 whose results name rules that are described', () => {
  const log = toSarif(lintText('create index on core.play (a); drop table core.play; select from'), '1.2.3') as {
    readonly version: string;
    readonly runs: readonly {
      readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
      readonly results: readonly { readonly ruleId: string; readonly ruleIndex: number; readonly level: string }[];
    }[];
  };
  expect(log.version).toBe('2.1.0');
  const [run] = log.runs;
  expect(run?.results.length).toBeGreaterThan(0);
  for (const { ruleId, ruleIndex, level } of run?.results ?? []) {
    expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
    expect(['note', 'warning', 'error']).toContain(level);
  }
});
