import { afterAll, beforeAll, expect, test } from 'vitest';
import { followRunLog, type RunLog } from '../../../src/commands/schedule/follow-log.ts';
import { connectionOfUrl } from '../../../src/config/load.ts';
import { openPool, type ConnectionPool } from '../../../src/postgres/pool.ts';
import { writeLogs } from '../../../src/schedule/control/attempts-apply.ts';
import { inspectDays, inspectTook } from '../../../src/schedule/control/days-inspect.ts';
import { markWorker } from '../../../src/schedule/control/registry-apply.ts';
import { inspectRuns } from '../../../src/schedule/control/runs-inspect.ts';
import { ensureTables } from '../../../src/schedule/control/tables-apply.ts';
import { beginTimerRun, endTimerRun, logTimerRun, repeatTimerRun } from '../../../src/schedule/control/timer-runs-apply.ts';
import { inspectWorkers } from '../../../src/schedule/control/workers-inspect.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { at } from '../../unit/schedule/job.ts';

const SCHEMA = 'dbadmin_jobs';
let database: TestDatabase;
let pool: ConnectionPool;

beforeAll(async () => {
  database = await createTestDatabase();
  const parameters = connectionOfUrl({ env: {}, cwd: '/' }, database.url);
  pool = await openPool(parameters, { applicationName: 'test', max: 4, queryTimeoutMs: 10_000 });
  await ensureTables(pool, SCHEMA);
});
afterAll(async () => {
  await pool.close();
  await database.drop();
});

async function ran(
  job: string,
  due: string,
  state: string,
  more: { tookMs?: number; lateMs?: number; failures?: number; times?: number } = {},
) {
  const { tookMs = 1000, lateMs = 0, failures = 0, times = 1 } = more;
  const begins = state === 'succeeded' || state === 'failed';
  await pool.query(
    `insert into ${SCHEMA}.run (job, due, cause, state, attempt, failures, times, started_at, ended_at) values ($1, $2, 'time', $3, 1, $4, $5,
      case when $6 then $2::timestamptz + $7 * interval '1 millisecond' end,
      case when $6 then $2::timestamptz + ($7 + $8) * interval '1 millisecond' end)`,
    [job, at(due), state, failures, times, begins, lateMs, tookMs],
  );
}

test('G2: days are those of the zone, with what came of each and how long it took', async () => {
  await ran('a', '2027-01-01T17:00Z', 'succeeded', { tookMs: 1000 });
  // Past midnight in Kolkata.
  await ran('a', '2027-01-01T19:00Z', 'failed');
  await ran('a', '2027-01-01T20:00Z', 'succeeded', { tookMs: 3000, failures: 1 });
  await ran('a', '2027-01-01T21:00Z', 'succeeded', { tookMs: 5000, lateMs: 3_600_000 });
  await ran('a', '2027-01-02T05:00Z', 'missed', { times: 4 });
  await ran('b', '2027-01-01T20:00Z', 'succeeded');
  await ran('b', '2027-01-01T21:00Z', 'failed');
  const window = { from: at('2027-01-01T00:00Z'), to: at('2027-01-03T00:00Z'), job: undefined };
  const days = await inspectDays(pool, SCHEMA, { ...window, timeZone: 'Asia/Kolkata' });
  const of = (job: string, day: string) => days.find((each) => each.job === job && each.day === day);
  expect(of('a', '2027-01-01')).toMatchObject({ done: 1, failed: 0, took: { medianMs: 1000, mostMs: 1000 } });
  expect(of('a', '2027-01-02')).toMatchObject({
    done: 2,
    failed: 1,
    missed: 4,
    retried: 1,
    late: 1,
    endedBadly: false,
    took: { medianMs: 4000, mostMs: 5000 },
  });
  expect(of('b', '2027-01-02')).toMatchObject({ done: 1, failed: 1, endedBadly: true });
  expect((await inspectTook(pool, SCHEMA, window)).get('a')).toEqual({ medianMs: 3000, p95Ms: 4800, mostMs: 5000 });
  const notable = await inspectRuns(pool, SCHEMA, { ...window, most: 100, notable: true });
  expect(notable.map(({ job, due, state }) => `${job} ${due.toISOString().slice(8, 13)} ${state}`)).toEqual([
    'a 01T19 failed',
    'a 01T20 succeeded',
    'a 01T21 succeeded',
    'b 01T21 failed',
    'a 02T05 missed',
  ]);
});

test('what a run prints is there while it runs, and followed over its attempts to its end', async () => {
  const place = { pool, schema: SCHEMA };
  const first = await beginTimerRun(place, { job: 'slow', due: new Date(), cause: 'timer', by: 'test' });
  await logTimerRun(place, first, 'one\ntw');
  const seen: RunLog[] = [];
  const over = (async () => {
    for await (const log of followRunLog(
      place,
      { job: 'slow', runId: undefined, attempt: undefined },
      { clock: systemClock, signal: new AbortController().signal },
    ))
      seen.push(log);
  })();
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  await until(() => seen.length > 0);
  await writeLogs(place, [{ ...first, logTail: 'one\ntwo\nthree' }]);
  await until(() => seen.length > 1);
  const second = await repeatTimerRun(
    place,
    first,
    { kind: 'failed', exitStatus: 1, error: 'no', final: false },
    'one\ntwo\nthree',
    'test',
  );
  await until(() => seen.at(-1)?.attempt === 2);
  // What comes late from an attempt that has ended changes nothing.
  await writeLogs(place, [{ ...first, logTail: 'late' }]);
  await endTimerRun(place, second, { kind: 'succeeded' }, 'again');
  await over;
  expect(seen.map(({ attempt, firstLine, lines, isOver }) => [attempt, firstLine, lines.join('|'), isOver])).toEqual([
    [1, 1, 'one|tw', false],
    [1, 2, 'two|three', false],
    [2, 1, '', false],
    [2, 1, 'again', true],
  ]);
  expect(seen.at(-1)?.attempts[0]?.logTail).toBe('one\ntwo\nthree');
});

test('a worker that was started anew under its name says since when it is there', async () => {
  const worker = { name: 'w', host: 'h', pid: 1, version: '1', labels: [], slots: 4 };
  expect(await markWorker(pool, SCHEMA, worker)).toMatchObject({ before: undefined });
  await pool.query(`update ${SCHEMA}.worker set started_at = '2020-01-01', seen_at = clock_timestamp() - interval '5 minutes'`);
  expect(await inspectWorkers(pool, SCHEMA)).toMatchObject([{ name: 'w', slots: 4, isAlive: false, startedAt: at('2020-01-01T00:00Z') }]);
  const sign = await markWorker(pool, SCHEMA, { ...worker, pid: 2, slots: 8 });
  expect(sign.before).toEqual({ host: 'h', pid: 1 });
  expect(Math.abs(sign.at.getTime() - Date.now())).toBeLessThan(60_000);
  const [found] = await inspectWorkers(pool, SCHEMA);
  expect(found).toMatchObject({ pid: 2, slots: 8, isAlive: true });
  expect(found?.startedAt.getFullYear()).toBeGreaterThan(2020);
});
