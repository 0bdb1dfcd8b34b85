import { describe, expect, test } from 'vitest';
import { recheckOf } from '../../../../src/backup/verify/recheck.ts';
import type { VerificationHeader } from '../../../../src/backup/verify/report.ts';
import { standingOf } from '../../../../src/backup/verify/standing.ts';

type Parts = Partial<Pick<VerificationHeader, 'extent' | 'isSound' | 'rechecked' | 'finishedAt'>>;

const header = (label: string, parts: Parts = {}): VerificationHeader => ({
  label,
  systemIdentifier: '7',
  finishedAt: '2026-11-21T00:00:00.000Z',
  extent: 'structure',
  isSound: true,
  faults: parts.isSound === false ? 1 : 0,
  ...parts,
});
const standing = (reports: readonly VerificationHeader[]): readonly string[] => standingOf(reports).map(({ label }) => label);
const found = header('a', { extent: 'everything', isSound: false, rechecked: [] });

describe('standingOf: a verification that found something', () => {
  test.each<[string, VerificationHeader[], string[]]>([
    ['stands', [found], ['a']],
    ['stands though one that read less met nothing', [found, header('b', { rechecked: [] })], ['a']],
    ['stands though a sample met nothing', [found, header('b', { extent: 'sample', rechecked: [] })], ['a']],
    [
      'stands though one read everything that had begun before it was there',
      [found, header('b', { extent: 'everything', rechecked: [] })],
      ['a'],
    ],
    ['is over when one looked at all of it again', [found, header('b', { rechecked: ['a'] })], []],
    ['is over whatever the clocks said', [header('b', { rechecked: ['a'] }), found], []],
    ['gives way to one that found it again', [found, header('b', { isSound: false, rechecked: ['a'] })], ['b']],
    ['stands beside another', [found, header('b', { isSound: false, rechecked: [] })], ['a', 'b']],
    ['stands though an earlier version read less and met nothing', [found, header('b', { extent: 'sample' })], ['a']],
    ['is over when an earlier version read everything', [found, header('b', { extent: 'everything' })], []],
    ['and had read no content is over when an earlier version met nothing', [header('a', { isSound: false }), header('b')], []],
  ])('%s', (_what, reports, labels) => {
    expect(standing(reports)).toEqual(labels);
  });
});

describe('recheckOf', () => {
  const findings = { objects: ['p'], isComplete: true, backups: [], soundBackups: [], dumps: [] };

  test('what is named is read again, and only a report that names all of its faults is done with by that', () => {
    const cut = { header: header('b'), findings: { ...findings, objects: ['q'], isComplete: false } };
    const lost = { header: header('c'), findings: undefined };
    const all = [{ header: header('a'), findings }, cut, lost];
    expect(recheckOf(all, { kind: 'structure' })).toEqual({ objects: new Set(['p', 'q']), verifications: ['a'] });
    expect(recheckOf(all, { kind: 'everything' })).toMatchObject({ verifications: ['a', 'b', 'c'] });
  });
});
