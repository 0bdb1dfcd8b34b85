import { expect, test } from 'vitest';
import { foresee } from '../../../../src/migrate/effects/foresee.ts';
import { parseSqlFile, statementSha, type Statement } from '../../../../src/migrate/files/migration.ts';
import { forecast, type ForecastFile } from '../../../../src/migrate/rehearse/forecast.ts';
import type { Block, RehearsalRecord } from '../../../../src/migrate/rehearse/record.ts';
import { loadSqlParser } from '../../../../src/migrate/sql/parser.ts';

const parser = await loadSqlParser();
const parse = (text: string): readonly Statement[] =>
  parseSqlFile({ path: 'f.sql', location: '/f.sql', text, sha256: '' }, parser).statements;

function pending(version: string, text: string): ForecastFile {
  const [statements = []] = foresee([parse(text)], undefined, parser);
  return { version, file: `${version}_f.sql`, statements };
}

function rehearsal(version: string, text: string, writes: Block | null, reads: Block | null = null): RehearsalRecord {
  const statements = parse(text).map((statement) => ({
    file: `sql/migrations/${version}_f.sql`,
    number: statement.number,
    line: statement.line,
    sha256: statementSha(statement),
    command: '',
    object: null,
    text: statement.text,
    tookMs: 1,
    walBytes: 0,
    rows: null,
    seen: 'exact' as const,
    locks: [],
    rewrites: [],
  }));
  const blocked = writes === null && reads === null ? [] : [{ table: 'core.play', reads, writes }];
  const file = { kind: 'versioned' as const, version, path: `sql/migrations/${version}_f.sql`, transaction: true, applied: true };
  return {
    format: 1,
    at: '2026-11-21T10:16:00.000Z',
    tool: '0',
    cluster: 'main',
    database: 'd',
    user: 'u',
    serverVersion: '17',
    backup: 'b',
    moment: 'm',
    restoreMs: 1,
    files: [{ ...file, tookMs: 1, walBytes: 0, commitMs: 0, statements, blocked }],
    warnings: [],
  };
}

const WIDEN = 'alter table core.play add column device text;\nupdate core.play set device = $$x$$;';
const BLOCK: Block = { ms: 8100, mode: 'AccessExclusive', by: 0, longest: 1 };

test('nothing pending blocks nothing, and nothing is said', () => {
  expect(forecast([], undefined)).toBeUndefined();
});

test('what was measured with the same text is told with its span and the statement that takes the lock', () => {
  const told = forecast([pending('1', WIDEN)], rehearsal('1', WIDEN, BLOCK, BLOCK));
  expect(told).toMatchObject({
    source: 'rehearsal',
    rehearsedAt: '2026-11-21T10:16:00.000Z',
    longestMs: 8100,
    blocks: [{ file: '1_f.sql', table: 'core.play', blocks: 'reads+writes', lock: 'AccessExclusive', statement: 1, line: 1, ms: 8100 }],
    sentence: 'Reads and writes wait up to 8.1 s for core.play, as the rehearsal measured.',
  });
});

test('of a text that was not rehearsed only the locks are told, and no time', () => {
  const changed = WIDEN.replace('text', 'varchar(9)');
  const told = forecast([pending('1', changed)], rehearsal('1', WIDEN, BLOCK, BLOCK));
  expect(told).toMatchObject({ source: 'locks', rehearsedAt: null, longestMs: null, blocks: [{ table: 'core.play', ms: null }] });
  expect(told?.sentence).toBe('Reads and writes wait for core.play; for how long, no rehearsal has measured.');
});

test('where one file was rehearsed and another was not, both are told, the measured first', () => {
  const files = [pending('1', WIDEN), pending('2', 'create index on core.listener (name);')];
  const told = forecast(files, rehearsal('1', WIDEN, { ...BLOCK, ms: 20, mode: 'Share' }));
  expect(told?.source).toBe('both');
  expect(told?.blocks.map(({ table, blocks, ms }) => [table, blocks, ms])).toEqual([
    ['core.play', 'writes', 20],
    ['core.listener', 'writes', null],
  ]);
  expect(told?.sentence).toBe(
    'Writes wait up to 20 ms for core.play, as the rehearsal measured. Of the files that were not rehearsed as they are: Writes wait for core.listener while an index on it is built; for how long, no rehearsal has measured.',
  );
});

test('a table that the file makes itself keeps nobody waiting', () => {
  const told = forecast([pending('1', 'create table t (id int);\ncreate index on t (id);')], undefined);
  expect(told).toMatchObject({ source: 'locks', blocks: [], sentence: 'Nobody waits for a table, as far as locks tell.' });
});
