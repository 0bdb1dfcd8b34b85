import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import type { Log } from '../../../src/base/log.ts';
import { silentLog } from '../../../src/base/log.ts';
import { collect, type Collected } from '../../../src/repository/collection.ts';
import { indexPrefix, packPrefix } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { ensureReserve, RESERVE_KEY, withReserve } from '../../../src/repository/reserve.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const MiB = 1024 * 1024;
const DAY_MS = 86_400_000;

/** Two packs of 6 MiB; of one a backup needs 1 MiB, of the other 2. */
async function repositoryWith(clock: ManualClock, freeBytes: number, bare = createMemoryStore(clock)): Promise<Repository> {
  const store = { ...passThrough(bare), freeBytes: async () => freeBytes };
  const repository = await makeMemoryRepository(false, store);
  const contents = Array.from({ length: 12 }, () => randomBytes(MiB));
  await writePacks(repository, contents, clock.now(), 6);
  await writeManifest(repository, summaryOf('a'), [fileOf([0, 6, 7].map((n) => contents[n] ?? Buffer.alloc(0)))]);
  clock.set(clock.now().getTime() + 3 * DAY_MS);
  return repository;
}

async function packsOf({ store }: Repository): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(packPrefix(SYSTEM))) keys.push(key);
  return keys;
}

async function collectAt(repository: Repository, clock: ManualClock, log: Log, withoutReserve = repository): Promise<Collected> {
  const lease = await acquireLease(repository, SYSTEM, 'expire', { clock, log, command: 'test' });
  try {
    return await collect(repository, SYSTEM, { lease, graceMs: DAY_MS, clock, log, signal: new AbortController().signal, withoutReserve });
  } finally {
    await lease.release();
  }
}

test.each([
  // What is needed of both is 3 MiB, and a quarter is taken of what is free beside a pack.
  [29, 2],
  [21, 1],
  [19, 0],
])('with %i MiB free, %i of two packs of which little is needed are written anew', async (freeMiB, packs) => {
  const clock = new ManualClock();
  const repository = await repositoryWith(clock, freeMiB * MiB);
  const told: string[] = [];
  const collected = await collectAt(repository, clock, { ...silentLog, info: (message) => void told.push(message) });
  expect(collected).toMatchObject({ compacted: { packs }, marked: { packs } });
  expect(told).toHaveLength(packs === 2 ? 0 : 1);
  for (const message of told)
    expect(message).toMatch(new RegExp(`^${2 - packs} of 2 packs .* takes ${packs === 0 ? '3\\.15' : '2\\.10'} MB; .* free`));
  expect(await readAllBackups(repository)).toEqual(['a']);
});

test('what no backup needs is marked and deleted though the room for rewriting goes meanwhile, and the reserve stays', async () => {
  const clock = new ManualClock();
  let isFull = false;
  let refused = 0;
  const bare = withFaults(createMemoryStore(clock), ({ operation, key }) => {
    if (!isFull || operation !== 'create' || !key.startsWith(packPrefix(SYSTEM))) return;
    refused += 1;
    throw new DbadminError('storage-full', 'WAL has taken the room');
  });
  const repository = await repositoryWith(clock, 1024 * MiB, bare);
  await ensureReserve(repository.store);
  await writePacks(repository, [randomBytes(1000)], clock.now(), 1);
  clock.set(clock.now().getTime() + 3 * DAY_MS);
  isFull = true;
  const before = await packsOf(repository);
  const collect = async (): Promise<Collected> => await collectAt(withReserve(repository, silentLog), clock, silentLog, repository);
  expect(await collect()).toMatchObject({ compacted: { packs: 0 }, marked: { packs: 1 } });
  expect(refused).toBe(1);
  expect(await packsOf(repository)).toEqual(before);
  clock.set(clock.now().getTime() + 3 * DAY_MS);
  expect(await collect()).toMatchObject({ compacted: { packs: 0 }, deleted: { packs: 1 } });
  expect(await repository.store.stat(RESERVE_KEY)).toBeDefined();
  isFull = false;
  expect(await collect()).toMatchObject({ compacted: { packs: 2 }, marked: { packs: 2 } });
  expect(await readAllBackups(repository)).toEqual(['a']);
});

test('what was written of a round that finds no more room is taken away again', async () => {
  const clock = new ManualClock();
  let isFull = false;
  const bare = withFaults(createMemoryStore(clock), ({ operation, key }) => {
    if (isFull && operation === 'create' && key.startsWith(indexPrefix(SYSTEM))) throw new DbadminError('storage-full', 'no room');
  });
  const repository = await repositoryWith(clock, 1024 * MiB, bare);
  const before = await packsOf(repository);
  isFull = true;
  expect(await collectAt(repository, clock, silentLog)).toMatchObject({ compacted: { packs: 0 }, marked: { packs: 0 } });
  expect(await packsOf(repository)).toEqual(before);
});
