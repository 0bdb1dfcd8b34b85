import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseSync, loadModule } from 'libpg-query';
import { scanStatements } from '../../../src/migrate/sql/statements.ts';

await loadModule();
const scan = (text: string): readonly string[] => scanStatements(text, 'f.sql').statements.map((each) => each.text);
const SEED = 20_261_121;

test.each<readonly [string, string, readonly string[]]>([
  ['plain statements', 'select 1; select 2 ;\n\nselect 3', ['select 1', 'select 2', 'select 3']],
  ['empty statements are none', ';; ;select 1;;', ['select 1']],
  ['quotes', `select 'a;''b'; select "c;""d"`, [`select 'a;''b'`, `select "c;""d"`]],
  ['backslashes only in E strings', `select E'a\\';b'; select 'a\\'; select 2`, [`select E'a\\';b'`, `select 'a\\'`, 'select 2']],
  ['dollar quotes with tags', 'select $$;$$; select $a$ $$;$b$ $a$; select $1', ['select $$;$$', 'select $a$ $$;$b$ $a$', 'select $1']],
  ['a dollar inside a name opens nothing', 'select a$b$c; select 1', ['select a$b$c', 'select 1']],
  ['comments, nested too', '/* ; /* ; */ ; */ select 1 -- ;\n; select 2 /* ; */', ['select 1 -- ;', 'select 2 /* ; */']],
  [
    'rules in parentheses',
    'create rule r as on insert to t do (select 1; select 2); select 3',
    ['create rule r as on insert to t do (select 1; select 2)', 'select 3'],
  ],
  [
    'BEGIN ATOMIC with CASE',
    'create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3',
    ['create or replace function f() returns int begin atomic select case when true then 1 end; select 2; end', 'select 3'],
  ],
  ['CASE elsewhere', 'select case when true then 1 end; select 2', ['select case when true then 1 end', 'select 2']],
  [
    'a string in parts, its backslashes counting in all of them',
    "select e'a' -- '\n  '\\'b;'; select 'a'\n'\\'; select 2",
    ["select e'a' -- '\n  '\\'b;'", "select 'a'\n'\\'", 'select 2'],
  ],
  ['a comment that a lone carriage return ends', 'select 1 -- a;\r; select 2', ['select 1 -- a;\r'.trimEnd(), 'select 2']],
  [
    'a routine that is called atomic',
    'create function atomic() returns int language sql as $$$$; select 1',
    ['create function atomic() returns int language sql as $$$$', 'select 1'],
  ],
  ['psql safety lines of pg_dump', '\\restrict abc\nselect 1;\n\\unrestrict abc\n', ['select 1']],
])('scanStatements: %s', (_, text, expected) => {
  expect(scan(text)).toEqual(expected);
});

test('scanStatements: COPY data is cut out, whatever it holds', () => {
  const found = scanStatements(
    "copy t from stdin;\n';\n\\\\.\n-- $$\n\\.\nselect 1;\ncopy u (a) from stdin with (format csv);\n\\.\nselect 2",
    'f.sql',
  ).statements;
  expect(found.map(({ text, line, copyData }) => [text, line, copyData])).toEqual([
    ['copy t from stdin', 1, "';\n\\\\.\n-- $$\n"],
    ['select 1', 6, undefined],
    ['copy u (a) from stdin with (format csv)', 7, ''],
    ['select 2', 9, undefined],
  ]);
});

test('scanStatements: COPY from a file, a program or a table named stdin has no data', () => {
  expect(scan("copy t from '/x'; copy t from program 'stdin'; copy stdin from '/x'")).toHaveLength(3);
});

test.each<readonly [string, string, string]>([
  ['a string', "select 1;\n  'abc", 'f.sql:2:3: a string is never closed'],
  ['a quoted name', 'select "abc', 'f.sql:1:8: a quoted name is never closed'],
  ['a dollar quote', 'select é, $x$ $y$', 'f.sql:1:11: the text opened by $x$ is never closed'],
  ['a comment', 'select 1 /* /* */', 'f.sql:1:10: a comment is never closed'],
  ['COPY data', 'copy t from stdin;\n1\n', 'f.sql:1:1: the data of COPY … FROM stdin has no closing line "\\."'],
  ['something before COPY data', 'copy t from stdin; select 1;\n1\n\\.\n', 'f.sql:1:18: something stands between COPY'],
  ['BEGIN ATOMIC', 'create function f() begin atomic select 1;', 'f.sql:1:1: BEGIN ATOMIC without its END'],
  ['a psql command', 'select 1 \\gexec', 'f.sql:1:10: "\\gexec" is for psql, not SQL'],
])('scanStatements: refuses with the place: %s', (_, text, message) => {
  expect(() => scan(text)).toThrow(message);
});

const PIECES = [
  'select 1',
  "select 'é;😀'''",
  "select E'\\';'",
  'create table "a;é" (id int)',
  'create function f() returns int language plpgsql as $f$ begin; $x$ -- $f$',
  'create procedure p() begin atomic select 1; select case when true then 2 end; end',
  'create rule r as on insert to t do also (delete from a; delete from b)',
  'do $$ begin perform 1; end $$',
  'select 1 + /* ; /* */ ; */ 2 -- ; é',
  'select (array[1, 2])[1], (select 2)',
];

test(`scanStatements: cuts where PostgreSQL's parser does (seed ${SEED})`, () => {
  const separators = fc.constantFrom(';', ' ;\n', ';;', '\n;-- ; 😀\n', '; /* é; */ ');
  const text = fc.array(fc.tuple(fc.constantFrom(...PIECES), separators), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(text, (pieces) => {
      const sql = pieces.map(([piece, separator]) => `${piece}\n${separator}`).join('');
      const bytes = Buffer.from(sql, 'utf8');
      const parsed =
        (parseSync(sql) as { readonly stmts?: readonly { readonly stmt_location?: number; readonly stmt_len?: number }[] }).stmts ?? [];
      const theirs = parsed.map(({ stmt_location: from = 0, stmt_len: length }) =>
        bytes.subarray(from, length === undefined ? undefined : from + length).toString('utf8'),
      );
      // The parser's pieces begin right after the semicolon, ours at the first word.
      const ours = scanStatements(sql, 'f.sql').statements;
      expect(ours).toHaveLength(theirs.length);
      for (const [index, statement] of ours.entries()) {
        expect(theirs[index]?.trimEnd().endsWith(statement.text)).toBe(true);
        expect(sql.slice(statement.start).startsWith(statement.text)).toBe(true);
        expect(statement.line).toBe(sql.slice(0, statement.start).split('\n').length);
      }
    }),
    { seed: SEED, numRuns: 300 },
  );
});

const ATOMS = [
  "'",
  "''",
  '"',
  '""',
  '$$',
  '$a$',
  '$b$',
  '$a',
  '$1',
  '/*',
  '*/',
  '--',
  '\n',
  '\r',
  ';',
  ' ',
  '(',
  ')',
  'e',
  "E'",
  "\\'",
  '\\\\',
  '1',
  'x',
  'é',
  '😀',
  'begin',
  'atomic',
  'end',
  'case',
  'create',
  'function',
  'u&',
  "U&'",
  "n'",
  "b'",
  '.',
  ',',
  '::',
  '||',
  '-',
  '/',
  '*',
  'as',
  'from',
  't',
  '1$a',
  'a$$',
  "'\n'",
];
const SNIPPETS = [
  'select 1',
  "select 'a'",
  'select $$x$$',
  'select "a"',
  "select e'\\''",
  "select 'a' --",
  'select /*',
  '*/ 1',
  'select $a$ x $a$',
  'select 1 -',

  "select U&'x'",
  'select a$b',
  "select 'a'\n'b'",
  "select e'a'\n'\\'b'",
  "select n'a'",
  'select é$$1',
  'select $1',
  'select a."b"',
  'do $$ ; $$',

  "select 'a'--\n'b;'",
  'select 5::int',
  'select @-1',
  'select 1 +/*x*/ 2',
  'select 1 /-- ;\n 2',
  'select *-- ;\n from t',
  'select 1 --a\r;select 2',
  "select e'a' --x\r\n '\\'b'",
  "select e'\\\\\\''",
  'create procedure atomic.p() begin atomic end',
];

test(`scanStatements: cuts any mixture of quotes and comments where PostgreSQL's parser does, if that takes it (seed ${SEED})`, () => {
  const soup = fc.array(fc.constantFrom(...ATOMS), { minLength: 1, maxLength: 24 }).map((atoms) => `select ${atoms.join('')}`);
  const separators = fc.constantFrom(';', ';\n', '; ', ' ', '\n', '', '--;\n', '/*;*/', '/*/*;*/*/');
  const list = fc
    .array(fc.tuple(fc.constantFrom(...SNIPPETS), separators), { minLength: 1, maxLength: 8 })
    .map((parts) => parts.flat().join(''));
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof({ weight: 1, arbitrary: soup }, { weight: 4, arbitrary: list }), (sql) => {
      const theirs = cutByParser(sql);
      if (theirs === undefined) return;
      accepted += 1;
      const ours = scan(sql);
      expect(ours).toHaveLength(theirs.length);
      for (const [index, text] of ours.entries()) expect(theirs[index]?.trimEnd().endsWith(text)).toBe(true);
    }),
    { seed: SEED, numRuns: 8000 },
  );
  expect(accepted).toBeGreaterThan(800);
});

/** The statements as PostgreSQL's parser cuts them, or undefined when it refuses the text. */
function cutByParser(sql: string): readonly string[] | undefined {
  const bytes = Buffer.from(sql, 'utf8');
  try {
    const { stmts = [] } = parseSync(sql) as { stmts?: readonly { readonly stmt_location?: number; readonly stmt_len?: number }[] };
    return stmts.map(({ stmt_location: from = 0, stmt_len: length }) =>
      bytes.subarray(from, length === undefined ? undefined : from + length).toString('utf8'),
    );
  } catch {
    return undefined;
  }
}

test.each([
  ['dashes after a string', `select e'a' ${'-'.repeat(50_000)}\nx`],
  ['empty lines after a string', `select e'a'${'\n'.repeat(50_000)}x`],
  ['backslashes', `select e'${'\\\\'.repeat(50_000)}'`],
  ['open comments', `/*${'/*'.repeat(20_000)}${'*/'.repeat(20_001)} select 1`],
])('scanStatements: takes no more than a moment for %s', (_, text) => {
  const started = performance.now();
  expect(scan(text)).toHaveLength(1);
  expect(performance.now() - started).toBeLessThan(2000);
});
