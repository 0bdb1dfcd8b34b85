import { summaryOf } from '../../backup/small-backups.ts';
import { describe, expect, test } from 'vitest';
import { appendLedger, copyLedgerEntry, readLedger, ledgerPrefix, type LedgerEntry } from '../../../src/repository/ledger.ts';
import { readableLedger } from '../../../src/commands/restore/readable-ledger.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { CLEAR } from '../../../src/repository/keys.ts';
import { backupKey, clusterKey } from '../../../src/repository/layout.ts';
import { lockBackup } from '../../../src/repository/lock-backup.ts';
import type { DamagedObject } from '../../../src/repository/passed-over.ts';
import { withRetention } from '../../../src/repository/retained-store.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { damage, HEAD_DAMAGES } from '../../backup/damage.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { keysOf } from '../../backup/small-source.ts';

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
    expect(await readLedger(repository, '7312345678901234567')).toEqual({ entries: [earlier, later], damaged: [] });
    expect(await readLedger(repository, '1')).toEqual({ entries: [], damaged: [] });
  });

  test('is read many entries at a time: a storage that is far away takes its time for each', async () => {
    const store = createMemoryStore();
    let [reading, most] = [0, 0];
    const read = async (...given: Parameters<typeof store.read>): ReturnType<typeof store.read> => {
      reading += 1;
      most = Math.max(most, reading);
      await new Promise((resolve) => setImmediate(resolve));
      reading -= 1;
      return await store.read(...given);
    };
    const repository = await makeMemoryRepository(false, { ...passThrough(store), read });
    const entries = Array.from({ length: 50 }, (_, second) => entry({ kind: 'role-dropped', role: `r${second}` }, second));
    for (const each of entries.toReversed()) await appendLedger(repository, each);
    expect(await readLedger(repository, '7312345678901234567')).toEqual({ entries, damaged: [] });
    expect(most).toBe(16);
  });

  test('of one deed counts once, with its verifier, where earlier versions wrote it under two keys', async () => {
    const [rotated, dropped] = [
      entry({ kind: 'password-rotated', role: 'api', verifier: VERIFIER }),
      entry({ kind: 'role-dropped', role: 'old' }),
    ];
    for (const order of [
      [true, false],
      [false, true],
    ]) {
      const to = await makeMemoryRepository(true);
      for (const encrypted of order) {
        const from = await makeMemoryRepository(encrypted);
        for (const each of [rotated, dropped]) await appendLedger(from, each);
        for (const key of await keysOf(from, ledgerPrefix(rotated.systemIdentifier))) await copyLedgerEntry(from, to, key);
      }
      expect(await keysOf(to, ledgerPrefix(rotated.systemIdentifier))).toHaveLength(4);
      const { entries } = await readLedger(to, rotated.systemIdentifier);
      expect(entries).toHaveLength(2);
      expect(entries).toEqual(expect.arrayContaining([rotated, dropped]));
    }
  });

  test('is in the order of the WAL, whatever the clocks of those who wrote it say', async () => {
    const repository = await makeMemoryRepository();
    const deed = entry({ kind: 'role-disabled', role: 'api' });
    const ordered = [
      { ...entry(deed.deed, 50), timeline: 1, lsn: 0x9_0000_0000n },
      { ...entry(deed.deed, 40), lsn: 0x5_0000_0028n },
      { ...entry(deed.deed, 10), lsn: 0x6_0000_0000n },
      { ...entry(deed.deed, 20), lsn: 0x6_0000_0000n },
    ];
    for (const each of ordered.toReversed()) await appendLedger(repository, each);
    expect((await readLedger(repository, deed.systemIdentifier)).entries).toEqual(ordered);
  });

  test('of one name is written once, and that is no failure', async () => {
    const repository = await makeMemoryRepository();
    const deed = entry({ kind: 'role-dropped', role: 'old' });
    for (let times = 0; times < 2; times += 1) await appendLedger(repository, deed, '0123456789abcdef');
    expect(await keysOf(repository, ledgerPrefix(deed.systemIdentifier))).toEqual([
      expect.stringMatching(/\/ledger\/[^/]+-0123456789abcdef$/),
    ]);
  });

  test('keeps a verifier only where it is encrypted', async () => {
    const rotated = entry({ kind: 'password-rotated', role: 'api', verifier: VERIFIER });
    for (const [encrypted, verifier] of [
      [true, VERIFIER],
      [false, null],
    ] as const) {
      const repository = await makeMemoryRepository(encrypted);
      expect((await appendLedger(repository, rotated)).deed).toMatchObject({ verifier });
      expect((await readLedger(repository, rotated.systemIdentifier)).entries[0]?.deed).toMatchObject({ verifier });
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
    expect(await readLedger(repository, '7')).toMatchObject({
      entries: [],
      damaged: [
        { key: `${ledgerPrefix('7')}forged`, error: { code: 'repository-damaged', detail: expect.stringContaining('without its key') } },
      ],
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
      expect((await readLedger(to, rotated.systemIdentifier)).entries).toEqual([{ ...rotated, deed: { ...rotated.deed, verifier } }]);
    }
  });

  test('tells of a deed that it does not know, rather than pass over it', async () => {
    const repository = await makeMemoryRepository();
    const unknown = await seal(repository, 'ledger', { systemIdentifier: '7' }, Buffer.from('{"by":"x","deed":{"kind":"key-burned"}}'));
    await repository.store.create(`${ledgerPrefix('7')}newer`, unknown);
    expect(await readLedger(repository, '7')).toMatchObject({ entries: [], damaged: [{ error: { code: 'repository-damaged' } }] });
  });

  test('an entry that lies in the place of another does not hide what that one took away', async () => {
    const repository = await makeMemoryRepository(true);
    const [one, other] = [entry({ kind: 'role-dropped', role: 'one' }, 1), entry({ kind: 'role-dropped', role: 'other' }, 2)];
    for (const each of [one, other]) await appendLedger(repository, each);
    const [key = '', from = ''] = await keysOf(repository, ledgerPrefix(one.systemIdentifier));
    await damage(repository.store, key, async () => Buffer.from(await repository.store.read(from)));
    const { entries, damaged } = await readLedger(repository, one.systemIdentifier);
    expect(entries).toEqual([other]);
    expect(damaged).toMatchObject([{ key }]);
  });

  test.each([
    { kind: 'role-dropped' },
    { kind: 'membership-revoked', role: 'reader', member: 7 },
    { kind: 'privilege-revoked', database: 'd', grantee: 'g', privileges: [null], on: { kind: 'table', schema: 's', name: 't' } },
    { kind: 'privilege-revoked', database: 'd', grantee: 'g', privileges: ['ALL'], on: { kind: 'moon', name: 't' } },
    { kind: 'password-rotated', role: 'api' },
    { kind: 'subject-forgotten', database: 'd', subject: 's', procedure: ['p'], arguments: [] },
    { kind: 'subject-forgotten', database: 'd', subject: 's', procedure: ['core', 'forget'], arguments: [{}] },
    { kind: 'migration-applied', database: 'd', version: '1' },
  ])('a deed that does not say all of what was done is told, and nothing is done by it: %o', async (deed) => {
    const repository = await makeMemoryRepository(true);
    await appendLedger(repository, entry(deed as unknown as LedgerEntry['deed']));
    expect(await readLedger(repository, entry({ kind: 'role-dropped', role: 'x' }).systemIdentifier)).toMatchObject({
      entries: [],
      damaged: [{ error: { code: 'repository-damaged', detail: expect.stringContaining(deed.kind) as string } }],
    });
  });

  test.each(HEAD_DAMAGES)('an entry that is damaged hides no other: %s', async (_, of) => {
    const told: string[] = [];
    const repository = { ...(await makeMemoryRepository(true)), onDamaged: ({ key }: DamagedObject) => void told.push(key) };
    const [whole, rotten] = [entry({ kind: 'role-dropped', role: 'old' }, 1), entry({ kind: 'role-dropped', role: 'older' })];
    await appendLedger(repository, rotten);
    const prefix = ledgerPrefix(whole.systemIdentifier);
    for await (const { key } of repository.store.list(prefix))
      await damage(repository.store, key, async (bytes) => await of(bytes, 'ledger'));
    await appendLedger(repository, whole);
    const { entries, damaged } = await readLedger(repository, whole.systemIdentifier);
    expect(entries).toEqual([whole]);
    expect(damaged).toHaveLength(1);
    expect(told).toEqual(damaged.map(({ key }) => key));
  });

  test('a restore goes on without a damaged entry only when that is said, and never without a whole one', async () => {
    const repository = await makeMemoryRepository(true);
    const whole = entry({ kind: 'role-dropped', role: 'old' }, 1);
    const { systemIdentifier } = whole;
    await appendLedger(repository, whole);
    const [wholeKey = ''] = await keysOf(repository, ledgerPrefix(systemIdentifier));
    expect((await readableLedger(repository, systemIdentifier, [])).entries).toEqual([whole]);
    for (const name of ['a', 'b']) await repository.store.create(`${ledgerPrefix(systemIdentifier)}${name}`, Buffer.from('garbage'));
    await expect(readableLedger(repository, systemIdentifier, [])).rejects.toMatchObject({
      code: 'refused',
      detail: expect.stringContaining(`${ledgerPrefix(systemIdentifier)}b`),
      hint: expect.stringContaining('--without-ledger-entry damaged'),
    });
    await expect(readableLedger(repository, systemIdentifier, ['a'])).rejects.toMatchObject({
      code: 'refused',
      hint: expect.stringContaining('--without-ledger-entry b'),
    });
    for (const without of [['a', `${ledgerPrefix(systemIdentifier)}b`], ['damaged']])
      expect((await readableLedger(repository, systemIdentifier, without)).entries).toEqual([whole]);
    await expect(readableLedger(repository, systemIdentifier, [wholeKey, 'damaged'])).rejects.toMatchObject({ code: 'usage' });
  });

  test('only entries that somebody with the key wrote are locked for as long as a new backup', async () => {
    const clock = new ManualClock();
    const inner = createMemoryStore(clock);
    const repository = await makeMemoryRepository(true, withRetention(inner, { lockDays: 30, clock }));
    const whole = entry({ kind: 'role-dropped', role: 'old' }, 1);
    const { systemIdentifier } = whole;
    await appendLedger(repository, whole);
    const newer = await seal(repository, 'ledger', { systemIdentifier }, Buffer.from('{"by":"x","deed":{"kind":"key-burned"}}'));
    await repository.store.create(`${ledgerPrefix(systemIdentifier)}newer`, newer);
    const planted = `${ledgerPrefix(systemIdentifier)}planted`;
    await repository.store.create(planted, Buffer.from('garbage'));
    for (const key of [clusterKey(systemIdentifier), backupKey(systemIdentifier, 'b')])
      await repository.store.create(key, Buffer.from('x'));
    const before = (await inner.stat(planted))?.lockedUntil;
    clock.set(clock.now().getTime() + 86_400_000);
    const { until } = (await lockBackup(repository, { summary: summaryOf('b', { systemIdentifier }), packs: [] }, clock)) ?? {};
    for (const key of await keysOf(repository, ledgerPrefix(systemIdentifier)))
      expect((await inner.stat(key))?.lockedUntil).toEqual(key === planted ? before : until);
  });
});
