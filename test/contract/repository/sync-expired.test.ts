import { expect, test, vi } from 'vitest';
import { expireLineage } from '../../../src/backup/expire/run.ts';
import type { Retention } from '../../../src/backup/expire/retention.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { backupKey, indexPrefix, markPrefix, packKey, packPrefix, walKey } from '../../../src/repository/layout.ts';
import { readSummary, writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, hashOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';
import { CLUSTER, LABELS, newFilled, sync } from '../../backup/small-source.ts';
import { contentOf, nameOf, SEGMENT_BYTES } from '../../backup/wal-segments.ts';

const HOUR_MS = 3_600_000;
const RETENTION: Retention = {
  windowMs: undefined,
  keep: { last: 10, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
  minimum: 1,
  dumps: undefined,
  timeZone: 'UTC',
};

/** A repository that has a newer backup of its own, and of which time passes when that is said. */
async function newTarget(): Promise<{ readonly target: Repository; readonly pass: (ms: number) => void }> {
  let passedMs = 0;
  const clock = { ...systemClock, now: () => new Date(Date.now() + passedMs) };
  const target = await makeMemoryRepository(false, createMemoryStore(clock));
  await ensureClusterIdentity(target, CLUSTER);
  const contents = [Buffer.from('of its own')];
  await writePacks(target, contents, new Date());
  const start = 20n * BigInt(SEGMENT_BYTES);
  const times = { startedAt: '2026-11-23T00:00:00.000Z', finishedAt: '2026-11-23T00:00:01.000Z' };
  await writeManifest(target, summaryOf('own', { ...times, startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n) }), [
    fileOf(contents),
  ]);
  const archive = new WalArchive(target, SYSTEM, SEGMENT_BYTES);
  await archive.putSegment(nameOf(20), contentOf(20), { receivedAt: new Date(), coveredUntil: undefined });
  return { target, pass: (ms) => void (passedMs += ms) };
}

/** `repository`, in which `work` is done once before the first object of `prefix` is stored. */
function beforeFirst(repository: Repository, prefix: string, work: () => Promise<void>): Repository {
  let isDone = false;
  const { store } = repository;
  const create: Repository['store']['create'] = async (key, ...rest) => {
    if (key.startsWith(prefix) && !isDone) {
      isDone = true;
      await work();
    }
    await store.create(key, ...rest);
  };
  return { ...repository, store: { ...passThrough(store), create } };
}

async function segmentsThere({ store }: Repository): Promise<readonly number[]> {
  const there: number[] = [];
  for (const number of [3, 4, 5, 6, 7, 8]) if ((await store.stat(walKey(SYSTEM, nameOf(number)))) !== undefined) there.push(number);
  return there;
}

async function expire(repository: Repository, afterMs: number): Promise<number> {
  const clock = { ...systemClock, now: () => new Date(Date.now() + afterMs) };
  const signal = new AbortController().signal;
  const { expired } = await expireLineage(repository, CLUSTER, {
    retention: RETENTION,
    graceMs: 25 * HOUR_MS,
    trustsClock: true,
    clock,
    log: silentLog,
    signal,
  });
  return expired.wal.objects;
}

test('WAL that an expiry lets go between its copy and that of the backups comes again: no backup is there without its own', async () => {
  const { repository: source } = await newFilled();
  const { target, pass } = await newTarget();
  let removed = 0;
  const slow = beforeFirst(target, packPrefix(SYSTEM), async () => {
    pass(30 * HOUR_MS);
    removed = await expire(target, 30 * HOUR_MS);
  });

  const synced = await sync(source, slow);
  expect(removed).toBeGreaterThan(5);
  expect(synced.backups.map(({ label }) => label)).toEqual(LABELS);
  expect(synced.failed).toEqual([]);
  expect(await readAllBackups(target)).toEqual([...LABELS, 'own']);
  expect(await segmentsThere(target)).toEqual([3, 4, 5, 6, 7, 8]);
});

test('the same comes again for a backup that took long, whatever becomes of those behind it; damaged WAL is told once', async () => {
  const { repository: source } = await newFilled();
  await source.store.delete(walKey(SYSTEM, nameOf(4)));
  await source.store.create(walKey(SYSTEM, nameOf(4)), Buffer.from('nothing that was ever a segment'));
  const { target, pass } = await newTarget();
  const now = performance.now.bind(performance);
  const slow = beforeFirst(target, packPrefix(SYSTEM), async () => {
    pass(30 * HOUR_MS);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 30 * HOUR_MS);
    await expire(target, 30 * HOUR_MS);
  });
  const cut = beforeFirst(
    slow,
    backupKey(SYSTEM, 'backup-1'),
    async () => await Promise.reject(new DbadminError('interrupted', 'stopped')),
  );
  try {
    await expect(sync(source, cut)).rejects.toMatchObject({ code: 'interrupted' });
  } finally {
    vi.restoreAllMocks();
  }
  expect(await readAllBackups(target)).toEqual(['backup-0', 'own']);
  expect(await segmentsThere(target)).toEqual([3, 5, 6, 7, 8]);

  const { failed } = await sync(source, target);
  expect(failed.map(({ kind, name }) => `${kind} ${name}`)).toEqual([`wal ${nameOf(4)}`]);
});

test('content that a collection in the source writes anew meanwhile, deleting the packs where it lay, is copied from where it is now', async () => {
  for (const encrypted of [false, true]) {
    const { repository: source } = await newFilled();
    const target = await makeMemoryRepository(encrypted);
    const { store } = source;
    const keys = async (prefix: string): Promise<readonly string[]> => {
      const found: string[] = [];
      for await (const { key } of store.list(prefix)) found.push(key);
      return found;
    };
    const contents = LABELS.flatMap((_, n) => Array.from({ length: 5 }, (__, k) => Buffer.from(`blob ${n}.${k} `.repeat(50))));
    let reads = 0;
    const collecting: Repository['store']['readRange'] = async (key, ...rest) => {
      if (key.startsWith(packPrefix(SYSTEM)) && ++reads === 2) {
        const old = [...(await keys(packPrefix(SYSTEM))), ...(await keys(indexPrefix(SYSTEM)))];
        await writePacks(source, contents, new Date(), 15);
        for (const each of old) await store.delete(each);
      }
      return await store.readRange(key, ...rest);
    };
    const synced = await sync({ ...source, store: { ...passThrough(store), readRange: collecting } }, target);
    expect(reads).toBeGreaterThan(2);
    expect(synced.failed).toEqual([]);
    expect(await readAllBackups(target)).toEqual(LABELS);
  }
});

test('WAL of a backup that an expiry lets go in the destination meanwhile does not come back', async () => {
  const { repository: source } = await newFilled();
  const target = await makeMemoryRepository();
  await sync(source, target);
  await target.store.delete(backupKey(SYSTEM, 'backup-2'));
  const expiring = beforeFirst(target, backupKey(SYSTEM, 'backup-2'), async () => {
    await target.store.delete(backupKey(SYSTEM, 'backup-0'));
    for (const number of [3, 4]) await target.store.delete(walKey(SYSTEM, nameOf(number)));
  });
  expect((await sync(source, expiring)).backups.map(({ label }) => label)).toEqual(['backup-2']);
  expect(await segmentsThere(target)).toEqual([5, 6, 7, 8]);
});

test('a pack that the source has lost is looked for anew once, and not for each backup that needs it', async () => {
  const { repository: source } = await newFilled();
  const contents = Array.from({ length: 5 }, (_, k) => Buffer.from(`blob 2.${k} `.repeat(50)));
  const place = (await BlobIndex.load(source, SYSTEM)).find(hashOf(contents[0] ?? Buffer.alloc(0)));
  await source.store.delete(packKey(SYSTEM, place?.pack ?? ''));
  const like = await readSummary(source, SYSTEM, 'backup-2');
  const more = ['backup-3', 'backup-4', 'backup-5'];
  for (const label of more) await writeManifest(source, { ...like, label }, [fileOf(contents)]);
  let marksRead = 0;
  const list: Repository['store']['list'] = (prefix) => {
    // Each time that all indexes are read begins so.
    if (prefix.startsWith(markPrefix(SYSTEM))) marksRead += 1;
    return source.store.list(prefix);
  };
  const { failed } = await sync({ ...source, store: { ...passThrough(source.store), list } }, await makeMemoryRepository());
  expect(failed.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['backup-2', ...more].map((label) => `backup ${label}`));
  expect(marksRead).toBe(2);
});
