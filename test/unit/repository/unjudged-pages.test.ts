import { describe, expect, test } from 'vitest';
import type { AuditReport, UnjudgedCause } from '../../../src/repository/manifest.ts';
import { problemOfSummary } from '../../../src/repository/summary-check.ts';
import { unjudgedAudits, unjudgedCount, unjudgedWarnings } from '../../../src/repository/unjudged-pages.ts';
import { summaryOf, SYSTEM } from '../../backup/small-backups.ts';

const CAUSE: UnjudgedCause = {
  pages: 12,
  files: 6,
  paths: [1, 2, 3, 4, 5, 6].map((file) => `base/6/${file}`),
  reason: 'refused',
  wayOut: 'GRANT CONNECT ON DATABASE x TO y lets later backups ask',
};
const UNJUDGED = { pages: 13, files: 7, causes: [CAUSE, { ...CAUSE, pages: 1, files: 1, paths: ['base/1/9'], reason: 'away' }] };
const audit = (unjudged?: typeof UNJUDGED): AuditReport => ({
  comparedWith: 'F1',
  pages: 9,
  benign: 0,
  mismatches: [],
  ...(unjudged === undefined ? {} : { unjudged }),
});

describe('pages that nobody could judge', () => {
  test('are said once for each reason, with the first files and the way out at the end', () => {
    const [first, second, ...more] = unjudgedWarnings(audit(UNJUDGED));
    expect(first).toMatch(
      /^pages .* differ from F1, 12 in base\/6\/1, .*base\/6\/5 and 1 more: .*\(refused\)\. GRANT CONNECT ON DATABASE x TO y /,
    );
    expect(first).toMatch(
      /\. Look up what the files are before F1 expires, which may have them right: docs\/runbooks\/backups-differ\.md, "Pages that nobody could judge"$/,
    );
    expect(second).toMatch(/^pages .*, 1 in base\/1\/9: .*\(away\)\. /);
    expect([more, unjudgedWarnings(audit()), unjudgedWarnings(null)]).toEqual([[], [], []]);
  });

  test('are told of while the backup that may have them right is there, though a later one was compared and finds nothing', () => {
    const of = (label: string, report?: AuditReport | null) => summaryOf(label, report === undefined ? {} : { audit: report });
    const life = [of('F1'), of('F2', audit(UNJUDGED)), of('I3', null), of('F3', { ...audit(), comparedWith: 'F2' })];
    const open = { audit: 'F2', comparedWith: 'F1', ...UNJUDGED };
    expect(unjudgedAudits(life, [])).toEqual([open]);
    const more = of('F4', { ...audit(UNJUDGED), comparedWith: 'F3' });
    const both = unjudgedAudits([...life, more], []);
    expect(both).toEqual([open, { ...open, audit: 'F4', comparedWith: 'F3' }]);
    expect([unjudgedCount(both), unjudgedCount([])]).toEqual([26, 0]);
    expect(unjudgedAudits([...life.slice(1), more], [])).toEqual(both.slice(1));
    expect(unjudgedAudits([...life, more], [{ label: 'F2' }])).toEqual(both.slice(1));
    expect(unjudgedAudits([of('F1'), of('F2', audit())], [])).toEqual([]);
  });

  test('are read only where they can be counted and shown', () => {
    const problemOf = (unjudged: unknown) => problemOfSummary({ ...summaryOf('F2'), audit: { ...audit(), unjudged } }, SYSTEM, 'F2');
    expect([undefined, UNJUDGED, { ...UNJUDGED, causes: [] }].map(problemOf)).toEqual([undefined, undefined, undefined]);
    const others = [
      null,
      7,
      { pages: 1, files: 1 },
      { ...UNJUDGED, pages: '13' },
      { ...UNJUDGED, causes: [null] },
      { ...UNJUDGED, causes: [{ ...CAUSE, paths: [7] }] },
      { ...UNJUDGED, causes: [{ ...CAUSE, wayOut: undefined }] },
    ];
    for (const each of others) expect(problemOf(each)).toBe('What it says of its audit is incomplete.');
  });
});
