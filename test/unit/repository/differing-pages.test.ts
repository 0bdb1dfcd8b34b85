import { describe, expect, test } from 'vitest';
import { seesCuts } from '../../../src/backup/take/mode.ts';
import { differingPages, howToAcknowledge, mismatchCount, whoIsWrong } from '../../../src/repository/differing-pages.ts';
import type { AuditReport, BackupSummary } from '../../../src/repository/manifest.ts';
import { summaryOf } from '../../backup/small-backups.ts';

const page = { path: 'base/5/1', block: 1 };
const audit = (pages: number, emptied: number): AuditReport => ({
  comparedWith: 'P',
  pages: 9,
  benign: 0,
  mismatches: Array.from({ length: pages }, (_, n) => (n < emptied ? { ...page, emptied: true } : page)),
});
const built: Partial<BackupSummary> = { kind: 'incremental', parent: 'F', pageHashKey: null };
const found = (pages: number, emptied: number, parent?: Partial<BackupSummary>): ReturnType<typeof differingPages> =>
  differingPages(audit(pages, emptied), new Map(parent === undefined ? [] : [['P', summaryOf('P', parent)]]));

describe('pages that differ', () => {
  test('are counted with those that the report does not list', () => {
    expect(mismatchCount({ ...audit(2, 0), mismatchCount: 1234 })).toBe(1234);
    expect(mismatchCount(audit(2, 0))).toBe(2);
    expect(mismatchCount(null)).toBe(0);
    expect(found(3, 2, {})).toEqual({ pages: 3, emptied: 2, isClusterWrong: true });
    expect(differingPages({ ...audit(2, 2), emptiedCount: 1001 }, new Map())).toMatchObject({ emptied: 1001 });
    expect(differingPages(null, new Map())).toEqual({ pages: 0, emptied: 0, isClusterWrong: false });
  });

  test('and were emptied are the cluster’s fault where the backup before cannot have kept what VACUUM had cut off', () => {
    const told = [{}, { ...built, cutsKnown: true }, { ...built, pageHashKey: '00' }, built, undefined];
    expect(told.map((parent) => found(1, 1, parent).isClusterWrong)).toEqual([true, true, true, false, false]);
    expect(found(1, 0, {}).isClusterWrong).toBe(false);
  });

  test('cuts are known of what read every page, and with changed blocks where they are of the parent', () => {
    const parents = [summaryOf('full'), summaryOf('known', { ...built, cutsKnown: true }), summaryOf('old', built)];
    expect(parents.map((parent) => seesCuts({ kind: 'blocks', parent }))).toEqual([true, true, false]);
    for (const parent of parents) {
      expect(seesCuts({ kind: 'audit', parent })).toBe(true);
      expect(seesCuts({ kind: 'hashes', parent, reason: 'old' })).toBe(true);
    }
    expect(seesCuts({ kind: 'everything', reason: undefined })).toBe(true);
  });

  test('are said to be the cluster’s only where that is known', () => {
    expect(whoIsWrong(found(3, 0, {}), 'A or B is')).toBe('A or B is');
    expect(whoIsWrong(found(3, 1, built), 'A or B is')).toMatch(/^A or B is; 1 of them is all zeros now \(emptied\), [^:]*$/);
    expect(whoIsWrong(found(3, 2, {}), 'A or B is')).toMatch(/^A or B is; 2 of them are all zeros now .*: there the cluster is wrong$/);
    expect(whoIsWrong(found(3, 3, {}), 'A or B is')).toMatch(/^the cluster is wrong, .* they are all zeros now/);
    expect(whoIsWrong(found(3, 3, built), 'A or B is')).toMatch(/^A or B is; 3 of them are/);
  });

  test('have a way out that keeps the only backups with the rows of what was emptied', () => {
    const where = ' --repository local';
    expect(howToAcknowledge('F2', found(3, 0, {}), where)).toMatch(
      /^Restore the one before it .*; then dbadmin backup acknowledge F2 --repository local --sound audited, earlier or both/,
    );
    expect(howToAcknowledge('F2', found(3, 3, {}))).toMatch(
      /^Bring back the rows .* "A page of zeros".* Then dbadmin backup acknowledge F2 --sound earlier --reason/,
    );
    expect(howToAcknowledge('F2', found(3, 1, {}))).toMatch(
      /^Bring back the rows .* Then see about the others, and dbadmin backup acknowledge F2 --sound audited, earlier or both --reason/,
    );
    expect(howToAcknowledge('F2', found(3, 1, built))).toMatch(/^Restore the last full one .* --sound audited, earlier or both --reason/);
  });
});
