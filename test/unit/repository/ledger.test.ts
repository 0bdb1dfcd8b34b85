import { describe, expect, test } from 'vitest';
import { appendLedger, copyLedgerEntry, readLedger, ledgerPrefix, type LedgerEntry } from '../../../src/repository/ledger.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { CLEAR } from '../../../src/repository/keys.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';

const VERIFIER = 'SCRAM-SHA-256$4096:salt$stored:server';
const entry = (deed: LedgerEntry['deed'], seconds = 0): LedgerEntry => ({
  systemIdentifier: '7312345678901234567',
  at: new Date(Date.UTC(2026, 10, 21, 10, 0, seconds)),
  timeline: 2,
  lsn: 0x5_0000_0028n,
  by: 'dba@db1',
  deed,
});

describe('the ledger', () => {
  test('gives back what was written, oldest first', async () => {
    const repository = await makeMemoryRepository();
    const later = entry({ kind: 'membership-revoked', role: 'reader', member: 'ännä' }, 9);
    const earlier = entry({ kind: 'role-dropped', role: 'old' }, 1);
    await appendLedger(repository, later);
    await appendLedger(repository, earlier);
    expect(await readLedger(repository, '7312345678901234567')).toEqual([earlier, later]);
    expect(await readLedger(repository, '1')).toEqual([]);
  });

  test('keeps a verifier only where it is encrypted', async () => {
    const rotated = entry({ kind: 'password-rotated', role: 'api', verifier: VERIFIER });
    for (const [encrypted, verifier] of [
      [true, VERIFIER],
      [false, null],
    ] as const) {
      const repository = await makeMemoryRepository(encrypted);
      expect((await appendLedger(repository, rotated)).deed).toMatchObject({ verifier });
      expect((await readLedger(repository, rotated.systemIdentifier))[0]?.deed).toMatchObject({ verifier });
    }
  });

  test('tells the storage nothing of whom it is about where it is encrypted', async () => {
    const repository = await makeMemoryRepository(true);
    await appendLedger(repository, entry({ kind: 'role-dropped', role: 'somebody_known' }));
    for await (const { key } of repository.store.list(ledgerPrefix('7312345678901234567')))
      expect(`${key} ${Buffer.from(await repository.store.read(key)).toString('latin1')}`).not.toContain('somebody_known');
  });

  test('refuses an entry in clear in an encrypted repository: whoever wrote it had no key', async () => {
    const repository = await makeMemoryRepository(true);
    const forged = await seal(
      CLEAR,
      'ledger',
      { systemIdentifier: '7' },
      Buffer.from('{"by":"x","deed":{"kind":"role-dropped","role":"dba"}}'),
    );
    await repository.store.create(`${ledgerPrefix('7')}forged`, forged);
    await expect(readLedger(repository, '7')).rejects.toMatchObject({
      code: 'repository-damaged',
      detail: expect.stringContaining('without its key'),
    });
  });

  test('copied into a repository that is not encrypted, an entry loses its verifier, and nothing else', async () => {
    const from = await makeMemoryRepository(true);
    const rotated = entry({ kind: 'password-rotated', role: 'api', verifier: VERIFIER });
    await appendLedger(from, rotated);
    for (const [encrypted, verifier] of [
      [true, VERIFIER],
      [false, null],
    ] as const) {
      const to = await makeMemoryRepository(encrypted);
      for await (const { key } of from.store.list(ledgerPrefix(rotated.systemIdentifier))) await copyLedgerEntry(from, to, key);
      expect(await readLedger(to, rotated.systemIdentifier)).toEqual([{ ...rotated, deed: { ...rotated.deed, verifier } }]);
    }
  });

  test('refuses a deed that it does not know, rather than pass over it', async () => {
    const repository = await makeMemoryRepository();
    const unknown = await seal(repository, 'ledger', { systemIdentifier: '7' }, Buffer.from('{"by":"x","deed":{"kind":"key-burned"}}'));
    await repository.store.create(`${ledgerPrefix('7')}newer`, unknown);
    await expect(readLedger(repository, '7')).rejects.toMatchObject({ code: 'repository-damaged' });
  });
});
