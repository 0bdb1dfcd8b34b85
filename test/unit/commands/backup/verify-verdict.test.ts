import { expect, test } from 'vitest';
import { describeSound } from '../../../../src/commands/backup/verify.ts';

const gap = { timeline: 1, fromLsn: '0/2000000', toLsn: '0/3000000', reason: 'hole', noticedAt: null } as const;
const sound = { extent: { kind: 'structure' }, tally: { readBytes: 0 }, soundBackups: ['a', 'b'], gaps: [] } as const;

test('the verdict on sound backups does not say that all is there where a gap takes the moments between them', () => {
  expect(describeSound(sound)).toBe('2 backups: everything that they need is there; whether it is unchanged was not looked at');
  expect(describeSound({ ...sound, gaps: [gap] })).toMatch(/; moments in the gap cannot be restored$/);
  expect(describeSound({ ...sound, extent: { kind: 'everything' }, gaps: [gap, gap] })).toBe(
    '2 backups: every byte that they need was read; moments in the 2 gaps cannot be restored',
  );
});

test('a share in which nothing lay was not read', () => {
  const sample = { ...sound, extent: { kind: 'sample', share: 0.01, seed: 'a' } } as const;
  expect(describeSound({ ...sample, tally: { readBytes: 1 } })).toMatch(/, and a share of it was read$/);
  expect(describeSound(sample)).toBe('2 backups: everything that they need is there; none of it fell into the share that was to be read');
});
