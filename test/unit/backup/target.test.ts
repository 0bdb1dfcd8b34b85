import { describe, expect, test } from 'vitest';
import {
  formatMoment,
  formatMomentUs,
  isoMoment,
  parseMoment,
  parseTarget,
  targetUs,
  timeTarget,
  type TargetOptions,
} from '../../../src/backup/restore/target.ts';

const NOW = new Date('2026-11-21T12:00:00.000Z');
const none: TargetOptions = { to: undefined, toLsn: undefined, toXid: undefined, toName: undefined, toLatest: false, immediate: false };

/** Runs `body` as if the machine stood in `zone`. */
function inZone<T>(zone: string, body: () => T): T {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  try {
    return body();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

describe('parseMoment', () => {
  test.each([
    ['2026-11-20 14:03:07+05:30', '2026-11-20T08:33:07.000Z'],
    ['2026-11-20T14:03:07.125Z', '2026-11-20T14:03:07.125Z'],
    ['2026-11-20 14:03-0330', '2026-11-20T17:33:00.000Z'],
    ['2026-11-20 14:03:07 UTC', '2026-11-20T14:03:07.000Z'],
    ['2026-11-20Z', '2026-11-20T00:00:00.000Z'],
    ['5 minutes ago', '2026-11-21T11:55:00.000Z'],
    ['2h ago', '2026-11-21T10:00:00.000Z'],
    ['1 week ago', '2026-11-14T12:00:00.000Z'],
    ['now', '2026-11-21T12:00:00.000Z'],
  ])('%s', (text, expected) => {
    expect(parseMoment(text, NOW).toISOString()).toBe(expected);
  });

  test('without an offset the local zone counts', () => {
    expect(inZone('Asia/Kolkata', () => parseMoment('2026-11-20 14:03:07', NOW)).toISOString()).toBe('2026-11-20T08:33:07.000Z');
  });

  test('a local time that was skipped or came twice is refused, and the offsets are named', () => {
    inZone('Europe/Berlin', () => {
      expect(() => parseMoment('2026-03-29 02:30', NOW)).toThrow(/never showed/);
      let hint = '';
      try {
        parseMoment('2026-10-25 02:30', NOW);
      } catch (error) {
        hint = (error as { hint: string }).hint;
      }
      expect(hint).toMatch(/\+02:00.*\+01:00|\+01:00.*\+02:00/);
      expect(parseMoment('2026-10-25 02:30+01:00', NOW).toISOString()).toBe('2026-10-25T01:30:00.000Z');
    });
  });

  test.each([
    'yesterday',
    '2026-02-30 10:00Z',
    '2026-11-20 25:00Z',
    '2026-11-20 10:60Z',
    '2026-11-20 14:03:07+99:00',
    '2026-11-20 14:03:07+16:00',
    '2026-11-20 14:03:07+05:75',
    '99999999999 weeks ago',
    '',
    '14:03',
  ])('%j is wrong usage, and the forms are named', (text) => {
    expect(() => parseMoment(text, NOW)).toThrow(
      expect.objectContaining({ code: 'time-invalid', exitStatus: 64, hint: expect.stringContaining('2026-11-20 14:03:07+05:30') }),
    );
  });

  test.each(['Asia/Kolkata', 'America/New_York', 'UTC'])('in %s a time of the WAL that is shown names that very microsecond', (zone) => {
    inZone(zone, () => {
      for (const us of [1_795_000_000_123_456n, 1_795_000_000_000_001n, 1_795_000_000_120_000n, 1_795_000_000_000_000n]) {
        expect(targetUs(timeTarget(formatMomentUs(us), NOW))).toBe(us);
        expect(targetUs(timeTarget(isoMoment(us), NOW))).toBe(us);
      }
    });
    expect(inZone('Asia/Kolkata', () => formatMomentUs(1_795_250_000_000_010n))).toMatch(/ \d\d:\d\d:\d\d\.000010 \+05:30$/);
    expect(isoMoment(1_795_250_000_000_010n)).toMatch(/:\d\d\.000010Z$/);
    expect(timeTarget('2026-11-20 14:03:07.5Z', NOW)).toEqual({ kind: 'time', at: new Date('2026-11-20T14:03:07.500Z') });
  });

  test('a moment is shown with its offset', () => {
    expect(inZone('Asia/Kolkata', () => formatMoment(new Date('2026-11-21T08:33:07.120Z')))).toBe('2026-11-21 14:03:07.120 +05:30');
    expect(inZone('America/New_York', () => formatMoment(new Date('2026-11-21T08:33:07.000Z')))).toBe('2026-11-21 03:33:07 -05:00');
  });
});

describe('parseTarget', () => {
  test('exactly one target is taken', () => {
    expect(parseTarget({ ...none, toLsn: '1/2' }, NOW)).toEqual({ kind: 'lsn', lsn: 0x1_0000_0002n });
    expect(() => parseTarget(none, NOW)).toThrow(expect.objectContaining({ code: 'usage', exitStatus: 64 }));
    expect(() => parseTarget({ ...none, toLatest: true, immediate: true }, NOW)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(() => parseTarget({ ...none, toXid: '-3' }, NOW)).toThrow(/not a transaction id/);
    expect(() => parseTarget({ ...none, toLsn: 'zzz' }, NOW)).toThrow(
      expect.objectContaining({
        code: 'usage',
        exitStatus: 64,
        message: '"zzz" is not a WAL position',
        hint: expect.stringContaining('0/5A0C3E10'),
      }),
    );
  });
});
