import { expect, test } from 'vitest';
import { mayLackHints } from '../../../src/backup/take/mode.ts';
import { summaryOf } from '../../backup/small-backups.ts';

test('pages that may lack hints are passed on with changed blocks, and end where every page is read while hints are logged', () => {
  const parents = [true, false, undefined].map((hintsUnlogged) => summaryOf('p', hintsUnlogged === undefined ? {} : { hintsUnlogged }));
  expect(parents.map((parent) => mayLackHints({ kind: 'blocks', parent }, false))).toEqual([true, false, undefined]);
  expect(parents.map((parent) => mayLackHints({ kind: 'blocks', parent }, true))).toEqual([true, true, true]);
  for (const parent of parents) {
    expect(mayLackHints({ kind: 'audit', parent }, false)).toBe(false);
    expect(mayLackHints({ kind: 'hashes', parent, reason: 'old' }, false)).toBe(false);
    expect(mayLackHints({ kind: 'audit', parent }, true)).toBe(true);
  }
});
