import { expect, test } from 'vitest';
import { unbelieved } from '../../../src/commands/restore/other-ledgers.ts';
import type { LedgerEntry } from '../../../src/repository/ledger.ts';

const entry = (number: number): LedgerEntry => ({
  systemIdentifier: '7312345678901234567',
  at: new Date(Date.UTC(2026, 10, 21)),
  timeline: 1,
  lsn: BigInt(number),
  by: 'dba@db1',
  deed: { kind: 'role-dropped', role: `role ${number}` },
});
const ledgerOf = (repository: string, isEncrypted: boolean, entries: readonly LedgerEntry[]) => ({
  repository,
  isEncrypted,
  entries,
  problem: undefined,
});

test('what only a repository without encryption says is named with the first that says it', () => {
  const [known, clear, safe] = [entry(1), entry(2), entry(3)];
  const found = [ledgerOf('safe', true, [known, safe]), ledgerOf('there', false, [clear, known]), ledgerOf('elsewhere', false, [clear])];
  expect(unbelieved([known, safe], [known, clear, safe], found)).toEqual([{ entry: clear, source: 'there' }]);
  expect(unbelieved([known, clear, safe], [known, clear, safe], found)).toEqual([]);
});

// Each compared with each would take half an hour.
test('ledgers of tens of thousands of entries are compared at once', () => {
  const entries = Array.from({ length: 30_000 }, (_, number) => entry(number));
  const found = [ledgerOf('there', false, entries)];
  expect(unbelieved(entries, entries, found)).toEqual([]);
  expect(unbelieved(entries.slice(1), entries, found)).toEqual([{ entry: entries[0], source: 'there' }]);
});
