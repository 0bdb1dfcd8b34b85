import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SCANNED_NUMBERS, scanExtents } from '../../../src/repository/extent-scan.ts';

const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const extent = fc.oneof(fc.tuple(number, number, number), fc.tuple(number, number, number, number));

describe('extents in a line of a manifest', () => {
  test('are what JSON.parse makes of them, whatever stands around them', () => {
    fc.assert(
      fc.property(fc.array(extent, { minLength: 1, maxLength: 1500 }), fc.string(), fc.string(), (extents, before, behind) => {
        const text = `${before}${JSON.stringify(extents)}${behind}`;
        const scanned = scanExtents(text, before.length);
        expect(scanned?.end).toBe(text.length - behind.length);
        const read = Array.from({ length: extents.length }, (_, n) =>
          Array.from(scanned?.numbers.subarray(n * SCANNED_NUMBERS, (n + 1) * SCANNED_NUMBERS) ?? []),
        );
        expect(read).toEqual(extents.map(([offset, length, blob, from = 0]) => [offset, length, blob, from]));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    '[]',
    '[[]]',
    '[[1,2]]',
    '[[1,2,3,4,5]]',
    '[[1,2,"a"]]',
    '[[1,2,-3]]',
    '[[1,2,3.5]]',
    '[[1,2,3e5]]',
    '[[1, 2,3]]',
    '[[1,2,3],]',
    '[[1,2,3] ]',
    '[[1,2,3]',
    '[[1,2,3',
    '[[1,2,99999999999999999999]]',
    '{}',
    '',
  ])('of another form are left to JSON.parse: %s', (text) => {
    expect(scanExtents(text, 0)).toBeUndefined();
  });
});
