import { createCipheriv } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { crc32c } from '../../src/postgres/crc32c.ts';
import { BlobIndex } from '../../src/repository/blob-index.ts';
import { BlobPipeline } from '../../src/repository/blob-pipeline.ts';
import { scatterFiles, type ScatteredFile, type ScatterOptions } from '../../src/repository/blob-scatter.ts';
import { packPrefix } from '../../src/repository/layout.ts';
import type { Extent } from '../../src/repository/manifest.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { makeMemoryRepository } from '../backup/memory-repository.ts';

const SYSTEM = '7710407255717780657';
const PAGE = 8192;

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-scatter-'));
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

function noise(seed: number, length: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16, seed >> 8)).update(Buffer.alloc(length));
}

async function store(repository: Repository, name: string, blobs: readonly Buffer[]): Promise<readonly string[]> {
  const pipeline = new BlobPipeline([{ repository, systemIdentifier: SYSTEM, known: await BlobIndex.load(repository, SYSTEM) }]);
  const hashes: string[] = [];
  try {
    for (const [n, blob] of blobs.entries()) {
      await pipeline.put(blob, ([hash = '']) => {
        hashes[n] = hash;
      });
    }
    await pipeline.finish(name);
    return hashes;
  } finally {
    await pipeline.close();
  }
}

const file = (name: string, sizeBytes: number, extents: readonly Extent[]): ScatteredFile => ({
  path: path.join(directory, name),
  sizeBytes,
  mode: 0o640,
  owner: undefined,
  extents,
});

async function scatter(
  repository: Repository,
  files: readonly ScatteredFile[],
  more: Partial<Omit<ScatterOptions, 'threads'>> = {},
): Promise<readonly number[]> {
  const finished: number[] = [];
  await scatterFiles({
    repository,
    systemIdentifier: SYSTEM,
    index: await BlobIndex.load(repository, SYSTEM),
    files,
    signal: new AbortController().signal,
    checksums: false,
    onBytes: () => undefined,
    onFile: (number) => finished.push(number),
    ...more,
  });
  return finished;
}

describe.each([
  ['in the clear', false],
  ['encrypted', true],
])('scattering %s', (_, encrypted) => {
  test('lays files down from parts of blobs in many packs, and leaves holes as zeros', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const base = Array.from({ length: 8 }, (_, n) => noise(n, 1 << 20));
    const baseHashes = await store(repository, 'a', base);
    // Five incrementals, each with a blob of changed pages from all over the file.
    const wanted = Buffer.concat(base);
    const pages = new Map<number, readonly [hash: string, at: number]>();
    for (let round = 0; round < 5; round += 1) {
      const changed = Array.from({ length: 16 }, (_, n) => (n * 151 + round * 37) % (wanted.byteLength / PAGE));
      const blob = noise(100 + round, changed.length * PAGE);
      const [hash = ''] = await store(repository, `b${round}`, [blob]);
      changed.forEach((page, n) => {
        blob.copy(wanted, page * PAGE, n * PAGE, (n + 1) * PAGE);
        pages.set(page, [hash, n * PAGE]);
      });
    }
    const extents: Extent[] = [];
    for (let page = 0; page < wanted.byteLength / PAGE; page += 1) {
      const at = page * PAGE;
      const [hash = '', from = 0] = pages.get(page) ?? [baseHashes[Math.floor(at / (1 << 20))], at % (1 << 20)];
      extents.push([at, PAGE, hash, from]);
    }
    const sparse: Extent = [3 * PAGE, 100, baseHashes[0] ?? '', 50];
    const finished = await scatter(repository, [
      file('whole', wanted.byteLength, extents),
      file('empty', 0, []),
      file('sparse', 10 * PAGE, [sparse]),
    ]);
    expect(new Set(finished)).toEqual(new Set([0, 1, 2]));
    expect(finished).toHaveLength(3);
    expect((await readFile(path.join(directory, 'whole'))).equals(wanted)).toBe(true);
    expect((await stat(path.join(directory, 'whole'))).mode & 0o777).toBe(0o640);
    expect(await readFile(path.join(directory, 'empty'))).toHaveLength(0);
    const holes = Buffer.alloc(10 * PAGE);
    base[0]?.copy(holes, 3 * PAGE, 50, 150);
    expect((await readFile(path.join(directory, 'sparse'))).equals(holes)).toBe(true);
  });

  test('what of a large blob is dead is never seen: it is written over, and left out where the file has a hole', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const large = [noise(1, 64 * PAGE), noise(2, 64 * PAGE)];
    const small = [noise(3, 16 * PAGE), noise(4, 16 * PAGE)];
    const hashes = await store(repository, 'a', [...large, ...small]);
    const blobs = [...large, ...small];
    // Each page in turn from the large blob whose place it is, from the other one, from a small one, or from none.
    let state = 4711;
    const draw = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * below);
    };
    const files = Array.from({ length: 12 }, (_, number) => {
      const wanted = Buffer.alloc(64 * PAGE);
      const extents: Extent[] = [];
      for (let page = 0; page < 64; page += 1) {
        const kind = draw(12 + number);
        const blob = kind < 2 ? 2 + kind : kind === 2 ? 1 : kind === 3 ? undefined : 0;
        if (blob === undefined) continue;
        const from = (blob < 2 ? page : draw(16)) * PAGE;
        blobs[blob]?.copy(wanted, page * PAGE, from, from + PAGE);
        extents.push([page * PAGE, PAGE, hashes[blob] ?? '', from]);
      }
      return { wanted, file: file(`f${number}`, wanted.byteLength, extents) };
    });
    const sums: (number | undefined)[] = [];
    await scatter(
      repository,
      files.map((each) => each.file),
      { checksums: true, onFile: (number, sum) => (sums[number] = sum) },
    );
    for (const [
      number,
      {
        wanted,
        file: { path: place },
      },
    ] of files.entries()) {
      expect((await readFile(place)).equals(wanted), `file ${number}`).toBe(true);
      expect(sums[number]).toBe(crc32c(wanted));
    }
  });

  test.each([
    ['', undefined],
    [', also in windows of a few pages', { windowBytes: 16 * PAGE, storedBytes: 300_000 }],
  ])('files of pages from anywhere are as they were, and holes are zeros%s', async (_name, limits) => {
    const repository = await makeMemoryRepository(encrypted);
    const blobs = [noise(1, 64 * PAGE), noise(2, 64 * PAGE), noise(3, 16 * PAGE), noise(4, 16 * PAGE), noise(5, 3 * PAGE)];
    const hashes = await store(repository, 'a', blobs);
    let state = 4711;
    const draw = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * below);
    };
    const files = Array.from({ length: 24 }, (_, number) => {
      const pages = draw(120);
      const wanted = Buffer.alloc(pages * PAGE + (number % 3));
      const extents: Extent[] = [];
      // Single pages, parts of pages, and stretches that go straight into the file.
      for (let at = 0; at < pages * PAGE;) {
        const blob = draw(blobs.length + 1);
        const from = draw(Math.floor((blobs[blob]?.byteLength ?? PAGE) / PAGE)) * PAGE;
        const most = Math.min((blobs[blob]?.byteLength ?? PAGE) - from, pages * PAGE - at);
        const length = Math.min(most, draw(5) === 0 ? 20 * PAGE : draw(4) === 0 ? 100 : PAGE);
        if (blob < blobs.length) {
          blobs[blob]?.copy(wanted, at, from, from + length);
          extents.push([at, length, hashes[blob] ?? '', from]);
        }
        at += length;
      }
      return { wanted, file: file(`f${number}`, wanted.byteLength, extents) };
    });
    const sums: (number | undefined)[] = [];
    let bytes = 0;
    await scatter(
      repository,
      files.map((each) => each.file),
      {
        checksums: true,
        ...(limits === undefined ? {} : { limits }),
        onFile: (number, sum) => (sums[number] = sum),
        onBytes: (more) => (bytes += more),
      },
    );
    for (const [number, { wanted, file: made }] of files.entries()) {
      expect((await readFile(made.path)).equals(wanted), `file ${number}`).toBe(true);
      expect(sums[number]).toBe(crc32c(wanted));
    }
    expect(bytes).toBe(
      files.reduce((sum, { file: { extents } }) => sum + Array.from(extents).reduce((all, [, length]) => all + length, 0), 0),
    );
  });

  test('the checksum of a file is that of its bytes, whatever the order in which they came', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const [one = '', two = ''] = await store(repository, 'a', [noise(1, 3 * PAGE), noise(2, 2 * PAGE)]);
    const sums: (number | undefined)[] = [];
    const files = [
      file('a', 9 * PAGE + 5, [
        [0, PAGE, two, PAGE],
        [2 * PAGE, 3 * PAGE, one],
        [7 * PAGE, PAGE + 1, two],
        [9 * PAGE, 5, one, 77],
      ]),
      file('zeros', 3 * PAGE, []),
      file('empty', 0, []),
    ];
    await scatter(repository, files, { checksums: true, onFile: (number, sum) => (sums[number] = sum) });
    for (const [n, { path: name }] of files.entries()) expect(sums[n]).toBe(crc32c(await readFile(name)));
  });

  test('a flipped bit is found and names the pack', async () => {
    const repository = await makeMemoryRepository(encrypted);
    const [hash = ''] = await store(repository, 'a', [noise(1, 5000)]);
    for await (const { key } of repository.store.list(packPrefix(SYSTEM))) {
      const bytes = Buffer.from(await repository.store.read(key));
      bytes[1000] = (bytes[1000] ?? 0) ^ 1;
      await repository.store.delete(key);
      await repository.store.create(key, bytes);
    }
    await expect(scatter(repository, [file('a', 5000, [[0, 5000, hash]])])).rejects.toMatchObject({
      code: 'repository-damaged',
      message: expect.stringContaining('packs/'),
    });
  });
});

test('a file that is there already is not written over', async () => {
  const repository = await makeMemoryRepository();
  const [hash = ''] = await store(repository, 'a', [noise(1, 5000)]);
  await writeFile(path.join(directory, 'taken'), 'mine');
  await expect(scatter(repository, [file('taken', 5000, [[0, 5000, hash]])])).rejects.toMatchObject({ code: 'file-unwritable' });
  expect(await readFile(path.join(directory, 'taken'), 'utf8')).toBe('mine');
});

test('a missing pack, an unknown blob and an extent beyond its blob are refused', async () => {
  const repository = await makeMemoryRepository();
  const [hash = ''] = await store(repository, 'a', [noise(1, 5000)]);
  await expect(scatter(repository, [file('a', 6000, [[0, 5001, hash]])])).rejects.toMatchObject({ code: 'repository-damaged' });
  await expect(scatter(repository, [file('b', 10, [[0, 10, 'ab'.repeat(32)]])])).rejects.toMatchObject({ code: 'repository-damaged' });
  const index = await BlobIndex.load(repository, SYSTEM);
  for await (const { key } of repository.store.list(packPrefix(SYSTEM))) await repository.store.delete(key);
  await expect(scatter(repository, [file('c', 5000, [[0, 5000, hash]])], { index })).rejects.toMatchObject({ code: 'storage-missing' });
});

test('files of several groups are all made; what is wrong with a later group ends the writing of the one before', async () => {
  const repository = await makeMemoryRepository();
  const [hash = ''] = await store(repository, 'a', [noise(1, 5000)]);
  const large = file('large', 300 << 20, [[0, 5000, hash]]);
  // The group of the second begins before the last window of the first is written: either may be done first.
  expect(new Set(await scatter(repository, [large, file('late', 5000, [[0, 5000, hash]])]))).toEqual(new Set([0, 1]));
  expect((await readFile(path.join(directory, 'late'))).equals(noise(1, 5000))).toBe(true);
  await rm(path.join(directory, 'large'));
  const wrong = file('wrong', 10, [[0, 10, 'ab'.repeat(32)]]);
  await expect(scatter(repository, [large, wrong])).rejects.toMatchObject({ code: 'repository-damaged' });
});

test('an interruption ends it with its reason', async () => {
  const repository = await makeMemoryRepository();
  const hashes = await store(
    repository,
    'a',
    Array.from({ length: 20 }, (_, n) => noise(n, 1 << 20)),
  );
  const stop = new AbortController();
  const extents = hashes.map((hash, n): Extent => [n << 20, 1 << 20, hash]);
  const interrupted = new Error('interrupted');
  const onBytes = (): void => stop.abort(interrupted);
  await expect(scatter(repository, [file('a', 20 << 20, extents)], { signal: stop.signal, onBytes })).rejects.toBe(interrupted);
});
