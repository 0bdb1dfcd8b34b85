import fc from 'fast-check';
import { expect, test } from 'vitest';
import { refuseUnfindable } from '../../../src/backup/restore/unfindable.ts';
import type { VerifyReport } from '../../../src/backup/verify/report.ts';
import { silentLog } from '../../../src/base/log.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { collect, type Collected } from '../../../src/repository/collection.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { backupKey, indexPrefix, packKey, packPrefix, walKey } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { lockBackup, unreadIndexes } from '../../../src/repository/lock-backup.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { readMarks, verifyPacks } from '../../../src/repository/marks.ts';
import { rebuildIndex, type RebuiltIndex } from '../../../src/repository/rebuild-index.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { withRetention } from '../../../src/repository/retained-store.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, hashOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';
import { verifyStructure } from '../../backup/verify-report.ts';

const DAY_MS = 86_400_000;
const LOCK_DAYS = 30;
const SEGMENT_BYTES = 1024 * 1024;
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const signal = new AbortController().signal;
const content = (n: number): Buffer => Buffer.from(`page ${n} `.repeat(30));

interface World {
  readonly clock: ManualClock;
  readonly repository: Repository;
  /** The store beneath, which says how long each object is locked. */
  readonly inner: ObjectStore;
}

async function newWorld(locks: boolean): Promise<World> {
  const clock = new ManualClock();
  const inner = createMemoryStore(clock);
  const store = locks ? withRetention(inner, { lockDays: LOCK_DAYS, clock }) : inner;
  const repository = await makeMemoryRepository(false, store);
  await ensureClusterIdentity(repository, CLUSTER);
  await store.create(walKey(SYSTEM, segmentName(1, 0x2000000n, SEGMENT_BYTES)), Buffer.alloc(1000));
  return { clock, repository, inner };
}

/** A backup as `backup run` writes one: what the repository has is adopted, looked for again, and locked. */
async function backUp({ repository, clock }: World, label: string, contents: readonly Buffer[]): Promise<void> {
  const known = await BlobIndex.load(repository, SYSTEM, { skipPacks: await readMarks(repository, SYSTEM) });
  const adopted = new Set(contents.flatMap((each) => known.find(hashOf(each))?.pack ?? []));
  const missing = contents.filter((each) => known.find(hashOf(each)) === undefined);
  const written = await writePacks(repository, missing, clock.now());
  await verifyPacks(repository, SYSTEM, adopted);
  await writeManifest(repository, summaryOf(label), [fileOf(contents)]);
  const packs = [...adopted, ...written.map(({ pack }) => pack)];
  await lockBackup(repository, { summary: summaryOf(label), packs, unreadIndexes: unreadIndexes(known) }, clock);
}

async function keysOf({ repository }: World, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of repository.store.list(prefix)) keys.push(key);
  return keys;
}

/** One bit of it flips, whatever locks it. */
async function damage(world: World, key: string): Promise<void> {
  const { inner } = world;
  const bytes = Buffer.from(await inner.read(key));
  bytes[bytes.byteLength - 40] = (bytes[bytes.byteLength - 40] ?? 0) ^ 1;
  const lockedUntil = (await inner.stat(key))?.lockedUntil;
  await forceDelete(world, key);
  await inner.create(key, bytes, lockedUntil === undefined ? {} : { lockUntil: lockedUntil });
}

/** Deletes what may be locked: what nobody may do, and a storage can lose. */
async function forceDelete({ clock, inner }: World, key: string): Promise<void> {
  const now = clock.now().getTime();
  clock.set(now + 10_000 * DAY_MS);
  await inner.delete(key);
  clock.set(now);
}

async function withLease<Result>(
  { repository, clock }: World,
  work: (lease: Awaited<ReturnType<typeof acquireLease>>) => Promise<Result>,
): Promise<Result> {
  const lease = await acquireLease(repository, SYSTEM, 'expire', { clock, log: silentLog, command: 'test' });
  try {
    return await work(lease);
  } finally {
    await lease.release();
  }
}

async function rebuild(world: World, all = false): Promise<RebuiltIndex> {
  const { repository, clock } = world;
  return await withLease(
    world,
    async (lease) => await rebuildIndex(repository, SYSTEM, { lease, all, clock, signal, onProgress: () => undefined }),
  );
}

async function collectIn(world: World): Promise<Collected> {
  const { repository, clock } = world;
  return await withLease(
    world,
    async (lease) => await collect(repository, SYSTEM, { lease, graceMs: DAY_MS, clock, log: silentLog, signal }),
  );
}

async function verify({ repository, clock }: World): Promise<VerifyReport> {
  return await verifyStructure(repository, CLUSTER, clock);
}

const pass = ({ clock }: World, days: number): void => clock.set(clock.now().getTime() + days * DAY_MS);

test('a damaged index that is locked is rebuilt beside it: everything works again, it is said to stay, and goes when its lock has ended', async () => {
  const world = await newWorld(true);
  await backUp(world, 'a', [content(1), content(2)]);
  pass(world, 1);
  await backUp(world, 'b', [content(3)]);
  const [bad = ''] = await keysOf(world, indexPrefix(SYSTEM));
  await damage(world, bad);
  await expect(readAllBackups(world.repository)).rejects.toMatchObject({ code: 'repository-damaged' });
  const before = await verify(world);
  expect(before.faults).toContainEqual(expect.objectContaining({ kind: 'damaged', object: bad }));
  expect(before.backups).toMatchObject([{ label: 'a', reasons: [expect.stringContaining('rebuild-index'), expect.anything()] }]);
  expect(before.soundBackups).toEqual(['b']);
  const until = (await world.inner.stat(bad))?.lockedUntil;
  for (let run = 0; run < 2; run += 1)
    expect(await rebuild(world)).toMatchObject({
      added: 1 - run,
      written: 1 - run,
      replaced: [],
      locked: [{ index: bad, until }],
      missing: [],
    });
  expect(await readAllBackups(world.repository)).toEqual(['a', 'b']);
  expect(await verify(world)).toMatchObject({ isSound: false, faults: [{ object: bad }], backups: [], soundBackups: ['a', 'b'] });
  // Other backups go on, and do not lock it for longer.
  pass(world, 1);
  await backUp(world, 'c', [content(2), content(4)]);
  expect((await world.inner.stat(bad))?.lockedUntil).toEqual(until);
  expect(await collectIn(world)).toMatchObject({ unindexed: [] });
  pass(world, LOCK_DAYS);
  expect(await rebuild(world)).toMatchObject({ added: 0, written: 0, replaced: [bad], locked: [] });
  expect(await verify(world)).toMatchObject({ isSound: true, soundBackups: ['a', 'b', 'c'] });
  expect(await readAllBackups(world.repository)).toEqual(['a', 'b', 'c']);
});

test('who writes while an index is damaged stores anew what only that one named, and a restore of the rest is refused before it writes', async () => {
  const world = await newWorld(false);
  await backUp(world, 'a', [content(1), content(2)]);
  const [bad = ''] = await keysOf(world, indexPrefix(SYSTEM));
  await damage(world, bad);
  await backUp(world, 'b', [content(2), content(3)]);
  const index = await BlobIndex.load(world.repository, SYSTEM);
  expect(index.damaged).toEqual(new Set([bad]));
  expect(() => refuseUnfindable([fileOf([content(2), content(3)])], index)).not.toThrow();
  expect(() => refuseUnfindable([fileOf([content(1)])], index)).toThrow(
    expect.objectContaining({ code: 'repository-damaged', message: `${bad} is damaged`, hint: expect.stringContaining('rebuild-index') }),
  );
  await rebuild(world);
  expect(await readAllBackups(world.repository)).toEqual(['a', 'b']);
});

test('a locked index that names a lost pack does not fail each backup: rebuild-index marks the pack, and it is stored anew', async () => {
  const world = await newWorld(true);
  await backUp(world, 'a', [content(1), content(2)]);
  const pack = (await BlobIndex.load(world.repository, SYSTEM)).find(hashOf(content(1)))?.pack ?? '';
  const original = await world.inner.read(packKey(SYSTEM, pack));
  await forceDelete(world, packKey(SYSTEM, pack));
  await expect(backUp(world, 'b', [content(1)])).rejects.toMatchObject({ code: 'repository-damaged' });
  expect(await rebuild(world)).toMatchObject({ missing: [pack], replaced: [], locked: [{}] });
  await backUp(world, 'b', [content(1), content(3)]);
  expect((await verify(world)).soundBackups).toEqual(['b']);
  // It comes back from a copy: the mark is taken away.
  await world.repository.store.create(packKey(SYSTEM, pack), original);
  pass(world, 3);
  expect(await collectIn(world)).toMatchObject({ withdrawn: { packs: 1 }, deleted: { packs: 0 } });
  expect(await readAllBackups(world.repository)).toEqual(['a', 'b']);
});

test('an index that a backup writes while indexes are rebuilt stays, and so does what it names', async () => {
  const world = await newWorld(false);
  await backUp(world, 'a', [content(1)]);
  const indexes = await keysOf(world, indexPrefix(SYSTEM));
  // The packs were listed before the backup came.
  const { store } = world.repository;
  const list = (prefix: string): ReturnType<ObjectStore['list']> => store.list(prefix === packPrefix(SYSTEM) ? `${prefix}none/` : prefix);
  const early = { ...world, repository: { ...world.repository, store: { ...withFaults(store, () => undefined), list } } };
  for (const all of [false, true]) {
    expect(await rebuild(early, all)).toMatchObject({ replaced: [], locked: [], missing: [] });
    expect(await keysOf(world, indexPrefix(SYSTEM))).toEqual(indexes);
  }
  expect((await readMarks(world.repository, SYSTEM)).size).toBe(0);
});

test('collection deletes no pack that only a damaged index can name', async () => {
  const world = await newWorld(false);
  await backUp(world, 'a', [content(1), content(2)]);
  pass(world, 1);
  await backUp(world, 'b', [content(3)]);
  const [bad = ''] = await keysOf(world, indexPrefix(SYSTEM));
  await damage(world, bad);
  await world.repository.store.delete(backupKey(SYSTEM, 'a'));
  for (let run = 0; run < 4; run += 1) {
    pass(world, 2);
    expect(await collectIn(world)).toMatchObject({ deleted: { packs: 0 } });
  }
  expect(await keysOf(world, packPrefix(SYSTEM))).toHaveLength(2);
  expect(await rebuild(world)).toMatchObject({ replaced: [bad] });
  pass(world, 2);
  expect(await collectIn(world)).toMatchObject({ deleted: { packs: 1 } });
  expect(await readAllBackups(world.repository)).toEqual(['b']);
});

test('whatever index is damaged, and whenever it is rebuilt: collecting beside it costs no backup anything', async () => {
  const days = fc.array(
    fc.record({
      first: fc.integer({ min: 0, max: 20 }),
      count: fc.integer({ min: 1, max: 10 }),
      goes: fc.boolean(),
      damages: fc.option(fc.nat(20), { nil: undefined }),
      rebuilds: fc.integer({ min: 0, max: 3 }),
    }),
    { minLength: 3, maxLength: 10 },
  );
  await fc.assert(
    fc.asyncProperty(days, fc.boolean(), async (drawn, locks) => {
      const world = await newWorld(locks);
      const stay: string[] = [];
      for (const [n, { first, count, goes, damages, rebuilds }] of drawn.entries()) {
        const label = `b${n}`;
        const contents = Array.from({ length: count }, (_, k) => content(first + k));
        await backUp(world, label, contents);
        const indexes = await keysOf(world, indexPrefix(SYSTEM));
        if (damages !== undefined && indexes.length > 0) await damage(world, indexes[damages % indexes.length] ?? '');
        if (goes && n > 0) await forceDelete(world, backupKey(SYSTEM, label));
        else stay.push(label);
        for (let run = 0; run < 2; run += 1) {
          pass(world, 2);
          await collectIn(world);
        }
        if (rebuilds === 0) await rebuild(world);
      }
      await rebuild(world);
      expect([...(await readAllBackups(world.repository))].sort()).toEqual([...stay].sort());
      expect((await verify(world)).soundBackups.toSorted()).toEqual([...stay].sort());
      pass(world, 2 * LOCK_DAYS);
      expect(await rebuild(world)).toMatchObject({ locked: [], missing: [], damaged: [] });
      for (let run = 0; run < 4; run += 1) {
        pass(world, 2 * LOCK_DAYS);
        await collectIn(world);
      }
      expect(await verify(world)).toMatchObject({ isSound: true });
      expect((await readMarks(world.repository, SYSTEM)).size).toBe(0);
    }),
    { seed: 20261122, numRuns: 8 },
  );
});
