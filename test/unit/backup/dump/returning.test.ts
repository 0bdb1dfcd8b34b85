import { expect, test } from 'vitest';
import { returningWithDump } from '../../../../src/backup/dump/returning.ts';
import type { Deed } from '../../../../src/repository/ledger-deed.ts';
import type { LedgerEntry } from '../../../../src/repository/ledger.ts';

const on = { kind: 'table', schema: 'core', name: 'play' } as const;
const revoked = (database: string): Deed => ({ kind: 'privilege-revoked', database, grantee: 'a', privileges: ['SELECT'], on });

function entry(at: string, deed: Deed): LedgerEntry {
  return { systemIdentifier: '1', at: new Date(at), timeline: 1, lsn: 1n, by: 'a test', deed };
}

const LEDGER = [
  entry('2026-11-21T11:59:59Z', { kind: 'role-dropped', role: 'before' }),
  entry('2026-11-21T12:00:00Z', { kind: 'role-dropped', role: 'since' }),
  entry('2026-11-21T12:00:01Z', revoked('music')),
  entry('2026-11-21T12:00:02Z', revoked('other')),
  entry('2026-11-21T12:00:03Z', { kind: 'password-rotated', role: 'a', verifier: null }),
];
const startedAt = '2026-11-21T12:00:00.000Z';

test('a dump brings back what was taken away since it began: roles with its globals only, the rest with its database, no password', () => {
  const databases = ['music'];
  expect(returningWithDump({ startedAt }, { databases, globals: true }, LEDGER)).toEqual([LEDGER[1], LEDGER[2]]);
  expect(returningWithDump({ startedAt }, { databases, globals: false }, LEDGER)).toEqual([LEDGER[2]]);
});
