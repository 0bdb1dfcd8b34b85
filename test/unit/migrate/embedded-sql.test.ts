import { beforeAll, expect, test } from 'vitest';
import { embeddedStatements, type EmbeddedStatement } from '../../../src/migrate/sql/embedded.ts';
import { placeOf } from '../../../src/migrate/sql/location.ts';
import { parseSqlFile } from '../../../src/migrate/files/migration.ts';
import { loadSqlParser, type SqlParser } from '../../../src/migrate/sql/parser.ts';

let parser: SqlParser;
beforeAll(async () => {
  parser = await loadSqlParser();
});

/** Line, column, what it stands in, and what stands at that place of the file. */
function found(text: string): readonly string[] {
  return embedded(text).map((each) => {
    const { line, column } = placeOf(text, each.offset);
    expect(each.line).toBe(line);
    const here = text.slice(each.offset, each.offset + 12).replaceAll('\n', '⏎');
    return `${line}:${column} ${each.inside.join('>')} ${each.kind === 'opaque' ? 'opaque ' : ''}${here}`;
  });
}

function embedded(text: string): readonly EmbeddedStatement[] {
  const file = { path: 'f.sql', location: '/f.sql', text, sha256: '' };
  return parseSqlFile(file, parser).statements.flatMap((each) => embeddedStatements(each, parser));
}

test.each<readonly [string, string, readonly string[]]>([
  ['a DO block', 'select 1;\ndo $$ begin\n  drop table a;\n  drop table b;\nend $$', ['3:3 DO drop table a', '4:3 DO drop table b']],
  [
    'the same statement twice on a line',
    'do $$ begin drop table a; drop table a; end $$',
    ['1:13 DO drop table a', '1:27 DO drop table a'],
  ],
  ['a quoted body', "do 'begin perform f(''x'');\n drop table a; end'", ["1:11 DO perform f(''", '2:2 DO drop table a']],
  ['letters of several bytes', 'do language plpgsql $é$\nbegin /* 😀 */ drop table é; end $é$', ['2:15 DO drop table é']],
  ['INTO in the middle', 'do $$ declare x int; begin select 1 into x from t; end $$', ['1:28 DO select 1 int']],
  [
    'loops, branches and handlers',
    'do $$ declare r record; begin\nfor r in select 1 loop drop table a; end loop;\nif true then drop table b; else drop table c; end if;\nexception when others then drop table d; end $$',
    ['2:10 DO select 1 loo', '2:24 DO drop table a', '3:14 DO drop table b', '3:33 DO drop table c', '4:28 DO drop table d'],
  ],
  [
    'a constant EXECUTE',
    "do $$ begin execute 'drop table a;\n drop table b'; end $$",
    ['1:22 DO>EXECUTE drop table a', '2:2 DO>EXECUTE drop table b'],
  ],
  [
    'constants put together',
    "do $$ begin execute format('drop %s %I', 'table', 'A') || ' cascade'; end $$",
    ["1:21 DO>EXECUTE format('drop"],
  ],
  [
    'an EXECUTE of something else',
    "do $$ declare t text; begin execute 'drop table ' || t; end $$",
    ["1:37 DO>EXECUTE opaque 'drop table "],
  ],
  [
    'a function made in a block',
    'do $a$ begin create function f() returns void language plpgsql as $b$ begin drop table a; end $b$; end $a$',
    ['1:14 DO create funct', '1:77 DO>function drop table a'],
  ],
  [
    'SQL functions',
    "create function f() returns int language sql as 'delete from a; select 1'",
    ['1:50 function delete from ', "1:65 function select 1'"],
  ],
  [
    'BEGIN ATOMIC',
    'create procedure p() begin atomic delete from a; select case when true then 1 end; end',
    ['1:35 procedure delete from ', '1:50 procedure select case '],
  ],
  ['other languages', "create function f() returns int language plpython3u as 'x'", ["1:57 function opaque x'"]],
  ['EXPLAIN ANALYZE, which runs it', 'explain analyze delete from a', ['1:1 EXPLAIN ANALYZE explain anal']],
  ['EXPLAIN, which does not', 'explain delete from a', []],
  [
    'rows and trigger functions',
    'create function f() returns trigger language plpgsql as $$ declare r a%rowtype; begin drop table b; return new; end $$',
    ['1:87 function drop table b'],
  ],
])('embeddedStatements: %s', (_, text, expected) => {
  expect(found(text)).toEqual(expected);
});

test('embeddedStatements: a DO block runs now, a routine later, and its text has no INTO', () => {
  const [block] = embedded('do $$ declare x int; begin select a into x from t; end $$');
  expect(block).toMatchObject({ kind: 'sql', runs: 'now', text: 'select a        from t' });
  const [routine] = embedded('create procedure p() language plpgsql as $$ begin truncate t; end $$');
  expect(routine).toMatchObject({ kind: 'sql', runs: 'later', text: 'truncate t' });
});

test('embeddedStatements: PL/pgSQL that cannot be read is opaque, with the reason', () => {
  const [only] = embedded('do $$ begin x := 1; drop table a; end $$');
  expect(only).toMatchObject({ kind: 'opaque', reason: 'PL/pgSQL that cannot be read: "x" is not a known variable' });
});
