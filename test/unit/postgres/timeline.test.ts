import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn } from '../../../src/postgres/lsn.ts';
import { isAncestorPosition, parseTimelineHistory, timelineOfLsn } from '../../../src/postgres/timeline.ts';

const HISTORY = '1\t0/3000110\tno recovery target specified\n\n# a comment\n2\t0/5000060\tbefore 2026-11-21 10:00:00+00\n';

test('a history file gives the ancestors, where each was left, and why', () => {
  expect(parseTimelineHistory(HISTORY)).toEqual([
    { timeline: 1, switchLsn: 0x3000110n, reason: 'no recovery target specified' },
    { timeline: 2, switchLsn: 0x5000060n, reason: 'before 2026-11-21 10:00:00+00' },
  ]);
  expect(parseTimelineHistory('')).toEqual([]);
});

test('the switch point itself belongs to the new timeline', () => {
  const history = parseTimelineHistory(HISTORY);
  expect(timelineOfLsn(3, history, 0x300010fn)).toBe(1);
  expect(timelineOfLsn(3, history, 0x3000110n)).toBe(2);
  expect(timelineOfLsn(3, history, 0x5000060n)).toBe(3);
});

test('WAL of an ancestor leads on only up to where that ancestor was left', () => {
  const history = parseTimelineHistory(HISTORY);
  expect(isAncestorPosition(3, history, 1, 0x3000110n)).toBe(true);
  expect(isAncestorPosition(3, history, 1, 0x3000111n)).toBe(false);
  expect(isAncestorPosition(3, history, 4, 0n)).toBe(false);
});

test.each(['1 zero why', 'x\t0/1\twhy', '2\t0/9\twhy\n1\t0/A\twhy'])('%j is refused', (text) => {
  expect(() => parseTimelineHistory(text)).toThrow(expect.objectContaining({ code: 'wal-invalid' }));
});

test('where a position goes back, the ancestor was left there, and nothing is of the timeline between', () => {
  const history = parseTimelineHistory('1\t0/3000\twhy\n2\t0/9000\twhy\n3\t0/7000\tbefore LSN 0/7000\n');
  expect(history.map(({ timeline, switchLsn }) => [timeline, switchLsn])).toEqual([
    [1, 0x3000n],
    [2, 0x7000n],
    [3, 0x7000n],
  ]);
  expect([0x2fffn, 0x6fffn, 0x7000n].map((lsn) => timelineOfLsn(4, history, lsn))).toEqual([1, 2, 4]);
});

test('every LSN belongs to exactly one timeline, in the order of the history', () => {
  const steps = fc.array(fc.bigInt({ min: 1n, max: 2n ** 40n }), { maxLength: 8 });
  fc.assert(
    fc.property(steps, fc.bigInt({ min: 0n, max: 2n ** 44n }), (lengths, lsn) => {
      let end = 0n;
      const text = lengths.map((length, index) => `${index + 1}\t${formatLsn((end += length))}\treason\n`).join('');
      const history = parseTimelineHistory(text);
      const timeline = timelineOfLsn(lengths.length + 1, history, lsn);
      const from = history[timeline - 2]?.switchLsn ?? 0n;
      const to = history[timeline - 1]?.switchLsn;
      expect(lsn >= from && (to === undefined || lsn < to)).toBe(true);
    }),
    { seed: 20261121 },
  );
});
