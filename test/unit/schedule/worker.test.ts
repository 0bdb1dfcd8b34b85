import { describe, expect, test } from 'vitest';
import { nextStep } from '../../../src/schedule/attempt.ts';
import { allDependents, directDependents, isReady } from '../../../src/schedule/dependents.ts';
import type { JobDay } from '../../../src/schedule/control/days-inspect.ts';
import { historyGrid } from '../../../src/schedule/history-grid.ts';
import { canReach, queueName, queuesFor } from '../../../src/schedule/labels.ts';
import { LogTail, readTail } from '../../../src/schedule/log-tail.ts';
import { receptions, type BackupPolicy } from '../../../src/schedule/policies.ts';
import { health, type WorkerFacts } from '../../../src/schedule/worker/facts.ts';
import { at, job } from './job.ts';

describe('nextStep', () => {
  const thrice = { retries: 2, retryDelayMs: 60_000 };
  const failed = { kind: 'failed', exitStatus: 1, error: 'no', final: false } as const;

  test('a failure is tried again after its delay until the retries are used up', () => {
    expect(nextStep(failed, thrice, { failures: 0, attempt: 1, sinceStartMs: 0 })).toEqual({
      kind: 'again',
      afterMs: 60_000,
      isFailure: true,
    });
    expect(nextStep(failed, thrice, { failures: 2, attempt: 3, sinceStartMs: 0 })).toEqual({ kind: 'over', state: 'failed' });
  });

  test('a mistake in how it is called is not repeated', () => {
    expect(nextStep({ ...failed, final: true }, thrice, { failures: 0, attempt: 1, sinceStartMs: 0 }).kind).toBe('over');
  });

  test('a worker that stopped costs no retry, and the run goes to another at once', () => {
    const stopped = { kind: 'interrupted', error: 'stopped' } as const;
    expect(nextStep(stopped, { retries: 0, retryDelayMs: 0 }, { failures: 0, attempt: 9, sinceStartMs: 0 })).toEqual({
      kind: 'again',
      afterMs: 0,
      isFailure: false,
    });
  });

  test('a lease that another holds is waited for, longer each time, for a day', () => {
    const locked = { kind: 'locked', error: 'held' } as const;
    const waits = [1, 2, 3, 9].map((attempt) =>
      nextStep(locked, { retries: 0, retryDelayMs: 0 }, { failures: 0, attempt, sinceStartMs: 0 }),
    );
    expect(waits).toMatchObject([{ afterMs: 15_000 }, { afterMs: 30_000 }, { afterMs: 60_000 }, { afterMs: 300_000, isFailure: false }]);
    expect(nextStep(locked, thrice, { failures: 0, attempt: 9, sinceStartMs: 86_400_000 })).toEqual({ kind: 'over', state: 'failed' });
  });
});

describe('dependents', () => {
  const jobs = [job('a', '@daily'), job('b', ['a']), job('c', ['a', 'b']), job('d', ['c']), job('e', ['a'], { paused: true })];

  test('the direct ones, and all that a failure takes with it, each once', () => {
    expect(directDependents('a', jobs).map(({ name }) => name)).toEqual(['b', 'c']);
    expect(allDependents('a', jobs).map(({ name }) => name)).toEqual(['b', 'c', 'd']);
  });

  test('a job after several runs when each has succeeded since it was called for last', () => {
    const c = jobs[2] ?? job('c', []);
    const successes = (a: string, b?: string) => new Map([['a', at(a)], ...(b === undefined ? [] : [['b', at(b)] as const])]);
    expect(isReady(c, successes('2027-01-02T00:00Z'), undefined)).toBe(false);
    expect(isReady(c, successes('2027-01-02T00:00Z', '2027-01-02T00:01Z'), undefined)).toBe(true);
    expect(isReady(c, successes('2027-01-02T00:00Z', '2027-01-02T00:01Z'), at('2027-01-02T00:01Z'))).toBe(false);
    expect(isReady(c, successes('2027-01-03T00:00Z', '2027-01-02T00:01Z'), at('2027-01-02T00:01Z'))).toBe(false);
    expect(isReady(c, successes('2027-01-03T00:00Z', '2027-01-03T00:01Z'), at('2027-01-02T00:01Z'))).toBe(true);
  });
});

test('labels: a worker takes from the queues whose labels it all has, and from the one without any', () => {
  expect(queueName(['db1', 'EU', 'eu'])).toBe('run.db1.eu');
  expect(queueName([])).toBe('run');
  expect(queuesFor(['eu', 'run'], [[], ['eu'], ['EU'], ['us'], ['eu', 'us']])).toEqual(['run', 'run.eu']);
  expect([canReach([], []), canReach([], ['eu']), canReach(['eu', 'db1'], ['DB1'])]).toEqual([true, false, true]);
});

describe('LogTail', () => {
  test('keeps the newest whole lines in bounded memory and says how many went', () => {
    const tail = new LogTail(100);
    for (let line = 1; line <= 1000; line += 1) tail.add(`line ${line}\n`);
    const lines = tail.text().split('\n');
    expect(lines.at(-1)).toBe('line 1000');
    expect(lines[0]).toBe(`(${1000 - (lines.length - 1)} earlier lines are not kept)`);
    expect(tail.text().length).toBeLessThan(200);
    expect(readTail(tail.text())).toEqual({ dropped: 1000 - (lines.length - 1), lines: lines.slice(1) });
    expect(readTail('')).toEqual({ dropped: 0, lines: [] });
  });

  test('a line without end, and one that a progress display writes over, stay bounded', () => {
    const tail = new LogTail(10_000);
    for (let part = 0; part < 1000; part += 1) tail.add('x'.repeat(1000));
    tail.add('\r50 %\r60 %\nabc');
    expect(tail.text().length).toBeLessThan(10_000);
    expect(tail.text().split('\n').slice(-3)).toEqual(['50 %', '60 %', 'abc']);
  });
});

describe('historyGrid', () => {
  const counted = (name: string, day: string, more: Partial<JobDay>): JobDay => ({
    job: name,
    day,
    done: 0,
    failed: 0,
    missed: 0,
    skipped: 0,
    current: 0,
    waiting: 0,
    retried: 0,
    late: 0,
    endedBadly: false,
    took: undefined,
    ...more,
  });

  test('a cell says what the day came to; days are those of the zone; jobs of the past follow those of the file', () => {
    const days = [
      counted('b', '2027-01-02', { done: 1 }),
      counted('a', '2027-01-02', { done: 1, failed: 1 }),
      counted('gone', '2027-01-02', { missed: 1 }),
      counted('a', '2027-01-03', { done: 1, failed: 1, endedBadly: true }),
      counted('b', '2027-01-03', { done: 3, current: 1 }),
    ];
    // Half past five ahead: the day there has begun already.
    const grid = historyGrid(days, ['a', 'b', 'never'], { now: at('2027-01-02T20:00Z'), days: 3, timeZone: 'Asia/Kolkata' });
    expect(grid.days).toEqual(['2027-01-01', '2027-01-02', '2027-01-03']);
    expect(grid.rows.map(({ job: name, cells, runs, failed }) => ({ name, cells, runs, failed }))).toEqual([
      { name: 'a', cells: [undefined, 'mended', 'failed'], runs: 4, failed: 2 },
      { name: 'b', cells: [undefined, 'done', 'running'], runs: 4, failed: 0 },
      { name: 'gone', cells: [undefined, 'missed', undefined], runs: 0, failed: 0 },
    ]);
  });

  test.each([
    [{ done: 1, retried: 1 }, 'mended'],
    [{ done: 1, late: 1 }, 'late'],
    [{ done: 71, missed: 1 }, 'late'],
    [{ skipped: 1 }, 'skipped'],
    [{ waiting: 1 }, 'waiting'],
    [{ done: 2, skipped: 1 }, 'done'],
  ] as const)('%j is %s', (numbers, cell) => {
    const grid = historyGrid([counted('a', '2027-01-03', numbers)], ['a'], { now: at('2027-01-03T12:00Z'), days: 1, timeZone: 'UTC' });
    expect(grid.rows[0]?.cells).toEqual([cell]);
  });
});

test('receptions: one a cluster, at the strictest RPO, into the repositories of all its policies', () => {
  const policy = (name: string, cluster: string, repositories: readonly string[], rpoMs: number, mode: 'stream' | 'archive' = 'stream') =>
    ({ name, cluster, repositories, labels: [name], wal: { mode, rpoMs, required: repositories } }) as unknown as BackupPolicy;
  expect(
    receptions([
      policy('p', 'main', ['local'], 5000),
      policy('q', 'main', ['offsite'], 1000),
      policy('r', 'other', ['local'], 1, 'archive'),
    ]),
  ).toEqual([
    {
      name: 'p.wal',
      cluster: 'main',
      repositories: ['local', 'offsite'],
      required: ['local', 'offsite'],
      rpoMs: 1000,
      labels: ['p', 'q'],
    },
  ]);
});

describe('health', () => {
  const facts: WorkerFacts = {
    worker: 'w',
    startedAt: at('2027-01-01T00:00Z'),
    slots: 4,
    control: { kind: 'connected', since: at('2027-01-01T00:00Z') },
    running: [],
    ended: { succeeded: 0, failed: 0, 'will-retry': 0 },
    receptions: [],
    plannedAt: at('2027-01-01T00:10Z'),
  };

  test('a worker is well while it plans, and a control database that is away is no reason to restart it', () => {
    expect(health(facts, at('2027-01-01T00:10:30Z'))).toMatchObject({ healthy: true, document: { status: 'ok' } });
    expect(health(facts, at('2027-01-01T00:13Z'))).toMatchObject({ healthy: false, document: { status: 'stuck' } });
    const away = { ...facts, control: { kind: 'away', since: at('2027-01-01T00:10Z'), reason: 'ECONNREFUSED' } as const };
    expect(health(away, at('2027-01-01T05:00Z'))).toMatchObject({
      healthy: true,
      document: { status: 'waiting for the control database' },
    });
  });
});
