import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ContentMap } from '../../../src/backup/take/content-map.ts';
import { DamagedContent } from '../../../src/backup/take/damaged-content.ts';
import { ParentAhead, stretchesOf } from '../../../src/backup/take/parent-ahead.ts';
import { ParentBlobs } from '../../../src/backup/take/parent-blobs.ts';
import { SomeParentBytes } from '../../../src/backup/take/parent-bytes.ts';
import { silentLog } from '../../../src/base/log.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { BlobReader } from '../../../src/repository/blob-reader.ts';
import { createMemoryStore } from '../../../src/storage/memory.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import { hashOf, SYSTEM, writePacks } from '../../backup/small-backups.ts';

const PAGE = 8192;
const STRETCH = 1024 * 1024;

interface Piece {
  readonly offset: number;
  readonly length: number;
  /** Number of a content. */
  readonly blob: number;
  readonly from: number;
}

/** A parent of these files, whose content lies in packs of 64 of these blobs. */
async function parentOf(contents: readonly Buffer[], files: readonly (readonly Piece[])[]) {
  const requests: string[] = [];
  const store = withFaults(createMemoryStore(), ({ operation, key }) => {
    if (operation === 'readRange') requests.push(key);
  });
  const repository = await makeMemoryRepository(false, store);
  await writePacks(repository, contents, new Date(0), 64);
  const index = await BlobIndex.load(repository, SYSTEM);
  const parent = new ContentMap();
  for (const content of contents) parent.blobs.set(parent.blobs.add(), hashOf(content));
  for (const [n, pieces] of files.entries()) {
    const last = pieces.at(-1);
    const sizeBytes = last === undefined ? 0 : last.offset + last.length;
    parent.addFile({ path: `base/5/${n}`, sizeBytes, mode: 0o600, modifiedAt: 1, pages: [] }, (put) => {
      for (const { offset, length, blob, from } of pieces) put(offset, length, blob, from);
    });
  }
  const damaged = new DamagedContent('local', silentLog);
  const reader = new BlobReader(repository, SYSTEM, index);
  const blobs = new ParentBlobs([{ name: 'local', names: parent.blobs, reader, damaged }], silentLog);
  return { parent, blobs, damaged, requests, ahead: new ParentAhead(parent, blobs, stretchesOf(parent)) };
}

function bytesOf(contents: readonly Buffer[], pieces: readonly Piece[], start: number, end: number): Buffer {
  const bytes = Buffer.alloc(end - start);
  for (const { offset, length, blob, from } of pieces) {
    for (let at = Math.max(offset, start); at < Math.min(offset + length, end); at += 1)
      bytes[at - start] = contents[blob]?.[from + at - offset] ?? 0;
  }
  return bytes;
}

function filled(seed: number, pages: number): Buffer {
  const bytes = Buffer.alloc(pages * PAGE);
  for (let page = 0; page < pages; page += 1) bytes.fill(`${seed}.${page} `, page * PAGE, (page + 1) * PAGE);
  return bytes;
}

test('stretches that share blobs fetch each of them once for eight stretches, and neighbours with one request', async () => {
  // Sixteen stretches, each with a page of each of 128 blobs: what many incremental backups leave of a table.
  const contents = Array.from({ length: 128 }, (_, blob) => filled(blob, 16));
  const pieces = Array.from({ length: 16 * 128 }, (_, n) => ({
    offset: n * PAGE,
    length: PAGE,
    blob: n % 128,
    from: Math.floor(n / 128) * PAGE,
  }));
  const { ahead, requests } = await parentOf(contents, [pieces]);
  for (let offset = 0; offset < 16 * STRETCH; offset += STRETCH) {
    const { bytes } = await ahead.read(0, offset);
    expect(bytes?.equals(bytesOf(contents, pieces, offset, offset + STRETCH))).toBe(true);
  }
  await ahead.close();
  // One blob after the other these were 2,048.
  expect(requests.length).toBeLessThanOrEqual(8);
});

test('small files that come in the order in which they came are read together; where they come in another, none is read for nothing', async () => {
  const contents = Array.from({ length: 1000 }, (_, blob) => filled(blob, 1));
  const files = contents.map((_, blob) => [{ offset: 0, length: PAGE, blob, from: 0 }]);
  const inOrder = await parentOf(contents, files);
  for (let file = 0; file < 1000; file += file % 7 === 0 ? 3 : 1)
    expect((await inOrder.ahead.read(file, 0)).bytes?.equals(contents[file] ?? Buffer.alloc(0))).toBe(true);
  await inOrder.ahead.close();
  expect(inOrder.requests.length).toBeLessThanOrEqual(1000 / 64 + 8);

  const crossed = await parentOf(contents, files);
  for (let file = 999; file >= 0; file -= 1)
    expect((await crossed.ahead.read(file, 0)).bytes?.equals(contents[file] ?? Buffer.alloc(0))).toBe(true);
  await crossed.ahead.close();
  expect(crossed.requests.length).toBeLessThanOrEqual(1000 + 8);
});

test('files between which many lie that nothing is asked of are read together all the same', async () => {
  const contents = Array.from({ length: 200 }, (_, blob) => filled(blob, 1));
  const files = Array.from({ length: 4000 }, (_, n) => (n % 20 === 0 ? [{ offset: 0, length: PAGE, blob: n / 20, from: 0 }] : []));
  const { ahead, requests } = await parentOf(contents, files);
  for (let file = 40; file < 4000; file += 20)
    expect((await ahead.read(file, 0)).bytes?.equals(contents[file / 20] ?? Buffer.alloc(0))).toBe(true);
  await ahead.close();
  expect(requests.length).toBeLessThanOrEqual(200 / 64 + 8);
});

test('any part of any files is what it was, in whatever order it is asked for', async () => {
  const contents = Array.from({ length: 90 }, (_, blob) => filled(blob, 1 + ((blob * 7) % 20)));
  const piece = fc.record({ blob: fc.nat(89), gap: fc.nat(3), from: fc.nat(8), pages: fc.integer({ min: 1, max: 12 }) });
  const file = fc.array(piece, { maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(fc.array(file, { minLength: 1, maxLength: 12 }), fc.array(fc.nat(11), { maxLength: 20 }), async (shapes, order) => {
      const files = shapes.map((pieces) => {
        let offset = 0;
        return pieces.flatMap(({ blob, gap, from, pages }): Piece[] => {
          const length = Math.min(pages, (contents[blob]?.byteLength ?? 0) / PAGE - from) * PAGE;
          if (length <= 0) return [];
          const at = offset + gap * PAGE;
          offset = at + length;
          return [{ offset: at, length, blob, from: from * PAGE }];
        });
      });
      const { parent, ahead } = await parentOf(contents, files);
      for (const n of [...order, ...files.keys()]) {
        const size = n < files.length ? parent.sizeBytes(n) : 0;
        for (let offset = 0; offset < size; offset += STRETCH) {
          const { bytes } = await ahead.read(n, offset);
          expect(bytes?.equals(bytesOf(contents, files[n] ?? [], offset, Math.min(size, offset + STRETCH)))).toBe(true);
        }
      }
      await ahead.close();
    }),
    { seed: 20261122, numRuns: 25 },
  );
});

test('a blob that is damaged costs the parts that lie in it, is told of, and no other', async () => {
  const contents = Array.from({ length: 20 }, (_, blob) => filled(blob, 1));
  const files = contents.map((_, blob) => [{ offset: 0, length: PAGE, blob, from: 0 }]);
  const { parent, blobs, ahead, damaged } = await parentOf(contents, files);
  // Under a name that is not its own.
  parent.blobs.set(7, hashOf(Buffer.from('gone')));
  for (let file = 0; file < 20; file += 1) {
    const { bytes } = await ahead.read(file, 0);
    expect(bytes === undefined).toBe(file === 7);
    expect(blobs.isDamaged(file)).toBe(file === 7);
    expect(blobs.wasSound('local', file)).toBe(file !== 7);
  }
  expect(damaged.isEmpty).toBe(false);
  await ahead.close();
});

test('a blob that is damaged costs whoever asks for some pages those that lie in it, also of a stretch that was read before its turn', async () => {
  // Six stretches, each of eight blobs that lie in no other.
  const contents = Array.from({ length: 6 * 8 }, (_, blob) => filled(blob, 16));
  const pieces = contents.map((_, blob) => ({ offset: blob * 16 * PAGE, length: 16 * PAGE, blob, from: 0 }));
  const { parent, blobs } = await parentOf(contents, [pieces]);
  parent.blobs.set(5 * 8 + 3, hashOf(Buffer.from('gone')));
  const some = new SomeParentBytes(parent, blobs);
  for (let offset = 0; offset < 5 * STRETCH; offset += STRETCH) await some.read(0, offset, PAGE);
  // The last stretch is read before its turn.
  await expect.poll(() => blobs.isDamaged(5 * 8 + 3)).toBe(true);
  for (let blob = 5 * 8; blob < contents.length; blob += 1) {
    const offset = (blob * 16 + 2) * PAGE;
    const bytes = await some.read(0, offset, PAGE);
    if (blob === 5 * 8 + 3) expect(bytes).toBe('damaged');
    else expect(bytes).toEqual(bytesOf(contents, pieces, offset, offset + PAGE));
  }
  await some.close();
});
