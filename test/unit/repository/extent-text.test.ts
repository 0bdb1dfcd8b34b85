import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CompactExtents, type NumberedExtent } from '../../../src/repository/compact-extents.ts';
import { extentsText } from '../../../src/repository/extent-text.ts';

test('extents are written as JSON.stringify writes them', () => {
  const offset = fc.oneof(fc.nat(), fc.integer({ min: 2 ** 31 - 2, max: 2 ** 31 + 2 }), fc.maxSafeNat());
  const blob = fc.nat(4_000_000_000);
  const extent = fc.oneof(
    fc.tuple(offset, offset, blob),
    fc.tuple(
      offset,
      offset,
      blob,
      offset.map((from) => Math.max(1, from)),
    ),
  );
  fc.assert(
    fc.property(fc.array(extent, { maxLength: 3000 }), (extents) => {
      expect(extentsText(new CompactExtents(Buffer.alloc(32), extents as readonly NumberedExtent[])).toString()).toBe(
        JSON.stringify(extents),
      );
    }),
    { numRuns: 50 },
  );
});
