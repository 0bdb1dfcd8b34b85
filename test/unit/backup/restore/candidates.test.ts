import { expect, test } from 'vitest';
import { stretchesSince, type Candidate } from '../../../../src/backup/restore/candidates.ts';

const candidate = (minute: number, stopLsn: bigint, reach: bigint): Candidate =>
  ({ backup: { finishedAt: new Date(minute * 60_000).toISOString() }, startLsn: stopLsn - 1n, stopLsn, reach }) as unknown as Candidate;

test('what was written since a moment is read from the newest backup that ended before it, and each later stretch from its oldest', () => {
  const [a, b, c, d] = [candidate(10, 10n, 50n), candidate(20, 20n, 50n), candidate(60, 60n, 90n), candidate(70, 70n, 90n)];
  const newestFirst = [d, c, b, a];
  expect(stretchesSince(newestFirst, -Infinity)).toEqual([a, c]);
  expect(stretchesSince(newestFirst, 25 * 60_000)).toEqual([b, c]);
  expect(stretchesSince(newestFirst, 15 * 60_000)).toEqual([a, c]);
  expect(stretchesSince(newestFirst, 65 * 60_000)).toEqual([c]);
  expect(stretchesSince(newestFirst, 99 * 60_000)).toEqual([d]);
  expect(stretchesSince([], 0)).toEqual([]);
});
