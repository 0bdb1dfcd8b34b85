import { expect, test } from 'vitest';
import { syncLineage } from '../../../src/backup/sync/run.ts';
import { listDumps } from '../../../src/backup/dump/stored-dump.ts';
import { dumpGlobalsKey } from '../../../src/backup/dump/layout.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { listHolds } from '../../../src/repository/holds.ts';
import { backupKey, historyKey, holdPrefix, packPrefix, walKey } from '../../../src/repository/layout.ts';
import { ledgerPrefix, readLedger } from '../../../src/repository/ledger.ts';
import { listBackups, writeManifest } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { readCoverage } from '../../../src/repository/wal-coverage.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';
import { CLUSTER, fill, keysOf, LABELS, sync } from '../../backup/small-source.ts';
import { contentOf, nameOf, SEGMENT_BYTES } from '../../backup/wal-segments.ts';

/** One bit is not as it was; `at` counts from the end where it is negative. */
async function flipBit({ store }: Repository, key: string, at = -40): Promise<void> {
  const bytes = Buffer.from(await store.read(key));
  const place = at < 0 ? Math.max(0, bytes.byteLength + at) : at;
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  await store.delete(key);
  await store.create(key, bytes);
}

interface Expected {
  /** Labels that are not in the destination. */
  readonly backups?: readonly string[];
  readonly segments?: readonly number[];
  readonly hasHistory?: boolean;
  readonly dumps?: readonly string[];
  readonly holds?: number;
  readonly ledger?: number;
  readonly part?: boolean;
  readonly failed: readonly { readonly kind: string; readonly name: string }[];
}

const key = {
  wal: (number: number): string => walKey(SYSTEM, nameOf(number)),
  backup: (label: string): string => backupKey(SYSTEM, label),
  last: async (repository: Repository, prefix: string): Promise<string> => (await keysOf(repository, prefix)).at(-1) ?? '',
};

/** The pack that holds what the `n`th backup has. */
async function packOf(repository: Repository, n: number): Promise<string> {
  for (const each of await keysOf(repository, packPrefix(SYSTEM)))
    if (Buffer.from(await repository.store.read(each)).includes(`blob ${n}.0 `)) return each;
  throw new Error('there is no such pack');
}

const damages: readonly (readonly [what: string, (source: Repository) => Promise<void>, Expected])[] = [
  [
    'a segment that no backup needs',
    async (source) => await flipBit(source, key.wal(4)),
    { segments: [4], failed: [{ kind: 'wal', name: nameOf(4) }] },
  ],
  [
    'a segment that a backup needs',
    async (source) => await flipBit(source, key.wal(5)),
    {
      segments: [5],
      backups: ['backup-1'],
      failed: [
        { kind: 'wal', name: nameOf(5) },
        { kind: 'backup', name: 'backup-1' },
      ],
    },
  ],
  [
    'the header of a segment',
    async (source) => await flipBit(source, key.wal(6), 20),
    { segments: [6], failed: [{ kind: 'wal', name: nameOf(6) }] },
  ],
  [
    'the flags of a segment, which then says that it is encrypted',
    async (source) => {
      const bytes = Buffer.from(await source.store.read(key.wal(6)));
      bytes[9] = (bytes[9] ?? 0) ^ 2;
      await source.store.delete(key.wal(6));
      await source.store.create(key.wal(6), bytes);
    },
    { segments: [6], failed: [{ kind: 'wal', name: nameOf(6) }] },
  ],
  [
    'the part of the open segment',
    async (source) => await flipBit(source, await key.last(source, `${key.wal(9)}.part.`)),
    { part: true, failed: [{ kind: 'wal', name: nameOf(9) }] },
  ],
  [
    'a timeline history',
    async (source) => await flipBit(source, historyKey(SYSTEM, 2)),
    { hasHistory: false, failed: [{ kind: 'history', name: '00000002.history' }] },
  ],
  [
    'content of the oldest backup',
    async (source) => await flipBit(source, await packOf(source, 0), 100),
    { backups: ['backup-0'], failed: [{ kind: 'backup', name: 'backup-0' }] },
  ],
  [
    'a pack of the oldest backup that is gone',
    async (source) => await source.store.delete(await packOf(source, 0)),
    { backups: ['backup-0'], failed: [{ kind: 'backup', name: 'backup-0' }] },
  ],
  [
    'a pack of the newest backup that is cut short',
    async (source) => {
      const pack = await packOf(source, 2);
      const bytes = await source.store.read(pack);
      await source.store.delete(pack);
      await source.store.create(pack, bytes.subarray(0, 200));
    },
    { backups: ['backup-2'], failed: [{ kind: 'backup', name: 'backup-2' }] },
  ],
  [
    'the entries of a manifest',
    async (source) => await flipBit(source, key.backup('backup-1')),
    { backups: ['backup-1'], failed: [{ kind: 'backup', name: 'backup-1' }] },
  ],
  [
    'the head of a manifest',
    async (source) => await flipBit(source, key.backup('backup-1'), 2),
    { backups: ['backup-1'], segments: [], failed: [{ kind: 'backup', name: 'backup-1' }] },
  ],
  [
    'the label that a manifest gives itself',
    async (source) => await flipBit(source, key.backup('backup-1'), 16 + '{"label":"backup-'.length),
    { backups: ['backup-1'], failed: [{ kind: 'backup', name: 'backup-1' }] },
  ],
  [
    'the manifest of a dump',
    async (source) => await flipBit(source, `${SYSTEM}/dumps/dump-a/manifest.json`),
    { dumps: ['dump-a'], failed: [{ kind: 'dump', name: 'dump-a' }] },
  ],
  [
    'the content of a dump',
    async (source) => await flipBit(source, dumpGlobalsKey(`${SYSTEM}/`, 'dump-a'), 3),
    { dumps: ['dump-a'], failed: [{ kind: 'dump', name: 'dump-a' }] },
  ],
  [
    'a hold',
    async (source) => await flipBit(source, (await keysOf(source, holdPrefix(SYSTEM)))[0] ?? '', 30),
    { holds: 1, failed: [{ kind: 'object', name: expect.stringContaining('/holds/backup-1/') as string }] },
  ],
  [
    'an entry of the ledger',
    async (source) => await flipBit(source, (await keysOf(source, ledgerPrefix(SYSTEM)))[0] ?? '', 30),
    { ledger: 1, failed: [{ kind: 'object', name: expect.stringContaining('/ledger/') as string }] },
  ],
];

test.each(damages)('%s is damaged: it is not copied, nor what needs it, and all the rest is', async (_, damage, expected) => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository()];
  await fill(source);
  await damage(source);
  const synced = await sync(source, target);
  expect(synced.failed).toMatchObject(expected.failed);
  expect(synced.failed).toHaveLength(expected.failed.length);
  const labels = LABELS.filter((label) => expected.backups?.includes(label) !== true);
  expect((await listBackups(target, SYSTEM)).map(({ label }) => label)).toEqual(labels);
  expect(synced.backups.map(({ label }) => label)).toEqual(labels);
  const archive = new WalArchive(target, SYSTEM, SEGMENT_BYTES);
  for (const number of [3, 4, 5, 6, 7, 8]) {
    const bytes = await archive.readSegment(nameOf(number));
    expect(bytes, nameOf(number)).toEqual(expected.segments?.includes(number) === true ? undefined : contentOf(number));
  }
  const coverage = await readCoverage(target, SYSTEM, SEGMENT_BYTES);
  expect(coverage.timelines.get(1)?.open).toHaveLength(expected.part === true ? 0 : 1);
  expect(coverage.histories.has(2)).toBe(expected.hasHistory ?? true);
  expect(await listDumps(target, `${SYSTEM}/`)).toEqual(['dump-a', 'dump-b'].filter((label) => expected.dumps?.includes(label) !== true));
  expect(await listHolds(target, SYSTEM)).toHaveLength(expected.holds ?? 2);
  expect((await readLedger(target, SYSTEM)).entries).toHaveLength(expected.ledger ?? 2);

  // Asked again nothing else comes, and the same is said.
  const again = await sync(source, target);
  expect(again.failed).toMatchObject(expected.failed);
  expect(again).toMatchObject({ backups: [], dumps: [], objects: 0, wal: { segments: 0 } });

  // What another copy of it has whole comes from there.
  const whole = await makeMemoryRepository();
  await fill(whole);
  expect((await sync(whole, target)).failed).toEqual([]);
  expect((await listBackups(target, SYSTEM)).map(({ label }) => label)).toEqual(LABELS);
});

test('a backup whose last WAL is stored in parts does not appear without them', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository()];
  await fill(source);
  const start = 9n * BigInt(SEGMENT_BYTES);
  const lsns = { startLsn: formatLsn(start + 0x28n), stopLsn: formatLsn(start + 0x100n) };
  await writeManifest(source, summaryOf('backup-3', lsns), [{ path: 'base', type: 'directory', mode: 448, modifiedAt: 1 }]);
  await flipBit(source, await key.last(source, `${key.wal(9)}.part.`));
  expect((await sync(source, target)).failed).toMatchObject([
    { kind: 'wal', name: nameOf(9) },
    { kind: 'backup', name: 'backup-3' },
  ]);
  expect((await listBackups(target, SYSTEM)).map(({ label }) => label)).toEqual(LABELS);
});

test('an index of the source that is damaged keeps the backups back, and nothing else', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository()];
  await fill(source);
  const [index = ''] = await keysOf(source, `${SYSTEM}/indexes/`);
  await flipBit(source, index);
  const synced = await sync(source, target);
  for (const { label } of await listBackups(target, SYSTEM)) expect(synced.backups).toContainEqual(expect.objectContaining({ label }));
  expect(synced.failed.length).toBeGreaterThan(0);
  expect(synced.backups.length + synced.failed.length).toBe(3);
  expect(synced).toMatchObject({ wal: { segments: 6 }, dumps: ['dump-a', 'dump-b'] });
  expect((await readLedger(target, SYSTEM)).entries).toHaveLength(2);
});

test('an object that a bad disk does not give is passed over; storage that is gone is a failure', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository()];
  await fill(source);
  const broken = (message: string): never => {
    throw new DbadminError('storage-failed', message);
  };
  const badSector = withFaults(source.store, ({ operation, key: asked }) => {
    if (operation !== 'stat' && operation !== 'list' && asked === key.wal(4)) broken('EIO');
  });
  expect((await sync({ ...source, store: badSector }, target)).failed).toMatchObject([{ kind: 'wal', name: nameOf(4) }]);
  expect(await listBackups(target, SYSTEM)).toHaveLength(3);

  const other = await makeMemoryRepository();
  let isGone = false;
  const gone = withFaults(source.store, ({ key: asked }) => {
    if (asked === key.wal(4)) isGone = true;
    if (isGone) broken('gone');
  });
  const store = { ...gone, probe: async () => broken('gone') };
  await expect(sync({ ...source, store }, other)).rejects.toMatchObject({ code: 'storage-failed' });
});

test('the names of a damaged backup that both have are not learnt', async () => {
  const [source, target] = [await makeMemoryRepository(), await makeMemoryRepository(true)];
  await fill(source);
  const clock = systemClock;
  const signal = new AbortController().signal;
  const one = { from: source, to: target, cluster: CLUSTER, everything: false, clock, log: silentLog, signal };
  const callbacks = { onBackup: () => undefined, onWal: () => undefined };
  await syncLineage({ ...one, ...callbacks, chosen: (missing) => missing.slice(0, 2) });
  await flipBit(source, key.backup('backup-1'));
  expect((await sync(source, target)).backups).toMatchObject([{ label: 'backup-2' }]);
  expect(await listBackups(target, SYSTEM)).toHaveLength(3);
});

test('what expires in the source while it is copied is no fault', async () => {
  const memory = createMemoryStore();
  const [source, target] = [await makeMemoryRepository(false, memory), await makeMemoryRepository()];
  await fill(source);
  // Gone between the listing and the reading: the backup, its segment, a hold.
  const going = [key.backup('backup-0'), key.wal(3), (await keysOf(source, holdPrefix(SYSTEM)))[0] ?? ''];
  const store = withFaults(memory, ({ operation, key: asked }) => {
    if (operation === 'readStream' && asked === going[0]) throw new DbadminError('storage-missing', 'gone');
    if (operation === 'read' && going.includes(asked)) throw new DbadminError('storage-missing', 'gone');
  });
  const stat = async (asked: string): ReturnType<typeof memory.stat> =>
    going.includes(asked) && isReading ? undefined : await memory.stat(asked);
  let isReading = false;
  const failing = {
    ...store,
    stat,
    read: async (asked: string) => {
      isReading ||= going.includes(asked);
      return await store.read(asked);
    },
  };
  expect((await sync({ ...source, store: failing }, target)).failed).toEqual([]);
  expect(await listBackups(target, SYSTEM)).toHaveLength(2);
});
