import { expect, test } from 'vitest';
import { segmentsAtOnce } from '../../../../src/backup/wal/receive.ts';

const MB = 2 ** 20;

test('segments are stored at once as far as the memory of a process goes, in all repositories together, and one always is', () => {
  const sizes = [1, 8, 16, 32, 64, 1024];
  expect(sizes.map((size) => segmentsAtOnce(size * MB, 1))).toEqual([4, 4, 2, 1, 1, 1]);
  expect(sizes.map((size) => segmentsAtOnce(size * MB, 2))).toEqual([4, 4, 2, 1, 1, 1]);
  expect(sizes.map((size) => segmentsAtOnce(size * MB, 4))).toEqual([4, 2, 1, 1, 1, 1]);
});
