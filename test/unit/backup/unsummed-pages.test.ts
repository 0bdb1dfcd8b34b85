import { expect, test } from 'vitest';
import { mayHaveUnsummedPages, unsummedPagesOf } from '../../../src/backup/unsummed-pages.ts';
import { summaryOf } from '../../backup/small-backups.ts';

test('pages without checksums are in what was taken while there were none, and in what was built on it with changed blocks alone', () => {
  const none = summaryOf('none', { kind: 'full', checksums: false });
  const built = summaryOf('built', { kind: 'incremental', parent: 'none', pageHashKey: null, checksums: true });
  const further = { ...built, label: 'further', parent: 'built' };
  const compared = { ...built, label: 'compared', pageHashKey: 'ab'.repeat(32) };
  const whole = summaryOf('whole', { kind: 'full', parent: null, checksums: true });
  const after = { ...built, label: 'after', parent: 'whole' };
  const all = [none, built, further, compared, whole, after];
  expect(all.filter((each) => mayHaveUnsummedPages(each, all))).toEqual([none, built, further]);
  expect(all.filter((each) => unsummedPagesOf(each, all) !== undefined)).toEqual([built, further]);
});

test('where the backups that tell are gone it is not known, unless a backup notes it, and people are told so', () => {
  const built = summaryOf('built', { kind: 'incremental', parent: 'gone', pageHashKey: null, checksums: true });
  const noted = { ...built, label: 'noted', pagesSummed: true };
  const onNoted = { ...built, label: 'onNoted', parent: 'noted' };
  const all = [built, noted, onNoted];
  expect(all.map((each) => mayHaveUnsummedPages(each, all))).toEqual([undefined, false, false]);
  expect(all.map((each) => unsummedPagesOf(each, all)?.startsWith('nobody can say whether all pages of backup built'))).toEqual([
    true,
    undefined,
    undefined,
  ]);
});

test('manifests that name each other, which anybody can write, tell nothing', () => {
  const one = summaryOf('one', { kind: 'incremental', parent: 'other', pageHashKey: null, checksums: true });
  const all = [one, { ...one, label: 'other', parent: 'one' }];
  expect(all.map((each) => mayHaveUnsummedPages(each, all))).toEqual([undefined, undefined]);
});
