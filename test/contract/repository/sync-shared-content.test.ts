import { expect, test } from 'vitest';
import { syncLineage } from '../../../src/backup/sync/run.ts';
import { recordVerification } from '../../../src/backup/verify/record.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { backupKey, packKey } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { readManifest, writeManifest, type Extent } from '../../../src/repository/manifest.ts';
import { rebuildIndex } from '../../../src/repository/rebuild-index.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { lockEnd, withRetention } from '../../../src/repository/retained-store.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { hashOf, summaryOf, SYSTEM } from '../../backup/small-backups.ts';
import { CLUSTER, newFilled, sync } from '../../backup/small-source.ts';
import { verifyEverything } from '../../backup/verify-report.ts';
import { SEGMENT_BYTES } from '../../backup/wal-segments.ts';

const contents = (n: number): readonly Buffer[] => Array.from({ length: 5 }, (_, k) => Buffer.from(`blob ${n}.${k} `.repeat(50)));

/** A full backup of content that the source has: of that of backup `n`. */
async function addFull(source: Repository, label: string, n: number): Promise<void> {
  const start = 8n * BigInt(SEGMENT_BYTES);
  const lsns = { startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n) };
  const extents = contents(n).map((content, k): Extent => [k * 8192, content.byteLength, hashOf(content)]);
  await writeManifest(source, summaryOf(label, { ...lsns, startedAt: `2026-11-25T00:00:00.00${n}Z` }), [
    { path: 'base/1', type: 'file', sizeBytes: 5 * 8192, mode: 384, modifiedAt: 1, extents },
  ]);
}

/** The pack in which a repository has the content of a backup. */
async function packOf(repository: Repository, label: string): Promise<string> {
  const index = await BlobIndex.load(repository, SYSTEM);
  for await (const entry of readManifest(repository, SYSTEM, label))
    if (entry.type === 'file') for (const [, , hash] of entry.extents) return packKey(SYSTEM, index.find(hash)?.pack ?? '');
  throw new Error('it has content');
}

/** One bit of the first piece of a pack is not as it was. */
async function rot({ store }: Repository, key: string): Promise<void> {
  const bytes = Buffer.from(await store.read(key));
  bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
  await store.delete(key);
  await store.create(key, bytes);
}

test.each([false, true])(
  'no full backup is copied onto content that was found damaged in the destination (encrypted: %s)',
  async (encrypted) => {
    const { repository: source } = await newFilled();
    const target = await makeMemoryRepository(encrypted);
    await sync(source, target);
    const pack = await packOf(target, 'backup-2');
    await rot(target, pack);
    await recordVerification(target, await verifyEverything(target, CLUSTER, systemClock));

    await addFull(source, 'backup-3', 2);
    await addFull(source, 'backup-4', 1);
    const told = { kind: 'backup', name: 'backup-3', problem: expect.stringContaining(`${pack} is damaged`) as string };
    expect(await sync(source, target)).toMatchObject({ backups: [{ label: 'backup-4' }], failed: [told] });
    // What is there restores, but for what was damaged before.
    expect((await verifyEverything(target, CLUSTER, systemClock)).backups.map(({ label }) => label)).toEqual(['backup-2']);

    // As the command says: without the pack and with indexes that do not name it, its content comes anew.
    await target.store.delete(pack);
    const lease = await acquireLease(target, SYSTEM, 'expire', { clock: systemClock, log: silentLog, command: 'test' });
    await rebuildIndex(target, SYSTEM, {
      lease,
      all: false,
      clock: systemClock,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
    await lease.release();
    expect(await sync(source, target)).toMatchObject({ backups: [{ label: 'backup-3' }], failed: [] });
    expect(await verifyEverything(target, CLUSTER, systemClock)).toMatchObject({ isSound: true, backups: [] });
  },
);

test('a pack in which the destination turns out to have what was read anew is locked for as long as the backup', async () => {
  const clock = new ManualClock();
  const { repository: source } = await newFilled();
  const target = await makeMemoryRepository(true, withRetention(createMemoryStore(), { lockDays: 30, clock }));
  const signal = new AbortController().signal;
  const all = { from: source, to: target, cluster: CLUSTER, chosen: undefined, everything: true, clock, log: silentLog, signal };
  const callbacks = { onBackup: () => undefined, onWal: () => undefined };
  await syncLineage({ ...all, ...callbacks });
  clock.set(clock.now().getTime() + 20 * 86_400_000);
  // Its names are not those of the last backup that both have: it is read, and nothing of it is stored.
  await addFull(source, 'backup-3', 0);
  expect(await syncLineage({ ...all, ...callbacks })).toMatchObject({ backups: [{ label: 'backup-3', newBlobs: 0 }], failed: [] });
  const [pack, manifest] = [
    await target.store.stat(await packOf(target, 'backup-3')),
    await target.store.stat(backupKey(SYSTEM, 'backup-3')),
  ];
  expect(manifest?.lockedUntil).toEqual(lockEnd(clock.now(), 30));
  expect(pack?.lockedUntil).toEqual(manifest?.lockedUntil);
});
