import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { historyName, isHistoryName, isSegmentName, nextSegment, parseSegmentName, segmentName } from '../../../src/postgres/segment.ts';

const MEBIBYTE = 2 ** 20;
const sizes = fc.integer({ min: 0, max: 10 }).map((power) => 2 ** power * MEBIBYTE);
const timelines = fc.integer({ min: 1, max: 0xffff_ffff });
const lsns = fc.bigInt({ min: 0n, max: 2n ** 63n });

test('the name of the segment at an LSN reads back as its timeline and first byte', () => {
  fc.assert(
    fc.property(timelines, lsns, sizes, (timeline, lsn, segmentBytes) => {
      const name = segmentName(timeline, lsn, segmentBytes);
      expect(isSegmentName(name)).toBe(true);
      expect(parseSegmentName(name, segmentBytes)).toEqual({ timeline, startLsn: lsn - (lsn % BigInt(segmentBytes)) });
    }),
    { seed: 20261121 },
  );
});

test('the next segment begins where this one ends, and its name sorts after it', () => {
  fc.assert(
    fc.property(timelines, lsns, sizes, (timeline, lsn, segmentBytes) => {
      const name = segmentName(timeline, lsn, segmentBytes);
      const next = nextSegment(name, segmentBytes);
      expect(parseSegmentName(next, segmentBytes).startLsn).toBe(parseSegmentName(name, segmentBytes).startLsn + BigInt(segmentBytes));
      expect(next > name).toBe(true);
    }),
    { seed: 20261121 },
  );
});

test('names are those that pg_walfile_name gives', () => {
  expect(segmentName(1, 0x1721_8d8n, 16 * MEBIBYTE)).toBe('000000010000000000000001');
  expect(segmentName(3, 0x2_ff00_0000n, 16 * MEBIBYTE)).toBe('0000000300000002000000FF');
  expect(nextSegment('0000000300000002000000FF', 16 * MEBIBYTE)).toBe('000000030000000300000000');
  expect(nextSegment('000000010000000000000003', 1024 * MEBIBYTE)).toBe('000000010000000100000000');
});

test('a name that cannot exist with this segment size is refused', () => {
  expect(() => parseSegmentName('000000010000000000000100', 16 * MEBIBYTE)).toThrow(expect.objectContaining({ code: 'wal-name-invalid' }));
  expect(() => parseSegmentName('000000010000000000000001.partial', 16 * MEBIBYTE)).toThrow(
    expect.objectContaining({ code: 'wal-name-invalid' }),
  );
});

test('history files have names of their own', () => {
  expect(historyName(18)).toBe('00000012.history');
  expect(isHistoryName('00000012.history')).toBe(true);
  expect(isHistoryName('000000010000000000000001')).toBe(false);
  expect(isSegmentName('00000012.history')).toBe(false);
});
