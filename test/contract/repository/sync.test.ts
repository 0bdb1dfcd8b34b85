import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { ChooseBackups } from '../../../src/backup/sync/plan.ts';
import { Renames } from '../../../src/backup/sync/renames.ts';
import { syncLineage } from '../../../src/backup/sync/run.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { newFinding, placeFinding } from '../../../src/repository/audit-findings.ts';
import { blake3 } from '../../../src/repository/hash.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { BlobPipeline } from '../../../src/repository/blob-pipeline.ts';
import { BlobReader } from '../../../src/repository/blob-reader.ts';
import { listHolds, placeHold } from '../../../src/repository/holds.ts';
import { holdPrefix, packPrefix } from '../../../src/repository/layout.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { readLedger } from '../../../src/repository/ledger.ts';
import { listBackups, readManifest, writeManifest, type Extent } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { readCoverage } from '../../../src/repository/wal-coverage.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';
import { CLUSTER, dump, newFilled, sync } from '../../backup/small-source.ts';
import { contentOf as segmentBytes, nameOf, SEGMENT_BYTES } from '../../backup/wal-segments.ts';

const times = { receivedAt: new Date(1000), coveredUntil: new Date(2000) };

/** The `n`th backup: of 30 blobs, a third of which the one before has, too; some extents begin inside a blob. */
async function backUp(repository: Repository, n: number): Promise<void> {
  const known = await BlobIndex.load(repository, SYSTEM);
  const pipeline = new BlobPipeline([{ repository, systemIdentifier: SYSTEM, known }], { threads: 1 });
  try {
    const extents: Extent[] = [];
    const pages: string[] = [];
    for (let k = 0; k < 30; k += 1) {
      const plain = Buffer.from(`blob ${n * 20 + k} `.repeat(300));
      await pipeline.put(
        plain,
        ([hash = '']) => (extents[k] = k % 7 === 3 ? [k * 8192, 100, hash, 50] : [k * 8192, plain.byteLength, hash]),
      );
    }
    await pipeline.put(Buffer.from(`page hashes ${n}`), ([hash = '']) => (pages[0] = hash));
    await pipeline.finish(`20261121T00000${n}Z-${'0'.repeat(16)}`);
    const start = BigInt(3 + 2 * n) * BigInt(SEGMENT_BYTES);
    const lsns = { startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n) };
    const parts = { ...lsns, startedAt: `2026-11-2${n}T00:00:00.000Z`, finishedAt: `2026-11-2${n}T00:00:01.000Z` };
    await writeManifest(repository, summaryOf(`backup-${n}`, parts), [
      { path: 'base', type: 'directory', mode: 448, modifiedAt: 1 },
      { path: 'base/1', type: 'file', sizeBytes: 30 * 8192, mode: 384, modifiedAt: 1, extents, pages },
    ]);
  } finally {
    await pipeline.close();
  }
  const archive = new WalArchive(repository, SYSTEM, SEGMENT_BYTES);
  for (const number of [3 + 2 * n, 4 + 2 * n]) await archive.putSegment(nameOf(number), segmentBytes(number), times);
}

/** Everything that the backups of a repository hold, as plain bytes. */
async function contentOf(repository: Repository): Promise<readonly unknown[]> {
  const reader = new BlobReader(repository, SYSTEM, await BlobIndex.load(repository, SYSTEM));
  const content: unknown[] = [];
  for (const { label, startLsn, finishedAt } of await listBackups(repository, SYSTEM)) {
    content.push(label, startLsn, finishedAt);
    for await (const entry of readManifest(repository, SYSTEM, label)) {
      if (entry.type !== 'file') {
        content.push(entry);
        continue;
      }
      const { extents: some, pages = [], ...rest } = entry;
      const extents = [...some];
      content.push(rest);
      const hashes = [...extents.map((extent) => extent[2]), ...pages];
      let n = 0;
      for await (const plain of reader.readAll(hashes)) content.push(extents[n]?.[0], extents[n]?.[1], extents[n++]?.[3], plain.toString());
    }
  }
  return content;
}

/** The keys below a prefix. */
async function keysOf({ store }: Repository, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** A store that counts bytes read, and fails for good from its `failAt`th create on. */
function watched(inner: ObjectStore, failAt = Number.POSITIVE_INFINITY): ObjectStore & { packBytesRead: number } {
  let creates = 0;
  const store = Object.create(null) as ObjectStore & { packBytesRead: number };
  return Object.assign(store, {
    packBytesRead: 0,
    description: inner.description,
    capabilities: inner.capabilities,
    create: async (key: string, body: Parameters<ObjectStore['create']>[1]) => {
      // The lease of a run that failed is released.
      if (!key.includes('/leases/')) creates += 1;
      if (creates >= failAt && !key.includes('/leases/')) throw new DbadminError('storage-failed', 'the storage is gone');
      await inner.create(key, body);
    },
    read: async (key: string) => await inner.read(key),
    readRange: async (key: string, offset: number, length: number) => {
      if (key.includes('/packs/')) store.packBytesRead += length;
      return await inner.readRange(key, offset, length);
    },
    readStream: (key: string) => inner.readStream(key),
    stat: async (key: string) => await inner.stat(key),
    list: (prefix: string) => inner.list(prefix),
    delete: async (key: string) => await inner.delete(key),
  });
}

for (const [fromEncrypted, toEncrypted] of [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const) {
  const name = (encrypted: boolean): string => (encrypted ? 'an encrypted repository' : 'a plain one');

  test(`from ${name(fromEncrypted)} to ${name(toEncrypted)}: what is missing is copied once, interrupted or not, and is the same`, async () => {
    const inner = createMemoryStore();
    const source = await makeMemoryRepository(fromEncrypted, inner);
    const target = await makeMemoryRepository(toEncrypted);
    for (const n of [0, 1, 2]) await backUp(source, n);
    const archive = new WalArchive(source, SYSTEM, SEGMENT_BYTES);
    await archive.putPart(nameOf(9), 0, segmentBytes(9).subarray(0, 5000), times);
    await archive.putHorizon(1, 9n * BigInt(SEGMENT_BYTES) + 5000n, new Date(5000));
    await archive.putHistory(2, Buffer.from('1\t0/500000\tno recovery target specified\n'));
    await placeHold(source, SYSTEM, { label: 'backup-1', reason: 'audit', until: null, now: new Date(0) });

    // It dies at a few places on the way, and is run again.
    for (const failAt of [2, 7])
      await sync(source, { ...target, store: watched(target.store, failAt) }).catch((error: unknown) =>
        expect(error).toMatchObject({ code: 'storage-failed' }),
      );
    await sync(source, target);
    expect(await contentOf(target)).toEqual(await contentOf(source));
    expect(await listHolds(target, SYSTEM)).toEqual(await listHolds(source, SYSTEM));
    expect(await readCoverage(target, SYSTEM, SEGMENT_BYTES)).toEqual(await readCoverage(source, SYSTEM, SEGMENT_BYTES));
    expect(await new WalArchive(target, SYSTEM, SEGMENT_BYTES).readSegment(nameOf(5))).toEqual(segmentBytes(5));
    expect((await keysOf(target, `${SYSTEM}/leases/`)).length).toBe(1);

    const packs = await keysOf(target, packPrefix(SYSTEM));
    expect(await sync(source, target)).toMatchObject({ backups: [], wal: { segments: 0, parts: 0, histories: 0 }, dumps: [], objects: 0 });
    expect(await keysOf(target, packPrefix(SYSTEM))).toEqual(packs);

    // The next one costs what is new in it: a third is shared with what both have.
    await backUp(source, 3);
    const reading = watched(inner);
    const { backups } = await sync({ ...source, store: reading }, target);
    expect(backups).toMatchObject([{ label: 'backup-3', newBlobs: 21 }]);
    expect(await contentOf(target)).toEqual(await contentOf(source));
    // A blob takes some 60 bytes; names that differ are learnt from what both have, but for blobs used in part.
    expect(reading.packBytesRead).toBeLessThan(25 * (fromEncrypted ? 100 : 70));
  });
}

test('damage in the source is found on the way, and no backup of it appears', async () => {
  const source = await makeMemoryRepository();
  const target = await makeMemoryRepository();
  await backUp(source, 0);
  const [key = ''] = await keysOf(source, packPrefix(SYSTEM));
  const bytes = Buffer.from(await source.store.read(key));
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await source.store.delete(key);
  await source.store.create(key, bytes);
  const damaged = { kind: 'backup', name: 'backup-0', problem: expect.stringContaining(`${key} is damaged`) as string };
  expect(await sync(source, target)).toMatchObject({ backups: [], wal: { segments: 2 }, failed: [damaged] });
  expect(await listBackups(target, SYSTEM)).toEqual([]);
});

test('a dump whose label stands for another one in the destination is told, and both stay; one that was copied is the same', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository(true)];
  await dump(source, 'dump-a', 'create role a;');
  expect(await sync(source, target)).toMatchObject({ dumps: ['dump-a'], failed: [] });
  expect(await sync(source, target)).toMatchObject({ dumps: [], failed: [] });
  const other = await makeMemoryRepository();
  await dump(other, 'dump-a', 'create role b;', SYSTEM, '2026-11-21T00:00:00.500Z');
  const told = {
    kind: 'namesake',
    name: 'dump-a',
    problem: expect.stringMatching(/00:00:00\.500Z.*another dump, of .*00:00:00\.000Z$/) as string,
  };
  expect(await sync(other, target)).toMatchObject({ dumps: [], failed: [told] });
  expect(await sync(source, target)).toMatchObject({ dumps: [], failed: [] });
});

test('a segment of which the source has parts only, and the destination the whole, gets none', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository()];
  await backUp(source, 0);
  await new WalArchive(source, SYSTEM, SEGMENT_BYTES).putPart(nameOf(5), 0, segmentBytes(5).subarray(0, 5000), times);
  await new WalArchive(target, SYSTEM, SEGMENT_BYTES).putSegment(nameOf(5), segmentBytes(5), times);
  expect(await sync(source, target)).toMatchObject({ wal: { segments: 2, parts: 0 }, failed: [] });
  expect((await keysOf(target, `${SYSTEM}/wal/`)).filter((key) => key.includes('.part.'))).toEqual([]);
});

test('what the server archived beside segments is copied once, as far as a backup reaches it', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository(true)];
  await backUp(source, 0);
  const [archive, copy] = [source, target].map((each) => new WalArchive(each, SYSTEM, SEGMENT_BYTES)) as [WalArchive, WalArchive];
  for (const n of [2, 5]) await archive.putPartial(nameOf(n), segmentBytes(n), times);
  await archive.putBackupHistory(`${nameOf(3)}.00000028.backup`, Buffer.from('START WAL LOCATION: 0/300028'));
  expect(await sync(source, target)).toMatchObject({ wal: { segments: 2, beside: 2 }, failed: [] });
  expect(await copy.readPartial(nameOf(5))).toEqual(segmentBytes(5));
  // From before all backups.
  expect(await copy.readPartial(nameOf(2))).toBeUndefined();
  expect(String(await copy.readBackupHistory(`${nameOf(3)}.00000028.backup`))).toBe('START WAL LOCATION: 0/300028');
  expect(await sync(source, target)).toMatchObject({ wal: { segments: 0, beside: 0 }, failed: [] });
});

test('of two servers that left one segment unfinished the destination keeps what it has', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository()];
  await backUp(source, 0);
  const other = segmentBytes(5).fill(7, 5000);
  await new WalArchive(source, SYSTEM, SEGMENT_BYTES).putPartial(nameOf(5), segmentBytes(5), times);
  await new WalArchive(target, SYSTEM, SEGMENT_BYTES).putPartial(nameOf(5), other, times);
  expect(await sync(source, target)).toMatchObject({ wal: { beside: 0 }, failed: [] });
  expect(await new WalArchive(target, SYSTEM, SEGMENT_BYTES).readPartial(nameOf(5))).toEqual(other);
});

test('up to when an open segment covers everything is known in the destination, too', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository()];
  await backUp(source, 0);
  const archives = [source, target].map((each) => new WalArchive(each, SYSTEM, SEGMENT_BYTES)) as [WalArchive, WalArchive];
  const momentAt = async (to: number): Promise<unknown> =>
    await Promise.all(archives.map(async (each) => await each.readPartMoment(nameOf(5), to)));
  const [archive] = archives;
  await archive.putPart(nameOf(5), 0, segmentBytes(5).subarray(0, 4000), times);
  await archive.putPart(nameOf(5), 4000, segmentBytes(5).subarray(4000, 5000), { ...times, coveredUntil: new Date(3000) });
  expect(await sync(source, target)).toMatchObject({ wal: { parts: 1 }, failed: [] });
  expect(await momentAt(5000)).toEqual([new Date(3000), new Date(3000)]);

  // Of what nobody knows it in the source nothing is said.
  await archive.putPart(nameOf(5), 5000, segmentBytes(5).subarray(5000, 6000), { ...times, coveredUntil: undefined });
  expect(await sync(source, target)).toMatchObject({ wal: { parts: 1 }, failed: [] });
  expect(await momentAt(6000)).toEqual([undefined, undefined]);
});

test('one backup alone comes with the ledger and with what is known of its pages, and without holds, reports and dumps', async () => {
  const { repository: source } = await newFilled();
  const target = await makeMemoryRepository();
  const finding = { label: 'backup-2', sound: 'earlier', wrong: ['backup-1'], reason: 'looked', now: new Date(0) } as const;
  await placeFinding(source, SYSTEM, newFinding(finding));
  const one = { from: source, to: target, cluster: CLUSTER, everything: false, clock: systemClock, log: silentLog };
  const callbacks = { onBackup: () => undefined, onWal: () => undefined, signal: new AbortController().signal };
  const chosen: ChooseBackups = (missing) => missing.filter(({ label }) => label === 'backup-1');
  expect(await syncLineage({ ...one, ...callbacks, chosen })).toMatchObject({ backups: [{ label: 'backup-1' }], objects: 3, dumps: [] });
  // Otherwise a restore from there would bring back who was dropped, and say nothing.
  expect(await readLedger(target, SYSTEM)).toEqual(await readLedger(source, SYSTEM));
  expect(await keysOf(target, holdPrefix(SYSTEM))).toEqual([expect.stringMatching(/\/backup-2\/.*\.audit$/)]);
});

test('nothing is copied beside a backup that is being written there', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository()];
  await backUp(source, 0);
  const lease = await acquireLease(target, SYSTEM, 'backup', { clock: systemClock, log: silentLog, command: 'backup run' });
  await expect(sync(source, target)).rejects.toMatchObject({ code: 'locked', exitStatus: 11 });
  await lease.release();
});

test('Renames gives back what was put in, however much', () => {
  const renames = new Renames();
  const name = (n: number): string => blake3(Buffer.from(String(n))).toString('hex');
  for (let n = 0; n < 20_000; n += 1) renames.set(name(n), name(n + 1));
  expect(renames.size).toBe(20_000);
  for (let n = 0; n < 20_000; n += 7) expect(renames.get(name(n))).toBe(name(n + 1));
  expect(renames.get(name(30_000))).toBeUndefined();
});

test('a repository that knows the cluster with WAL segments of another size gets nothing of it', async () => {
  const { repository: source } = await newFilled();
  const target = await makeMemoryRepository(false);
  await ensureClusterIdentity(target, { ...CLUSTER, walSegmentBytes: 4 * SEGMENT_BYTES });
  await expect(sync(source, target)).rejects.toMatchObject({ code: 'refused' });
  expect(await listBackups(target, SYSTEM)).toEqual([]);
  expect((await readCoverage(target, SYSTEM, SEGMENT_BYTES)).timelines.size).toBe(0);
});
