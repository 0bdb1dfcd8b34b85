import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CompactExtents } from '../../../src/repository/compact-extents.ts';
import type { Extent } from '../../../src/repository/manifest.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const place = fc.maxSafeNat();

test('extents come out of the smaller form as they went in', () => {
  const extents = fc.array(hash, { minLength: 1, maxLength: 5 }).chain((hashes) => {
    const name = fc.constantFrom(...hashes);
    return fc.array(fc.oneof(fc.tuple(place, place, name), fc.tuple(place, place, name, place)), { maxLength: 40 });
  });
  fc.assert(
    fc.property(extents, (list: readonly Extent[]) => {
      const compact = new CompactExtents(list);
      expect([...compact]).toEqual(list);
      expect(compact.length).toBe(list.length);
      expect(Array.from({ length: list.length + 2 }, (_, n) => compact.at(n - 1))).toEqual([undefined, ...list, undefined]);
    }),
  );
});
