import { expect, test, vi } from 'vitest';
import type { Retention } from '../../../src/backup/expire/retention.ts';
import { expireLineage } from '../../../src/backup/expire/run.ts';
import { holdInTime } from '../../../src/backup/hold-run.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { listHolds } from '../../../src/repository/holds.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { listLabels } from '../../../src/repository/live-blobs.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { fileOf, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const HOUR_MS = 3_600_000;
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: 1024 * 1024 };
const RETENTION: Retention = {
  keep: { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
  minimum: 1,
  windowMs: undefined,
  timeZone: 'UTC',
  dumps: undefined,
};
const signal = new AbortController().signal;

async function withBackups(clock: ManualClock, labels: readonly string[]): Promise<Repository> {
  const identity = { format: 2, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
  const repository: Repository = { store: createMemoryStore(clock), identity, keys: undefined };
  const content = Buffer.from('a page '.repeat(40));
  await writePacks(repository, [content], clock.now());
  for (const [n, label] of labels.entries()) {
    const lsns = { startLsn: `0/${n + 2}000028`, stopLsn: `0/${n + 2}000120` };
    await writeManifest(repository, summaryOf(label, { finishedAt: clock.now().toISOString(), ...lsns }), [fileOf([content])]);
    clock.set(clock.now().getTime() + HOUR_MS);
  }
  return repository;
}

/** A store in which `meanwhile` happens right before `key` is deleted. */
function beforeDelete(store: ObjectStore, key: string, meanwhile: () => Promise<void>): ObjectStore {
  const deleting = async (each: string): Promise<void> => {
    if (each === key) await meanwhile();
    await store.delete(each);
  };
  return new Proxy(store, {
    get: (target, method: keyof ObjectStore) => {
      if (method === 'delete') return deleting;
      const value: unknown = target[method];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** A clock that sleeps ten milliseconds, whatever is asked for, and says for how long it was asked to. */
function sleepingClock(): Clock & { readonly sleptMs: () => number } {
  let sleptMs = 0;
  const sleep = async (delayMs: number): Promise<void> => {
    sleptMs += delayMs;
    await new Promise((resolve) => setTimeout(resolve, 10));
  };
  return { now: () => new Date(), sleep, sleptMs: () => sleptMs };
}

const OLD = { label: 'old', reason: 'audit', until: null };

test('a hold that is placed when an expiry has looked for holds already does not pass for one: what it was to keep is gone', async () => {
  const clock = new ManualClock();
  const repository = await withBackups(clock, ['old', 'new']);
  let holding: Promise<unknown> = Promise.resolve();
  const late = beforeDelete(repository.store, backupKey(SYSTEM, 'old'), async () => {
    const options = { clock: sleepingClock(), log: silentLog, signal };
    holding = holdInTime(repository, SYSTEM, OLD, options).catch((error: unknown) => error);
    await vi.waitFor(async () => expect(await listHolds(repository, SYSTEM)).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 30));
  });
  const options = { retention: RETENTION, graceMs: HOUR_MS, clock, log: silentLog, signal };
  const { expired } = await expireLineage({ ...repository, store: late }, CLUSTER, options);
  expect(expired.backups).toEqual(['old']);

  expect(await holding).toMatchObject({
    code: 'backup-missing',
    message: expect.stringMatching(/^old was removed from .* while the hold was being placed$/),
  });
  expect(await listHolds(repository, SYSTEM)).toEqual([]);
});

test('beside a collection that takes its time a hold is placed at once, and told after a short look', async () => {
  const clock = sleepingClock();
  const repository = await withBackups(new ManualClock(), ['old', 'new']);
  const lease = await acquireLease(repository, SYSTEM, 'expire', { clock: new ManualClock(), log: silentLog, command: 'backup expire' });
  const holding = holdInTime(repository, SYSTEM, OLD, { clock, log: silentLog, signal });
  await vi.waitFor(async () => expect(await listHolds(repository, SYSTEM)).toMatchObject([{ label: 'old' }]));
  expect(clock.sleptMs()).toBeLessThan(20_000);
  await holding;
  expect(clock.sleptMs()).toBe(20_000);
  expect(await listLabels(repository, SYSTEM)).toEqual(['new', 'old']);
  await lease.release();
});

test('where nobody expires nothing is waited for', async () => {
  const clock = sleepingClock();
  const repository = await withBackups(new ManualClock(), ['old', 'new']);
  await holdInTime(repository, SYSTEM, OLD, { clock, log: silentLog, signal });
  expect(clock.sleptMs()).toBe(0);
  expect(await listHolds(repository, SYSTEM)).toMatchObject([{ label: 'old', reason: 'audit' }]);
});
