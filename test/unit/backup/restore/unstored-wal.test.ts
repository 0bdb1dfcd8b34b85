import { expect, test } from 'vitest';
import type { TargetState } from '../../../../src/backup/restore/target-directories-inspect.ts';
import { lostUntil, refuseUnstored, type UnstoredAside } from '../../../../src/backup/restore/unstored-wal.ts';

const unstoredTo = (validUntil: bigint, dataDirectory = '/d'): UnstoredAside => ({
  directory: '/d/pg_wal',
  dataDirectory,
  aside: '/d.pg_wal-x',
  isBegun: false,
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

test('the command that stores it can be copied whatever the directory is called', () => {
  const unstored = { ...unstoredTo(12n, '/srv/my $(id)'), acknowledged: { at: undefined } };
  const state = { kind: 'over', target: { kind: 'cluster' }, unstored } as unknown as TargetState;
  expect(() => refuseUnstored(state, 1)).toThrow(
    expect.objectContaining({ hint: expect.stringContaining("dbadmin wal salvage '/srv/my $(id)', then ") }),
  );
});

test('WAL that an interrupted restore has moved in part is salvaged in one piece', () => {
  const over = (target: object): TargetState =>
    ({ kind: 'over', target, unstored: { ...unstoredTo(12n), acknowledged: { at: undefined } } }) as unknown as TargetState;
  const hint = (target: object): unknown => {
    try {
      refuseUnstored(over(target), 1);
    } catch (error) {
      return (error as { hint?: string }).hint;
    }
    return undefined;
  };
  expect(hint({ kind: 'cluster' })).toMatch(/^Store it first: dbadmin wal salvage \/d, then the same command again\. /);
  expect(hint({ kind: 'unfinished', marker: {} })).toMatch(/^Store it first: dbadmin wal salvage \/d, then /);
  expect(hint({ kind: 'unfinished', marker: { walAside: '/d.pg_wal-x' } })).toMatch(
    /^Store it first: put copies of the files in \/d\.pg_wal-x, .* and in \/d\/pg_wal into one directory, and name that to dbadmin wal salvage, then /,
  );
});
