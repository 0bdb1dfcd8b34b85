import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DbadminError } from '../../src/base/errors.ts';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { BlobPipeline, type BlobTarget } from '../../src/repository/blob-pipeline.ts';
import { BlobReader } from '../../src/repository/blob-reader.ts';
import { contentHash, type RepositoryKeys } from '../../src/repository/keys.ts';
import type { Repository } from '../../src/repository/repository.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { makeMemoryRepository } from '../backup/memory-repository.ts';

const SYSTEM = '7710407255717780657';

async function target(repository: Repository): Promise<BlobTarget> {
  return { repository, systemIdentifier: SYSTEM, known: await BlobIndex.load(repository, SYSTEM) };
}

/** Bytes that do not compress, the same for the same seed. */
function noise(seed: number, length: number): Buffer {
  const key = Buffer.alloc(16, seed % 256);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16, seed >> 8)).update(Buffer.alloc(length));
}

/** Puts every blob, waiting only for room, and gives the names it has in each target. */
async function putAll(pipeline: BlobPipeline, blobs: readonly Uint8Array[]): Promise<readonly (readonly string[])[]> {
  const names: (readonly string[])[] = [];
  for (const [n, blob] of blobs.entries()) {
    await pipeline.put(blob, (hashes) => {
      names[n] = hashes;
    });
  }
  await pipeline.drain();
  return names;
}

/** Whether the repository gives back exactly these blobs by these names. */
async function holds(repository: Repository, hashes: readonly string[], blobs: readonly Buffer[]): Promise<boolean> {
  const reader = new BlobReader(repository, SYSTEM, await BlobIndex.load(repository, SYSTEM));
  const plains: Buffer[] = [];
  for await (const plain of reader.readAll(hashes)) plains.push(plain);
  const views: Buffer[] = [];
  for await (const view of reader.viewAll(hashes)) views.push(Buffer.from(view));
  return [plains, views].every((each) => each.length === blobs.length && each.every((plain, n) => blobs[n]?.equals(plain) === true));
}

/** The repository with a store whose creates fail with `error` once `allowed` packs are stored. */
function failingAfter(repository: Repository, allowed: number, error: Error): Repository {
  let packs = 0;
  const create: ObjectStore['create'] = async (key, body) => {
    if (key.includes('/packs/') && (packs += 1) > allowed) throw error;
    await repository.store.create(key, body);
  };
  const store = new Proxy(repository.store, {
    get: (inner, name: keyof ObjectStore) => {
      const value = name === 'create' ? create : inner[name];
      return typeof value === 'function' ? value.bind(inner) : value;
    },
  });
  return { ...repository, store };
}

const full = new DbadminError('storage-full', 'no room in memory');

describe.each([
  ['in the clear', false],
  ['encrypted', true],
])('a pipeline into one repository, %s', (_, encrypted) => {
  test('gives every blob its name and stores what is read back by it, whatever sizes come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            seed: fc.integer({ min: 0, max: 20 }),
            length: fc.oneof(fc.integer({ min: 1, max: 9000 }), fc.integer({ min: 1, max: 1 << 20 })),
            flat: fc.boolean(),
          }),
          {
            minLength: 1,
            maxLength: 30,
          },
        ),
        async (wanted) => {
          const repository = await makeMemoryRepository(encrypted);
          const blobs = wanted.map(({ seed, length, flat }) => (flat ? Buffer.alloc(length, seed + 1) : noise(seed, length)));
          const pipeline = new BlobPipeline([await target(repository)]);
          try {
            const names = (await putAll(pipeline, blobs)).map(([name = '']) => name);
            expect(names).toEqual(blobs.map((blob) => contentHash(repository, blob).toString('hex')));
            const [outcome] = await pipeline.finish('20261121T000000Z-0000000000000000');
            expect(outcome).toMatchObject({ kind: 'stored', written: { newBlobs: new Set(names).size } });
            expect(await holds(repository, names, blobs)).toBe(true);
          } finally {
            await pipeline.close();
          }
        },
      ),
      { numRuns: 8 },
    );
  });
});

test('what a repository has is not stored again, and packs it relies upon are looked for', async () => {
  const repository = await makeMemoryRepository();
  const blobs = Array.from({ length: 300 }, (_, n) => noise(n, 20_000));
  const store = async (name: string): Promise<unknown> => {
    const pipeline = new BlobPipeline([await target(repository)]);
    try {
      await putAll(pipeline, blobs);
      return (await pipeline.finish(name))[0];
    } finally {
      await pipeline.close();
    }
  };
  expect(await store('a')).toMatchObject({ kind: 'stored', written: { newBlobs: 300 } });
  expect(await store('b')).toEqual({
    kind: 'stored',
    written: { newBlobs: 0, packs: [], adoptedPacks: [expect.stringMatching(/^[0-9a-f]{32}$/)], storedBytes: 0 },
  });
  for await (const { key } of repository.store.list(`${SYSTEM}/packs/`)) await repository.store.delete(key);
  await expect(store('c')).rejects.toMatchObject({ code: 'repository-damaged' });
});

test('several repositories with keys of their own get the same content under their own names', async () => {
  const repositories = [
    await makeMemoryRepository(),
    await makeMemoryRepository(true),
    await makeMemoryRepository(true),
    await makeMemoryRepository(),
  ];
  const blobs = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? Buffer.alloc(100_000 + n, n) : noise(n, 300_000)));
  const pipeline = new BlobPipeline(await Promise.all(repositories.map(target)));
  try {
    const names = await putAll(pipeline, blobs);
    expect(new Set(names[0]).size).toBe(3);
    await pipeline.finish('a');
    for (const [n, repository] of repositories.entries())
      expect(
        await holds(
          repository,
          names.map((each) => each[n] ?? ''),
          blobs,
        ),
      ).toBe(true);
  } finally {
    await pipeline.close();
  }
});

test('a repository that fails is given up alone, and the others are complete', async () => {
  const good = await makeMemoryRepository();
  const bad = failingAfter(await makeMemoryRepository(), 1, full);
  const blobs = Array.from({ length: 60 }, (_, n) => noise(n, 1 << 20));
  const pipeline = new BlobPipeline([await target(bad), await target(good)]);
  try {
    const names = await putAll(pipeline, blobs);
    const outcomes = await pipeline.finish('a');
    expect(outcomes).toMatchObject([
      { kind: 'failed', error: full },
      { kind: 'stored', written: { newBlobs: 60 } },
    ]);
    expect(
      await holds(
        good,
        names.map(([, name = '']) => name),
        blobs,
      ),
    ).toBe(true);
  } finally {
    await pipeline.close();
  }
});

test('a full store ends the run with its own error, and what comes after is refused with it', async () => {
  const pipeline = new BlobPipeline([await target(failingAfter(await makeMemoryRepository(), 0, full))]);
  try {
    const blobs = Array.from({ length: 100 }, (_, n) => noise(n, 1 << 20));
    await expect(putAll(pipeline, blobs)).rejects.toBe(full);
    expect(() => pipeline.reserve(1)).toThrow(full);
    await expect(pipeline.finish('a')).rejects.toBe(full);
  } finally {
    await pipeline.close();
  }
});

test('a closed pipeline lets nobody wait', async () => {
  const pipeline = new BlobPipeline([await target(await makeMemoryRepository())]);
  const rooms = await Promise.all(Array.from({ length: 16 }, async () => await pipeline.reserve(1 << 20)));
  const waiting = pipeline.reserve(1 << 20);
  await pipeline.close();
  await expect(waiting).rejects.toMatchObject({ code: 'interrupted' });
  for (const room of rooms) room.release();
});

test('a thread that dies ends the run', async () => {
  const repository = await makeMemoryRepository(true);
  // A key that no thread can use.
  const keys = Object.create(repository.keys ?? null, { exposeRepositoryKey: { value: () => ({ not: 'a key' }) } }) as RepositoryKeys;
  const pipeline = new BlobPipeline([await target({ ...repository, keys })]);
  try {
    await expect(putAll(pipeline, [noise(1, 1000)])).rejects.toMatchObject({ code: 'internal', message: 'a worker thread failed' });
  } finally {
    await pipeline.close();
  }
});

test('a room may be left empty or filled in part', async () => {
  const repository = await makeMemoryRepository();
  const pipeline = new BlobPipeline([await target(repository)]);
  try {
    const first = await pipeline.reserve(5000);
    const second = await pipeline.reserve(5000);
    second.bytes.fill(7);
    first.release();
    const names: string[] = [];
    second.submit(10, ([name = '']) => names.push(name));
    await pipeline.drain();
    await pipeline.finish('a');
    expect(await holds(repository, names, [Buffer.alloc(10, 7)])).toBe(true);
  } finally {
    await pipeline.close();
  }
});
