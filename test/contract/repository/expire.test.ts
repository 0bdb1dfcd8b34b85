import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expireLineage } from '../../../src/backup/expire/run.ts';
import type { Retention } from '../../../src/backup/expire/retention.ts';
import { silentLog } from '../../../src/base/log.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { collect } from '../../../src/repository/collection.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { listHolds, placeHold, releaseHolds } from '../../../src/repository/holds.ts';
import { backupKey, indexPrefix, packKey, packPrefix, walKey } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { listLabels } from '../../../src/repository/live-blobs.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import { readMarks, verifyPacks } from '../../../src/repository/marks.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { readCoverage } from '../../../src/repository/wal-coverage.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { fileOf, hashOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SEGMENT_BYTES = 1024 * 1024;
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const KEEP: Retention['keep'] = { last: 0, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
const signal = new AbortController().signal;

function repositoryOn(clock: ManualClock, format = 2): Repository {
  const identity = { format, id: '0'.repeat(32), createdAt: '', tool: 'x', encryption: 'none', conditionalCreate: true } as const;
  return { store: createMemoryStore(clock), identity, keys: undefined };
}

const content = (n: number): Buffer => Buffer.from(`page ${n} `.repeat(30));

/** A backup that has `contents`; what the repository has is adopted. */
async function backUp(repository: Repository, clock: ManualClock, label: string, contents: readonly Buffer[], segment = 3): Promise<void> {
  const known = await BlobIndex.load(repository, SYSTEM, { skipPacks: await readMarks(repository, SYSTEM) });
  await writePacks(
    repository,
    contents.filter((each) => known.find(hashOf(each)) === undefined),
    clock.now(),
  );
  const start = BigInt(segment) * BigInt(SEGMENT_BYTES);
  const lsns = { startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n) };
  await writeManifest(repository, summaryOf(label, { finishedAt: clock.now().toISOString(), ...lsns }), [fileOf(contents)]);
}

async function collectAt(repository: Repository, clock: ManualClock, graceMs: number): Promise<Awaited<ReturnType<typeof collect>>> {
  const lease = await acquireLease(repository, SYSTEM, 'expire', { clock, log: silentLog, command: 'test' });
  try {
    return await collect(repository, SYSTEM, { lease, graceMs, clock, log: silentLog, signal });
  } finally {
    await lease.release();
  }
}

test('a hold that cannot be read holds what its key names until it is released, and hides no other', async () => {
  const clock = new ManualClock(Date.parse('2026-11-22T12:00:00Z'));
  const repository = repositoryOn(clock);
  await placeHold(repository, SYSTEM, { label: 'b', reason: 'audit of 2026', until: null, now: clock.now() });
  const key = `${SYSTEM}/holds/a/20261122T110000Z-0123abcd`;
  await repository.store.create(key, Buffer.from('not a hold at all'));
  const told: string[] = [];
  const listening = { ...repository, onDamaged: (found: { readonly key: string }) => void told.push(found.key) };

  const holds = await listHolds(listening, SYSTEM);
  expect(holds.map(({ label, reason, until, placedAt }) => ({ label, reason, until, placedAt }))).toEqual([
    { label: 'a', reason: 'it cannot be read, so it holds', until: null, placedAt: new Date('2026-11-22T11:00:00Z') },
    { label: 'b', reason: 'audit of 2026', until: null, placedAt: clock.now() },
  ]);
  expect(told).toEqual([key]);

  await releaseHolds(repository, SYSTEM, { label: 'a', holds: holds.slice(0, 1), reason: 'looked at', now: clock.now() });
  expect((await listHolds(repository, SYSTEM)).map(({ label }) => label)).toEqual(['b']);
});

test('E7: deleting any subset of backups, and collecting afterwards, leaves every other whole', async () => {
  const backups = fc.array(
    fc.record({ first: fc.integer({ min: 0, max: 30 }), count: fc.integer({ min: 1, max: 12 }), goes: fc.boolean() }),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(backups, async (drawn) => {
      const clock = new ManualClock();
      const repository = repositoryOn(clock);
      for (const [n, { first, count }] of drawn.entries()) {
        await backUp(
          repository,
          clock,
          `b${n}`,
          Array.from({ length: count }, (_, k) => content(first + k)),
        );
        clock.set(clock.now().getTime() + HOUR_MS);
      }
      const stay = drawn.flatMap(({ goes }, n) => (goes ? [] : [`b${n}`]));
      for (const [n, { goes }] of drawn.entries()) if (goes) await repository.store.delete(backupKey(SYSTEM, `b${n}`));
      for (let day = 0; day < 4; day += 1) {
        clock.set(clock.now().getTime() + 2 * DAY_MS);
        await collectAt(repository, clock, DAY_MS);
        expect([...(await readAllBackups(repository))].sort()).toEqual(stay);
      }
      if (stay.length === 0) return;
      // Everything else is gone: no pack stays that is mostly dead.
      const last = await collectAt(repository, clock, DAY_MS);
      expect(last).toMatchObject({ marked: { packs: 0 }, deleted: { packs: 0 }, unindexed: [] });
    }),
    { seed: 20261121, numRuns: 15 },
  );
});

test('an index that another collection replaces while this one reads it is looked for anew', async () => {
  const clock = new ManualClock();
  const repository = repositoryOn(clock);
  await backUp(repository, clock, 'b0', [content(1), content(2)]);
  await backUp(repository, clock, 'b1', [content(3)]);
  const { store } = repository;
  let replaced = 0;
  const replaceFirst = async (key: string): Promise<void> => {
    if (!key.startsWith(indexPrefix(SYSTEM)) || replaced > 0) return;
    replaced += 1;
    await store.create(`${key}0`, await store.read(key));
    await store.delete(key);
  };
  const late = new Proxy(store, {
    get: (target, method: keyof ObjectStore) => {
      if (method === 'readStream') return readStream;
      const value: unknown = target[method];
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  async function* readStream(key: string): AsyncIterable<Uint8Array> {
    await replaceFirst(key);
    yield* store.readStream(key);
  }
  await store.delete(backupKey(SYSTEM, 'b1'));
  clock.set(clock.now().getTime() + 2 * DAY_MS);
  expect(await collectAt({ ...repository, store: late }, clock, DAY_MS)).toMatchObject({ marked: { packs: 1 }, unindexed: [] });
  expect(replaced).toBe(1);
  expect(await readAllBackups(repository)).toEqual(['b0']);
});

test('an index that names a pack which is gone, and which nothing needs, lets it go: the next backup does not rely on it', async () => {
  const clock = new ManualClock();
  const repository = repositoryOn(clock);
  await backUp(repository, clock, 'b0', [content(1)]);
  await backUp(repository, clock, 'b1', [content(2)]);
  const before = await BlobIndex.load(repository, SYSTEM);
  const pack = before.find(hashOf(content(2)))?.pack ?? '';
  await repository.store.delete(backupKey(SYSTEM, 'b1'));
  await repository.store.delete(packKey(SYSTEM, pack));
  await expect(verifyPacks(repository, SYSTEM, new Set([pack]))).rejects.toMatchObject({ code: 'repository-damaged' });
  await collectAt(repository, clock, DAY_MS);
  const after = await BlobIndex.load(repository, SYSTEM);
  expect(after.find(hashOf(content(2)))).toBeUndefined();
  expect(after.find(hashOf(content(1)))).toEqual(before.find(hashOf(content(1))));
  await backUp(repository, clock, 'b2', [content(1), content(2)]);
  expect(await readAllBackups(repository)).toEqual(['b0', 'b2']);
});

test('sixty days of daily backups under retention: the window stays, older ones thin out, space is bounded, holds are honoured', async () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 1, 2));
  const repository = repositoryOn(clock);
  await ensureClusterIdentity(repository, CLUSTER);
  const retention: Retention = { windowMs: 7 * DAY_MS, keep: { ...KEEP, weekly: 4 }, minimum: 2, dumps: undefined, timeZone: 'UTC' };
  const packCounts: number[] = [];
  for (let day = 0; day < 60; day += 1) {
    // A tenth of the content changes each day.
    await backUp(
      repository,
      clock,
      `day${String(day).padStart(2, '0')}`,
      Array.from({ length: 20 }, (_, k) => content(k + 1000 * Math.floor((day + k) / 10))),
      day + 3,
    );
    for (let hour = 0; hour < 2; hour += 1) {
      const segment = segmentName(1, BigInt(day + 3) * BigInt(SEGMENT_BYTES), SEGMENT_BYTES);
      if (hour === 0) await repository.store.create(walKey(SYSTEM, segment), Buffer.from('wal'));
    }
    if (day === 3)
      await placeHold(repository, SYSTEM, {
        label: 'day03',
        reason: 'audit',
        until: new Date(clock.now().getTime() + 30 * DAY_MS),
        now: clock.now(),
      });
    if (day === 4) {
      await placeHold(repository, SYSTEM, { label: 'day04', reason: 'mistake', until: null, now: clock.now() });
      const holds = await listHolds(repository, SYSTEM, 'day04');
      await releaseHolds(repository, SYSTEM, { label: 'day04', holds, reason: 'was none', now: clock.now() });
    }
    await expireLineage(repository, CLUSTER, { retention, graceMs: 25 * HOUR_MS, clock, log: silentLog, signal });
    const listed = await readAllBackups(repository);
    expect(listed.includes('day03')).toBe(day >= 3 && day < 33);
    let packs = 0;
    for await (const _ of repository.store.list(packPrefix(SYSTEM))) packs += 1;
    packCounts.push(packs);
    clock.set(clock.now().getTime() + DAY_MS);
  }
  // The last of each of four weeks, the beginning of the window, the window.
  expect(await listLabels(repository, SYSTEM)).toEqual([
    'day38',
    'day45',
    'day52',
    'day53',
    'day54',
    'day55',
    'day56',
    'day57',
    'day58',
    'day59',
  ]);
  const { timelines } = await readCoverage(repository, SYSTEM, SEGMENT_BYTES);
  const kept = timelines
    .get(1)
    ?.runs.map(({ startLsn, endLsn }) => [Number(startLsn) / SEGMENT_BYTES - 3, Number(endLsn) / SEGMENT_BYTES - 3]);
  expect(kept).toEqual([
    [38, 39],
    [45, 46],
    [52, 60],
  ]);
  expect(Math.max(...packCounts.slice(30))).toBeLessThanOrEqual(Math.max(...packCounts.slice(0, 30)) + 5);
});

test('a locked backup stays with its WAL, and is reported', async () => {
  const clock = new ManualClock();
  const repository = repositoryOn(clock);
  await backUp(repository, clock, 'old', [content(1)], 3);
  await repository.store.create(walKey(SYSTEM, segmentName(1, 3n * BigInt(SEGMENT_BYTES), SEGMENT_BYTES)), Buffer.from('wal'));
  await repository.store.extendLock(backupKey(SYSTEM, 'old'), new Date(clock.now().getTime() + 90 * DAY_MS));
  clock.set(clock.now().getTime() + 30 * DAY_MS);
  await backUp(repository, clock, 'new', [content(2)], 9);
  const retention: Retention = { windowMs: undefined, keep: { ...KEEP, last: 1 }, minimum: 1, dumps: undefined, timeZone: 'UTC' };
  const options = { retention, graceMs: DAY_MS, clock, log: silentLog, signal };
  const { expired, locked } = await expireLineage(repository, CLUSTER, options);
  expect([...locked]).toEqual([['old', new Date(clock.now().getTime() + 60 * DAY_MS)]]);
  expect(expired).toEqual({ backups: [], dumps: [], locked: ['old'], wal: { objects: 0, bytes: 0 } });
  expect([...(await readAllBackups(repository))].sort()).toEqual(['new', 'old']);
  clock.set(clock.now().getTime() + 61 * DAY_MS);
  expect((await expireLineage(repository, CLUSTER, options)).expired).toMatchObject({ backups: ['old'], locked: [], wal: { objects: 1 } });
});

test('content that the storage has locked waits for the lock; an index that is locked names it meanwhile, and the mark tells', async () => {
  const clock = new ManualClock();
  const repository = repositoryOn(clock);
  await backUp(repository, clock, 'a', [content(1)]);
  await backUp(repository, clock, 'b', [content(2)]);
  const lock = async (area: string, days: number): Promise<void> => {
    const until = new Date(clock.now().getTime() + days * DAY_MS);
    for await (const { key } of repository.store.list(`${SYSTEM}/${area}/`)) await repository.store.extendLock(key, until);
  };
  await lock('packs', 10);
  await lock('indexes', 20);
  await repository.store.delete(backupKey(SYSTEM, 'a'));
  clock.set(clock.now().getTime() + 3 * DAY_MS);
  expect(await collectAt(repository, clock, DAY_MS)).toMatchObject({ marked: { packs: 1 } });
  clock.set(clock.now().getTime() + 3 * DAY_MS);
  expect(await collectAt(repository, clock, DAY_MS)).toMatchObject({ deleted: { packs: 0 }, locked: { packs: 1 } });
  clock.set(clock.now().getTime() + 5 * DAY_MS);
  expect(await collectAt(repository, clock, DAY_MS)).toMatchObject({ deleted: { packs: 1 }, locked: { packs: 0 } });
  // No backup relies on what only the locked index still names.
  expect((await readMarks(repository, SYSTEM)).size).toBe(1);
  await backUp(repository, clock, 'c', [content(1), content(2)]);
  expect([...(await readAllBackups(repository))].sort()).toEqual(['b', 'c']);
  clock.set(clock.now().getTime() + 10 * DAY_MS);
  expect(await collectAt(repository, clock, DAY_MS)).toMatchObject({ deleted: { packs: 0 } });
  expect((await readMarks(repository, SYSTEM)).size).toBe(0);
  expect([...(await readAllBackups(repository))].sort()).toEqual(['b', 'c']);
});

test('nothing is collected from format 1, from a lineage without backups, or where content is missing', async () => {
  const clock = new ManualClock();
  const old = repositoryOn(clock, 1);
  await backUp(old, clock, 'a', [content(1)]);
  await expect(collectAt(old, clock, DAY_MS)).rejects.toMatchObject({
    code: 'repository-format',
    message: expect.stringContaining('format 1'),
  });
  const repository = repositoryOn(clock);
  await backUp(repository, clock, 'a', [content(1)]);
  await backUp(repository, clock, 'b', [content(2)]);
  await repository.store.delete(backupKey(SYSTEM, 'a'));
  await repository.store.delete(backupKey(SYSTEM, 'b'));
  clock.set(clock.now().getTime() + 9 * DAY_MS);
  expect(await collectAt(repository, clock, DAY_MS)).toMatchObject({ marked: { packs: 0 } });
  await writeManifest(repository, summaryOf('c'), [fileOf([content(1), content(77)])]);
  await expect(collectAt(repository, clock, DAY_MS)).rejects.toMatchObject({ code: 'repository-damaged' });
  expect((await readMarks(repository, SYSTEM)).size).toBe(0);
});

test('packs whose index was lost are not taken for garbage', async () => {
  const clock = new ManualClock();
  const repository = repositoryOn(clock);
  await backUp(repository, clock, 'a', [content(1), content(2)]);
  const indexes: string[] = [];
  for await (const { key } of repository.store.list(`${SYSTEM}/indexes/`)) indexes.push(key);
  for (const key of indexes) await repository.store.delete(key);
  clock.set(clock.now().getTime() + 9 * DAY_MS);
  const collected = await collectAt(repository, clock, DAY_MS);
  expect(collected).toMatchObject({ marked: { packs: 0 }, unindexed: [expect.stringMatching(/^[0-9a-f]{32}$/)] });
});

test('a backup that began before the marks were made keeps its packs, however long it takes', async () => {
  const clock = new ManualClock();
  const repository = repositoryOn(clock);
  await backUp(repository, clock, 'a', [content(1), content(2), content(3), content(4)]);
  await backUp(repository, clock, 'b', [content(5)]);
  clock.set(clock.now().getTime() + 9 * DAY_MS);
  const writer = await acquireLease(repository, SYSTEM, 'backup', { clock, log: silentLog, command: 'backup run' });
  await repository.store.delete(backupKey(SYSTEM, 'a'));
  expect(await collectAt(repository, clock, HOUR_MS)).toMatchObject({ marked: { packs: 1 } });
  for (let day = 0; day < 3; day += 1) {
    await clock.advance(DAY_MS);
    expect(await collectAt(repository, clock, HOUR_MS)).toMatchObject({
      deleted: { packs: 0 },
      postponedFor: expect.stringContaining('backup run'),
    });
  }
  // It relied on what was marked meanwhile: the mark is taken away again.
  await writeManifest(repository, summaryOf('late'), [fileOf([content(1), content(2), content(3), content(4)])]);
  await writer.release();
  expect(await collectAt(repository, clock, HOUR_MS)).toMatchObject({ withdrawn: { packs: 1 }, deleted: { packs: 0 } });
  expect([...(await readAllBackups(repository))].sort()).toEqual(['b', 'late']);
});
