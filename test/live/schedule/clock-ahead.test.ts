import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ConnectionPool } from '../../../src/postgres/pool.ts';
import type { AttemptOutcome } from '../../../src/schedule/attempt.ts';
import { beginAttempt, endAttempt } from '../../../src/schedule/control/attempts-apply.ts';
import { applyDue, applyManual, type Admission, type ControlPlace } from '../../../src/schedule/control/due-apply.ts';
import type { RunQueue } from '../../../src/schedule/control/queue-run.ts';
import { knownJobs, pauseJob, registerJobs, resumeJob } from '../../../src/schedule/control/registry-apply.ts';
import { inspectJobRuns, inspectRuns } from '../../../src/schedule/control/runs-inspect.ts';
import { beginTimerRun } from '../../../src/schedule/control/timer-runs-apply.ts';
import { goesOn } from '../../../src/schedule/pause.ts';
import type { Job } from '../../../src/schedule/policies.ts';
import { createControlDatabase, SCHEMA, startWorker, type ControlDatabase } from '../../schedule/control-database.ts';
import { at, job } from '../../unit/schedule/job.ts';

// The clock was a month ahead for a while, of workers, of the control database or of both, and has been put right.

const AHEAD = `interval '30 days'`;
const DONE: AttemptOutcome = { kind: 'succeeded' };
const daily = job('daily', '@daily', { retries: 3, retryDelayMs: 300_000 });
const later = job('later', ['daily']);
let control: ControlDatabase;
let pool: ConnectionPool;
let queue: RunQueue;
let place: ControlPlace;
let stop: (() => Promise<void>) | undefined;

beforeAll(async () => {
  control = await createControlDatabase(['run']);
  ({ queue, place } = control);
  ({ pool } = place);
});
afterAll(async () => await control.drop());
beforeEach(async () => {
  await control.clear();
  await registerJobs(pool, SCHEMA, ['daily', 'later']);
});
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

const nextMonth = (): Date => new Date(Math.ceil(Date.now() / 86_400_000) * 86_400_000 + 30 * 86_400_000);

async function due(one: Job, time: Date, now = new Date()): Promise<readonly Admission[]> {
  return await applyDue(place, queue, one, { queue: [time], missed: undefined }, now);
}

async function runNext(outcome: AttemptOutcome = DONE): Promise<string | undefined> {
  const [handed] = await queue.fetch('run', 1);
  const begun = handed === undefined ? undefined : await beginAttempt(place, queue, handed, 'w1');
  if (handed === undefined || begun === undefined) return undefined;
  const own = begun.run.job === 'daily' ? daily : later;
  await endAttempt(place, queue, handed, { run: begun.run, outcome, logTail: '', job: own, jobs: [daily, later] });
  return begun.run.job;
}

/** What the control database has written down so far it has by a clock that was ahead. */
async function wasAhead(): Promise<void> {
  await pool.query(
    `update ${SCHEMA}.run set created_at = created_at + ${AHEAD}, started_at = started_at + ${AHEAD}, ended_at = ended_at + ${AHEAD},
      alive_at = alive_at + ${AHEAD}, retry_at = retry_at + ${AHEAD}, due = case when cause = 'time' then due else due + ${AHEAD} end`,
  );
  await pool.query(
    `update ${SCHEMA}.job set start_after = start_after + ${AHEAD}, started_on = started_on + ${AHEAD}, heartbeat_on = heartbeat_on + ${AHEAD}`,
  );
}

/** Resolves when `what` is so, with a worker at work. */
async function workUntil(what: () => Promise<boolean>): Promise<void> {
  stop = startWorker(control, 'w2', [daily]);
  await expect.poll(what, { timeout: 20_000 }).toBe(true);
}

const runs = async () =>
  await inspectRuns(pool, SCHEMA, { from: at('2020-01-01T00:00Z'), to: at('2100-01-01T00:00Z'), job: 'daily', most: 100 });

test('a time that was told as missed before it came, or that was run before, is run when it comes', async () => {
  const [missed, ran] = [nextMonth(), new Date(nextMonth().getTime() + 86_400_000)];
  await applyDue(place, queue, daily, { queue: [], missed: { count: 1, first: missed, last: missed } }, new Date());
  expect(await due(daily, ran, ran)).toEqual(['queued']);
  expect(await runNext()).toBe('daily');
  await workUntil(async () => (await runs()).every((run) => run.due <= new Date()));
  await stop?.();
  expect((await runs()).map(({ state }) => state)).toEqual(['succeeded']);
  expect(await due(daily, missed, missed)).toEqual(['queued']);
  await runNext();
  expect(await due(daily, ran, ran)).toEqual(['queued']);
});

test('the ends of then come before now, in their order', async () => {
  for (const minutes of [3, 2, 1]) {
    await due(daily, new Date(Date.now() - minutes * 60_000));
    expect([await runNext(), await runNext()]).toEqual(['daily', 'later']);
  }
  await wasAhead();
  await pool.query(`update ${SCHEMA}.run set due = due + ${AHEAD}`);
  const before = await runs();
  await workUntil(async () => (await runs()).every(({ endedAt = nextMonth() }) => endedAt <= new Date()));
  const after = await runs();
  expect(before).toHaveLength(3);
  expect(after.map(({ runId }) => runId)).toEqual(before.map(({ runId }) => runId));
  expect(after.every((run) => run.due <= new Date())).toBe(true);
});

test('a run that is to be tried again from then on is tried again now', async () => {
  await due(daily, new Date());
  await runNext({ kind: 'failed', exitStatus: 1, error: 'no room', final: false });
  await wasAhead();
  await workUntil(async () => (await runs())[0]?.state === 'succeeded');
});

test('a run whose worker died meanwhile is taken over now', async () => {
  await due(daily, new Date());
  const [handed] = await queue.fetch('run', 1);
  if (handed === undefined) throw new Error('nothing was handed out');
  await beginAttempt(place, queue, handed, 'w1');
  await wasAhead();
  await workUntil(async () => {
    // Its heartbeat is over after 10 s more, which the test does not wait for.
    await pool.query(`update ${SCHEMA}.job set heartbeat_on = now() - interval '1 minute' where heartbeat_on <= now()`);
    await pool.query(`update ${SCHEMA}.queue set monitor_on = null, monitor_claim_on = null`);
    return (await runs())[0]?.state === 'succeeded';
  });
}, 60_000);

test('a run without a worker whose process died meanwhile keeps its job for two minutes and no longer', async () => {
  const run = { job: 'daily', cause: 'timer', by: 'ada' } as const;
  await beginTimerRun(place, { ...run, due: new Date() });
  await wasAhead();
  await expect(beginTimerRun(place, { ...run, due: new Date() })).rejects.toMatchObject({ code: 'locked' });
  await pool.query(`update ${SCHEMA}.run set alive_at = alive_at - interval '3 minutes' where alive_at < now() + interval '1 minute'`);
  await expect(beginTimerRun(place, { ...run, due: new Date() })).resolves.toMatchObject({ attempt: 1 });
});

test('a job after another is called by its next success', async () => {
  await due(daily, new Date(Date.now() - 60_000));
  expect([await runNext(), await runNext()]).toEqual(['daily', 'later']);
  await wasAhead();
  await due(daily, new Date());
  expect([await runNext(), await runNext()]).toEqual(['daily', 'later']);
});

test('what a job came to since is told, and not what it came to then', async () => {
  await due(daily, new Date(Date.now() - 60_000));
  await runNext();
  await wasAhead();
  await due(daily, new Date());
  await runNext({ kind: 'failed', exitStatus: 1, error: 'no room', final: true });
  const told = (await inspectJobRuns(pool, SCHEMA, ['daily'], 10)).get('daily');
  expect([told?.last?.state, told?.lastSuccess]).toEqual(['failed', undefined]);
});

test('a job that was paused then goes on when it is resumed', async () => {
  await pauseJob(pool, SCHEMA, 'daily', { by: 'ada', reason: undefined, until: undefined, now: nextMonth() });
  const now = new Date();
  expect(await resumeJob(pool, SCHEMA, 'daily', now)).toBe(true);
  const pause = (await knownJobs(pool, SCHEMA, ['daily'])).get('daily')?.pause;
  expect(pause === undefined || goesOn(pause, now)).toBe(false);
  expect(await due(daily, now, now)).toEqual(['queued']);
});

test('a run by hand of then does not keep workers from what is due now', async () => {
  await applyManual(place, queue, daily, new Date());
  await wasAhead();
  await workUntil(async () => (await runs())[0]?.state === 'succeeded');
});
