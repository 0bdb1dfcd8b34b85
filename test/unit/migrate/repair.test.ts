import { expect, test } from 'vitest';
import { baselineDifferences, planBaseline } from '../../../src/migrate/repair/baseline-plan.ts';
import { sha256Of } from '../../../src/migrate/files/checksum.ts';
import { EMPTY_HISTORY, foldHistory, type HistoryRow } from '../../../src/migrate/history/history.ts';
import type { MigrationFile } from '../../../src/migrate/files/migration.ts';
import { parseMigrationName } from '../../../src/migrate/files/names.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import type { Observed } from '../../../src/migrate/plan.ts';
import { planRebase, requiringFiles } from '../../../src/migrate/repair/rebase-plan.ts';
import { planRepair } from '../../../src/migrate/repair/plan.ts';

const NOW = new Date('2026-11-21T10:15:02Z');
const migration = (file: string, text = 'select 1'): MigrationFile => ({
  name: parseMigrationName(file),
  file: { path: `m/${file}`, location: `/p/m/${file}`, text, sha256: sha256Of(text) },
});
let seq = 0;
const row = (file: string, changes: Partial<HistoryRow> = {}): HistoryRow => ({
  seq: String((seq += 1)),
  runId: 'r',
  kind: 'versioned',
  version: parseMigrationName(file).version,
  name: file,
  statementNo: undefined,
  sha256: sha256Of('select 1'),
  startedAt: NOW,
  finishedAt: NOW,
  appliedBy: 'dba',
  ...changes,
});
const observed = (
  migrations: readonly MigrationFile[],
  rows: readonly HistoryRow[],
  bodies: readonly (readonly [string, string])[] = [],
): Observed => ({
  migrations,
  routines: [],
  fileProblems: [],
  unread: new Set(),
  noDirectory: undefined,
  history: foldHistory(rows),
  storedBodies: new Map(bodies),
});

test('accept: a changed file becomes what was applied, with the difference shown', () => {
  const { row: decision, diff } = planRepair(
    { kind: 'accept', version: '01' },
    observed([migration('1_a.sql', 'select 2')], [row('1_a.sql')], [['1', 'select 1']]),
  );
  expect(decision).toEqual({ kind: 'repair', version: '1', name: '1_a.sql', sha256: sha256Of('select 2'), body: 'select 2' });
  expect(diff).toEqual(['@ line 1', '- select 1', '+ select 2']);
});

test('accept: refused for a file that is as it was applied, that is gone, or that was never applied', () => {
  const accept = { kind: 'accept', version: '1' } as const;
  expect(() => planRepair(accept, observed([migration('1_a.sql')], [row('1_a.sql')]))).toThrow('nothing to accept');
  expect(() => planRepair(accept, observed([], [row('1_a.sql')]))).toThrow('version 1 has no file');
  expect(() => planRepair(accept, observed([migration('1_a.sql')], []))).toThrow('version 1 is not applied here');
});

test('forget: a version whose file cannot be read is not forgotten', () => {
  const world = { ...observed([], [row('1_a.sql')]), unread: new Set(['1']) };
  expect(() => planRepair({ kind: 'forget', version: '1' }, world)).toThrow('the file of 1_a.sql is there and cannot be read');
});

test('forget: a version without a file does not count as applied afterwards; one with a file is refused', () => {
  const rows = [row('1_a.sql'), row('2_b.sql')];
  const { row: decision } = planRepair({ kind: 'forget', version: '2' }, observed([migration('1_a.sql')], rows));
  const after = foldHistory([...rows, row('2_b.sql', { kind: decision.kind, version: decision.version })]);
  expect([...after.applied.keys()]).toEqual(['1']);
  expect(() => planRepair({ kind: 'forget', version: '1' }, observed([migration('1_a.sql')], rows))).toThrow('m/1_a.sql is there');
});

test('undone: a begun file begins again; one that is not begun is refused', () => {
  const rows = [row('1_a.sql', { statementNo: 1 }), row('1_a.sql', { statementNo: 2, finishedAt: undefined })];
  const { row: decision } = planRepair({ kind: 'undone', version: '1' }, observed([migration('1_a.sql')], rows));
  const after = foldHistory([...rows, row('1_a.sql', { kind: decision.kind, version: decision.version })]);
  expect(after.begun.size + after.applied.size).toBe(0);
  expect(() => planRepair({ kind: 'undone', version: '2' }, observed([migration('1_a.sql')], rows))).toThrow(
    'version 2 is not a file that a run began',
  );
});

test('rebase: only files that come too early get a version of now, in their order and after every other file', () => {
  const files = [migration('1_a.sql'), migration('2_b.sql'), migration('3_c.sql'), migration('20991231T235959_z.sql')];
  const renamings = planRebase(observed(files, [row('3_c.sql')]), NOW);
  expect(renamings.map(({ from, to }) => `${from.name.file} ${to}`)).toEqual([
    '1_a.sql 21000101T000000_a.sql',
    '2_b.sql 21000101T000001_b.sql',
  ]);
  expect(renamings[0]?.location).toBe('/p/m/21000101T000000_a.sql');
  expect(planRebase(observed(files, []), NOW)).toEqual([]);
});

test('rebase: a file that a run began keeps its version, and files that require a renamed one are named', () => {
  const files = [migration('1_a.sql'), migration('2_b.sql'), migration('3_c.sql', '-- dbadmin: requires 1\nselect 1')];
  expect(() => planRebase(observed(files, [row('1_a.sql', { statementNo: 1 }), row('2_b.sql')]), NOW)).toThrow('m/1_a.sql is begun');
  const renamings = planRebase(observed(files, [row('2_b.sql')]), NOW);
  expect(requiringFiles(renamings, files)).toEqual(['m/3_c.sql']);
});

test('baseline: all files up to the version, and only where nothing is recorded', () => {
  const files = [migration('1_a.sql'), migration('2_b.sql'), migration('3_c.sql')];
  expect(planBaseline('2', files, EMPTY_HISTORY).map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    'baseline 1_a.sql',
    'baseline 2_b.sql',
  ]);
  expect(() => planBaseline('4', files, EMPTY_HISTORY)).toThrow('no file has version 4');
  expect(() => planBaseline('2', files, foldHistory([row('1_a.sql')]))).toThrow('this database has a history already');
});

test('baseline: what the routines make may be there or not; anything else that differs is a difference', async () => {
  const parser = await loadSqlParser();
  const f = (name: string, body: string): string =>
    `-- Name: ${name}(); Type: FUNCTION; Schema: public\n\nCREATE FUNCTION public.${name}() RETURNS text LANGUAGE sql AS '${body}';\n`;
  const differences = (live: string) =>
    baselineDifferences(f('a', '1'), f('a', '2') + f('r', '1'), live, parser).map(({ change, name }) => `${change} ${name}`);
  expect(differences(f('a', '1'))).toEqual([]);
  expect(differences(f('a', '3') + f('r', '9'))).toEqual([]);
  expect(differences(f('b', '1'))).toEqual(['added public.b()']);
  expect(baselineDifferences(f('a', '1'), undefined, f('a', '3'), parser).map(({ change }) => change)).toEqual(['changed']);
});
