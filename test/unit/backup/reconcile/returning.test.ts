import { describe, expect, test } from 'vitest';
import { backIfRenamed } from '../../../../src/backup/reconcile/describe.ts';
import {
  olderThanMigrations,
  returningIfRenamed,
  returningWith,
  returningWithTables,
  withoutOvertaken,
} from '../../../../src/backup/reconcile/returning.ts';
import type { Deed } from '../../../../src/repository/ledger-deed.ts';
import type { LedgerEntry } from '../../../../src/repository/ledger.ts';

let count = 0;
function entry(lsn: bigint, timeline = 1, deed: Deed = { kind: 'role-dropped', role: `r${lsn}` }): LedgerEntry {
  count += 1;
  return { systemIdentifier: '7', at: new Date(count * 1000), timeline, lsn, by: 'test', deed };
}

const lsns = (entries: readonly LedgerEntry[]): readonly bigint[] => entries.map(({ lsn }) => lsn);

describe('returningWith', () => {
  const lineage = { timeline: 1, history: [] };

  test('what was done behind the position comes back; what lies before it or at it does not', () => {
    expect(lsns(returningWith({ lineage, untilLsn: 100n }, [entry(99n), entry(100n), entry(101n)]))).toEqual([101n]);
  });

  test('a deed of a timeline that was left before it comes back, whatever its position', () => {
    const second = { timeline: 2, history: [{ timeline: 1, switchLsn: 50n, reason: '' }] };
    const ledger = [entry(40n), entry(60n), entry(70n, 2)];
    expect(lsns(returningWith({ lineage: second, untilLsn: 100n }, ledger))).toEqual([60n]);
    expect(lsns(returningWith({ lineage, untilLsn: 100n }, ledger))).toEqual([70n]);
  });
});

test('with tables of a database come the people erased there, and nothing that is not in rows', () => {
  const erased = (database: string): Deed => ({
    kind: 'subject-forgotten',
    database,
    procedure: ['core', 'forget'],
    arguments: [71],
    subject: 'x',
  });
  const revoked: Deed = { kind: 'membership-revoked', role: 'a', member: 'b' };
  const ledger = [entry(1n, 1, erased('music')), entry(2n, 1, erased('shop')), entry(3n), entry(4n, 1, revoked)];
  expect(lsns(returningWithTables('music', ledger))).toEqual([1n]);
});

test('of people erased in a database that the restored cluster has not got by that name, it is told that they may be in one renamed since', () => {
  const erased = (database: string): Deed => {
    return { kind: 'subject-forgotten', database, procedure: ['core', 'forget'], arguments: [71], subject: 'somebody' };
  };
  const ledger = [entry(1n, 1, erased('music')), entry(2n, 1, erased('tunes')), entry(3n), entry(4n, 1, erased('shop'))];
  const [only, ...others] = returningIfRenamed(['music', 'postgres', 'shop'], ledger);
  expect([only?.lsn, others]).toEqual([2n, []]);
  expect(only === undefined ? '' : backIfRenamed(only, 'music')).toMatch(
    /^may have come back: somebody \(erased .*\)\. There was no database tunes at that moment: if music was renamed to it since, /,
  );
});

test('a migration applied and undone behind the position is neither missing nor back; one undone there comes back', () => {
  const deed = (kind: 'migration-applied' | 'migration-undone', version: string): Deed => {
    return { kind, database: 'music', version, file: `${version}_x.sql` };
  };
  const ledger = [
    entry(1n, 1, deed('migration-applied', '1')),
    entry(101n, 1, deed('migration-undone', '1')),
    entry(102n, 1, deed('migration-applied', '2')),
    entry(103n, 1, deed('migration-undone', '2')),
    entry(104n, 1, deed('migration-applied', '2')),
    entry(105n, 1, deed('migration-applied', '3')),
    entry(106n, 1, deed('migration-undone', '3')),
  ];
  expect(lsns(returningWith({ lineage: { timeline: 1, history: [] }, untilLsn: 100n }, ledger))).toEqual([101n, 104n]);
});

describe('withoutOvertaken', () => {
  const password = (role: string, verifier: string): Deed => ({ kind: 'password-rotated', role, verifier });

  test('of several passwords of a role the last one counts, and none once it was dropped', () => {
    const ledger = [
      entry(1n, 1, password('a', 'one')),
      entry(2n, 1, password('b', 'one')),
      entry(3n, 1, password('a', 'two')),
      entry(4n, 1, { kind: 'role-dropped', role: 'b' }),
    ];
    expect(lsns(withoutOvertaken(ledger))).toEqual([3n, 4n]);
  });
});

test('a migration may have given back what was taken away before it, but no erasure and no password, and nothing after it', () => {
  const ledger = [
    entry(1n),
    entry(2n, 1, { kind: 'password-rotated', role: 'a', verifier: null }),
    entry(3n, 1, { kind: 'membership-revoked', role: 'a', member: 'b' }),
    entry(4n, 1, { kind: 'migration-applied', database: 'music', version: '1', file: '1_x.sql' }),
    entry(5n),
  ];
  expect(lsns(olderThanMigrations(ledger))).toEqual([1n, 3n]);
  expect(olderThanMigrations([entry(1n)])).toEqual([]);
});
