import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseTarHeader } from '../../../src/postgres/tar.ts';
import { makeTarHeader, tarBytes, tarPadding } from '../../../src/postgres/tar-header.ts';

test('a header says what it was made of, also of a file of more than 8 GiB', () => {
  const file = fc.record({
    path: fc.stringMatching(/^[a-z0-9_.]{1,99}[a-z]$/),
    sizeBytes: fc.oneof(fc.constantFrom(0, 2 ** 33 - 1, 2 ** 33, 2 ** 45), fc.nat()),
    modifiedAt: fc.nat(),
  });
  fc.assert(
    fc.property(file, (made) => {
      const header = makeTarHeader(made);
      expect(header).toHaveLength(512);
      expect(parseTarHeader(header)).toEqual({ ...made, type: 'file', mode: 0o600, linkTarget: undefined });
    }),
    { seed: 20261121 },
  );
});

test('what an archive takes is whole blocks of each file, and its end', () => {
  expect([0, 1, 511, 512, 513].map(tarPadding)).toEqual([0, 511, 1, 0, 511]);
  expect(tarBytes([])).toBe(1024);
  expect(tarBytes([{ sizeBytes: 0 }, { sizeBytes: 513 }])).toBe(512 + 512 + 1024 + 1024);
});
