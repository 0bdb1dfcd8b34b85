import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { normaliseSql, sha256Of } from '../../../src/migrate/files/checksum.ts';
import { foldHistory, type HistoryRow } from '../../../src/migrate/history/history.ts';
import { statementSha, parseSqlFile, type MigrationFile, type SqlFile } from '../../../src/migrate/files/migration.ts';
import { compareVersions, nextVersion, parseMigrationName, titleOf } from '../../../src/migrate/files/names.ts';
import { loadSqlParser } from '../../../src/migrate/sql/parser.ts';
import { planMigrations, STRICT, type MigrationPlan, type Observed } from '../../../src/migrate/plan.ts';
import { restorePointName, restorePointObstacle } from '../../../src/migrate/restore-point.ts';
import { pauseBeforeMs } from '../../../src/migrate/session/retry.ts';
import { describeState } from '../../../src/migrate/state.ts';

const parser = await loadSqlParser();
const NOW = new Date('2026-11-21T10:15:02Z');
const SEED = 20_261_121;

const sqlFile = (path: string, text: string): SqlFile => ({ path, location: `/p/${path}`, text, sha256: sha256Of(text) });
const migration = (file: string, text = 'select 1'): MigrationFile => ({
  name: parseMigrationName(file),
  file: sqlFile(`m/${file}`, text),
});
let seq = 0;
const row = (file: string, text = 'select 1', changes: Partial<HistoryRow> = {}): HistoryRow => ({
  seq: String((seq += 1)),
  runId: 'r',
  kind: 'versioned',
  version: parseMigrationName(file).version,
  name: file,
  statementNo: undefined,
  sha256: sha256Of(text),
  startedAt: NOW,
  finishedAt: NOW,
  appliedBy: 'dba',
  ...changes,
});
const observed = (
  migrations: readonly MigrationFile[],
  rows: readonly HistoryRow[],
  bodies: Readonly<Record<string, string>> = {},
): Observed => ({
  migrations,
  routines: [],
  fileProblems: [],
  unread: new Set(),
  noDirectory: undefined,
  history: foldHistory(rows),
  storedBodies: new Map(Object.entries(bodies)),
});
const plan = (world: Observed, policy = STRICT): MigrationPlan => planMigrations(world, policy, parser, NOW);
const versions = ({ versioned }: MigrationPlan): readonly string[] => versioned.map(({ name }) => name.version);

test('planMigrations: what is not in the history is pending, in order', () => {
  expect(versions(plan(observed([migration('1_a.sql'), migration('2_b.sql'), migration('10_c.sql')], [row('1_a.sql')])))).toEqual([
    '2',
    '10',
  ]);
});

test('planMigrations: 001 in the history is 1 on disk', () => {
  expect(versions(plan(observed([migration('1_a.sql')], [row('001_a.sql')])))).toEqual([]);
});

test('planMigrations: a version taken down is pending again', () => {
  expect(versions(plan(observed([migration('1_a.sql')], [row('1_a.sql'), row('1_a.sql', 'select 1', { kind: 'down' })])))).toEqual(['1']);
});

test('planMigrations: a baseline needs no files and forbids none', () => {
  expect(plan(observed([migration('6_b.sql')], [row('5_base.sql', '', { kind: 'baseline' })])).problems).toEqual([]);
});

test('planMigrations: a changed file is a problem, a changed comment a warning', () => {
  const changed = plan(observed([migration('1_a.sql', 'select 2')], [row('1_a.sql', 'select 1')], { '1': 'select 1' }));
  expect(changed.problems.map(({ code }) => code)).toEqual(['migration-changed']);
  const commented = plan(observed([migration('1_a.sql', 'select /* one */ 1; -- x')], [row('1_a.sql', 'select 1')], { '1': 'select 1' }));
  expect([commented.problems, commented.warnings.length]).toEqual([[], 1]);
});

test('planMigrations: a space inside a function body is a change', () => {
  const body = 'create function f() returns int language sql as $$select 1$$';
  const world = observed([migration('1_a.sql', body.replace('select 1', 'select  1'))], [row('1_a.sql', body)], { '1': body });
  expect(plan(world).problems).toHaveLength(1);
});

test('planMigrations: requires looks at what is applied and what is pending before', () => {
  const after = migration('3_c.sql', '-- dbadmin: requires 1\n-- dbadmin: requires 2\nselect 1');
  expect(plan(observed([migration('2_b.sql'), after], [row('1_a.sql')], {}), { outOfOrder: false, missing: true }).problems).toEqual([]);
  const before = migration('1_a.sql', '-- dbadmin: requires 2\nselect 1');
  expect(plan(observed([before, migration('2_b.sql')], [])).problems.map(({ message }) => message)).toEqual([
    'm/1_a.sql:1:1: requires 2, which is neither applied nor pending before it',
  ]);
});

test('planMigrations: an interrupted no-transaction file resumes, and its begun statement is known', () => {
  const file = migration('1_a.sql', '-- dbadmin: no-transaction\nselect 1;\nvacuum;\nselect 3;');
  const statements = parseSqlFile(file.file, parser).statements;
  const done = (number: number, finishedAt: Date | undefined): HistoryRow =>
    row('1_a.sql', '', { statementNo: number, sha256: statementSha(statements[number - 1] ?? expect.fail()), finishedAt });
  const [pending] = plan(observed([file], [done(1, NOW), done(2, undefined)])).versioned;
  expect([[...(pending?.finished ?? [])], pending?.interrupted]).toEqual([[1], 2]);
  const state = describeState(observed([file], [done(1, NOW)]), plan(observed([file], [done(1, NOW)])));
  expect(state.migrations.map((each) => each.state)).toEqual(['begun']);
});

test(`planMigrations: any order of files and any applied prefix give the rest in order (seed ${SEED})`, () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 10 ** 9 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(numbers, fc.nat(), (found, cut) => {
      const sorted = found.toSorted((a, b) => a - b);
      const applied = sorted.slice(0, cut % (sorted.length + 1));
      const files = found.map((number) => migration(`${number}_x.sql`)).sort((a, b) => compareVersions(a.name.version, b.name.version));
      const result = plan(
        observed(
          files,
          applied.map((number) => row(`${number}_x.sql`)),
        ),
      );
      expect(result.problems).toEqual([]);
      expect(versions(result).map(Number)).toEqual(sorted.slice(applied.length));
    }),
    { seed: SEED, numRuns: 100 },
  );
});

test('directives: all of them, and the down section apart', () => {
  const text = [
    '-- made by hand',
    '-- dbadmin: no-transaction',
    '--dbadmin: lock-timeout 2s',
    '-- dbadmin: statement-timeout 1h30m',
    '-- dbadmin: allow rename -- nobody reads it yet',
    '-- dbadmin: requires 20261121T093000',
    'select 1;',
    '-- dbadmin: down',
    'select 2; select 3;',
  ].join('\n');
  const { directives, statements, down } = parseSqlFile(sqlFile('f.sql', text), parser);
  expect(directives).toEqual({
    transaction: false,
    lockTimeoutMs: 2000,
    statementTimeoutMs: 5_400_000,
    allow: [{ rule: 'rename', reason: 'nobody reads it yet' }],
    irreversible: false,
    requires: [{ version: '20261121T093000', offset: text.indexOf('-- dbadmin: requires') }],
  });
  expect([statements.map((each) => each.text), down?.map((each) => `${each.number} ${each.text}`)]).toEqual([
    ['select 1'],
    ['1 select 2', '2 select 3'],
  ]);
});

test.each([
  ['-- dbadmin: allow rename\nselect 1', 'allow takes a rule and a reason'],
  ['-- dbadmin: lock-timeout soon\nselect 1', '"soon" is not a duration'],
  ['select 1\n-- dbadmin: down\n;', '"-- dbadmin: down" stands inside a statement'],
  ['select 1;\n-- dbadmin: down\n-- dbadmin: down', 'a second down section'],
  ['-- dbadmin: irreversible\nselect 1;\n-- dbadmin: down\nselect 2;', 'irreversible, and yet a down section'],
  ['-- dbadmin: no-transaction please\nselect 1', 'no-transaction takes no value'],
  ['-- dbadmin: no-transaction\n-- to be written\n', 'f.sql: holds no statement'],
  ['discard all', 'DISCARD ALL would release the lock of this run'],
  ['start transaction', 'START is not for a migration to say'],
  ['copy t to stdout', 'COPY … TO stdout has nowhere to go'],
  ['-- dbadmin: no-transaction\ncreate index concurrently on t (a)', 'an index built concurrently needs a name'],
])('parseSqlFile: refuses %j', (text, message) => {
  expect(() => parseSqlFile(sqlFile('f.sql', text), parser)).toThrow(message);
});

test('parseSqlFile: a directive in a string or a body is text', () => {
  const text = "select '\n-- dbadmin: down\n';\ndo $$\n-- dbadmin: nonsense\nbegin end $$;";
  expect(parseSqlFile(sqlFile('f.sql', text), parser)).toMatchObject({ down: undefined, statements: [{ number: 1 }, { number: 2 }] });
});

test.each([
  ['create unique index concurrently i on a.b (c)', 'CREATE UNIQUE INDEX CONCURRENTLY', 'a.b', true],
  ['drop index concurrently a.i, "J"', 'DROP INDEX CONCURRENTLY', 'a.i, "J"', true],
  ['alter table a.b add c int', 'ALTER TABLE', 'a.b', false],
  ['alter table p detach partition q concurrently', 'ALTER TABLE', 'p', true],
  ['alter table p detach partition q', 'ALTER TABLE', 'p', false],
  ['reindex index concurrently i', 'REINDEX CONCURRENTLY', 'i', true],
  ['reindex table t', 'REINDEX', 't', true],
  ['cluster t using i', 'CLUSTER', 't', true],
  ['reindex schema s', 'REINDEX', 's', true],
  ['vacuum full a.b', 'VACUUM', 'a.b', true],
  ['analyze a', 'ANALYZE', 'a', false],
  ['create database d', 'CREATE DATABASE', undefined, true],
  ['call s.p()', 'CALL', 's.p', true],
  ['create materialized view a.m as select 1', 'CREATE MATERIALIZED VIEW', 'a.m', false],
  ['create or replace procedure a.p() language sql as $$$$', 'CREATE PROCEDURE', 'a.p', false],
  ['with x as (select 1) insert into a.b select * from x', 'INSERT', 'a.b', false],
  ['update a.b set c = 1', 'UPDATE', 'a.b', false],
])('classify: %s', (text, command, object, alone) => {
  const [statement] = parseSqlFile(sqlFile('f.sql', `-- dbadmin: no-transaction\n${text}`), parser).statements;
  expect(statement?.kind).toEqual({ command, object, alone });
});

test('names: versions order as numbers, and new ones come after all', () => {
  expect(['20261121T093000', '10', '2', '0001', '20261121093001'].sort(compareVersions)).toEqual([
    '0001',
    '2',
    '10',
    '20261121T093000',
    '20261121093001',
  ]);
  expect(nextVersion(NOW, undefined)).toBe('20261121T101502');
  expect(nextVersion(NOW, '20261121T101502')).toBe('20261121T101503');
  expect(nextVersion(NOW, '20261231T235959')).toBe('20270101T000000');
  expect(titleOf('  Add "plays" & more! ')).toBe('add_plays_more');
  expect(() => titleOf('***')).toThrow('gives no file name');
});

test('checksum: BOM and CRLF do not count, a lone CR and everything else does', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');
  expect(normaliseSql(bytes('\ufeffa\r\nb\r'), 'f.sql')).toBe('a\nb\r');
  expect(sha256Of('a')).toBe('ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb');
  expect(() => normaliseSql(bytes('a\0'), 'f.sql')).toThrow('f.sql: holds a zero byte');
  expect(() => normaliseSql(new Uint8Array([0xff, 0xfe, 0x41, 0]), 'f.sql')).toThrow('f.sql: not UTF-8');
});

test('restore points: named within 63 characters, and not where they cannot be', () => {
  expect(restorePointName(NOW, '20261121T093000')).toBe('dbadmin_20261121T101502Z_20261121T093000');
  expect(restorePointName(NOW, undefined)).toBe('dbadmin_20261121T101502Z_routines');
  expect(restorePointObstacle({ walLevel: 'minimal', user: 'u', maySetRestorePoint: true })).toContain('wal_level is minimal');
  expect(restorePointObstacle({ walLevel: 'replica', user: 'u', maySetRestorePoint: true })).toBeUndefined();
});

test('retry: pauses double up to the longest and spread over half of it', () => {
  const policy = { attempts: 10, firstPauseMs: 1000, longestPauseMs: 30_000 };
  expect([1, 2, 3, 6, 9].map((attempt) => pauseBeforeMs(attempt, policy, 1))).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  expect(pauseBeforeMs(3, policy, 0)).toBe(2000);
});

test('planMigrations: a file renamed to another version is named as such, and is not to run a second time', () => {
  const { problems } = plan(
    observed([migration('1_a.sql', 'select 1'), migration('3_b.sql', 'select 2')], [row('1_a.sql'), row('2_b.sql', 'select 2')]),
  );
  expect(problems.map(({ message }) => message)).toEqual(['m/3_b.sql is 2_b.sql under another version']);
  expect(problems[0]?.detail).toContain('it would run a second time');
  expect(problems[0]?.hint).toBe('Give it its name back: git mv m/3_b.sql m/2_b.sql');
});

test('planMigrations: a file renamed under its version is applied, which a warning says', () => {
  const { problems, warnings, versioned } = plan(observed([migration('1_better.sql')], [row('1_a.sql')]));
  expect({ problems, versioned }).toEqual({ problems: [], versioned: [] });
  expect(warnings).toEqual(['m/1_better.sql was applied as 1_a.sql; its version and text are the same']);
});

test('planMigrations: an applied file that cannot be read is a problem of its own, and nobody is told that it is gone', () => {
  const unreadable = new DbadminError('file-unreadable', 'cannot read m/1_a.sql');
  const world = { ...observed([], [row('1_a.sql')]), fileProblems: [unreadable], unread: new Set(['1']) };
  expect(plan(world).problems).toEqual([unreadable]);
  expect(plan(world, { outOfOrder: false, missing: true }).warnings).toEqual([]);
  expect(describeState(world, plan(world)).migrations.map(({ state }) => state)).toEqual(['applied']);
});

test('planMigrations: where there is no directory of files that is said, and not only that nothing is pending', () => {
  expect(plan({ ...observed([], []), noDirectory: 'sql/migrations' }).warnings).toEqual([
    'there is no directory sql/migrations, so no versioned file was found',
  ]);
  const routines = [{ name: 'public/f', file: sqlFile('r/f', 'create or replace view f as select 1 as one') }];
  expect(plan({ ...observed([], []), routines, noDirectory: 'sql/migrations' }).warnings).toEqual([]);
  const world = { ...observed([], [row('1_a.sql'), row('2_b.sql')]), noDirectory: 'sql/migrations' };
  expect(plan(world).problems.map(({ message }) => message)).toEqual([
    'there is no directory sql/migrations, and versions are applied here',
  ]);
  expect(plan(world, { outOfOrder: false, missing: true }).problems).toEqual([]);
});

test('planMigrations: a file that was begun and is gone is a problem, not up to date', () => {
  const begun = [row('2_b.sql', 'x', { statementNo: 1 }), row('2_b.sql', 'y', { statementNo: 2, finishedAt: undefined })];
  const world = observed([migration('1_a.sql')], [row('1_a.sql'), ...begun]);
  const [problem, ...others] = plan(world).problems;
  expect([problem?.message, others]).toEqual(['version 2 is applied in part and its file is gone', []]);
  expect(problem?.detail).toContain('Of its statements 1 ran');
  expect(problem?.hint).toContain('dbadmin migrate repair --undone 2 -- REASON');
  expect(plan(world, { outOfOrder: false, missing: true })).toMatchObject({
    problems: [],
    warnings: ['version 2 is applied in part and its file is gone'],
  });
});

test('planMigrations: a begun file goes on where it stopped when its number is written with other zeros', () => {
  const text = '-- dbadmin: no-transaction\nselect 1;\nselect 2;';
  const [first] = parseSqlFile(migration('1_a.sql', text).file, parser).statements;
  const begun = row('001_a.sql', '', { statementNo: 1, sha256: statementSha(first ?? expect.fail()) });
  const world = observed([migration('1_a.sql', text)], [begun]);
  expect([...(plan(world).versioned[0]?.finished ?? [])]).toEqual([1]);
  expect(describeState(world, plan(world)).migrations.map(({ state }) => state)).toEqual(['begun']);
  expect(foldHistory([begun, row('1_a.sql', text)]).begun.size).toBe(0);
});
