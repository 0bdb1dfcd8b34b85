import { expect, test } from 'vitest';
import { clockNote, clockShifts } from '../../../src/schedule/clock-note.ts';
import { nextTimes } from '../../../src/schedule/recurrence.ts';
import { at } from './job.ts';

const berlin = (cron: string) => ({ cron, timeZone: 'Europe/Berlin' });

function notes(cron: string, after: string, count: number): readonly (readonly [string, string | undefined])[] {
  return nextTimes(berlin(cron), at(after), count).map((time) => [time.toISOString(), clockNote(berlin(cron), time)]);
}

test('a time that the change of the clocks skips is told of, and the days around it are not', () => {
  expect(notes('30 2 * * *', '2027-03-26T12:00Z', 3)).toEqual([
    ['2027-03-27T01:30:00.000Z', undefined],
    ['2027-03-28T01:00:00.000Z', expect.stringMatching(/skip its time/)],
    ['2027-03-29T00:30:00.000Z', undefined],
  ]);
});

test('a time that comes twice is told of; one that goes by elapsed time, and one outside of the hour, are not', () => {
  expect(notes('30 2 * * *', '2027-10-30T12:00Z', 2)).toEqual([
    ['2027-10-31T00:30:00.000Z', expect.stringMatching(/twice/)],
    ['2027-11-01T01:30:00.000Z', undefined],
  ]);
  expect(notes('30 * * * *', '2027-10-31T00:00Z', 2).map(([, note]) => note)).toEqual([undefined, undefined]);
  expect(notes('30 1 * * *', '2027-10-30T12:00Z', 1).map(([, note]) => note)).toEqual([undefined]);
});

test('clockShifts: what the clocks of several zones do in the next days, soonest first', () => {
  expect(clockShifts(['Europe/Berlin', 'Asia/Kolkata', 'America/New_York'], at('2027-10-30T00:00Z'), 10)).toEqual([
    { timeZone: 'Europe/Berlin', at: at('2027-10-31T01:00Z'), byMinutes: -60 },
    { timeZone: 'America/New_York', at: at('2027-11-07T06:00Z'), byMinutes: -60 },
  ]);
});
