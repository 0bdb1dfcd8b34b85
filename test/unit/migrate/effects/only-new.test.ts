import { expect, test } from 'vitest';
import { onlyNew } from '../../../../src/migrate/effects/only-new.ts';
import { parseSqlFile } from '../../../../src/migrate/files/migration.ts';
import { loadSqlParser } from '../../../../src/migrate/sql/parser.ts';

const parser = await loadSqlParser();

test.each([
  ['create table a (id int primary key)', true],
  ['create table if not exists a (id int)', true],
  ['create table a (id int); create index on a (id)', true],
  ['create table core.a (id int); alter table core.a add check (id > 0)', true],
  ["create table a (id int); comment on table a is 'x'", true],
  ["alter table old add b int; create type mood as enum ('low')", true],
  ['create table a (id int references old)', false],
  ['create table a (like old)', false],
  ['create table a partition of old default', false],
  ['create table a (id int); create index on old (id)', false],
  ['create table a (id int); alter table a add foreign key (id) references old', false],
  ['create table if not exists a (id int); alter table a add b int', false],
  ['create table a (id int); insert into a select f()', false],
  ['create table a as select * from old', false],
  ['alter table old add b int', false],
  ['select f()', false],
])('%s: locks nothing but what it made: %s', (text, expected) => {
  const { statements } = parseSqlFile({ path: '1_a.sql', location: '/1_a.sql', text, sha256: '' }, parser);
  expect(onlyNew(statements).last).toBe(expected);
});

test('of all statements it is said only where each locks nothing that was there', () => {
  const all = (text: string): boolean =>
    onlyNew(parseSqlFile({ path: '1_a.sql', location: '/1_a.sql', text, sha256: '' }, parser).statements).all;
  expect(all('create table a (id int); create index on a (id)')).toBe(true);
  expect(all('alter table old add b int; create table a (id int)')).toBe(false);
  expect(all("create table a (id int); insert into a values (1); comment on table a is 'x'")).toBe(false);
});
