import { expect, test } from 'vitest';
import { noteLevel } from '../../../src/repository/levels.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { measureUsage, type RepositoryUsage } from '../../../src/repository/usage.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { SYSTEM } from '../../backup/small-backups.ts';
import { keysOf } from '../../backup/small-source.ts';

const DAY_MS = 86_400_000;
const FREE_BYTES = 1_000_000;

interface Life {
  readonly days: number;
  /** What comes on a day. */
  readonly comes?: (day: number) => number;
  /** For so many days it stays; on a day of which it says 0 no expiry runs. */
  readonly keptDays?: (day: number) => number;
}

/** A dump of some size each day, and an expiry each night; what is told a while after the last. */
async function usageAfter({ days, comes = () => 10_000, keptDays = () => 10 }: Life): Promise<RepositoryUsage> {
  const clock = new ManualClock();
  const repository: Repository = await makeMemoryRepository(false, createMemoryStore(clock));
  const { store } = repository;
  const dumps: number[] = [];
  for (let day = 0; day < days; day += 1) {
    dumps.push(day);
    await store.create(`${SYSTEM}/dumps/${day}/a.dump`, Buffer.alloc(comes(day)));
    const kept = keptDays(day);
    for (const old of dumps.splice(0, kept > 0 ? Math.max(0, dumps.length - kept) : 0)) await store.delete(`${SYSTEM}/dumps/${old}/a.dump`);
    if (kept > 0) await noteLevel(repository, SYSTEM, { now: clock.now(), storeNow: clock.now() });
    clock.set(clock.now().getTime() + DAY_MS);
  }
  expect((await keysOf(repository, `${SYSTEM}/expired/`)).length).toBeLessThan(19);
  const withLimit: ObjectStore = new Proxy(store, {
    get: (target, method: keyof ObjectStore) => {
      if (method === 'freeBytes') return async () => await Promise.resolve(FREE_BYTES);
      const value: unknown = target[method];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return await measureUsage(withLimit, clock.now());
}

test('a repository in balance is not told as one that is full soon: what goes counts, too', async () => {
  const { growthBytesPerDay = 0, daysUntilFull = Number.POSITIVE_INFINITY } = await usageAfter({ days: 40 });
  expect(growthBytesPerDay).toBeLessThan(200);
  expect(daysUntilFull).toBeGreaterThan(5000);
});

test('a full backup a week among small ones is balance, too', async () => {
  const weekly = (day: number): number => (day % 7 === 0 ? 50_000 : 1000);
  for (const days of [40, 42, 45]) {
    const { growthBytesPerDay = 0 } = await usageAfter({ days, comes: weekly, keptDays: () => 14 });
    expect(growthBytesPerDay).toBeLessThan(200);
  }
});

test('what grows grows: where more comes than goes, where less is kept from then on, and where no expiry runs any more', async () => {
  const growing = await usageAfter({ days: 40, comes: (day) => 10_000 + 500 * day });
  expect(growing.growthBytesPerDay).toBeGreaterThan(4000);
  expect(growing.growthBytesPerDay).toBeLessThan(6500);
  // All stays until day 36; then half of it goes at once.
  const less = await usageAfter({ days: 40, keptDays: (day) => (day < 36 ? 1000 : 20) });
  expect(less.growthBytesPerDay).toBeGreaterThan(9000);
  const stopped = await usageAfter({ days: 40, keptDays: (day) => (day < 36 ? 10 : 0) });
  expect(stopped.growthBytesPerDay).toBeGreaterThan(9000);
});

test('until two weeks are known, what came is what grew', async () => {
  expect((await usageAfter({ days: 12 })).growthBytesPerDay).toBeGreaterThan(9000);
});
