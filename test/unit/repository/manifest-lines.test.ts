import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CompactExtents, type NumberedExtent } from '../../../src/repository/compact-extents.ts';
import { readManifest, writeManifest, type Extent, type ManifestEntry } from '../../../src/repository/manifest.ts';
import { sealAtHand } from '../../../src/repository/envelope.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { ManifestEntries } from '../../../src/repository/manifest-entries.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const HASHES = Array.from({ length: 300 }, (_, n) => n.toString(16).padStart(64, '0'));
const PAGE = 8192;

async function writtenAndRead(extents: ManifestEntry & { type: 'file' }, format?: number): Promise<ManifestEntry | undefined> {
  const made = await makeMemoryRepository(false);
  const repository = format === undefined ? made : { ...made, identity: { ...made.identity, format } };
  await writeManifest(repository, summaryOf('a'), [extents]);
  for await (const entry of readManifest(repository, SYSTEM, 'a')) return entry;
  return undefined;
}

const file = (path: string, numbered: readonly NumberedExtent[], hashes = HASHES): ManifestEntry & { type: 'file' } => ({
  path,
  type: 'file',
  sizeBytes: numbered.length * PAGE,
  mode: 0o600,
  modifiedAt: 1,
  extents: new CompactExtents(Buffer.from(hashes.join(''), 'hex'), numbered),
  pages: [HASHES[7] ?? ''],
});

describe('a long line of a manifest', () => {
  test.each(['base/5/16384', '"extents":[[1,2,3]]', '\\"extents":', 'ünlaut \uDCFF'])(
    'gives back the file %j with all it is made of',
    async (path) => {
      const numbered = Array.from({ length: 5000 }, (_, n): NumberedExtent => {
        const blob = (n * 7) % HASHES.length;
        return n % 3 === 0 ? [n * PAGE, PAGE, blob] : [n * PAGE, PAGE, blob, (n % 16) * PAGE + 1];
      });
      const wanted = file(path, numbered);
      const read = await writtenAndRead(wanted);
      if (read?.type !== 'file') throw new Error('no file came back');
      const { extents, ...rest } = read;
      const { extents: given, ...attributes } = wanted;
      expect(rest).toEqual(attributes);
      expect(Array.from(extents)).toEqual(
        numbered.map(([offset, length, blob, from]): Extent => {
          const hash = HASHES[blob] ?? '';
          return from === undefined ? [offset, length, hash] : [offset, length, hash, from];
        }),
      );
      expect(extents).toHaveLength(given.length);
    },
  );

  test('that names a blob which it does not list is refused', async () => {
    const numbered = Array.from({ length: 5000 }, (_, n): NumberedExtent => [n * PAGE, PAGE, n === 4321 ? HASHES.length : 0]);
    await expect(writtenAndRead(file('base/5/16384', numbered))).rejects.toMatchObject({
      code: 'repository-damaged',
      detail: 'An extent of base/5/16384 names a blob that its line does not list.',
    });
  });
});

test.each([1, 5000])('an extent beyond what a blob can hold, among %i, is damage', async (count) => {
  const numbered = Array.from({ length: count }, (_, n): NumberedExtent => [n * PAGE, PAGE, 0, n === count - 1 ? 2 ** 40 : 1]);
  await expect(writtenAndRead(file('base/5/16384', numbered))).rejects.toMatchObject({
    code: 'repository-damaged',
    detail: 'An extent of base/5/16384 asks for more than a blob can hold.',
  });
});

test.each([1, 20, 5000])('in a repository of format 1 a file of %i extents has their names in them', async (count) => {
  const numbered = Array.from({ length: count }, (_, n): NumberedExtent => [n * PAGE, PAGE, n % HASHES.length, (n % 16) * PAGE + 1]);
  const read = await writtenAndRead(file('base/5/16384', numbered), 1);
  if (read?.type !== 'file') throw new Error('no file came back');
  expect(Array.from(read.extents)).toEqual(numbered.map(([offset, length, blob, from]) => [offset, length, HASHES[blob], from]));
});

test('wherever a bit of a large manifest flips, it is the manifest that is damaged', async () => {
  const names = Array.from({ length: 60_000 }, () => randomBytes(32).toString('hex'));
  const repository = await makeMemoryRepository(false);
  const numbered = names.map((_, n): NumberedExtent => [n * PAGE, PAGE, n]);
  await writeManifest(repository, summaryOf('a'), [file('base/5/16384', numbered, names)]);
  const key = backupKey(SYSTEM, 'a');
  const whole = await repository.store.read(key);
  expect(whole.byteLength).toBeGreaterThan(1_500_000);
  for (let at = 1000; at < whole.byteLength; at += Math.ceil(whole.byteLength / 60)) {
    const flipped = Buffer.from(whole);
    flipped.writeUInt8(flipped.readUInt8(at) ^ 0x10, at);
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let from = 0; from < flipped.byteLength; from += 65_536) yield flipped.subarray(from, from + 65_536);
    };
    const store = { ...passThrough(repository.store), readStream: pieces };
    const read = async (): Promise<void> => {
      for await (const _ of readManifest({ ...repository, store }, SYSTEM, 'a')) continue;
    };
    await expect(read(), `byte ${at}`).rejects.toMatchObject({ code: 'repository-damaged' });
  }
});

describe('a line that is JSON and no entry', () => {
  const LINE = { path: 'base/5/1', type: 'file', sizeBytes: 1, mode: 384, modifiedAt: 1, blobs: [HASHES[1]], extents: [[0, 1, 0]] };
  const without = (key: keyof typeof LINE, as: object = {}): object =>
    Object.fromEntries(Object.entries({ ...LINE, ...as }).filter(([each]) => each !== key));

  test.each([
    ['a number', 7],
    ['null', null],
    ['a name that a bit made another', without('extents', { extgnts: LINE.extents })],
    ['no path', without('path')],
    ['a path in hex that is a number', without('path', { pathHex: 61 })],
    ['no type', without('type')],
    ['another type', { ...LINE, type: 'fild' }],
    ['a directory with extents', { ...LINE, type: 'directory' }],
    ['a directory without a time', { path: 'base', type: 'directory', mode: 448 }],
    ['a link without a target', { path: 'pg_wal', type: 'symlink' }],
    ['a size below zero', { ...LINE, sizeBytes: -1 }],
    ['a mode that is a text', { ...LINE, mode: '384' }],
    ['a time that is none', { ...LINE, modifiedAt: null }],
    ['extents that are no list', { ...LINE, extents: 1 }],
    ['an extent that is no list', { ...LINE, extents: [0] }],
    ['an extent of two numbers', { ...LINE, extents: [[0, 1]] }],
    ['a blob by a number below zero', { ...LINE, extents: [[0, 1, -1]] }],
    ['an offset that is no whole number', { ...LINE, extents: [[0.5, 1, 0]] }],
    ['names that are numbers', { ...LINE, blobs: [1] }],
    ['a number where no names are listed', without('blobs')],
    ['page hashes that are no names', { ...LINE, pages: [1] }],
  ])('%s: the manifest is damaged, whoever reads it', async (_, line) => {
    const repository = await makeMemoryRepository(false);
    const lines = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from(`${JSON.stringify(LINE)}\n${JSON.stringify(line)}\n`);
    };
    const key = backupKey(SYSTEM, 'a');
    await repository.store.create(key, await sealAtHand(repository, 'manifest', summaryOf('a'), lines()));
    await expect(ManifestEntries.read(repository, SYSTEM, 'a')).rejects.toMatchObject({
      code: 'repository-damaged',
      message: `${key} is damaged`,
    });
  });
});
