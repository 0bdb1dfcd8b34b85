import { expect, test } from 'vitest';
import { cronFault, formatMoment, nextTimes, parseMoment } from '../../../src/schedule/recurrence.ts';

test.each([
  [
    'a skipped time comes at the first moment after the change',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T03:00Z',
    '2026-03-29 03:00:00 +02:00',
    '2026-03-30 02:30:00 +02:00',
  ],
  [
    'a skipped time comes on its day even when that is the only one of the year',
    '30 2 29 3 *',
    'Europe/Berlin',
    '2026-03-01T00:00Z',
    '2026-03-29 03:00:00 +02:00',
    '2027-03-29 02:30:00 +02:00',
  ],
  [
    'a repeated time comes once, the first time',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T03:00Z',
    '2026-10-25 02:30:00 +02:00',
    '2026-10-26 02:30:00 +01:00',
  ],
  [
    'the same in America, spring',
    '30 2 * * *',
    'America/New_York',
    '2026-03-07T08:00Z',
    '2026-03-08 03:00:00 -04:00',
    '2026-03-09 02:30:00 -04:00',
  ],
  [
    'the same in America, autumn',
    '30 1 * * *',
    'America/New_York',
    '2026-10-31T08:00Z',
    '2026-11-01 01:30:00 -04:00',
    '2026-11-02 01:30:00 -05:00',
  ],
  [
    'midnight itself may be skipped',
    '0 0 * * *',
    'America/Santiago',
    '2026-09-05T05:00Z',
    '2026-09-06 01:00:00 -03:00',
    '2026-09-07 00:00:00 -03:00',
  ],
  [
    'a zone with half an hour and no changes',
    '0 2 1 * *',
    'Asia/Kolkata',
    '2026-11-21T00:00Z',
    '2026-12-01 02:00:00 +05:30',
    '2027-01-01 02:00:00 +05:30',
  ],
  [
    'day of month and day of week: either will do',
    '0 0 13 * 5',
    'UTC',
    '2026-11-06T00:00Z',
    '2026-11-13 00:00:00 +00:00',
    '2026-11-20 00:00:00 +00:00',
  ],
  ['a leap day', '0 0 29 2 *', 'UTC', '2026-11-21T00:00Z', '2028-02-29 00:00:00 +00:00', '2032-02-29 00:00:00 +00:00'],
  ['a nickname', '@weekly', 'UTC', '2026-11-21T00:00Z', '2026-11-22 00:00:00 +00:00', '2026-11-29 00:00:00 +00:00'],
])('times: %s', (_name, cron, timeZone, after, ...expected) => {
  expect(nextTimes({ cron, timeZone }, new Date(after), 2).map((at) => formatMoment(at, timeZone))).toEqual(expected);
});

test('times: a line of steps goes by elapsed time through both changes', () => {
  const steps = { cron: '*/30 * * * *', timeZone: 'Europe/Berlin' };
  for (const after of ['2026-03-28T23:31Z', '2026-10-24T23:31Z']) {
    const times = nextTimes(steps, new Date(after), 8).map((at) => at.getTime());
    expect(new Set(times.slice(1).map((at, index) => at - (times[index] ?? 0)))).toEqual(new Set([30 * 60_000]));
  }
});

test('times: the next time is strictly later than the moment asked from', () => {
  const [next] = nextTimes({ cron: '0 2 * * *', timeZone: 'UTC' }, new Date('2026-11-21T02:00Z'), 1);
  expect(next?.toISOString()).toBe('2026-11-22T02:00:00.000Z');
});

test.each(['0 2 * * MON', '*/5 0-6,22 1,15 * 7', '@hourly', '0 0 * JAN-MAR 1-5'])('cron line %s is taken', (cron) => {
  expect(cronFault(cron)).toBeUndefined();
});

test.each([
  ['0 2 * *', /has 4/],
  ['* * * * * *', /has 6/],
  ['0 0 L * *', /"L"/],
  ['0 0 15W * *', /"15W"/],
  ['0 0 * * 5#2', /"5#2"/],
  ['? * * * *', /"\?"/],
  ['60 * * * *', /minute: 60/],
  ['*/0 * * * *', /stepping/],
  ['0 0 31 4 *', /never comes/],
])('cron line %s is refused', (cron, fault) => {
  expect(cronFault(cron)).toMatch(fault);
});

test.each([
  ['2026-12-21', 'Asia/Kolkata', '2026-12-20T18:30:00.000Z'],
  ['2026-12-21T14:00', 'Europe/Berlin', '2026-12-21T13:00:00.000Z'],
  ['2026-12-21 14:00:30Z', 'Europe/Berlin', '2026-12-21T14:00:30.000Z'],
  ['2026-12-21T14:00+05:30', 'UTC', '2026-12-21T08:30:00.000Z'],
  ['2026-02-30', 'UTC', undefined],
  ['21.12.2026', 'UTC', undefined],
])('moment %s in %s is %s', (text, timeZone, expected) => {
  expect(parseMoment(text, timeZone)?.toISOString()).toBe(expected);
});
