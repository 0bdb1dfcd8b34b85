import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ContentMap } from '../../../src/backup/take/content-map.ts';
import {
  appendExtent,
  arrayOf,
  clipExtents,
  listOf,
  overlayExtents,
  type ContentExtent,
  type Stretch,
} from '../../../src/backup/take/extents.ts';

const FILE_BYTES = 40;

/** What a file of these extents reads as: for each byte the blob and place in it, or zero. */
function read(extents: readonly ContentExtent[], lengthBytes: number): readonly string[] {
  const bytes = Array.from({ length: lengthBytes }, () => '0');
  for (const { offset, length, blob, from } of extents) for (let at = 0; at < length; at += 1) bytes[offset + at] = `${blob}:${from + at}`;
  return bytes;
}

/** Extents of blobs from `firstBlob` on, in order and apart, within `[0, FILE_BYTES)`. */
function extentsArbitrary(firstBlob: number): fc.Arbitrary<ContentExtent[]> {
  return fc
    .array(fc.record({ gap: fc.nat(6), length: fc.integer({ min: 1, max: 8 }), from: fc.nat(20) }), { maxLength: 8 })
    .map((pieces) => {
      const extents: ContentExtent[] = [];
      let at = 0;
      pieces.forEach(({ gap, length, from }, index) => {
        at += gap;
        if (at + length <= FILE_BYTES) appendExtent(extents, { offset: at, length, blob: firstBlob + index, from });
        at += length;
      });
      return extents;
    });
}

const stretchesArbitrary: fc.Arbitrary<Stretch[]> = fc
  .array(fc.record({ gap: fc.nat(6), length: fc.integer({ min: 1, max: 6 }) }), { maxLength: 8 })
  .map((pieces) => {
    let at = 0;
    return pieces.flatMap(({ gap, length }) => {
      const start = at + gap;
      at = start + length;
      return at <= FILE_BYTES ? [{ start, end: at }] : [];
    });
  });

const clipped = (extents: readonly ContentExtent[], start: number, end: number): readonly ContentExtent[] =>
  arrayOf((put) => clipExtents(listOf(extents), start, end, put));

const run = { seed: 20261121, numRuns: 500 };

describe('extents', () => {
  test('clipped, they read as that part of the file', () => {
    fc.assert(
      fc.property(extentsArbitrary(0), fc.nat(FILE_BYTES), fc.nat(FILE_BYTES), (extents, a, b) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        const whole = read(extents, FILE_BYTES);
        expect(read(clipped(extents, start, end), FILE_BYTES)).toEqual(whole.map((byte, at) => (at >= start && at < end ? byte : '0')));
      }),
      run,
    );
  });

  test('overlaid, they read as the new within the stretches and as the old elsewhere, up to the new length', () => {
    fc.assert(
      fc.property(
        extentsArbitrary(0),
        extentsArbitrary(100),
        stretchesArbitrary,
        fc.nat(FILE_BYTES),
        (under, candidates, stretches, length) => {
          const over = stretches
            .flatMap(({ start, end }) => clipped(candidates, start, end))
            .filter((extent) => extent.offset + extent.length <= length);
          const within = stretches.filter(({ end }) => end <= length);
          const old = read(under, FILE_BYTES);
          const now = read(over, FILE_BYTES);
          const expected = old
            .map((byte, at) => (within.some(({ start, end }) => at >= start && at < end) ? (now[at] ?? '0') : byte))
            .slice(0, length);
          const kept = over.filter((extent) => within.some(({ start, end }) => extent.offset >= start && extent.offset < end));
          const result = arrayOf((put) => overlayExtents(listOf(under), kept, within, length, put));
          expect(read(result, length)).toEqual(expected);
          for (let index = 1; index < result.length; index += 1) {
            const before = result[index - 1] ?? { offset: 0, length: 0 };
            expect(before.offset + before.length).toBeLessThanOrEqual(result[index]?.offset ?? 0);
          }
        },
      ),
      run,
    );
  });

  test('what goes on in file and blob becomes one', () => {
    const extents: ContentExtent[] = [];
    appendExtent(extents, { offset: 0, length: 4, blob: 1, from: 8 });
    appendExtent(extents, { offset: 4, length: 4, blob: 1, from: 12 });
    appendExtent(extents, { offset: 8, length: 4, blob: 2, from: 16 });
    expect(extents).toEqual([
      { offset: 0, length: 8, blob: 1, from: 8 },
      { offset: 8, length: 4, blob: 2, from: 16 },
    ]);
  });

  test('of a content map they are visited as those of an array, over the ends of its chunks', () => {
    const map = new ContentMap();
    // Behind another file's, so that no chunk begins with a file.
    const [before, count] = [5, 20_000];
    const extents = Array.from({ length: count }, (_, n) => ({ offset: n * 10, length: 8, blob: n % 97, from: n % 13 }));
    const file = { sizeBytes: count * 10, mode: 0o600, modifiedAt: 0, pages: [] };
    map.addFile({ ...file, path: 'before' }, (put) => extents.slice(0, before).forEach((e) => put(e.offset, e.length, e.blob, e.from)));
    map.addFile({ ...file, path: 'file' }, (put) => extents.forEach((e) => put(e.offset, e.length, e.blob, e.from)));
    const list = map.extents(map.find('file'));
    const stretches = Array.from({ length: 300 }, (_, n) => ({ start: n * 600 + 3, end: n * 600 + 3 + (n % 50) }));
    const laid = arrayOf((put) => overlayExtents(list, [], stretches, count * 10, put));
    expect(laid).toEqual(arrayOf((put) => overlayExtents(listOf(extents), [], stretches, count * 10, put)));
    const [cut] = stretches.slice(-1);
    expect(laid.filter(({ offset, length }) => cut !== undefined && offset < cut.end && offset + length > cut.start)).toEqual([]);
    expect(list.visit(8190, (_offset, _length, _blob, from) => from !== extents[8200]?.from)).toBe(
      extents.findIndex(({ from }, n) => n >= 8190 && from === extents[8200]?.from),
    );
  });
});
