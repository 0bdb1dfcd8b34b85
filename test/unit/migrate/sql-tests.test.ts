import { expect, test } from 'vitest';
import { sha256Of } from '../../../src/migrate/files/checksum.ts';
import { lineOfBody } from '../../../src/migrate/bodies/plan.ts';
import type { SqlFile } from '../../../src/migrate/files/migration.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { planSeeds } from '../../../src/migrate/seeds/plan.ts';
import { parseTestFile } from '../../../src/migrate/test/plan.ts';
import { junitReport, tapReport } from '../../../src/migrate/test/report.ts';
import { judgeTest, type TestResult } from '../../../src/migrate/test/result.ts';
import { readTap } from '../../../src/migrate/test/tap.ts';

const parser = await loadSqlParser();
const sqlFile = (text: string): SqlFile => ({ path: 't.sql', location: '/t.sql', text, sha256: sha256Of(text) });
const statements = (text: string): readonly string[] => parseTestFile(sqlFile(text), parser).parsed.statements.map((each) => each.text);

test('parseTestFile: the BEGIN and ROLLBACK around a test are the runner’s own, and places stay', () => {
  expect(statements('BEGIN;\nselect 1;\nselect 2;\nROLLBACK;')).toEqual(['select 1', 'select 2']);
  expect(statements('start transaction isolation level serializable; select 1; abort work')).toEqual(['select 1']);
  expect(statements('savepoint a; select 1; rollback to a; rollback to savepoint a; rollback work to a')).toHaveLength(5);
  expect(parseTestFile(sqlFile('begin;\n\nselect 1;'), parser).parsed.statements[0]?.line).toBe(3);
});

test.each([
  ['select 1;\ncommit;', 't.sql:2:1: COMMIT would end the transaction'],
  ['select 1; end; select 2', 't.sql:1:11: END would end the transaction'],
  ['rollback; insert into t values (1)', 't.sql:1:1: ROLLBACK would end'],
  ['select 1; begin; select 2', 't.sql:1:11: BEGIN would end'],
  ["prepare transaction 'x'", 't.sql:1:1: PREPARE would end'],
  ['begin; select 1; commit', 't.sql:1:18: COMMIT would end'],
  ['-- dbadmin: no-transaction\nselect 1', 'no-transaction is not for tests'],
  ['select 1;\n-- dbadmin: down\nselect 2', 'a test needs no down section'],
])('parseTestFile: refuses %j', (text, message) => {
  expect(() => parseTestFile(sqlFile(text), parser)).toThrow(message);
});

test('readTap: plans, results, directives, diagnostics and bailing out; other text is passed over', () => {
  const piece = readTap(
    'some words\n1..4\n# before\nok 1 - one\nnot ok 2 - two # three\n# Failed test 2\n#   have: 1\nnot ok 3 - later # TODO not yet\nok # SKIP no data',
    0,
  );
  expect([piece.planned, piece.diagnostics, piece.bailedOut]).toEqual([4, ['before'], undefined]);
  expect(piece.assertions).toEqual([
    { passed: true, number: 1, description: 'one', directive: undefined, reason: '', diagnostics: [] },
    { passed: false, number: 2, description: 'two # three', directive: undefined, reason: '', diagnostics: ['Failed test 2', 'have: 1'] },
    { passed: false, number: 3, description: 'later', directive: 'todo', reason: 'not yet', diagnostics: [] },
    { passed: true, number: 4, description: '', directive: 'skip', reason: 'no data', diagnostics: [] },
  ]);
  expect(readTap('Bail out! no data', 3).bailedOut).toBe('no data');
  expect(readTap('okay', 0).assertions).toEqual([]);
});

const judged = (text: string, changes: { readonly failure?: TestResult['failure'] } = {}): TestResult => {
  const { assertions, planned, bailedOut } = readTap(text, 0);
  const placed = assertions.map((each) => ({ ...each, line: each.number + 1 }));
  return judgeTest({ file: 't.sql', assertions: placed, failure: undefined, tookMs: 1500, planned, bailedOut, ...changes });
};

test('judgeTest: all that were planned, none that failed but those expected to', () => {
  expect(judged('1..2\nok 1\nnot ok 2 # TODO later').passed).toBe(true);
  expect(judged('1..1\nnot ok 1').passed).toBe(false);
  expect(judged('1..2\nok 1')).toMatchObject({ passed: false, failure: { message: '2 assertions were planned and 1 ran' } });
  expect(judged('Bail out! gone')).toMatchObject({ passed: false, failure: { message: 'bailed out: gone' } });
  expect(judged('').passed).toBe(true);
  expect(judged('', { failure: { line: 2, message: 'no', detail: undefined } }).passed).toBe(false);
});

test('reports: TAP numbers across files, JUnit keeps to XML', () => {
  const results = [
    judged('1..2\nok 1 - a\nnot ok 2 - <b> & "c"\n# have: \u00011'),
    judged('', { failure: { line: 7, message: 'no # yes', detail: '7 | assert\n  | ^' } }),
    judged(''),
  ];
  expect(tapReport(results)).toBe(
    'TAP version 13\nok 1 - t.sql:2 a\nnot ok 2 - t.sql:3 <b> & "c"\n# have: \u00011\nnot ok 3 - t.sql:7 no \\# yes\n# 7 | assert\n#   | ^\nok 4 - t.sql\n1..4\n',
  );
  const xml = junitReport(results);
  expect(xml).toContain('<testsuite name="t.sql" tests="2" failures="1" skipped="0" time="1.500">');
  expect(xml).toContain('name="&lt;b&gt; &amp; &quot;c&quot;" line="3"><failure message="t.sql:3">have: 1</failure>');
  expect(xml).toContain('<failure message="t.sql:7: no # yes">7 | assert&#10;  | ^</failure>');
});

test('lineOfBody: PL/pgSQL counts from the line of the opening quote', () => {
  const text =
    'select 1;\ncreate function f() returns int\nlanguage plpgsql as $$\nbegin\n  return 1;\nend $$;\ndo $$ begin\n  null; end $$';
  const file = sqlFile(text);
  const [, made, done] = parseTestFile(file, parser).parsed.statements;
  expect(lineOfBody(file, made ?? expect.fail(), 3)).toBe(5);
  expect(lineOfBody(file, done ?? expect.fail(), 2)).toBe(8);
});

test('planSeeds: new and changed files are pending, the same are not, and what is wrong is told at once', () => {
  const [same, changed, fresh, wrong, apart] = [
    sqlFile('select 1'),
    sqlFile('select 2'),
    sqlFile('select 3'),
    sqlFile('selec'),
    sqlFile('-- dbadmin: no-transaction\nselect 1'),
  ];
  const files = [same, changed, fresh].map((file, index) => ({ name: `dev/${index}`, file }));
  const applied = new Map([
    ['dev/0', same.sha256],
    ['dev/1', 'ff'],
  ]);
  expect(planSeeds(files, applied, parser).pending.map(({ name, change }) => [name, change])).toEqual([
    ['dev/1', 'changed'],
    ['dev/2', 'new'],
  ]);
  expect(
    planSeeds(
      [
        { name: 'dev/a', file: wrong },
        { name: 'dev/b', file: apart },
      ],
      new Map(),
      parser,
    ).problems,
  ).toHaveLength(2);
});
