import { expect, test } from 'vitest';
import { isWorkingName, workingNameOf } from '../../../../src/backup/dump/working-name.ts';

test('workingNameOf: begins with as much of the name as fits into 63 bytes, in whole characters', () => {
  expect(workingNameOf('app', '0123abcd')).toBe('app (dbadmin restore 0123abcd)');
  const long = workingNameOf('ä😀'.repeat(20), '0123abcd');
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(63);
  expect(long).toBe(`${'ä😀'.repeat(6)} (dbadmin restore 0123abcd)`);
});

test('isWorkingName: of those alone', () => {
  expect(isWorkingName(workingNameOf('app', '0123abcd'))).toBe(true);
  for (const name of ['app', 'app (dbadmin restore)', 'app (dbadmin restore 0123abcd) 2']) expect(isWorkingName(name)).toBe(false);
});
