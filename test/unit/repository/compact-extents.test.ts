import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CompactExtents, type NumberedExtent } from '../../../src/repository/compact-extents.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const place = fc.maxSafeNat();

test('extents come out of the smaller form as they went in', () => {
  const lists = fc.array(hash, { minLength: 1, maxLength: 5 }).chain((hashes) => {
    const number = fc.nat({ max: hashes.length - 1 });
    const extent = fc.oneof(fc.tuple(place, place, number), fc.tuple(place, place, number, fc.integer({ min: 1 })));
    return fc.tuple(fc.constant(hashes), fc.array(extent, { maxLength: 40 }));
  });
  fc.assert(
    fc.property(lists, ([hashes, numbered]: readonly [readonly string[], readonly NumberedExtent[]]) => {
      const compact = new CompactExtents(Buffer.from(hashes.join(''), 'hex'), numbered);
      const list = numbered.map(([offset, length, blob, ...from]) => [offset, length, hashes[blob], ...from]);
      expect([...compact]).toEqual(list);
      expect(compact.length).toBe(list.length);
      expect(Array.from({ length: list.length + 2 }, (_, n) => compact.at(n - 1))).toEqual([undefined, ...list, undefined]);
      expect(Array.from({ length: list.length }, (_, n) => compact.numbered(n))).toEqual(numbered);
      expect(Array.from({ length: compact.blobCount }, (_, blob) => compact.hash(blob))).toEqual(hashes);
    }),
  );
});
