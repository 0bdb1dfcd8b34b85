import { describe, expect, test } from 'vitest';
import { parseSqlFile, statementSha, type Statement } from '../../../../src/migrate/files/migration.ts';
import { loadSqlParser } from '../../../../src/migrate/sql/parser.ts';
import { overLimit } from '../../../../src/migrate/rehearse/limit.ts';
import type { Block, RehearsedFile } from '../../../../src/migrate/rehearse/record.ts';
import { saferWay } from '../../../../src/migrate/rehearse/safer.ts';

const parser = await loadSqlParser();
const parse = (text: string): readonly Statement[] =>
  parseSqlFile({ path: 'sql/migrations/1_a.sql', location: '/1_a.sql', text, sha256: '' }, parser).statements;

function rehearsed(statements: readonly Statement[], tookMs: readonly number[], reads: Block | null, writes: Block | null): RehearsedFile {
  return {
    kind: 'versioned',
    version: '1',
    path: 'sql/migrations/1_a.sql',
    transaction: true,
    applied: true,
    tookMs: 0,
    walBytes: 0,
    commitMs: 0,
    blocked: [{ table: 'public.t', reads, writes }],
    statements: statements.map((statement, index) => ({
      file: 'sql/migrations/1_a.sql',
      number: statement.number,
      line: statement.line,
      sha256: statementSha(statement),
      command: statement.kind.command,
      object: statement.kind.object ?? null,
      text: statement.text,
      tookMs: tookMs[index] ?? 0,
      walBytes: 0,
      rows: 0,
      seen: 'exact',
      locks: [],
      rewrites: [],
    })),
  };
}

describe('overLimit', () => {
  test('is nothing at the limit, and everything above it', () => {
    const statements = parse('create index i on t (a);');
    const file = rehearsed(statements, [2000], null, { ms: 2000, mode: 'Share', by: 0, longest: 0 });
    expect(overLimit(file, statements, 2000)).toEqual([]);
    expect(overLimit(file, statements, 1999)).toMatchObject([
      {
        table: 'public.t',
        blocks: 'writes',
        blockedMs: 2000,
        statement: { number: 1, line: 1, command: 'CREATE INDEX' },
        hint: 'CREATE INDEX CONCURRENTLY, in a file of its own that begins with -- dbadmin: no-transaction.',
      },
    ]);
  });

  test('names the statement that takes the lock and the one that keeps it, and what to do about the second', () => {
    const statements = parse('alter table t add column b int;\nupdate t set b = 1;');
    const block: Block = { ms: 8100, mode: 'AccessExclusive', by: 0, longest: 1 };
    expect(overLimit(rehearsed(statements, [2, 8000], block, block), statements, 2000)).toMatchObject([
      {
        blocks: 'reads and writes',
        statement: { line: 1, command: 'ALTER TABLE', object: 't' },
        longest: { line: 2, command: 'UPDATE', tookMs: 8000 },
        hint: expect.stringMatching(/^Statement 2 takes 8\.0 s of it: change the rows in batches, /),
      },
    ]);
  });

  test('a statement for which no other way is known is left to a quiet hour, or to a file of its own', () => {
    const statements = parse('drop table a;\nselect 1;');
    const alone: Block = { ms: 3000, mode: 'AccessExclusive', by: 0, longest: 0 };
    expect(overLimit(rehearsed(statements, [2900, 100], alone, alone), statements, 2000)[0]).toMatchObject({
      longest: null,
      hint: 'dbadmin knows no way to do it without this lock: run it when others can wait.',
    });
    expect(overLimit(rehearsed(statements, [5, 4], alone, alone), statements, 2000)[0]).toMatchObject({
      longest: null,
      hint: 'Let it stand in a file of its own, so that the lock is held for nothing else.',
    });
  });

  test('readers within the limit leave the wait to the writers', () => {
    const statements = parse('alter table t add foreign key (a) references u (id);\nalter table t set (fillfactor = 80);');
    const file = rehearsed(
      statements,
      [3000, 1],
      { ms: 10, mode: 'AccessExclusive', by: 1, longest: 1 },
      { ms: 3010, mode: 'ShareRowExclusive', by: 0, longest: 0 },
    );
    expect(overLimit(file, statements, 2000)).toMatchObject([
      { blocks: 'writes', blockedMs: 3010, hint: expect.stringContaining('NOT VALID') },
    ]);
  });
});

test.each([
  ['create index i on t (a)', /^CREATE INDEX CONCURRENTLY/],
  ['create index concurrently i on t (a)', undefined],
  ['reindex table t', /CONCURRENTLY/],
  ['refresh materialized view v', /CONCURRENTLY/],
  ['refresh materialized view concurrently v', undefined],
  ['delete from t', /in batches/],
  ['vacuum full t', /pg_repack/],
  ['alter table t alter a type bigint', /column of the new type/],
  ['alter table t alter a set not null', /CHECK \(… IS NOT NULL\) NOT VALID/],
  ['alter table t add check (a > 0)', /NOT VALID.*VALIDATE/],
  ['alter table t add unique (a)', /USING INDEX/],
  ['alter table t add primary key (a)', /USING INDEX/],
  ['alter table t add column b float default random()', /SET DEFAULT/],
  ['alter table t set unlogged', /swap the names/],
  ['alter table p attach partition t for values from (1) to (2)', /CHECK of its bounds/],
  ['alter table p detach partition t', /CONCURRENTLY/],
  ['alter table t rename to u', undefined],
])('the safe way of "%s" is known where there is one', (sql, expected) => {
  const way = saferWay(parse(`-- dbadmin: no-transaction\n${sql};`)[0] as Statement);
  if (expected === undefined) expect(way).toBeUndefined();
  else expect(way).toMatch(expected);
});
