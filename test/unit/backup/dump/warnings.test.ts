import { expect, test } from 'vitest';
import { warningsOf } from '../../../../src/backup/dump/warnings.ts';

test('warningsOf: each as one line, with its details, in the words of pg_dump and of the server', () => {
  const said = [
    'pg_dump: warning: subscriptions not dumped because current user is not a superuser',
    'WARNING:  database "app" has a collation version mismatch',
    'DETAIL:  The database was created using collation version 2.31.',
    'pg_dump: warning: there are circular foreign-key constraints on this table:',
    'pg_dump: detail: day',
    'pg_dump: hint: Consider a full dump.',
    '',
  ].join('\n');
  expect(warningsOf(said)).toEqual([
    'subscriptions not dumped because current user is not a superuser',
    'WARNING:  database "app" has a collation version mismatch DETAIL:  The database was created using collation version 2.31.',
    'there are circular foreign-key constraints on this table: detail: day hint: Consider a full dump.',
  ]);
  expect(warningsOf('')).toEqual([]);
});
