import { expect, test } from 'vitest';
import { isServerError, parseServerMessage, PostgresError } from '../../../src/postgres/postgres-error.ts';

test('what the server reported is told from what befell the connection, whose code may look like an SQLSTATE', () => {
  const said = parseServerMessage(Buffer.from('SERROR\0VERROR\0C42704\0Mrole "a" does not exist\0\0'));
  expect(isServerError(new PostgresError(said))).toBe(true);
  expect(isServerError(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))).toBe(false);
  expect(isServerError(Object.assign(new Error('write CONNECTION_CLOSED'), { code: 'CONNECTION_CLOSED' }))).toBe(false);
  expect(isServerError('42704')).toBe(false);
});
