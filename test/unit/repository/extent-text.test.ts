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
      expect(textOf(extents as readonly NumberedExtent[])).toBe(JSON.stringify(extents));
    }),
    { numRuns: 50 },
  );
});

test('so are more than one piece holds', () => {
  for (const count of [0, 1, 4095, 4096, 4097, 8192, 10_000]) {
    const extents = Array.from(
      { length: count },
      (_, n): NumberedExtent => [n * 8192, 8192, 0, ...(n % 3 === 0 ? [] : ([n] as const))] as NumberedExtent,
    );
    expect(textOf(extents)).toBe(JSON.stringify(extents));
  }
});

function textOf(extents: readonly NumberedExtent[]): string {
  return Buffer.concat([...extentsText(new CompactExtents(Buffer.alloc(32), extents))]).toString();
}
