import { describe, expect, test } from 'vitest';
import { findCluster, findClusterToRead, findOwnCluster, inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { fetchWal } from '../../../src/backup/wal/get-run.ts';
import { readProofs } from '../../../src/backup/drill/record.ts';
import { inspectRestore } from '../../../src/backup/restore/inspect.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { seal } from '../../../src/repository/envelope.ts';
import { ensureClusterIdentity, listClusters } from '../../../src/repository/identity.ts';
import { CLEAR } from '../../../src/repository/keys.ts';
import { backupKey, clusterKey } from '../../../src/repository/layout.ts';
import { listBackups } from '../../../src/repository/manifest.ts';
import { reportKey } from '../../../src/repository/reports.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { damage, HEAD_DAMAGES, SEEMS_ENCRYPTED } from '../../backup/damage.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';
import { CLUSTER, fill, newFilled, LABELS, sync } from '../../backup/small-source.ts';
import { nameOf } from '../../backup/wal-segments.ts';

const OTHER = '7710407255717780999';

interface World {
  readonly repository: Repository;
  /** Keys of what was passed over. */
  readonly told: readonly string[];
}

async function newWorld(encrypted = false): Promise<World> {
  const world = await newFilled(encrypted);
  await ensureClusterIdentity(world.repository, { ...CLUSTER, systemIdentifier: OTHER, name: 'other' });
  return world;
}

/** One lineage of that name, and nothing else. */
async function oneLineage(name: string): Promise<Pick<World, 'repository'>> {
  const repository = { ...(await makeMemoryRepository(false)), onDamaged: () => undefined };
  await ensureClusterIdentity(repository, { ...CLUSTER, name });
  await fill(repository);
  return { repository };
}

const labelsOf = (backups: readonly { readonly label: string }[]): readonly string[] => backups.map(({ label }) => label);

describe.each(HEAD_DAMAGES)('a manifest: %s', (_, of) => {
  const key = backupKey(SYSTEM, 'backup-1');

  test('the others are listed and restored from, and it is named', async () => {
    const { repository, told } = await newWorld(true);
    await damage(repository.store, key, async (bytes) => await of(bytes, 'manifest'));
    expect(labelsOf(await listBackups(repository, SYSTEM))).toEqual(['backup-0', 'backup-2']);
    expect(told).toEqual([key]);
    const { backups, damaged } = await inspectLineage(repository, 'main');
    expect(labelsOf(backups)).toEqual(['backup-0', 'backup-2']);
    expect(damaged).toMatchObject([{ key, error: { message: expect.stringContaining(key) as string } }]);
    // The end of the archive is still proven: recovery ends there and does not fail.
    expect(await fetchWal({ repository, clusterName: 'main', systemIdentifier: undefined }, nameOf(12))).toBeUndefined();
  });

  test('asked for by its label it is refused as what it is', async () => {
    const { repository } = await newWorld();
    await damage(repository.store, key, async (bytes) => await of(bytes, 'manifest'));
    const found = inspectRestore(restoreOf(repository, 'backup-1'));
    await expect(found).rejects.toMatchObject({ message: expect.stringContaining(key) as string });
    // Another is looked into, and the backups of these tests have next to nothing in them.
    await expect(inspectRestore(restoreOf(repository, 'backup-2'))).rejects.toMatchObject({ message: 'backup backup-2 has no pg_control' });
  });

  test('in the destination of a sync it is no reason not to copy the others', async () => {
    const [{ repository: from }, { repository: to }] = [await newWorld(), await newWorld()];
    await to.store.delete(backupKey(SYSTEM, 'backup-2'));
    await damage(to.store, key, async (bytes) => await of(bytes, 'manifest'));
    const { backups, failed } = await sync(from, to);
    expect(labelsOf(backups)).toEqual(['backup-2']);
    expect(failed).toMatchObject([{ kind: 'backup', name: 'backup-1', problem: expect.stringContaining('in the destination') as string }]);
    await to.store.delete(key);
    expect(labelsOf((await sync(from, to)).backups)).toEqual(['backup-1']);
    expect(labelsOf(await listBackups(to, SYSTEM))).toEqual(LABELS);
  });
});

const restoreOf = (repository: Repository, backup: string): Parameters<typeof inspectRestore>[0] => ({
  repository,
  clusterName: 'main',
  systemIdentifier: undefined,
  target: { kind: 'immediate' },
  exclusive: false,
  backup,
  timeline: 1,
  dataDirectory: '/nonexistent/dbadmin-damaged-objects',
  tablespaces: new Map(),
  purpose: 'production',
});

test('a manifest of another label or cluster, or with a position that is none, says nothing of the backup it lies under', async () => {
  for (const parts of [
    { label: 'backup-9' },
    { systemIdentifier: OTHER },
    { stopLsn: 'nowhere' },
    { finishedAt: 'once' },
    { checkpointAt: 'once' },
    { stopTimeline: -1 },
  ]) {
    const { repository, told } = await newWorld();
    const key = backupKey(SYSTEM, 'backup-3');
    await repository.store.create(key, await seal(CLEAR, 'manifest', { ...summaryOf('backup-3'), ...parts }, Buffer.alloc(0)));
    expect(labelsOf(await listBackups(repository, SYSTEM))).toEqual(LABELS);
    expect(told).toEqual([key]);
  }
});

describe.each([...HEAD_DAMAGES, SEEMS_ENCRYPTED])('the object of a cluster: %s', (_, of) => {
  test('the other cluster is found, and never taken for this one', async () => {
    const { repository, told } = await newWorld();
    await damage(repository.store, clusterKey(OTHER), async (bytes) => await of(bytes, 'cluster'));
    expect(await findCluster(repository, 'main')).toEqual(CLUSTER);
    expect(await findCluster(repository, 'main', SYSTEM)).toEqual(CLUSTER);
    expect(told).toContain(clusterKey(OTHER));
    // It was the only one left that can be read, and is not the only one there.
    await expect(findCluster(repository, 'other')).rejects.toMatchObject({
      code: 'repository-damaged',
      hint: expect.stringContaining(`--system-identifier ${OTHER}`) as string,
    });
  });

  test('by its system identifier it is found all the same, as its backups tell', async () => {
    const { repository } = await newWorld();
    await damage(repository.store, clusterKey(SYSTEM), async (bytes) => await of(bytes, 'cluster'));
    expect(await findCluster(repository, 'main', SYSTEM)).toEqual({ ...CLUSTER, name: 'main' });
    await expect(findCluster(repository, 'main', '1')).rejects.toMatchObject({ code: 'backup-missing' });
  });

  test('the next backup writes it anew, unless a newer version wrote it', async () => {
    const { repository } = await newWorld();
    await damage(repository.store, clusterKey(SYSTEM), async (bytes) => await of(bytes, 'cluster'));
    await ensureClusterIdentity(repository, CLUSTER);
    const names = (await listClusters(repository)).map(({ name }) => name);
    expect(names.includes('main')).toBe(_ !== 'its flags are of a newer version');
  });
});

test('a writer that died while it replaced the object of a cluster leaves a lineage that is found by its system identifier', async () => {
  const { repository } = await newWorld();
  const { store } = repository;
  const key = clusterKey(SYSTEM);
  const failed = (): Promise<never> => Promise.reject(new DbadminError('storage-failed', 'it failed once'));
  const failing = {
    ...passThrough(store),
    read: async (of: string) => (of === key ? await failed() : await store.read(of)),
    create: failed,
  };
  await expect(ensureClusterIdentity({ ...repository, store: failing }, CLUSTER)).rejects.toThrow('it failed once');
  expect(await store.stat(key)).toBeUndefined();
  expect(await findCluster(repository, 'main', SYSTEM)).toEqual({ ...CLUSTER, name: 'main' });
  await expect(findCluster(repository, 'main', `${SYSTEM}/../${SYSTEM}`)).rejects.toMatchObject({ code: 'backup-missing' });
  await expect(findCluster(repository, 'main')).rejects.toMatchObject({ code: 'backup-missing' });
});

test('of a lineage of which nothing says the cluster the error tells its number, and the server is asked for its own', async () => {
  const repository = { ...(await makeMemoryRepository(false)), onDamaged: () => undefined };
  const nobody = (): Promise<never> => Promise.reject(new Error('asked'));
  await expect(findOwnCluster(repository, 'main', nobody, false)).rejects.toMatchObject({ detail: 'It holds no cluster at all.' });
  await fill(repository);
  await repository.store.delete(clusterKey(SYSTEM));
  const untold = {
    code: 'backup-missing',
    detail: `It holds lineage ${SYSTEM}, and nothing there says of which cluster.`,
    hint: expect.stringContaining(`--system-identifier ${SYSTEM}`) as string,
  };
  for (const find of [findCluster, findClusterToRead]) await expect(find(repository, 'main')).rejects.toMatchObject(untold);
  expect(await findOwnCluster(repository, 'main', async () => await Promise.resolve(SYSTEM), true)).toEqual({ ...CLUSTER, name: 'main' });
  // That of another cluster is not taken for it.
  await expect(findOwnCluster(repository, 'main', async () => await Promise.resolve(OTHER), true)).rejects.toMatchObject(untold);
});

test.each([
  ['before', `1${SYSTEM}`],
  ['after', OTHER],
  ['after, of a longer number', `${SYSTEM}0`],
])('of two lineages the one that has a name is not read for the other, %s: the error tells the number', async (_, other) => {
  const { repository } = await oneLineage('billing');
  await new WalArchive(repository, other, CLUSTER.walSegmentBytes).putHistory(2, Buffer.from('1\t0/500000\tno reason\n'));
  for (const find of [findCluster, findClusterToRead])
    await expect(find(repository, 'app')).rejects.toMatchObject({
      code: 'backup-missing',
      detail: `It holds billing (${SYSTEM}), and lineage ${other}, of which nothing there says the cluster.`,
      hint: expect.stringContaining(`--system-identifier ${other}`) as string,
    });
  expect(await findClusterToRead(repository, 'billing')).toMatchObject({ systemIdentifier: SYSTEM });
  expect(await findClusterToRead(repository, 'app', SYSTEM)).toMatchObject({ systemIdentifier: SYSTEM });
});

test('the only lineage is read whatever its name, as on a new machine, also beside digits that are none of ours', async () => {
  const { repository } = await oneLineage('billing');
  for (const stray of ['2024/photo', '9', `${OTHER}/notes/today`]) await repository.store.create(stray, Buffer.from('somebody'));
  expect(await findClusterToRead(repository, 'app')).toMatchObject({ systemIdentifier: SYSTEM, name: 'billing' });
  expect(labelsOf((await inspectLineage(repository, 'app')).backups)).toEqual(LABELS);
  await expect(findCluster(repository, 'app')).rejects.toMatchObject({ detail: `It holds billing (${SYSTEM}).` });
});

test('what lies under clusters/ and is no cluster hides none', async () => {
  const { repository } = await newWorld();
  await repository.store.create('clusters/planted', Buffer.from('garbage'));
  expect(await findCluster(repository, 'main')).toEqual(CLUSTER);
  expect((await inspectLineage(repository, 'other')).backups).toEqual([]);
});

test('a report of a drill that is damaged, or of a newer version, is no reason not to restore', async () => {
  for (const [, of] of HEAD_DAMAGES) {
    const { repository } = await newWorld();
    const header = { label: 'drill-1', backup: 'backup-0', verdict: 'passed', startedAt: '', finishedAt: '2026-11-21T00:00:01.000Z' };
    await repository.store.create(
      reportKey(SYSTEM, 'drill', 'drill-0'),
      await of(await seal(CLEAR, 'drill', header, Buffer.alloc(0)), 'drill'),
    );
    expect((await readProofs(repository, SYSTEM, new Date())).last).toBeUndefined();
  }
});
