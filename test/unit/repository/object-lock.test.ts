import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { createRepository, readIdentity } from '../../../src/repository/identity.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { backupKey, clusterKey, historyKey, packKey, walKey } from '../../../src/repository/layout.ts';
import { appendLedger } from '../../../src/repository/ledger.ts';
import { extendLocks, lockBackup } from '../../../src/repository/lock-backup.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { isLockedAtCreation, lockEnd, withRetention } from '../../../src/repository/retained-store.ts';
import { listUnlocked, lockUnlocked } from '../../../src/repository/unlocked-backups.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { fileOf, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';
import { contentOf, nameOf, SEGMENT_BYTES } from '../../backup/wal-segments.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { DbadminError } from '../../../src/base/errors.ts';

const PACK = 'ab'.repeat(16);

function world(): { readonly time: { now: Date }; readonly clock: Clock; readonly memory: ObjectStore; readonly store: ObjectStore } {
  const time = { now: new Date('2026-11-21T20:30:00Z') };
  const clock: Clock = { now: () => time.now, sleep: async () => undefined };
  const memory = createMemoryStore(clock);
  return { time, clock, memory, store: withRetention(memory, { lockDays: 30, clock }) };
}

async function repositoryIn(store: ObjectStore): Promise<Repository> {
  const identity = { format: 2, id: 'f'.repeat(32), createdAt: '', tool: 'test', encryption: 'none', conditionalCreate: true } as const;
  await createRepository(store, identity);
  return await repositoryOf(store);
}

/** The one that is there. */
async function repositoryOf(store: ObjectStore): Promise<Repository> {
  return { store, identity: await readIdentity(store), keys: undefined };
}

describe('object lock: which keys', () => {
  it.each([
    'dbadmin-repository',
    `clusters/${SYSTEM}`,
    packKey(SYSTEM, PACK),
    `${SYSTEM}/indexes/20261121T203001Z-0123456789abcdef`,
    `${SYSTEM}/wal/00000001/000000010000000000000003`,
    `${SYSTEM}/wal/00000001/000000010000000000000003.partial`,
    `${SYSTEM}/wal/00000001/000000010000000000000003.00000028.backup`,
    `${SYSTEM}/wal/00000002.history`,
    `${SYSTEM}/gaps/00000001-0_3000000-0_4000000`,
    `${SYSTEM}/dumps/20261121T203001Z-dump/app.dump`,
    `${SYSTEM}/ledger/20261121T203001Z-0_3000000-0123456789abcdef`,
    `${SYSTEM}/drills/20261121T203001Z-drill`,
  ])('%s is locked from its creation', (key) => {
    expect(isLockedAtCreation(key)).toBe(true);
  });

  it.each([
    `${SYSTEM}/wal/00000001/000000010000000000000003.part.00000000-00001000-0123abcd`,
    `${SYSTEM}/wal/00000001/horizon.0_3000000-1795200000000-0123abcd`,
    `${SYSTEM}/leases/backup/000000000001`,
    `${SYSTEM}/marks/${PACK}`,
    `${SYSTEM}/holds/20261121T203001Z-full`,
    'keys/0123456789abcdef',
    'check-0123456789abcdef',
    'probe-0123456789abcdef',
    backupKey(SYSTEM, '20261121T203001Z-full'),
  ])('%s can be deleted at once', (key) => {
    expect(isLockedAtCreation(key)).toBe(false);
  });
});

describe('object lock: how long', () => {
  it('is at least the days that were said, to the end of the day in UTC', () => {
    expect(lockEnd(new Date('2026-11-21T00:00:00.001Z'), 30)).toEqual(new Date('2026-12-22T00:00:00Z'));
    expect(lockEnd(new Date('2026-11-21T23:59:59Z'), 30)).toEqual(new Date('2026-12-22T00:00:00Z'));
    expect(lockEnd(new Date('2026-11-21T00:00:00Z'), 30)).toEqual(new Date('2026-12-21T00:00:00Z'));
  });

  it('keeps a pack from being deleted until then, and not a moment longer', async () => {
    const { store, time } = world();
    const pack = packKey(SYSTEM, PACK);
    await store.create(pack, Buffer.from('x'));
    time.now = new Date('2026-12-21T23:59:59Z');
    await expect(store.delete(pack)).rejects.toMatchObject({ code: 'storage-locked', detail: expect.stringContaining('2026-12-22') });
    time.now = new Date('2026-12-22T00:00:00Z');
    await store.delete(pack);
    expect(await store.stat(pack)).toBeUndefined();
  });
});

describe('object lock: WAL that is there already', () => {
  const key = walKey(SYSTEM, nameOf(5));

  it.each(['putSegment', 'putPartial'] as const)(
    '%s locks what it finds unlocked, as long as when it was made, and no longer',
    async (put) => {
      const { store, memory, time } = world();
      const own = put === 'putSegment' ? key : `${key}.partial`;
      const made = new WalArchive(await repositoryIn(memory), SYSTEM, SEGMENT_BYTES);
      const times = { receivedAt: time.now, coveredUntil: undefined };
      expect(await made[put](nameOf(5), contentOf(5), times)).toBe('stored');
      expect((await memory.stat(own))?.lockedUntil).toBeUndefined();

      const archive = new WalArchive({ ...(await repositoryOf(memory)), store }, SYSTEM, SEGMENT_BYTES);
      time.now = new Date('2026-11-25T20:30:00Z');
      expect(await archive[put](nameOf(5), contentOf(5), { ...times, receivedAt: time.now })).toBe('present');
      expect((await memory.stat(own))?.lockedUntil).toEqual(new Date('2026-12-22T00:00:00Z'));
    },
  );

  it('a stricter mode that cannot be had now does not keep WAL from being received, and a lock that is too short does', async () => {
    const { store, time } = world();
    const times = { receivedAt: time.now, coveredUntil: undefined };
    const repository = await repositoryIn(store);
    expect(await new WalArchive(repository, SYSTEM, SEGMENT_BYTES).putSegment(nameOf(5), contentOf(5), times)).toBe('stored');
    const refusing = withFaults(store, ({ operation }) => {
      if (operation === 'extendLock') throw new DbadminError('storage-unsupported', 'the mode is refused');
    });
    const archive = new WalArchive({ ...repository, store: refusing }, SYSTEM, SEGMENT_BYTES);
    expect(await archive.putSegment(nameOf(5), contentOf(5), times)).toBe('present');
    const longer = { ...refusing, capabilities: { ...refusing.capabilities, lockDays: 60 } };
    const strict = new WalArchive({ ...repository, store: longer }, SYSTEM, SEGMENT_BYTES);
    await expect(strict.putSegment(nameOf(5), contentOf(5), times)).rejects.toMatchObject({ code: 'storage-unsupported' });
  });

  it('a lock that would have ended is none, and is not asked for: servers refuse it', async () => {
    const { store, memory, time } = world();
    const times = { receivedAt: time.now, coveredUntil: undefined };
    await new WalArchive(await repositoryIn(memory), SYSTEM, SEGMENT_BYTES).putSegment(nameOf(5), contentOf(5), times);
    time.now = new Date('2027-03-01T00:00:00Z');
    const archive = new WalArchive({ ...(await repositoryOf(memory)), store }, SYSTEM, SEGMENT_BYTES);
    expect(await archive.putSegment(nameOf(5), contentOf(5), { ...times, receivedAt: time.now })).toBe('present');
    expect((await memory.stat(key))?.lockedUntil).toBeUndefined();
  });
});

describe('object lock: each backup', () => {
  it('extends the locks of its manifest, its packs, every index and the identity, and counts them', async () => {
    const { store, clock, time } = world();
    const repository = await repositoryIn(store);
    const index = `${SYSTEM}/indexes/20261121T203001Z-0123456789abcdef`;
    const other = packKey(SYSTEM, 'cd'.repeat(16));
    for (const key of [clusterKey(SYSTEM), packKey(SYSTEM, PACK), other, index, backupKey(SYSTEM, 'a')])
      await store.create(key, Buffer.from('x'));
    const first = await lockBackup(repository, { summary: summaryOf('a'), packs: [PACK] }, clock);
    expect(first).toEqual({ until: new Date('2026-12-22T00:00:00Z'), extended: 1, kept: 4, lesser: 0 });
    time.now = new Date('2026-11-22T04:00:00Z');
    await store.create(backupKey(SYSTEM, 'b'), Buffer.from('x'));
    const second = await lockBackup(repository, { summary: summaryOf('b'), packs: [PACK, PACK] }, clock);
    expect(second).toEqual({ until: new Date('2026-12-23T00:00:00Z'), extended: 5, kept: 0, lesser: 0 });
    time.now = new Date('2026-12-22T12:00:00Z');
    await store.delete(other);
    await store.delete(backupKey(SYSTEM, 'a'));
    for (const key of [packKey(SYSTEM, PACK), index, backupKey(SYSTEM, 'b'), 'dbadmin-repository'])
      await expect(store.delete(key)).rejects.toMatchObject({ code: 'storage-locked' });
  });

  it('locks the WAL that it was taken with, and every history of a timeline, as long as itself', async () => {
    const { store, clock, time } = world();
    const repository = await repositoryIn(store);
    const segment = (number: number, timeline = 2): string => walKey(SYSTEM, segmentName(timeline, BigInt(number) * 0x100000n, 0x100000));
    const [own, others] = [
      [segment(32), segment(33), historyKey(SYSTEM, 2), historyKey(SYSTEM, 3)],
      [segment(31), segment(34), segment(32, 1), `${segment(33)}.part.00000000-00001000-0123abcd`],
    ];
    for (const key of [clusterKey(SYSTEM), ...own, ...others]) await store.create(key, Buffer.from('x'));
    // The backup is published three weeks after the failover, as one that is copied, or that took its time.
    time.now = new Date('2026-12-12T04:00:00Z');
    await store.create(backupKey(SYSTEM, 'a'), Buffer.from('x'));
    const summary = summaryOf('a', { startLsn: '0/2000028', stopLsn: '0/2200000', startTimeline: 2, stopTimeline: 2 });
    const { until } = (await lockBackup(repository, { summary, packs: [] }, clock)) ?? {};
    time.now = new Date('2027-01-10T00:00:00Z');
    for (const key of [...own, backupKey(SYSTEM, 'a')]) {
      expect([key, (await store.stat(key))?.lockedUntil]).toEqual([key, until]);
      await expect(store.delete(key), key).rejects.toMatchObject({ code: 'storage-locked' });
    }
    for (const key of others) await store.delete(key);
  });

  it('locks its WAL before its manifest: one that shows a lock restores', async () => {
    const { store, clock, time } = world();
    const repository = await repositoryIn(store);
    const summary = summaryOf('a', { startTimeline: 2, stopTimeline: 2 });
    for (const key of [clusterKey(SYSTEM), historyKey(SYSTEM, 2)]) await store.create(key, Buffer.from('x'));
    time.now = new Date('2026-11-23T04:00:00Z');
    await store.create(backupKey(SYSTEM, 'a'), Buffer.from('x'));
    const failing = withFaults(store, ({ operation, key }) => {
      if (operation === 'extendLock' && key === historyKey(SYSTEM, 2)) throw new DbadminError('storage-failed', 'no answer');
    });
    await expect(lockBackup({ ...repository, store: failing }, { summary, packs: [] }, clock)).rejects.toThrow('no answer');
    expect((await store.stat(backupKey(SYSTEM, 'a')))?.lockedUntil).toBeUndefined();
  });

  it('does nothing where nothing is locked', async () => {
    const { memory, clock } = world();
    const repository = await repositoryIn(memory);
    expect(await lockBackup(repository, { summary: summaryOf('a'), packs: [PACK] }, clock)).toBeUndefined();
  });

  it('fails when a pack that it relies on is gone, rather than count it as locked', async () => {
    const { store, clock } = world();
    const repository = await repositoryIn(store);
    await store.create(clusterKey(SYSTEM), Buffer.from('x'));
    await store.create(backupKey(SYSTEM, 'a'), Buffer.from('x'));
    const locking = lockBackup(repository, { summary: summaryOf('a'), packs: [PACK] }, clock);
    await expect(locking).rejects.toMatchObject({ code: 'storage-missing' });
  });

  it('asks for a bounded number at a time', async () => {
    let running = 0;
    let most = 0;
    const extendLock = async (): Promise<'extended'> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      return 'extended';
    };
    const keys = Array.from({ length: 100 }, (_, number) => `k${number}`);
    expect(await extendLocks({ extendLock }, keys, new Date())).toEqual({ extended: 100, kept: 0, lesser: 0 });
    expect(most).toBe(16);
  });
});

describe('object lock: backups that a killed run left unlocked', () => {
  const contents = (from: number): readonly Buffer[] => Array.from({ length: 6 }, (_, n) => Buffer.from(`content ${from + n}`));

  async function publish(repository: Repository, label: string, parts: readonly Buffer[]): Promise<void> {
    await writeManifest(repository, summaryOf(label, { lockDays: 30 }), [fileOf(parts)]);
  }

  it('are locked with all that they rely on, packs of earlier backups too, as long as they would have been', async () => {
    const { store, clock, time } = world();
    const repository = await repositoryIn(store);
    await store.create(clusterKey(SYSTEM), Buffer.from('x'));
    const packs = await writePacks(repository, contents(0), clock.now());
    await appendLedger(repository, {
      systemIdentifier: SYSTEM,
      at: clock.now(),
      timeline: 1,
      lsn: 0x300000n,
      by: 'test',
      deed: { kind: 'role-dropped', role: 'anna' },
    });
    time.now = new Date('2026-11-25T10:00:00Z');
    await publish(repository, 'a', contents(0));
    time.now = new Date('2026-11-26T10:00:00Z');
    const until = new Date('2026-12-26T00:00:00Z');
    expect(await lockUnlocked(repository, SYSTEM)).toEqual({ locked: [{ label: 'a', key: backupKey(SYSTEM, 'a'), until }], broken: [] });
    const listed = [...(await keysIn(store, `${SYSTEM}/indexes/`)), ...(await keysIn(store, `${SYSTEM}/ledger/`))];
    expect(listed).toHaveLength(2);
    for (const key of [
      backupKey(SYSTEM, 'a'),
      ...packs.map(({ pack }) => packKey(SYSTEM, pack)),
      ...listed,
      'dbadmin-repository',
      clusterKey(SYSTEM),
    ])
      expect(await store.stat(key), key).toMatchObject({ lockedUntil: until });
    expect(await lockUnlocked(repository, SYSTEM)).toEqual({ locked: [], broken: [] });
  });

  it('are not those whose lock has ended, or would have, nor those of a store without locks', async () => {
    const { store, memory, clock, time } = world();
    const repository = await repositoryIn(store);
    await publish(repository, 'a', []);
    expect(await listUnlocked({ ...repository, store: memory }, SYSTEM)).toEqual([]);
    expect(await listUnlocked(repository, SYSTEM, { olderThanMs: 1000 })).toEqual([]);
    expect((await listUnlocked(repository, SYSTEM)).map(({ label }) => label)).toEqual(['a']);
    await store.extendLock(backupKey(SYSTEM, 'a'), new Date(clock.now().getTime() + 1000));
    time.now = new Date('2026-11-22T10:00:00Z');
    await publish(repository, 'b', []);
    time.now = new Date('2026-12-23T10:00:00Z');
    expect(await listUnlocked(repository, SYSTEM)).toEqual([]);
  });

  it('stay unlocked when they are not whole, and are named; the others are locked', async () => {
    const { store, clock } = world();
    const repository = await repositoryIn(store);
    await store.create(clusterKey(SYSTEM), Buffer.from('x'));
    await writePacks(repository, contents(0), clock.now());
    await publish(repository, 'a', contents(0));
    await publish(repository, 'b', contents(3));
    await store.create(backupKey(SYSTEM, 'c'), Buffer.from('no manifest'));
    const { locked, broken } = await lockUnlocked(repository, SYSTEM);
    expect(locked.map(({ label }) => label)).toEqual(['a']);
    expect(broken).toEqual([
      { label: 'b', problem: 'content of it is in no index that can be read' },
      { label: 'c', problem: expect.stringContaining('damaged') },
    ]);
    expect((await store.stat(backupKey(SYSTEM, 'b')))?.lockedUntil).toBeUndefined();
  });

  it('are not those that were written before locks were configured, though content of them is locked by now', async () => {
    const { store, memory, clock, time } = world();
    const before = await repositoryIn(memory);
    await store.create(clusterKey(SYSTEM), Buffer.from('x'));
    const packs = await writePacks(before, contents(0), clock.now());
    await writeManifest(before, summaryOf('early'), [fileOf(contents(0))]);
    time.now = new Date('2026-11-22T10:00:00Z');
    const repository = { ...before, store };
    expect(await listUnlocked(repository, SYSTEM)).toEqual([]);
    await publish(repository, 'a', contents(0));
    const relied = packs.map(({ pack }) => pack);
    await lockBackup(repository, { summary: summaryOf('a'), packs: relied }, clock);
    expect(await lockUnlocked(repository, SYSTEM)).toEqual({ locked: [], broken: [] });
    expect((await store.stat(backupKey(SYSTEM, 'early')))?.lockedUntil).toBeUndefined();
  });

  it('are found in the packs of an index that somebody has already; all indexes are read only where it does not know enough', async () => {
    const { store, clock } = world();
    let read = 0;
    const counting = withFaults(store, ({ key }) => {
      if (key.startsWith(`${SYSTEM}/indexes/2`)) read += 1;
    });
    const repository = await repositoryIn(store);
    await store.create(clusterKey(SYSTEM), Buffer.from('x'));
    await writePacks(repository, contents(0), clock.now());
    await publish(repository, 'a', contents(0));
    const index = await BlobIndex.load(repository, SYSTEM);
    const locked = async (): Promise<readonly string[]> => {
      read = 0;
      return (await lockUnlocked({ ...repository, store: counting }, SYSTEM, { index })).locked.map(({ label }) => label);
    };
    expect(await locked()).toEqual(['a']);
    // Its lock alone is made longer.
    expect(read).toBe(1);
    await writePacks(repository, contents(6), clock.now());
    await publish(repository, 'b', contents(6));
    expect(await locked()).toEqual(['b']);
    // Both are read, and their locks made longer.
    expect(read).toBe(4);
  });

  it('are still found when the locking of a backup was cut short anywhere', async () => {
    const { store, clock } = world();
    const repository = await repositoryIn(store);
    await store.create(clusterKey(SYSTEM), Buffer.from('x'));
    await writePacks(repository, contents(0), clock.now());
    await publish(repository, 'a', contents(0));
    const [index = ''] = await keysIn(store, `${SYSTEM}/indexes/`);
    const failing = withFaults(store, ({ operation, key }) => {
      if (operation === 'extendLock' && key === index) throw new DbadminError('storage-failed', 'cut short');
    });
    const locking = lockBackup({ ...repository, store: failing }, { summary: summaryOf('a'), packs: [] }, clock);
    await expect(locking).rejects.toThrow('cut short');
    expect((await listUnlocked(repository, SYSTEM)).map(({ label }) => label)).toEqual(['a']);
  });
});

async function keysIn(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}
