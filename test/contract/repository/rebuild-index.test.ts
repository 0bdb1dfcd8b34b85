import { expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { BlobPipeline } from '../../../src/repository/blob-pipeline.ts';
import { backupKey, indexPrefix, packKey } from '../../../src/repository/layout.ts';
import { acquireLease } from '../../../src/repository/leases.ts';
import { writeManifest, type Extent } from '../../../src/repository/manifest.ts';
import { readMarks } from '../../../src/repository/marks.ts';
import { rebuildIndex, type RebuiltIndex } from '../../../src/repository/rebuild-index.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { withRetention } from '../../../src/repository/retained-store.ts';
import { measureUsage } from '../../../src/repository/usage.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { readAllBackups, summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const clock = new ManualClock();
const signal = new AbortController().signal;

/** Takes a backup of generated content through the pipeline; gives its packs. */
async function store(repository: Repository, label: string, from: number): Promise<readonly string[]> {
  const pipeline = new BlobPipeline([{ repository, systemIdentifier: SYSTEM, known: await BlobIndex.load(repository, SYSTEM) }], {
    threads: 1,
  });
  try {
    const extents: Extent[] = [];
    for (let n = 0; n < 20; n += 1) {
      const plain = Buffer.from(`blob ${from + n} `.repeat(100));
      await pipeline.put(plain, ([hash = '']) => (extents[n] = [n * 2000, plain.byteLength, hash]));
    }
    const [outcome] = await pipeline.finish(`20261121T000000Z-${String(from).padStart(16, '0')}`);
    await writeManifest(repository, summaryOf(label), [{ path: 'f', type: 'file', sizeBytes: 40_000, mode: 384, modifiedAt: 0, extents }]);
    return outcome?.kind === 'stored' ? outcome.written.packs : [];
  } finally {
    await pipeline.close();
  }
}

async function rebuild(repository: Repository, all = false): Promise<RebuiltIndex> {
  const lease = await acquireLease(repository, SYSTEM, 'expire', { clock, log: silentLog, command: 'test' });
  try {
    return await rebuildIndex(repository, SYSTEM, { lease, all, clock, signal, onProgress: () => undefined });
  } finally {
    await lease.release();
  }
}

async function indexKeys({ store: of }: Repository): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of of.list(indexPrefix(SYSTEM))) keys.push(key);
  return keys;
}

/** One bit is not as it was, `at` bytes from the end. */
async function flipBit({ store: of }: Repository, key: string, at: number): Promise<void> {
  const bytes = Buffer.from(await of.read(key));
  bytes[bytes.byteLength + at] = (bytes[bytes.byteLength + at] ?? 0) ^ 1;
  await of.delete(key);
  await of.create(key, bytes);
}

for (const encrypted of [false, true]) {
  const kind = encrypted ? 'an encrypted repository' : 'a repository';

  test(`${kind} that lost its indexes is whole again, without a key`, async () => {
    const repository = await makeMemoryRepository(encrypted);
    await store(repository, 'a', 0);
    await store(repository, 'b', 10);
    for (const key of await indexKeys(repository)) await repository.store.delete(key);
    await expect(readAllBackups(repository)).rejects.toMatchObject({ code: 'repository-damaged' });
    expect(await rebuild({ ...repository, keys: undefined })).toMatchObject({
      packs: 2,
      added: 2,
      written: 1,
      replaced: [],
      missing: [],
      damaged: [],
    });
    expect(await readAllBackups(repository)).toHaveLength(2);
    // Anybody can write what is not encrypted: with the key it is written anew.
    if (encrypted) expect(await rebuild(repository)).toMatchObject({ added: 2, written: 1, replaced: [expect.any(String)] });
    expect(await rebuild(repository)).toMatchObject({ added: 0, written: 0, replaced: [] });
    expect(await readAllBackups(repository)).toHaveLength(2);
  });

  test(`in ${kind} a damaged index is replaced, and whole ones stay`, async () => {
    const repository = await makeMemoryRepository(encrypted);
    await store(repository, 'a', 0);
    await store(repository, 'b', 100);
    const [first = '', second = ''] = await indexKeys(repository);
    await flipBit(repository, first, -40);
    await expect(readAllBackups(repository)).rejects.toMatchObject({ code: 'repository-damaged' });
    expect(await rebuild(repository)).toMatchObject({ added: 1, written: 1, replaced: [first] });
    expect(await indexKeys(repository)).toContain(second);
    expect(await readAllBackups(repository)).toHaveLength(2);
  });
}

for (const how of ['not encrypted', 'replaced as all are', 'naming a lost pack, too'] as const) {
  test(`an index that is ${how} stays where it alone says what lies in a pack whose footer is damaged`, async () => {
    const repository = await makeMemoryRepository(true);
    const [bad = ''] = await store(repository, 'a', 0);
    await store(repository, 'b', 100);
    const [lost = ''] = await store(repository, 'c', 200);
    for (const key of await indexKeys(repository)) await repository.store.delete(key);
    await rebuild(how === 'not encrypted' ? { ...repository, keys: undefined } : repository);
    const [index = ''] = await indexKeys(repository);
    await flipBit(repository, packKey(SYSTEM, bad), -60);
    const isLost = how === 'naming a lost pack, too';
    if (isLost) for (const key of [packKey(SYSTEM, lost), backupKey(SYSTEM, 'c')]) await repository.store.delete(key);
    const rebuilt = await rebuild(repository, how === 'replaced as all are');
    expect(rebuilt).toMatchObject({ replaced: [], locked: [], kept: [{ index, packs: [bad] }], damaged: [{ pack: bad }] });
    expect(await readAllBackups(repository)).toEqual(isLost ? ['a', 'b'] : ['a', 'b', 'c']);
    // Nobody who writes relies on what is lost.
    expect([...(await readMarks(repository, SYSTEM))]).toEqual(isLost ? [lost] : []);
    await rebuild(repository);
    expect(await indexKeys(repository)).toContain(index);
  });
}

test('packs that are missing or damaged are named, and writers can go on', async () => {
  const repository = await makeMemoryRepository();
  const [lost = ''] = await store(repository, 'a', 0);
  const [bad = ''] = await store(repository, 'b', 100);
  await store(repository, 'c', 200);
  await repository.store.delete(packKey(SYSTEM, lost));
  await flipBit(repository, packKey(SYSTEM, bad), -60);
  const rebuilt = await rebuild(repository, true);
  expect(rebuilt).toMatchObject({
    packs: 2,
    added: 1,
    missing: [lost],
    damaged: [{ pack: bad, problem: expect.stringContaining('footer') }],
  });
  const index = await BlobIndex.load(repository, SYSTEM);
  // What the damaged pack holds may be whole, and is found as before.
  expect(index.size).toBe(40);
  await store(repository, 'd', 0);
});

test('usage tells how full a repository is, how fast it fills, and whether it can be written', async () => {
  const time = new ManualClock();
  const inner = createMemoryStore(time);
  await inner.create('old', Buffer.alloc(50_000));
  expect(await measureUsage(inner, time.now())).toMatchObject({ usedBytes: 50_000, growthBytesPerDay: undefined, freeBytes: undefined });
  for (let day = 0; day < 10; day += 1) {
    time.set(time.now().getTime() + 86_400_000);
    await inner.create(`day${day}`, Buffer.alloc(700));
  }
  // A disk with 100,000 bytes left.
  const usage = await measureUsage({ ...withRetention(inner, { lockDays: 1, clock: time }), freeBytes: async () => 100_000 }, time.now());
  expect(usage.usedBytes).toBe(57_000);
  expect(usage.growthBytesPerDay).toBeCloseTo(800, -2);
  expect(usage.daysUntilFull).toBe(125);
});

test('usage of a new repository does not take its first backup for growth', async () => {
  const time = new ManualClock();
  const inner = createMemoryStore(time);
  const disk = { ...inner, ...withRetention(inner, { lockDays: 1, clock: time }), freeBytes: async () => 700_000 };
  const growth = async (): Promise<readonly (number | undefined)[]> => {
    const { growthBytesPerDay, daysUntilFull } = await measureUsage(disk, time.now());
    return [growthBytesPerDay, daysUntilFull];
  };
  const pass = (days: number): void => time.set(time.now().getTime() + days * 86_400_000);
  await inner.create('dbadmin-repository', Buffer.alloc(100));
  pass(1);
  await inner.create(packKey(SYSTEM, '0'.repeat(32)), Buffer.alloc(300_000));
  pass(1.5);
  expect(await growth()).toEqual([undefined, undefined]);
  for (let day = 0; day < 4; day += 1) {
    await inner.create(packKey(SYSTEM, `${day}`.repeat(31) + 'a'), Buffer.alloc(700));
    pass(1);
    const [bytes = 0, days = 0] = await growth();
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(1000);
    expect(days).toBeGreaterThan(700);
  }
});

test('usage says what the space goes to, for which lineage, and what of each day is still there', async () => {
  const time = new ManualClock();
  const store = createMemoryStore(time);
  const put = async (key: string, bytes: number): Promise<void> => await store.create(key, Buffer.alloc(bytes));
  await put('dbadmin-repository', 10);
  await put('7/packs/aa/aaaa', 5000);
  await put('7/wal/00000001/000000010000000000000001', 300);
  time.set(time.now().getTime() + 3 * 86_400_000);
  const marked = time.now();
  await put('7/marks/aaaa', 40);
  await put('8/dumps/x/app.dump', 600);
  await put('8/elsewhere', 1);
  const { kinds, lineages, curve } = await measureUsage(store, time.now());
  expect(kinds).toMatchObject({
    packs: { objects: 1, bytes: 5000 },
    wal: { objects: 1, bytes: 300 },
    marks: { objects: 1, bytes: 40 },
    dumps: { objects: 1, bytes: 600 },
    identity: { objects: 1, bytes: 10 },
    other: { objects: 1, bytes: 1 },
    manifests: { objects: 0, bytes: 0 },
  });
  expect(lineages.get('7')).toEqual({ usedBytes: 5340, packBytes: 5000, marked: { packs: 1, first: marked, last: marked } });
  expect(lineages.get('8')).toEqual({ usedBytes: 601, packBytes: 0, marked: undefined });
  expect(curve.map(({ keptBytes }) => keptBytes)).toEqual([5310, 5951]);
});
