import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePolicies } from '../../../src/schedule/parse.ts';
import type { Job } from '../../../src/schedule/policies.ts';
import { Timetable } from '../../../src/schedule/timetable.ts';

const FILE = path.resolve(import.meta.dirname, '..', '..', '..', 'backups', 'policies.yaml');
const reference = parsePolicies(readFileSync(FILE, 'utf8'), { file: 'policies.yaml', env: process.env, localZone: 'UTC' });

/** What the sources of the warehouse ran, beside the project's own jobs. */
const SOURCES = `version: 1
jobs:
  thrice: { sql: select 1, cron: "0 11,18,23 * * *" }
  recent: { sql: select 1, cron: "*/25 1-3 * * *" }
  early: { sql: select 1, cron: "30 2 * * *", catch_up: true }
  repeated: { sql: select 1, cron: "30 1 * * 0", catch_up: all }
  either: { sql: select 1, cron: "15 2 13 * 5" }
`;
const sources = parsePolicies(SOURCES, { file: 'sources.yaml', env: {}, localZone: 'UTC' });

const MONTHS = [
  { name: 'March, when clocks go forward', from: '2027-03-01T00:00Z', to: '2027-04-01T00:00Z' },
  { name: 'October and November, when they go back', from: '2027-10-15T00:00Z', to: '2027-11-15T00:00Z' },
] as const;
const ZONES = ['as written', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'] as const;

function inZone(job: Job, zone: (typeof ZONES)[number]): Job {
  if (zone === 'as written' || job.trigger.kind === 'after') return job;
  return { ...job, trigger: { kind: 'times', recurrence: { ...job.trigger.recurrence, timeZone: zone } } };
}

/** A clock that is looked at every 20 to 40 seconds of a month, except while nobody is there. */
function simulate(jobs: readonly Job[], from: Date, to: Date, away?: { readonly from: Date; readonly to: Date }) {
  const table = new Timetable(jobs, new Map(), from);
  const runs = new Map<string, Date[]>(jobs.map(({ name }) => [name, []]));
  const missed = new Map<string, number>();
  let now = from.getTime();
  let seed = 20_270_301;
  while (now < to.getTime()) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    now = Math.min(to.getTime(), now + 20_000 + (seed % 20_000));
    if (away !== undefined && now > away.from.getTime() && now < away.to.getTime()) now = away.to.getTime();
    for (const due of table.take(new Date(now))) {
      for (const time of due.queue) {
        expect(time.getTime()).toBeLessThanOrEqual(now);
        runs.get(due.job.name)?.push(time);
      }
      missed.set(due.job.name, (missed.get(due.job.name) ?? 0) + (due.missed?.count ?? 0));
    }
  }
  return { runs, missed };
}

interface Local {
  readonly utc: number;
  readonly day: string;
  readonly minutes: number;
  readonly weekday: number;
}

/** Every minute between two moments as a clock on the wall of a zone shows it, from the system's own calendar. */
function wallClock(zone: string, from: Date, to: Date): readonly Local[] {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short', timeStyle: 'short', hourCycle: 'h23' });
  const minutes: Local[] = [];
  for (let utc = from.getTime(); utc <= to.getTime(); utc += 60_000) {
    const [day = '', time = ''] = format.format(utc).split(', ');
    const [hour = 0, minute = 0] = time.split(':').map(Number);
    minutes.push({ utc, day, minutes: hour * 60 + minute, weekday: new Date(`${day}T12:00Z`).getUTCDay() });
  }
  return minutes;
}

function matches(field: string, value: number): boolean {
  return field.split(',').some((part) => {
    const [range = '', step] = part.split('/');
    const [low, high = low] = range === '*' ? [-1, Infinity] : range.split('-').map(Number);
    if (low === undefined || high === undefined || value < low || value > high) return false;
    return step === undefined || (value - Math.max(low, 0)) % Number(step) === 0;
  });
}

/** The moments at which a cron line is due, by trying every minute: what croner is held to. */
function expected(cron: string, clock: readonly Local[], after: Date): readonly Date[] {
  const [minute = '', hour = '', dayOfMonth = '', month = '', weekday = ''] = cron === '@daily' ? '0 0 * * *'.split(' ') : cron.split(' ');
  const isDay = ({ day, weekday: which }: Local): boolean => {
    const [, inMonth = 0, ofMonth = 0] = day.split('-').map(Number);
    if (!matches(month, inMonth)) return false;
    const [byDate, byWeekday] = [matches(dayOfMonth, ofMonth), matches(weekday, which) || (which === 0 && matches(weekday, 7))];
    return dayOfMonth !== '*' && weekday !== '*' ? byDate || byWeekday : byDate && byWeekday;
  };
  const isTime = Array.from({ length: 1440 }, (_, minutes) => matches(minute, minutes % 60) && matches(hour, Math.floor(minutes / 60)));
  const due = new Set<number>();
  for (const [, day] of Map.groupBy(clock, (each) => each.day)) {
    if (day[0] === undefined || !isDay(day[0])) continue;
    if (minute.startsWith('*') || hour.startsWith('*')) {
      for (const each of day) if (isTime[each.minutes] === true) due.add(each.utc);
      continue;
    }
    for (const [minutes, wanted] of isTime.entries()) {
      if (!wanted) continue;
      // The first time the wall shows it; where it skips it, the first minute that it shows afterwards.
      const found = day.find((each) => each.minutes === minutes) ?? day.find((each) => each.minutes > minutes);
      if (found !== undefined) due.add(found.utc);
    }
  }
  return [...due]
    .filter((utc) => utc > after.getTime())
    .sort((left, right) => left - right)
    .map((utc) => new Date(utc));
}

test.each(ZONES.slice(1))('%s: a job of every minute runs every minute, whatever the clocks do', (zone) => {
  const minute = sources.jobs
    .slice(0, 1)
    .map((job) => inZone({ ...job, trigger: { kind: 'times', recurrence: { cron: '* * * * *', timeZone: 'UTC' } } }, zone));
  for (const change of ['2027-03-14T06:00Z', '2027-03-28T00:00Z', '2027-04-03T14:00Z', '2027-10-30T23:30Z', '2027-11-07T05:00Z']) {
    const [begin, end] = [new Date(change), new Date(Date.parse(change) + 3 * 3_600_000)];
    const [times] = simulate(minute, begin, end).runs.values();
    expect(times?.map(Number)).toEqual(Array.from({ length: 180 }, (_, index) => begin.getTime() + (index + 1) * 60_000));
  }
});

describe.each(MONTHS)('G1: a month of the reference project and of its sources: $name', ({ from, to }) => {
  const [begin, end] = [new Date(from), new Date(to)];
  test.each(ZONES)('%s: every job runs at its moment, none twice, none left out', (zone) => {
    const jobs = [...reference.jobs, ...sources.jobs].filter(({ trigger }) => trigger.kind === 'times').map((job) => inZone(job, zone));
    expect(jobs.length).toBeGreaterThanOrEqual(10);
    const { runs, missed } = simulate(jobs, begin, end);
    const clocks = new Map<string, readonly Local[]>();
    for (const job of jobs) {
      if (job.trigger.kind === 'after') continue;
      const { cron, timeZone } = job.trigger.recurrence;
      const clock = clocks.get(timeZone) ?? wallClock(timeZone, begin, end);
      clocks.set(timeZone, clock);
      expect({ job: job.name, runs: runs.get(job.name)?.map(Number) }).toEqual({
        job: job.name,
        runs: expected(cron, clock, begin).map(Number),
      });
      expect(missed.get(job.name) ?? 0).toBe(0);
    }
  });
});

test('G2: three days without a worker: what catches up runs once or every time as declared, the rest is told as missed', () => {
  const [begin, end] = [new Date('2027-10-15T00:00Z'), new Date('2027-11-15T00:00Z')];
  const away = { from: new Date('2027-10-29T12:00Z'), to: new Date('2027-11-01T12:00Z') };
  const jobs = [...reference.jobs, ...sources.jobs].map((job) => inZone(job, 'Europe/Berlin'));
  const { runs, missed } = simulate(jobs, begin, end, away);
  const clock = wallClock('Europe/Berlin', begin, end);
  for (const job of jobs) {
    if (job.trigger.kind === 'after') continue;
    const due = expected(job.trigger.recurrence.cron, clock, begin);
    const lost = due.filter((time) => time > away.from && time < away.to);
    const graced = lost.filter((time) => away.to.getTime() - time.getTime() <= 5 * 60_000).slice(-1);
    const kept = job.catchUp === 'all' ? lost : job.catchUp === 'once' ? lost.slice(-1) : graced;
    const wanted = due.filter((time) => !lost.includes(time) || kept.includes(time));
    // The time of the return is asked for together with those before it: of these only the newest runs.
    const atReturn = wanted.filter((time) => Math.abs(time.getTime() - away.to.getTime()) < 60_000);
    const runsOf = runs.get(job.name) ?? [];
    expect({ job: job.name, count: runsOf.length + (missed.get(job.name) ?? 0) }).toEqual({ job: job.name, count: due.length });
    if (atReturn.length === 0) expect({ job: job.name, runs: runsOf.map(Number) }).toEqual({ job: job.name, runs: wanted.map(Number) });
  }
  expect(reference.jobs.find(({ name }) => name === 'listening.incremental')?.catchUp).toBe('once');
});
