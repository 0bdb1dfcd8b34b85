import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import type { VerifyReport } from '../../../src/backup/verify/report.ts';
import { dumpManifestKey, dumpPrefix } from '../../../src/backup/dump/layout.ts';
import { writeDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { silentLog } from '../../../src/base/log.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { collect, type Collected } from '../../../src/repository/collection.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { backupKey, backupPrefix, indexPrefix, packKey, walKey, walPrefix } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { listBackups, writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { withFaults, type StoreCall } from '../../backup/failing-store.ts';
import { plainHash } from '../../backup/full-repository.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { fileOf, readAllBackups, summaryOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';
import { verifyStructure } from '../../backup/verify-report.ts';

const DAY_MS = 86_400_000;
const SEGMENT_BYTES = 1024 * 1024;
const CLUSTER = { systemIdentifier: SYSTEM, name: 'main', serverVersion: 180004, walSegmentBytes: SEGMENT_BYTES };
const signal = new AbortController().signal;
const content = (n: number): Buffer => Buffer.from(`page ${n} `.repeat(30));

/** A repository with the WAL of the backups of {@link summaryOf}. */
async function newRepository(clock: ManualClock): Promise<Repository> {
  const repository = await makeMemoryRepository(false, createMemoryStore(clock));
  await ensureClusterIdentity(repository, CLUSTER);
  await repository.store.create(walKey(SYSTEM, segmentName(1, 0x2000000n, SEGMENT_BYTES)), Buffer.alloc(1000));
  return repository;
}

async function verify(repository: Repository, clock: ManualClock): Promise<VerifyReport> {
  return await verifyStructure(repository, CLUSTER, clock);
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

/** The repository as somebody sees it beside whom `keys` are deleted, right before the first call that `isMoment`. */
function deletedAt(repository: Repository, isMoment: (call: StoreCall) => boolean, keys: readonly string[]): Repository {
  let isDone = false;
  const store = withFaults(repository.store, (call) => {
    if (isDone || !isMoment(call)) return;
    isDone = true;
    // A store in memory has deleted when the call returns.
    for (const key of keys) void repository.store.delete(key);
  });
  return { ...repository, store };
}

/** Two backups, each with content and WAL of its own. */
async function twoBackups(clock: ManualClock): Promise<Repository> {
  const repository = await newRepository(clock);
  for (const [label, segment] of [
    ['a', 2n],
    ['b', 3n],
  ] as const) {
    const contents = [Buffer.from(`of ${label} `.repeat(50))];
    await writePacks(repository, contents, clock.now());
    const lsns = { startLsn: `0/${segment}000028`, stopLsn: `0/${segment}000120` };
    await writeManifest(repository, summaryOf(label, lsns), [fileOf(contents)]);
  }
  await repository.store.create(walKey(SYSTEM, segmentName(1, 0x3000000n, SEGMENT_BYTES)), Buffer.alloc(1000));
  return repository;
}

const goneBeforeItIsRead = (operation: StoreCall['operation']) => (call: StoreCall) =>
  call.operation === operation && call.key === backupKey(SYSTEM, 'a');

test.each(['stat', 'readRange', 'readStream'] as const)(
  'a backup that is expired while a verification runs, right before its %s, is no fault',
  async (operation) => {
    const clock = new ManualClock();
    const repository = await twoBackups(clock);
    const seen = deletedAt(repository, goneBeforeItIsRead(operation), [backupKey(SYSTEM, 'a')]);
    const report = await verify(seen, clock);
    expect(await keysOf(repository, backupPrefix(SYSTEM))).toEqual([backupKey(SYSTEM, 'b')]);
    expect(report).toMatchObject({ isSound: true, faults: [], backups: [], soundBackups: ['b'], tally: { backups: 1 } });
  },
);

test('a backup that is expired with its WAL after a verification has read its manifest is no fault', async () => {
  const clock = new ManualClock();
  const repository = await twoBackups(clock);
  const gone = [backupKey(SYSTEM, 'a'), walKey(SYSTEM, segmentName(1, 0x2000000n, SEGMENT_BYTES))];
  const seen = deletedAt(repository, ({ operation, key }) => operation === 'list' && key === walPrefix(SYSTEM), gone);
  expect(await verify(seen, clock)).toMatchObject({ isSound: true, faults: [], backups: [], soundBackups: ['b'] });
  expect(await keysOf(repository, backupPrefix(SYSTEM))).toHaveLength(1);
});

test('a dump that is expired while a verification runs is no fault', async () => {
  const clock = new ManualClock();
  const repository = await twoBackups(clock);
  const [label, lineage] = ['20261121T050000Z-dump', `${SYSTEM}/`];
  const key = `${dumpPrefix(lineage)}${label}/globals.sql`;
  const content = Buffer.from('CREATE ROLE reader;\n');
  await repository.store.create(key, content);
  const globals = {
    key,
    sizeBytes: content.byteLength,
    blake3: plainHash(content),
    sha256: createHash('sha256').update(content).digest('hex'),
  };
  const at = clock.now().toISOString();
  const versions = { serverVersion: '17.10', programVersion: '17.10', tool: 'test', cluster: 'main', systemIdentifier: SYSTEM };
  await writeDumpManifest(repository, lineage, { ...versions, format: 2, label, startedAt: at, finishedAt: at, globals, databases: [] });
  expect(await verify(repository, clock)).toMatchObject({ isSound: true, tally: { dumps: 1 } });
  const manifest = dumpManifestKey(lineage, label);
  const seen = deletedAt(repository, (call) => call.operation === 'stat' && call.key === manifest, [manifest, key]);
  expect(await verify(seen, clock)).toMatchObject({ isSound: true, faults: [], dumps: [], tally: { dumps: 0 } });
});

test('an index that a collection replaces while a verification reads it is looked for anew', async () => {
  const clock = new ManualClock();
  const repository = await twoBackups(clock);
  const [index = ''] = await keysOf(repository, indexPrefix(SYSTEM));
  await repository.store.create(`${index}0`, await repository.store.read(index));
  let reads = 0;
  const isSecondRead = ({ operation, key }: StoreCall): boolean => operation === 'readStream' && key === index && (reads += 1) === 2;
  expect(await verify(deletedAt(repository, isSecondRead, [index]), clock)).toMatchObject({ isSound: true, soundBackups: ['a', 'b'] });
  expect(reads).toBe(2);
});

test('whoever lists backups while one is expired gets the others', async () => {
  const repository = await twoBackups(new ManualClock());
  const backups = await listBackups(deletedAt(repository, goneBeforeItIsRead('readRange'), [backupKey(SYSTEM, 'a')]), SYSTEM);
  expect(backups.map(({ label }) => label)).toEqual(['b']);
});
