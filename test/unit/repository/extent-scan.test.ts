import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExtentScan, scanHashes, SCANNED_NUMBERS } from '../../../src/repository/extent-scan.ts';

const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const extent = fc.oneof(fc.tuple(number, number, number), fc.tuple(number, number, number, number));

describe('extents in a line of a manifest', () => {
  test('are what JSON.parse makes of them, whatever stands around them', () => {
    const scan = new ExtentScan();
    fc.assert(
      fc.property(fc.array(extent, { minLength: 1, maxLength: 1500 }), fc.string(), fc.string(), (extents, before, behind) => {
        const start = Buffer.byteLength(before);
        const line = Buffer.from(`${before}${JSON.stringify(extents)}${behind}`);
        const scanned = scan.read(line, start);
        expect(scanned?.end).toBe(line.byteLength - Buffer.byteLength(behind));
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
    expect(new ExtentScan().read(Buffer.from(text), 0)).toBeUndefined();
  });
});

const HASH = 'ab'.repeat(32);

describe('names in a line of a manifest', () => {
  test('are what JSON.parse makes of them', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
    fc.assert(
      fc.property(fc.array(hash, { minLength: 1, maxLength: 100 }), fc.string(), (hashes, before) => {
        const line = Buffer.from(`${before}${JSON.stringify(hashes)}]"]`);
        const scanned = scanHashes(line, Buffer.byteLength(before));
        expect(scanned?.hashes.toString('hex')).toBe(hashes.join(''));
        expect(scanned?.end).toBe(line.byteLength - 3);
      }),
    );
  });

  test.each([
    '[]',
    '',
    '{}',
    `["${HASH}"`,
    `["${HASH}","${HASH}",]`,
    `["${HASH}", "${HASH}"]`,
    `["${HASH.slice(2)}zz"]`,
    `["${HASH.slice(2)}"]`,
    `["${HASH}ab"]`,
    `["${HASH.slice(0, 62)}\\"",""]`,
    `[1,2]`,
  ])('of another form are left to JSON.parse: %s', (text) => {
    expect(scanHashes(Buffer.from(text), 0)).toBeUndefined();
  });
});
