import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expireLineage, planLineage, type ExpireOptions } from '../../../src/backup/expire/run.ts';
import { dumpManifestKey } from '../../../src/backup/dump/layout.ts';
import type { Retention } from '../../../src/backup/expire/retention.ts';
import { silentLog } from '../../../src/base/log.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { backupKey, backupPrefix, walPrefix } from '../../../src/repository/layout.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { damage, flipBody, HEAD_DAMAGES } from '../../backup/damage.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { readAllBackups, SYSTEM } from '../../backup/small-backups.ts';
import { CLUSTER, dump, fill, keysOf, LABELS } from '../../backup/small-source.ts';

const DAY_MS = 86_400_000;
const KEEP: Retention['keep'] = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };

interface World {
  readonly repository: Repository;
  readonly options: ExpireOptions;
}

/** Three backups with WAL, two dumps, and holds that nothing keeps any more; everything was stored long ago. */
async function newWorld(retention: Partial<Retention>, wrap: (store: ObjectStore) => ObjectStore = (store) => store): Promise<World> {
  const clock = new ManualClock(Date.UTC(2026, 10, 23));
  const repository = await makeMemoryRepository(false, wrap(createMemoryStore(clock)));
  await ensureClusterIdentity(repository, CLUSTER);
  await fill(repository);
  for (const key of await keysOf(repository, `${SYSTEM}/holds/`)) await repository.store.delete(key);
  clock.set(clock.now().getTime() + 40 * DAY_MS);
  const wanted: Retention = { windowMs: undefined, keep: KEEP, minimum: 1, dumps: undefined, timeZone: 'UTC', ...retention };
  return { repository, options: { retention: wanted, graceMs: DAY_MS, clock, log: silentLog, signal: new AbortController().signal } };
}

/** What expire may remove; its lease comes and goes. */
const removable = async ({ repository }: World): Promise<readonly string[]> =>
  (await keysOf(repository, `${SYSTEM}/`)).filter((key) => !key.includes('/leases/'));

test.each([...HEAD_DAMAGES, ['a bit near its end is another', flipBody] as const])(
  'a manifest that is to stay is damaged: nothing goes on account of it, and it is named: %s',
  async (_, of) => {
    const world = await newWorld({ keep: { ...KEEP, last: 1 } });
    const { repository, options } = world;
    const key = backupKey(SYSTEM, 'backup-2');
    await damage(repository.store, key, async (bytes) => await of(bytes, 'manifest'));
    const before = await removable(world);
    // The plan alone lets others go, or would keep another in its place.
    await planLineage(repository, CLUSTER, options);
    await expect(expireLineage(repository, CLUSTER, options)).rejects.toMatchObject({
      code: 'repository-damaged',
      message: expect.stringContaining('nothing was removed') as string,
      detail: expect.stringContaining(key) as string,
    });
    expect(await removable(world)).toEqual(before);
    await repository.store.delete(key);
    const { expired } = await expireLineage(repository, CLUSTER, options);
    expect(expired.backups).toEqual(['backup-0']);
    expect(await readAllBackups(repository, SYSTEM)).toEqual(['backup-1']);
  },
);

test('damage at the end of a manifest that goes is no reason to keep it', async () => {
  const world = await newWorld({ keep: { ...KEEP, last: 1 } });
  await damage(world.repository.store, backupKey(SYSTEM, 'backup-0'), flipBody);
  const { expired, collected } = await expireLineage(world.repository, CLUSTER, world.options);
  expect(expired.backups).toEqual(['backup-0', 'backup-1']);
  expect(collected).toMatchObject({ marked: { packs: 2 } });
});

test('the manifest of a dump that is to stay is damaged: no older dump goes', async () => {
  const world = await newWorld({ keep: { ...KEEP, last: 3 }, dumps: 1 });
  const { repository, options } = world;
  await dump(repository, 'dump-c', 'create role r2;');
  const key = dumpManifestKey(`${SYSTEM}/`, 'dump-c');
  await damage(repository.store, key, flipBody);
  await expect(expireLineage(repository, CLUSTER, options)).rejects.toMatchObject({ detail: expect.stringContaining(key) as string });
  expect(await keysOf(repository, dumpManifestKey(`${SYSTEM}/`, 'dump-a'))).toHaveLength(1);
});

test('whatever is damaged, either all that stays can be read or nothing was removed', async () => {
  const drawn = fc.record({
    damaged: fc.subarray([...LABELS]),
    last: fc.integer({ min: 0, max: 3 }),
    windowMs: fc.option(fc.integer({ min: 1, max: 60 * DAY_MS }), { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ damaged, last, windowMs }) => {
      const world = await newWorld({ keep: { ...KEEP, last }, windowMs });
      const { repository, options } = world;
      for (const label of damaged) await damage(repository.store, backupKey(SYSTEM, label), flipBody);
      const before = await removable(world);
      try {
        const { expired } = await expireLineage(repository, CLUSTER, options);
        if (expired.backups.length + expired.wal.objects > 0) expect(await readAllBackups(repository, SYSTEM)).not.toEqual([]);
      } catch (error) {
        expect(error).toMatchObject({ code: 'repository-damaged' });
        expect(await removable(world)).toEqual(before);
      }
    }),
    { numRuns: 40 },
  );
});

test('each manifest that stays is read once, by whoever needs it first', async () => {
  const reads: string[] = [];
  const counted = (store: ObjectStore): ObjectStore =>
    new Proxy(store, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          if (name === 'readStream' && String(args[0]).startsWith(backupPrefix(SYSTEM))) reads.push(String(args[0]));
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
  const { repository, options } = await newWorld({ keep: { ...KEEP, last: 2 } }, counted);
  const { expired, collected } = await expireLineage(repository, CLUSTER, options);
  expect(expired.backups).toEqual(['backup-0']);
  expect(collected).toMatchObject({ marked: { packs: 1 } });
  expect(reads).toEqual(['backup-1', 'backup-2'].map((label) => backupKey(SYSTEM, label)));
  expect(await keysOf(repository, walPrefix(SYSTEM))).not.toEqual([]);
});
