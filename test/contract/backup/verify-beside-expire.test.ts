import { expect, test } from 'vitest';
import type { VerifyReport } from '../../../src/backup/verify/report.ts';
import { verifyRepository } from '../../../src/backup/verify/run.ts';
import { silentLog } from '../../../src/base/log.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { collect, type Collected } from '../../../src/repository/collection.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { backupKey, indexPrefix, packKey, walKey } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const DAY_MS = 86_400_000;
const SEGMENT_BYTES = 1024 * 1024;
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const signal = new AbortController().signal;
const content = (n: number): Buffer => Buffer.from(`page ${n} `.repeat(30));

/** A repository with the WAL of the backups of {@link summaryOf}. */
async function newRepository(clock: ManualClock): Promise<Repository> {
  const repository = await makeMemoryRepository(false, createMemoryStore(clock));
  await ensureClusterIdentity(repository, CLUSTER);
  await repository.store.create(walKey(SYSTEM, segmentName(1, 0x2000000n, SEGMENT_BYTES)), Buffer.from('wal'));
  return repository;
}

async function verify(repository: Repository, clock: ManualClock): Promise<VerifyReport> {
  const request = {
    repositoryName: 'local',
    cluster: CLUSTER,
    extent: { kind: 'structure' },
    tool: 'test',
    onRead: () => undefined,
  } as const;
  return await verifyRepository({ ...request, repository, clock, signal });
}

async function collectAt(repository: Repository, clock: ManualClock): Promise<Collected> {
  const lease = await acquireLease(repository, SYSTEM, 'expire', { clock, log: silentLog, command: 'test' });
  try {
    return await collect(repository, SYSTEM, { lease, graceMs: DAY_MS, clock, log: silentLog, signal });
  } finally {
    await lease.release();
  }
}

async function keysOf({ store }: Repository, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

test('a pack that was compacted and is gone, and that a locked index still names, is missing to no backup', async () => {
  const clock = new ManualClock();
  const repository = await newRepository(clock);
  const contents = [content(1), content(2), content(3), content(4)];
  const [first] = await writePacks(repository, contents, clock.now());
  await writeManifest(repository, summaryOf('a'), [fileOf(contents)]);
  await writeManifest(repository, summaryOf('b'), [fileOf([content(1)])]);
  for (const key of await keysOf(repository, indexPrefix(SYSTEM)))
    await repository.store.extendLock(key, new Date(clock.now().getTime() + 30 * DAY_MS));
  await repository.store.delete(backupKey(SYSTEM, 'a'));
  clock.set(clock.now().getTime() + 3 * DAY_MS);
  expect(await collectAt(repository, clock)).toMatchObject({ compacted: { packs: 1 } });
  clock.set(clock.now().getTime() + 3 * DAY_MS);
  expect(await collectAt(repository, clock)).toMatchObject({ deleted: { packs: 1 } });
  expect(await repository.store.stat(packKey(SYSTEM, first?.pack ?? ''))).toBeUndefined();
  expect(await keysOf(repository, indexPrefix(SYSTEM))).toHaveLength(2);
  expect(await readAllBackups(repository)).toEqual(['b']);
  expect(await verify(repository, clock)).toMatchObject({ isSound: true, faults: [], backups: [], soundBackups: ['b'] });
});
