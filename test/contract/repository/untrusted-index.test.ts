import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { clusterKey, indexPrefix } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { lockBackup, unreadIndexes } from '../../../src/repository/lock-backup.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { readMarks } from '../../../src/repository/marks.ts';
import { rebuildIndex, type RebuiltIndex } from '../../../src/repository/rebuild-index.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { withRetention } from '../../../src/repository/retained-store.ts';
import { lockUnlocked } from '../../../src/repository/unlocked-backups.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

/** Indexes that are not encrypted in an encrypted repository with Object Lock, as a rebuild without its key leaves them. */

const DAY_MS = 86_400_000;
const LOCK_DAYS = 30;
const contents = (from: number): readonly Buffer[] => [0, 1, 2].map((n) => Buffer.from(`content ${from + n} `.repeat(20)));

interface World {
  readonly clock: ManualClock;
  readonly repository: Repository;
  readonly clear: Repository;
}

async function newWorld(): Promise<World> {
  const clock = new ManualClock();
  const repository = await makeMemoryRepository(true, withRetention(createMemoryStore(clock), { lockDays: LOCK_DAYS, clock }));
  await repository.store.create(clusterKey(SYSTEM), Buffer.from('x'));
  return { clock, repository, clear: { ...repository, keys: undefined } };
}

async function rebuild({ clock }: World, repository: Repository): Promise<RebuiltIndex> {
  const lease = await acquireLease(repository, SYSTEM, 'expire', { clock, log: silentLog, command: 'test' });
  const signal = new AbortController().signal;
  try {
    return await rebuildIndex(repository, SYSTEM, { lease, all: false, clock, signal, onProgress: () => undefined });
  } finally {
    await lease.release();
  }
}

async function locksOf({ repository }: World): Promise<ReadonlyMap<string, Date | undefined>> {
  const locks = new Map<string, Date | undefined>();
  for await (const { key } of repository.store.list(indexPrefix(SYSTEM))) locks.set(key, (await repository.store.stat(key))?.lockedUntil);
  return locks;
}

test('no backup lengthens their locks, so that a rebuild with the key removes them in the end', async () => {
  const world = await newWorld();
  const { repository, clear, clock } = world;
  await writePacks(clear, contents(0), clock.now());
  await writeManifest(repository, summaryOf('a', { lockDays: LOCK_DAYS }), [fileOf(contents(0))]);
  const [[key, locked] = expect.fail()] = await locksOf(world);
  clock.set(clock.now().getTime() + 10 * DAY_MS);
  const index = await BlobIndex.load(repository, SYSTEM, { skipPacks: await readMarks(repository, SYSTEM) });
  expect([...index.untrusted]).toEqual([key]);
  const packs = (await writePacks(repository, contents(0), clock.now())).map(({ pack }) => pack);
  await writeManifest(repository, summaryOf('b', { lockDays: LOCK_DAYS }), [fileOf(contents(0))]);
  await lockBackup(repository, { summary: summaryOf('b'), packs, unreadIndexes: unreadIndexes(index) }, clock);
  expect((await locksOf(world)).get(key)).toEqual(locked);
  expect(await rebuild(world, repository)).toMatchObject({ replaced: [], locked: [{ index: key, until: locked }] });
  clock.set((locked?.getTime() ?? 0) + 1);
  expect(await rebuild(world, repository)).toMatchObject({ replaced: [key], locked: [] });
  expect(await BlobIndex.load(repository, SYSTEM, { skipPacks: new Set() })).toMatchObject({ size: 3, untrusted: new Set() });
});

test('one that alone names content of a backup which was left unlocked is locked with it, and no other', async () => {
  const world = await newWorld();
  const { repository, clear, clock } = world;
  await writePacks(clear, contents(0), clock.now());
  const [[key, locked] = expect.fail()] = await locksOf(world);
  clock.set(clock.now().getTime() + 10 * DAY_MS);
  await writePacks(repository, contents(100), clock.now());
  await writeManifest(repository, summaryOf('b', { lockDays: LOCK_DAYS }), [fileOf(contents(100))]);
  expect((await lockUnlocked(repository, SYSTEM)).locked).toMatchObject([{ label: 'b' }]);
  expect((await locksOf(world)).get(key)).toEqual(locked);
  await writeManifest(repository, summaryOf('a', { lockDays: LOCK_DAYS }), [fileOf(contents(0))]);
  const { locked: late } = await lockUnlocked(repository, SYSTEM);
  expect(late).toMatchObject([{ label: 'a' }]);
  expect((await locksOf(world)).get(key)).toEqual(late[0]?.until);
});
