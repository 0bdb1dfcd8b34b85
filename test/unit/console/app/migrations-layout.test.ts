import { expect, test } from 'vitest';
import type { Finding, PlannedStatement, RehearsedFile } from '../../../../src/console/app/screens/migrations/documents.ts';
import { rehearsalBars } from '../../../../src/console/app/screens/migrations/rehearsal-bars.ts';
import { partsOf, sqlLines } from '../../../../src/console/app/screens/migrations/sql-lines.ts';
import { roundAxis, timeAxis } from '../../../../src/console/app/parts/axis.ts';

const finding = (line: number, statement: number, severity: Finding['severity']): Finding => ({
  rule: 'r',
  severity,
  file: 'f',
  line,
  column: 1,
  statement,
  message: '',
  blocked: null,
  why: '',
  safe: '',
});
const statement = (number: number, line: number, text: string): PlannedStatement => ({
  number,
  line,
  text,
  command: '',
  object: null,
  done: false,
  effects: [],
  opaque: false,
  expectedMs: null,
});

test('all lines of a statement with a finding are marked, by the gravest, and the finding stands at its own', () => {
  const sql = '-- why\nalter table t\n  add column x int;\nselect 1;\n';
  const lines = sqlLines(
    sql,
    [finding(2, 1, 'notice'), finding(2, 1, 'error')],
    [statement(1, 2, 'alter table t\n  add column x int'), statement(2, 4, 'select 1')],
  );
  expect(lines.map(({ number, mark, findings }) => [number, mark, findings])).toEqual([
    [1, undefined, []],
    [2, 'error', [0, 1]],
    [3, 'error', []],
    [4, undefined, []],
  ]);
});

test('of a long file its beginning and what is near a finding is shown, and how much is not', () => {
  const sql = Array.from({ length: 100 }, (_, n) => `select ${n};`).join('\n');
  const parts = partsOf(sqlLines(sql, [finding(50, 50, 'warning')], []), 10);
  expect(parts.map((part) => (part.kind === 'hidden' ? part.count : part.lines.map(({ number }) => number)))).toEqual([
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    36,
    [47, 48, 49, 50, 51, 52, 53],
    47,
  ]);
});

test('bars of a rehearsal begin where the statements before them end, and a block with the statement that takes the lock', () => {
  const file = {
    kind: 'versioned',
    version: '1',
    path: 'f',
    applied: true,
    tookMs: 8100,
    walBytes: 0,
    commitMs: 10,
    statements: [200, 7900].map((tookMs, at) => ({
      file: 'f',
      number: at + 1,
      line: 1,
      command: '',
      text: 't',
      tookMs,
      walBytes: 0,
      rows: null,
      rewrites: [],
    })),
    blocked: [{ table: 'core.play', reads: null, writes: { ms: 7900, mode: 'Share', by: 1, longest: 1 } }],
  } as const satisfies RehearsedFile;
  const { bars, spanMs, ticks } = rehearsalBars(file, 2000);
  expect(bars.map(({ kind, fromMs, tookMs, isOver }) => [kind, fromMs, tookMs, isOver])).toEqual([
    ['statement', 0, 200, false],
    ['statement', 200, 7900, false],
    ['blocks-writes', 200, 7900, true],
  ]);
  expect(ticks.at(-1)).toBe(spanMs);
  expect(spanMs).toBeGreaterThanOrEqual(8110);
  // The limit is on the axis even where nothing comes near it.
  expect(rehearsalBars({ ...file, statements: [], blocked: [], commitMs: 0 }, 2000).spanMs).toBeGreaterThan(2000);
});

test('axes end at a round value with at most six marks', () => {
  for (const most of [0, 1, 3, 7.2, 99, 101, 12_345, 8.1e9]) {
    const { span, ticks } = roundAxis(most);
    expect(span).toBeGreaterThanOrEqual(most);
    expect(ticks.length).toBeLessThanOrEqual(6);
  }
  expect(timeAxis(370_000)).toEqual({ span: 480_000, ticks: [0, 120_000, 240_000, 360_000, 480_000] });
});
