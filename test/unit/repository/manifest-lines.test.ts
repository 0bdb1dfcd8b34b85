import { describe, expect, test } from 'vitest';
import { CompactExtents, type NumberedExtent } from '../../../src/repository/compact-extents.ts';
import { readManifest, writeManifest, type Extent, type ManifestEntry } from '../../../src/repository/manifest.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const HASHES = Array.from({ length: 300 }, (_, n) => n.toString(16).padStart(64, '0'));
const PAGE = 8192;

async function writtenAndRead(extents: ManifestEntry & { type: 'file' }): Promise<ManifestEntry | undefined> {
  const repository = await makeMemoryRepository(false);
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
