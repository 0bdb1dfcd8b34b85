import { expect, test } from 'vitest';
import type { DbadminError } from '../../../../src/base/errors.ts';
import { sha256Of } from '../../../../src/migrate/files/checksum.ts';
import { foldHistory, type HistoryRow } from '../../../../src/migrate/history/history.ts';
import { statementSha, type MigrationFile } from '../../../../src/migrate/files/migration.ts';
import { parseMigrationName } from '../../../../src/migrate/files/names.ts';
import { loadSqlParser } from '../../../../src/migrate/sql/parser.ts';
import { planUndo, refusedError, remaining, versionsToUndo, type AppliedVersion } from '../../../../src/migrate/undo/plan.ts';

const parser = await loadSqlParser();
let seq = 0;

function row(name: string, body: string, changes: Partial<HistoryRow> = {}): HistoryRow {
  const at = new Date('2026-11-21T09:30:00Z');
  seq += 1;
  const base = { seq: String(seq), runId: 'r', kind: 'versioned' as const, version: name.split('_', 1)[0], name, statementNo: undefined };
  return { ...base, sha256: sha256Of(body), startedAt: at, finishedAt: at, appliedBy: 'app', ...changes };
}

function applied(name: string, body: string, changes: Partial<HistoryRow> = {}): AppliedVersion {
  const restorePoint = { name: 'dbadmin_x_1', lsn: '0/1' };
  return { version: name.split('_', 1)[0] ?? '', name, row: row(name, body, changes), body, runId: 'r', restorePoint };
}

function file(name: string, text: string): MigrationFile {
  return { name: parseMigrationName(name), file: { path: `m/${name}`, location: `/p/m/${name}`, text, sha256: sha256Of(text) } };
}

const DOWN = 'create table a ();\n-- dbadmin: down\ndrop table a;';
const plan = (versions: readonly AppliedVersion[], files: readonly MigrationFile[] = [], rows: readonly HistoryRow[] = []) =>
  planUndo(versions, files, foldHistory(rows), '/p', parser);
const failure = (act: () => unknown): DbadminError => {
  try {
    act();
  } catch (error) {
    return error as DbadminError;
  }
  throw new Error('it succeeded');
};

test('versionsToUndo: the newest by version, whatever the order in which they were applied', () => {
  const history = foldHistory([row('10_c.sql', ''), row('2_b.sql', ''), row('1_a.sql', '')]);
  const names = (extent: Parameters<typeof versionsToUndo>[1]): readonly string[] =>
    versionsToUndo(history, extent).map(({ name }) => name);
  expect(names({ kind: 'newest', count: 2 })).toEqual(['10_c.sql', '2_b.sql']);
  expect(names({ kind: 'after', version: '001' })).toEqual(['10_c.sql', '2_b.sql']);
  expect(names({ kind: 'after', version: '10' })).toEqual([]);
  expect(names({ kind: 'after', version: '0' })).toHaveLength(3);
  expect(remaining(history, versionsToUndo(history, { kind: 'newest', count: 2 }))).toBe('1');
  expect(remaining(history, versionsToUndo(history, { kind: 'newest', count: 3 }))).toBe('0');
});

test('versionsToUndo: an unknown version, too many and a file applied in part are refused', () => {
  const history = foldHistory([row('1_a.sql', '')]);
  expect(failure(() => versionsToUndo(history, { kind: 'after', version: '7' }))).toMatchObject({
    code: 'usage',
    detail: 'The newest that are: 1.',
  });
  expect(failure(() => versionsToUndo(history, { kind: 'newest', count: 2 }))).toMatchObject({ code: 'usage' });
  expect(failure(() => versionsToUndo(foldHistory([]), { kind: 'newest', count: 1 }))).toMatchObject({ code: 'usage' });
  const begun = foldHistory([row('1_a.sql', ''), row('2_b.sql', 'select 1', { statementNo: 1 })]);
  expect(failure(() => versionsToUndo(begun, { kind: 'newest', count: 1 }))).toMatchObject({
    code: 'migration-invalid',
    hint: 'Finish it first: dbadmin migrate up',
  });
});

test('planUndo: what runs is the down section of the stored text, numbered from 1, at its place in that text', () => {
  const { steps, refused, warnings } = plan([applied('1_a.sql', DOWN)], [file('1_a.sql', DOWN)]);
  expect([refused, warnings]).toEqual([[], []]);
  expect(steps).toMatchObject([
    { kind: 'down', file: { path: 'm/1_a.sql' }, parsed: { statements: [{ number: 1, line: 3, text: 'drop table a' }] } },
  ]);
});

test('planUndo: another down section in the file is warned of, one that differs in space and comments is not', () => {
  const spaced = DOWN.replace('drop table a', '-- gone\ndrop   table a');
  expect(plan([applied('1_a.sql', DOWN)], [file('1_a.sql', spaced)])).toMatchObject({
    warnings: [],
    steps: [{ file: { path: 'm/1_a.sql (as applied)' } }],
  });
  const other = DOWN.replace('drop table a', 'drop table b');
  expect(plan([applied('1_a.sql', DOWN)], [file('1_a.sql', other)]).warnings).toEqual([
    expect.stringMatching(/^the down section in m\/1_a\.sql is not the one/),
  ]);
  expect(plan([applied('1_a.sql', 'create table a ();')], [file('1_a.sql', DOWN)])).toMatchObject({
    warnings: [expect.stringContaining('repair --accept 1')],
    refused: [{ reason: 'it has no down section' }],
  });
});

test('planUndo: a baseline, an irreversible file, none at all and a text that is no file have no way down, each with its reason', () => {
  const { refused, steps } = plan([
    applied('4_d.sql', '-- dbadmin: irreversible\nselect 1;'),
    applied('3_c.sql', 'not sql'),
    applied('2_b.sql', 'select 1;'),
    applied('1_a.sql', DOWN, { kind: 'baseline' }),
  ]);
  expect(steps).toEqual([]);
  expect(refused.map(({ reason }) => reason)).toEqual([
    'it says of itself that it is irreversible',
    expect.stringContaining('syntax error'),
    'it has no down section',
    'it is the baseline, which was there before dbadmin came',
  ]);
  expect(refusedError(refused, '0')).toMatchObject({
    code: 'refused',
    message: '4 versions cannot be undone',
    hint: expect.stringContaining('rollback --to 0'),
  });
});

test('planUndo: an interrupted no-transaction section goes on after its last good statement, and only with the same ones', () => {
  const body = '-- dbadmin: no-transaction\nselect 1;\n-- dbadmin: down\nselect 2;\nselect 3;\nselect 4;';
  const version = applied('1_a.sql', body);
  const ran = (statementNo: number, text: string, finished: boolean): HistoryRow =>
    row('1_a.sql', '', {
      kind: 'down',
      statementNo,
      sha256: statementSha({ text } as Parameters<typeof statementSha>[0]),
      ...(finished ? {} : { finishedAt: undefined }),
    });
  const rows = [version.row, ran(1, 'select 2', true), ran(2, 'select 3', false)];
  const [step] = plan([version], [], rows).steps;
  expect([[...(step?.finished ?? [])], step?.interrupted]).toEqual([[1], 2]);
  expect([...foldHistory(rows).applied.keys()]).toEqual(['1']);
  expect(foldHistory([...rows, row('1_a.sql', body, { kind: 'down' })])).toMatchObject({ applied: new Map(), undoing: new Map() });
  expect(failure(() => plan([version], [], [version.row, ran(1, 'select 9', true)]))).toMatchObject({ code: 'migration-invalid' });
});
