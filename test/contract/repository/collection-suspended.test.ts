import { randomBytes } from 'node:crypto';
import { beforeEach, expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { collect, type Collected } from '../../../src/repository/collection.ts';
import { indexPrefix, packKey, packPrefix } from '../../../src/repository/layout.ts';
import { readLease } from '../../../src/repository/lease-objects.ts';
import { acquireLease, shutOut } from '../../../src/repository/leases.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

/** Somebody else takes the lease over while a collection is suspended: at the call that a test chooses. */

const DAY_MS = 86_400_000;

let clock: ManualClock;
let bare: ObjectStore;
let repository: Repository;

/** Four packs, of which a backup needs the first; the others are marked, and due. */
beforeEach(async () => {
  clock = new ManualClock();
  bare = createMemoryStore(clock);
  repository = await makeMemoryRepository(false, bare);
  const contents = Array.from({ length: 4 }, () => randomBytes(1000));
  await writePacks(repository, contents, clock.now(), 1);
  await writeManifest(repository, summaryOf('a'), [fileOf(contents.slice(0, 1))]);
  clock.set(clock.now().getTime() + 2 * DAY_MS);
  expect(await collectOn(bare)).toMatchObject({ marked: { packs: 3 }, deleted: { packs: 0 } });
  clock.set(clock.now().getTime() + 2 * DAY_MS);
});

async function collectOn(store: ObjectStore): Promise<Collected> {
  const on = { ...repository, store };
  const lease = await acquireLease(on, SYSTEM, 'expire', { clock, log: silentLog, command: 'test' });
  try {
    return await collect(on, SYSTEM, { lease, graceMs: DAY_MS, clock, log: silentLog, signal: new AbortController().signal });
  } finally {
    await lease.release();
  }
}

async function keysOf(prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of bare.list(prefix)) keys.push(key);
  return keys;
}

async function takeOver(): Promise<void> {
  const held = await readLease(bare, SYSTEM, 'expire');
  if (held === undefined) throw new Error('nobody holds the lease');
  expect(await shutOut(repository, SYSTEM, 'expire', held)).toBe(true);
  clock.set(clock.now().getTime() + 60_000);
}

test('left alone it deletes what is due', async () => {
  expect(await collectOn(bare)).toMatchObject({ deleted: { packs: 3 } });
  expect(await keysOf(packPrefix(SYSTEM))).toHaveLength(1);
});

test('a collection that was suspended between two packs deletes no more of them', async () => {
  let deletes = 0;
  const store: ObjectStore = {
    ...passThrough(bare),
    delete: async (key) => {
      await bare.delete(key);
      if (key.startsWith(packPrefix(SYSTEM)) && (deletes += 1) === 1) await takeOver();
    },
  };
  await expect(collectOn(store)).rejects.toMatchObject({ code: 'locked' });
  expect(await keysOf(packPrefix(SYSTEM))).toHaveLength(3);
  expect(await readAllBackups(repository)).toEqual(['a']);
});

test('a collection that was suspended before it writes indexes anew writes and removes none', async () => {
  const before = await keysOf(indexPrefix(SYSTEM));
  let reads = 0;
  const store: ObjectStore = {
    ...passThrough(bare),
    async *readStream(key, signal) {
      yield* bare.readStream(key, signal);
      // Once by whoever looks at what is there, for packs with a mark and without one; then to see what is to go, and to take it out.
      if (key.startsWith(indexPrefix(SYSTEM)) && (reads += 1) === 4) await takeOver();
    },
  };
  await expect(collectOn(store)).rejects.toMatchObject({ code: 'locked' });
  expect(reads).toBe(4);
  expect(await keysOf(indexPrefix(SYSTEM))).toEqual(before);
  expect(await keysOf(packPrefix(SYSTEM))).toHaveLength(4);
});

test('an index that names a pack which is gone hides no other that has the same content', async () => {
  const content = randomBytes(1000);
  const [lost] = await writePacks(repository, [content], new Date(0), 1);
  await writePacks(repository, [content], clock.now(), 1);
  await writeManifest(repository, summaryOf('b'), [fileOf([content])]);
  await bare.delete(packKey(SYSTEM, lost?.pack ?? ''));
  expect(await readAllBackups(repository)).toEqual(['a', 'b']);
});

test('where the storage does not say which packs are there, what the indexes say counts', async () => {
  const content = randomBytes(1000);
  for (const day of [0, 1]) await writePacks(repository, [content], new Date(day * DAY_MS), 1);
  await writeManifest(repository, summaryOf('b'), [fileOf([content])]);
  let asked = 0;
  const store = withFaults(bare, ({ operation, key }) => {
    if (operation !== 'list' || key !== packPrefix(SYSTEM)) return;
    asked += 1;
    throw new DbadminError('storage-failed', 'a directory cannot be read');
  });
  expect(await readAllBackups({ ...repository, store })).toEqual(['a', 'b']);
  expect(asked).toBe(1);
});
