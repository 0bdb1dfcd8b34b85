import { expect, test } from 'vitest';
import { lostUntil, type UnstoredAside } from '../../../../src/backup/restore/unstored-wal.ts';

const unstoredTo = (validUntil: bigint): UnstoredAside => ({
  directory: '/d/pg_wal',
  dataDirectory: '/d',
  aside: '/d.pg_wal-x',
  stretches: [
    {
      timeline: 1,
      segments: [{ name: '000000010000000000000005', file: '', startLsn: 5n, storedUntil: 5n, knownUntil: 5n, validUntil }],
      following: async function* () {},
    },
  ],
  histories: [],
  acknowledged: undefined,
  files: ['000000010000000000000005'],
  sizeBytes: 16,
  storedLsn: 5n,
});
test('a checkpoint behind all WAL that is anywhere says that something is lost', () => {
  const checkpoint = { checkpointLsn: 10n, timeline: 1 };
  expect(lostUntil(checkpoint, 10n, undefined)).toBeUndefined();
  expect(lostUntil(checkpoint, 5n, unstoredTo(12n))).toBeUndefined();
  expect(lostUntil(checkpoint, 5n, unstoredTo(9n))).toBe(10n);
  expect(lostUntil({ ...checkpoint, timeline: 2 }, undefined, unstoredTo(12n))).toBe(10n);
});
