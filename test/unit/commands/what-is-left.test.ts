import { expect, test } from 'vitest';
import { whatIsLeft } from '../../../src/commands/schedule/what-is-left.ts';

test.each([
  'create unique index CONCURRENTLY if not exists a on b (c)',
  'drop index concurrently a',
  'reindex (concurrently) table b',
  'alter table b detach partition c\n  concurrently',
])('it is told what %s can leave', (sql) => {
  for (const isRefusedInTransaction of [true, false]) expect(whatIsLeft(sql, isRefusedInTransaction)).toMatch(/an invalid index/);
});

test('of other SQL it is told where the server has said that it takes no transaction', () => {
  for (const sql of [
    'vacuum',
    'call p()',
    'refresh materialized view concurrently a',
    'drop index a; refresh materialized view concurrently b',
  ]) {
    expect(whatIsLeft(sql, true)).toMatch(/stays$/);
    expect(whatIsLeft(sql, false)).toBeUndefined();
  }
});
