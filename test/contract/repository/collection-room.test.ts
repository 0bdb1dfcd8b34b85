import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Log } from '../../../src/base/log.ts';
import { silentLog } from '../../../src/base/log.ts';
import { collect, type Collected } from '../../../src/repository/collection.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const MiB = 1024 * 1024;
const DAY_MS = 86_400_000;

/** Two packs of 6 MiB; of one a backup needs 1 MiB, of the other 2. */
async function repositoryWith(clock: ManualClock, freeBytes: number): Promise<Repository> {
  const store = { ...passThrough(createMemoryStore(clock)), freeBytes: async () => freeBytes };
  const repository = await makeMemoryRepository(false, store);
  const contents = Array.from({ length: 12 }, () => randomBytes(MiB));
  await writePacks(repository, contents, clock.now(), 6);
  await writeManifest(repository, summaryOf('a'), [fileOf([0, 6, 7].map((n) => contents[n] ?? Buffer.alloc(0)))]);
  clock.set(clock.now().getTime() + 3 * DAY_MS);
  return repository;
}

async function collectAt(repository: Repository, clock: ManualClock, log: Log): Promise<Collected> {
  const lease = await acquireLease(repository, SYSTEM, 'expire', { clock, log, command: 'test' });
  try {
    return await collect(repository, SYSTEM, { lease, graceMs: DAY_MS, clock, log, signal: new AbortController().signal });
  } finally {
    await lease.release();
  }
}

test.each([
  // Never twice the size of the packs, which is 24 MiB.
  [20, 2],
  [18, 1],
  [16, 0],
])('with %i MiB free, %i of two packs of which little is needed are written anew', async (freeMiB, packs) => {
  const clock = new ManualClock();
  const repository = await repositoryWith(clock, freeMiB * MiB);
  const told: string[] = [];
  const collected = await collectAt(repository, clock, { ...silentLog, info: (message) => void told.push(message) });
  expect(collected).toMatchObject({ compacted: { packs }, marked: { packs } });
  expect(told).toHaveLength(packs === 2 ? 0 : 1);
  for (const message of told) expect(message).toMatch(new RegExp(`^${2 - packs} of 2 packs .* takes 3\\.15 MB; .* free`));
  expect(await readAllBackups(repository)).toEqual(['a']);
});
