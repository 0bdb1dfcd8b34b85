import { describe, expect, test } from 'vitest';
import { parseSqlFile } from '../../../../src/migrate/files/migration.ts';
import { loadSqlParser } from '../../../../src/migrate/sql/parser.ts';
import { lossesOf, type RanFile } from '../../../../src/migrate/undo/losses.ts';

const parser = await loadSqlParser();

function lost(text: string, searchPath: readonly string[] = ['public']): readonly string[] {
  return lostByFiles([text], searchPath);
}

function parse(text: string): RanFile {
  return parseSqlFile({ path: '1_a.sql', location: '/1_a.sql', text, sha256: '' }, parser).statements;
}

function lostByFiles(texts: readonly string[], searchPath: readonly string[] = ['public']): readonly string[] {
  return lossesOf(texts.map(parse), searchPath).map((loss) => {
    if (loss.kind === 'schema') return `schema ${loss.schema}`;
    const table = `${loss.table.schema}.${loss.table.name}`;
    return loss.kind === 'column' ? `column ${table}.${loss.column} by ${loss.by}` : `${loss.kind} ${table} by ${loss.by}`;
  });
}

describe('lossesOf: what statements took', () => {
  test.each([
    ['drop table a, core."B c" cascade', ['table public.a by DROP TABLE', 'table core.B c by DROP TABLE']],
    [
      'alter table core.play drop column a, drop column if exists b',
      ['column core.play.a by DROP COLUMN', 'column core.play.b by DROP COLUMN'],
    ],
    ['alter table play alter column a type int using 1', ['column public.play.a by ALTER COLUMN … TYPE']],
    ['truncate a, core.b', ['rows public.a by TRUNCATE', 'rows core.b by TRUNCATE']],
    ['delete from only a where true', ['rows public.a by DELETE']],
    ['update core.a set (x, y) = (1, 2), z = 3', ['column core.a.x by UPDATE', 'column core.a.y by UPDATE', 'column core.a.z by UPDATE']],
    ['insert into a values (1) on conflict (id) do update set x = 1', ['column public.a.x by ON CONFLICT DO UPDATE']],
    ['with gone as (delete from a returning *) insert into b select * from gone', ['rows public.a by DELETE']],
    ['merge into a using b on a.id = b.id when matched then delete', ['rows public.a by MERGE']],
    ['drop schema core, "Old" cascade', ['schema core', 'schema Old']],
    ['drop view v; drop index i; drop function f(); drop materialized view m; alter table a add b int; insert into a values (1)', []],
  ])('%s', (text, expected) => {
    expect(lost(text)).toEqual(expected);
  });

  test('what the statements made themselves is not lost, and neither is a column they added', () => {
    expect(lost('create table a (); drop table a; create table b as select 1; truncate b; alter table b drop column x')).toEqual([]);
    expect(lost('alter table a add column n int; update a set n = 1, o = 2; alter table a drop column n')).toEqual([
      'column public.a.o by UPDATE',
    ]);
  });

  test('IF NOT EXISTS makes nothing for sure: what was taken from it may have been there before', () => {
    expect(lost('alter table a add column if not exists n int; update a set n = 1; alter table a drop column n')).toEqual([
      'column public.a.n by UPDATE',
    ]);
    expect(lost('create table if not exists a (); delete from a; alter table a drop column x')).toEqual([
      'rows public.a by DELETE',
      'column public.a.x by DROP COLUMN',
    ]);
    expect(lost('create table if not exists a as select 1 as x; drop table a')).toEqual(['table public.a by DROP TABLE']);
  });

  test('IF NOT EXISTS under a name that the statements made, or that they freed themselves, is theirs', () => {
    expect(lost('create table a (); create table if not exists a (); drop table a')).toEqual([]);
    expect(lost('alter table a add n int; alter table a add column if not exists n int; update a set n = 1')).toEqual([]);
    expect(lost('alter table a rename to a_old; create table if not exists a (); drop table a')).toEqual([]);
    expect(lost('drop table if exists a; create table if not exists a (); alter table a rename to b; drop table b')).toEqual([
      'table public.a by DROP TABLE',
    ]);
    expect(lost('create temp table if not exists a (); delete from a')).toEqual([]);
    // The first makes the name free, the second takes it again.
    expect(lost('alter table a rename to b; alter table b rename to a; create table if not exists a (); delete from a')).toEqual([
      'rows public.a by DELETE',
    ]);
  });

  test('a table dropped and made again was lost; one made and dropped and dropped again once more is another', () => {
    expect(lost('drop table a; create table a (); drop table a')).toEqual(['table public.a by DROP TABLE']);
  });

  test('a table that comes back whole brings its columns and rows', () => {
    expect(lost('alter table a drop column x; delete from a; drop table a')).toEqual(['table public.a by DROP TABLE']);
  });

  test('names follow renamings back to what they were before', () => {
    expect(lost('alter table a rename to b; alter table b set schema core; drop table core.b')).toEqual(['table public.a by DROP TABLE']);
    expect(lost('alter table a rename column x to y; alter table a rename to b; alter table b drop column y')).toEqual([
      'column public.a.x by DROP COLUMN',
    ]);
    expect(lost('alter table a rename to a_old; create table a (); drop table a; drop table a_old')).toEqual([
      'table public.a by DROP TABLE',
    ]);
    expect(lost('alter table a add n int; alter table a rename n to m; alter table a drop m')).toEqual([]);
  });

  test('what ran between the restore point and the statements renames and makes, and what it took itself is not told', () => {
    const before = parse('create table made (); alter table a rename to b; drop table other');
    expect(lossesOf([parse('drop table made; drop table b')], ['public'], [before])).toEqual([
      { kind: 'table', table: { schema: 'public', name: 'a' }, by: 'DROP TABLE' },
    ]);
  });

  test('unqualified names are those of the search path, and of the one the file sets', () => {
    expect(lost('drop table a', ['app', 'public'])).toEqual(['table app.a by DROP TABLE']);
    expect(lost('set local search_path = core, public; drop table a')).toEqual(['table core.a by DROP TABLE']);
  });

  test('a search path holds until the end of its file, or until it is reset; what the file made and renamed stays known', () => {
    expect(lostByFiles(['set search_path = archive; drop table old', 'drop table play'])).toEqual([
      'table archive.old by DROP TABLE',
      'table public.play by DROP TABLE',
    ]);
    const before = parse('set search_path = archive; create table play (); alter table public.a rename to b');
    expect(lossesOf([parse('drop table play; drop table b')], ['public'], [before])).toEqual([
      { kind: 'table', table: { schema: 'public', name: 'play' }, by: 'DROP TABLE' },
      { kind: 'table', table: { schema: 'public', name: 'a' }, by: 'DROP TABLE' },
    ]);
    for (const reset of ['reset search_path', 'reset all', 'set search_path to default', 'set search_path = "$user", app'])
      expect(lost(`set search_path = archive; ${reset}; drop table play`, ['app'])).toEqual(['table app.play by DROP TABLE']);
    expect(lost('set search_path = archive; reset lock_timeout; drop table play')).toEqual(['table archive.play by DROP TABLE']);
  });
});
