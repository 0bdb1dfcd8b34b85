import { describe, expect, test } from 'vitest';
import { admit, dueTimes, planDue } from '../../../src/schedule/plan.ts';
import { Timetable } from '../../../src/schedule/timetable.ts';
import { at, job, shown } from './job.ts';

const window = (after: string, upTo: string, since = '2020-01-01T00:00Z') => ({ after: at(after), upTo: at(upTo), since: at(since) });

describe('dueTimes', () => {
  test('the first moment of a window is not in it, the last is', () => {
    const hourly = job('hourly', '0 * * * *');
    expect(shown(dueTimes(hourly, window('2027-01-01T00:00Z', '2027-01-01T03:00Z')))).toEqual([
      '2027-01-01T01:00Z',
      '2027-01-01T02:00Z',
      '2027-01-01T03:00Z',
    ]);
    expect(dueTimes(hourly, window('2027-01-01T00:00Z', '2027-01-01T00:59Z'))).toEqual([]);
  });

  test('windows that follow each other give every time once, however they are cut', () => {
    const often = job('often', '*/7 * * * *', { timeZone: 'Europe/Berlin' });
    const whole = dueTimes(often, window('2027-03-27T22:00Z', '2027-03-28T04:00Z'));
    const cut: Date[] = [];
    let from = at('2027-03-27T22:00Z').getTime();
    for (let step = 1; from < at('2027-03-28T04:00Z').getTime(); step += 1) {
      const to = Math.min(at('2027-03-28T04:00Z').getTime(), from + ((step * 7919) % 1800) * 1000);
      cut.push(...dueTimes(often, { after: new Date(from), upTo: new Date(to), since: new Date(0) }));
      from = to;
    }
    expect(cut).toEqual(whole);
    expect(new Set(whole.map(Number)).size).toBe(whole.length);
  });

  test('a time that the clocks skip comes once, right after the change; one that they repeat comes once, the first time', () => {
    const nightly = job('nightly', '30 2 * * *', { timeZone: 'Europe/Berlin' });
    expect(shown(dueTimes(nightly, window('2027-03-27T12:00Z', '2027-03-29T12:00Z')))).toEqual(['2027-03-28T01:00Z', '2027-03-29T00:30Z']);
    expect(shown(dueTimes(nightly, window('2027-10-30T12:00Z', '2027-11-01T12:00Z')))).toEqual(['2027-10-31T00:30Z', '2027-11-01T01:30Z']);
  });

  test('an hourly line goes by elapsed time: no hour is left out or done twice when clocks change', () => {
    const hourly = job('hourly', '0 * * * *', { timeZone: 'America/New_York' });
    const spring = dueTimes(hourly, window('2027-03-14T00:00Z', '2027-03-15T00:00Z'));
    const autumn = dueTimes(hourly, window('2027-11-07T00:00Z', '2027-11-08T00:00Z'));
    expect([spring.length, autumn.length]).toEqual([24, 24]);
  });

  test('from belongs to the period, until does not, and a length counts from from or from when the job was first seen', () => {
    const period = { from: at('2027-01-01T02:00Z'), until: at('2027-01-01T04:00Z'), lengthMs: undefined };
    expect(shown(dueTimes(job('a', '0 * * * *', { period }), window('2027-01-01T00:00Z', '2027-01-01T09:00Z')))).toEqual([
      '2027-01-01T02:00Z',
      '2027-01-01T03:00Z',
    ]);
    const length = { from: undefined, until: undefined, lengthMs: 2 * 3_600_000 };
    const seen = window('2027-01-01T00:00Z', '2027-01-01T09:00Z', '2027-01-01T00:30Z');
    expect(shown(dueTimes(job('b', '0 * * * *', { period: length }), seen))).toEqual(['2027-01-01T01:00Z', '2027-01-01T02:00Z']);
  });

  test('a paused job and one that waits for others have no times', () => {
    const year = window('2027-01-01T00:00Z', '2028-01-01T00:00Z');
    expect(dueTimes(job('paused', '@daily', { paused: true }), year)).toEqual([]);
    expect(dueTimes(job('after', ['other']), year)).toEqual([]);
  });
});

describe('planDue', () => {
  const away = window('2027-01-01T00:00Z', '2027-01-03T12:00Z');

  test('without catch_up what is older than the grace is missed, told as one, and nothing runs', () => {
    const { queue, missed } = planDue(job('nightly', '0 2 * * *'), away);
    expect(queue).toEqual([]);
    expect(missed).toEqual({ count: 3, first: at('2027-01-01T02:00Z'), last: at('2027-01-03T02:00Z') });
  });

  test('a time within the grace is kept, late as it is', () => {
    const { queue, missed } = planDue(job('nightly', '0 2 * * *'), window('2027-01-03T01:00Z', '2027-01-03T02:04:59Z'));
    expect(shown(queue)).toEqual(['2027-01-03T02:00Z']);
    expect(missed).toBeUndefined();
    expect(planDue(job('nightly', '0 2 * * *'), window('2027-01-03T01:00Z', '2027-01-03T02:05:01Z')).queue).toEqual([]);
  });

  test('catch_up runs the newest of the missed times, once', () => {
    const { queue, missed } = planDue(job('nightly', '0 2 * * *', { catchUp: 'once' }), away);
    expect(shown(queue)).toEqual(['2027-01-03T02:00Z']);
    expect(missed).toMatchObject({ count: 2, last: at('2027-01-02T02:00Z') });
  });

  test('catch_up: all runs every missed time, oldest first', () => {
    const { queue, missed } = planDue(job('nightly', '0 2 * * *', { catchUp: 'all' }), away);
    expect(shown(queue)).toEqual(['2027-01-01T02:00Z', '2027-01-02T02:00Z', '2027-01-03T02:00Z']);
    expect(missed).toBeUndefined();
  });

  test('after years without a worker the newest times are looked for, and not every minute of them', () => {
    const years = window('2020-01-01T00:00Z', '2027-01-01T00:00Z');
    const { queue, missed } = planDue(job('often', '* * * * *', { catchUp: 'all' }), years);
    expect(queue).toHaveLength(1000);
    expect(queue.at(-1)).toEqual(at('2027-01-01T00:00Z'));
    expect(missed?.count).toBe(440);
    expect(planDue(job('yearly', '0 0 1 7 *', { catchUp: 'once' }), years)).toEqual({
      queue: [at('2026-07-01T00:00Z')],
      missed: undefined,
    });
  });
});

describe('admit', () => {
  test('no job overlaps itself: a time that meets a run is left out, or waits as far as the job catches up', () => {
    const meet = (current: boolean, waiting: number) => (['none', 'once', 'all'] as const).map((each) => admit(each, { current, waiting }));
    expect(meet(false, 0)).toEqual(['queue', 'queue', 'queue']);
    expect(meet(true, 0)).toEqual(['drop', 'wait', 'wait']);
    expect(meet(true, 1)).toEqual(['drop', 'drop', 'wait']);
  });
});

describe('Timetable', () => {
  test('asked every second it tells each time once, and nothing when the clock is set back', () => {
    const table = new Timetable([job('minute', '* * * * *')], new Map(), at('2027-01-01T00:00Z'));
    const told: string[] = [];
    for (let second = 1; second <= 150; second += 1)
      told.push(...table.take(new Date(at('2027-01-01T00:00Z').getTime() + second * 1000)).flatMap(({ queue }) => shown(queue)));
    expect(told).toEqual(['2027-01-01T00:01Z', '2027-01-01T00:02Z']);
    expect(table.take(at('2027-01-01T00:01Z'))).toEqual([]);
    expect(table.take(at('2027-01-01T00:02:59Z'))).toEqual([]);
    expect(table.take(at('2027-01-01T00:03Z'))).toHaveLength(1);
  });

  test('a clock that was far ahead and is put right goes on from then, and does not wait until it is there again', () => {
    const table = new Timetable([job('minute', '* * * * *')], new Map(), at('2027-01-01T00:00Z'));
    expect(table.take(at('2031-06-01T00:00:10Z'))).toHaveLength(1);
    expect(table.take(at('2027-01-01T00:00:30Z'))).toEqual([]);
    expect(table.plannedUntil).toEqual(at('2027-01-01T00:00:30Z'));
    expect(table.take(at('2027-01-01T00:01:05Z')).flatMap(({ queue }) => shown(queue))).toEqual(['2027-01-01T00:01Z']);
  });

  test('what could not be written down is told again', () => {
    const table = new Timetable([job('minute', '* * * * *')], new Map(), at('2027-01-01T00:00Z'));
    const first = table.take(at('2027-01-01T00:01:10Z'));
    table.rewind(at('2027-01-01T00:00Z'));
    expect(table.take(at('2027-01-01T00:01:12Z'))).toEqual(first);
  });

  test('times before a job was first seen were promised by nobody', () => {
    const late = job('late', '0 * * * *', { catchUp: 'all' });
    const table = new Timetable([late], new Map([['late', at('2027-01-01T05:30Z')]]), at('2027-01-01T00:00Z'));
    expect(table.take(at('2027-01-01T07:10Z')).flatMap(({ queue }) => shown(queue))).toEqual(['2027-01-01T06:00Z', '2027-01-01T07:00Z']);
  });

  test('a job that was first seen by a clock that was ahead is due now, and not from then on', () => {
    const table = new Timetable([job('hourly', '@hourly')], new Map([['hourly', at('2027-02-01T00:00Z')]]), at('2027-01-01T00:30Z'));
    expect(table.take(at('2027-01-01T01:00:01Z')).map(({ queue }) => shown(queue))).toEqual([['2027-01-01T01:00Z']]);
  });
});
