import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c, joinedCrc32c, zerosCrc32c } from '../../../src/postgres/crc32c.ts';

test('the sum of the digits 1 to 9 is the published check value', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a91_36aa);
});

test('a sum taken in pieces is the sum of the whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
      expect(crc32c(bytes.subarray(cut), crc32c(bytes.subarray(0, cut)))).toBe(crc32c(bytes));
    }),
    { seed: 20261121 },
  );
});

test('the sum of stretches of bytes is joined from their sums, and zeros need no bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), fc.uint8Array({ maxLength: 3000 }), fc.nat(20_000), (first, second, zeros) => {
      expect(joinedCrc32c(crc32c(first), crc32c(second), second.byteLength)).toBe(crc32c(Buffer.concat([first, second])));
      expect(zerosCrc32c(zeros)).toBe(crc32c(Buffer.alloc(zeros)));
    }),
    { seed: 20261121, numRuns: 200 },
  );
});
