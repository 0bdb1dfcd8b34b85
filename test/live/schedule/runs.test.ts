import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isConnectionLoss } from '../../../src/postgres/connection-error.ts';
import type { ConnectionPool } from '../../../src/postgres/pool.ts';
import type { AttemptOutcome } from '../../../src/schedule/attempt.ts';
import { beginAttempt, endAbandoned, endAttempt } from '../../../src/schedule/control/attempts-apply.ts';
import { applyDue, applyManual, type ControlPlace } from '../../../src/schedule/control/due-apply.ts';
import { applyAllDue } from '../../../src/schedule/control/due-many-apply.ts';
import type { RunQueue } from '../../../src/schedule/control/queue-run.ts';
import { knownJobs, pauseJob, registerJobs, resumeJob } from '../../../src/schedule/control/registry-apply.ts';
import { inspectAttempts, inspectJobRuns, inspectRuns } from '../../../src/schedule/control/runs-inspect.ts';
import { ensureTables } from '../../../src/schedule/control/tables-apply.ts';
import { beginTimerRun, endTimerRun } from '../../../src/schedule/control/timer-runs-apply.ts';
import type { Job } from '../../../src/schedule/policies.ts';
import { createControlDatabase, SCHEMA, type ControlDatabase } from '../../schedule/control-database.ts';
import { at, job } from '../../unit/schedule/job.ts';

let control: ControlDatabase;
let pool: ConnectionPool;
let queue: RunQueue;
let place: ControlPlace;

beforeAll(async () => {
  control = await createControlDatabase(['run', 'run.eu']);
  ({ queue, place } = control);
  ({ pool } = place);
});
afterAll(async () => await control.drop());
beforeEach(async () => await control.clear());

const FAILED: AttemptOutcome = { kind: 'failed', exitStatus: 1, error: 'no room', final: false };
const DONE: AttemptOutcome = { kind: 'succeeded' };
const WARNED: AttemptOutcome = { kind: 'succeeded', warning: 'older ones were not removed' };

async function due(one: Job, ...times: readonly string[]) {
  return await dueAt(new Date(), one, ...times);
}

/** What a worker whose clock says `now` makes of times. */
async function dueAt(now: Date, one: Job, ...times: readonly string[]) {
  await registerJobs(pool, SCHEMA, [one.name]);
  return await applyDue(place, queue, one, { queue: times.map(at), missed: undefined }, now);
}

/** Takes what the queue hands out next, and ends it. */
async function runNext(jobs: readonly Job[], outcome: AttemptOutcome, name = 'run') {
  const [handed] = await queue.fetch(name, 1);
  if (handed === undefined) return undefined;
  const begun = await beginAttempt(place, queue, handed, 'w1');
  if (begun === undefined) return undefined;
  const own = jobs.find((each) => each.name === begun.run.job);
  if (own === undefined) throw new Error(`no job ${begun.run.job}`);
  const step = await endAttempt(place, queue, handed, { run: begun.run, outcome, logTail: 'printed', job: own, jobs });
  return { handed, run: begun.run, step };
}

const all = async () =>
  (await inspectRuns(pool, SCHEMA, { from: at('2020-01-01T00:00Z'), to: at('2100-01-01T00:00Z'), job: undefined, most: 100 })).map(
    ({ job: name, state, error }) => [name, state, error ?? ''],
  );

test('a time that many workers see at once is queued once', async () => {
  const nightly = job('nightly', '0 2 * * *');
  await registerJobs(pool, SCHEMA, ['nightly']);
  const seen = await Promise.all(
    Array.from(
      { length: 8 },
      async () => await applyDue(place, queue, nightly, { queue: [at('2027-01-01T02:00Z')], missed: undefined }, new Date()),
    ),
  );
  expect(seen.flat().toSorted()).toEqual([...Array.from({ length: 7 }, () => 'known'), 'queued']);
  expect(await queue.fetch('run', 10)).toHaveLength(1);
});

test('many jobs of one moment are queued together, each once, except those that are paused or run already', async () => {
  const jobs = Array.from({ length: 600 }, (_, index) => job(`j${index}`, '@daily', index % 3 === 0 ? { labels: ['eu'] } : {}));
  await registerJobs(
    pool,
    SCHEMA,
    jobs.map(({ name }) => name),
  );
  await pauseJob(pool, SCHEMA, 'j1', { by: 'ada', reason: undefined, until: undefined, now: new Date() });
  await applyManual(place, queue, jobs[2] ?? job('', []), new Date());
  const together = jobs.map((each) => ({ job: each, queue: [at('2027-01-01T00:00Z')], missed: undefined }));
  const both = await Promise.all([applyAllDue(place, queue, together, new Date()), applyAllDue(place, queue, together, new Date())]);
  const counts = Object.entries(Object.groupBy(both.flat(), ({ admission }) => admission)).map(([name, each]) => [name, each.length]);
  expect(Object.fromEntries(counts)).toEqual({ queued: 598, known: 599, dropped: 1, paused: 2 });
  expect((await queue.fetch('run', 1000)).length).toBe(399);
  expect((await queue.fetch('run.eu', 1000)).length).toBe(200);
});

test('G2: no job overlaps itself: what meets a run is left out and recorded, or waits where it catches up', async () => {
  const [never, once] = [job('never', '* * * * *'), job('once', '* * * * *', { catchUp: 'once' })];
  expect(await due(never, '2027-01-01T00:00Z')).toEqual(['queued']);
  expect(await due(never, '2027-01-01T00:01Z')).toEqual(['dropped']);
  await runNext([never], DONE);
  expect(await due(never, '2027-01-01T00:02Z')).toEqual(['queued']);
  await runNext([never], DONE);
  expect(await due(once, '2027-01-01T00:00Z')).toEqual(['queued']);
  expect(await due(once, '2027-01-01T00:01Z')).toEqual(['waiting']);
  expect(await due(once, '2027-01-01T00:02Z')).toEqual(['dropped']);
  expect(await queue.fetch('run', 10)).toHaveLength(1);
  expect((await all()).filter(([name]) => name === 'never')).toEqual([
    ['never', 'succeeded', ''],
    ['never', 'missed', 'its run before was not over'],
    ['never', 'succeeded', ''],
  ]);
});

test('the run that waited is queued when the one before it is over', async () => {
  const twice = job('twice', '* * * * *', { catchUp: 'all' });
  expect(await due(twice, '2027-01-01T00:00Z', '2027-01-01T00:01Z', '2027-01-01T00:02Z')).toEqual(['queued', 'waiting', 'waiting']);
  const seen: (string | undefined)[] = [];
  for (let turn = 0; turn < 4; turn += 1) seen.push((await runNext([twice], DONE))?.run.due.toISOString());
  expect(seen).toEqual(['2027-01-01T00:00:00.000Z', '2027-01-01T00:01:00.000Z', '2027-01-01T00:02:00.000Z', undefined]);
});

test('G2: a failure is tried again after its delay, then failed; each attempt keeps what it printed', async () => {
  const flaky = job('flaky', '@daily', { retries: 1, retryDelayMs: 0 });
  await due(flaky, '2027-01-01T00:00Z');
  const first = await runNext([flaky], FAILED);
  expect(first?.step).toMatchObject({ kind: 'again', isFailure: true });
  expect((await runNext([flaky], FAILED))?.step).toEqual({ kind: 'over', state: 'failed' });
  expect(await all()).toEqual([['flaky', 'failed', 'no room']]);
  const attempts = await inspectAttempts(pool, SCHEMA, first?.run.runId ?? '');
  expect(attempts).toMatchObject([
    { attempt: 1, outcome: 'failed', exitStatus: 1, logTail: 'printed', worker: 'w1' },
    { attempt: 2, outcome: 'failed' },
  ]);
  const runs = (await inspectJobRuns(pool, SCHEMA, ['flaky'], 10)).get('flaky');
  expect([runs?.last?.state, runs?.lastSuccess, runs?.last?.failures]).toEqual(['failed', undefined, 2]);
});

test('a later retry is not handed out before its time', async () => {
  const slow = job('slow', '@daily', { retries: 1, retryDelayMs: 3_600_000 });
  await due(slow, '2027-01-01T00:00Z');
  await runNext([slow], FAILED);
  expect(await queue.fetch('run', 1)).toEqual([]);
  expect(await due(slow, '2027-01-02T00:00Z')).toEqual(['dropped']);
});

describe('G2: jobs after others', () => {
  const jobs = [job('a', '@daily'), job('b', '@daily'), job('both', ['a', 'b']), job('last', ['both'])];

  test('run when each of them has succeeded, once for each such time', async () => {
    const [a = job('', []), b = job('', [])] = jobs;
    await due(a, '2027-01-01T00:00Z');
    await runNext(jobs, DONE);
    expect(await queue.fetch('run', 1)).toEqual([]);
    await due(b, '2027-01-01T00:00Z');
    await runNext(jobs, DONE);
    expect((await runNext(jobs, DONE))?.run).toMatchObject({ job: 'both', cause: 'after' });
    expect((await runNext(jobs, DONE))?.run.job).toBe('last');
    await due(b, '2027-01-02T00:00Z');
    await runNext(jobs, DONE);
    expect(await queue.fetch('run', 1)).toEqual([]);
  });

  test('two that end at the same moment call the next one once', async () => {
    const [a = job('', []), b = job('', [])] = jobs;
    for (let round = 1; round <= 5; round += 1) {
      await due(a, `2027-01-0${round}T00:00Z`);
      await due(b, `2027-01-0${round}T00:00Z`);
      await Promise.all([runNext(jobs, DONE), runNext(jobs, DONE)]);
      expect((await runNext(jobs, DONE))?.run.job).toBe('both');
      expect((await runNext(jobs, DONE))?.run.job).toBe('last');
      expect(await queue.fetch('run', 1)).toEqual([]);
    }
  });

  test('what is done with a warning is followed, and says so', async () => {
    const chain = [job('backup', '@daily', { retries: 3, retryDelayMs: 0 }), job('offsite', ['backup'])];
    const [backup = job('', [])] = chain;
    await due(backup, '2027-01-01T00:00Z');
    expect((await runNext(chain, WARNED))?.step).toEqual({ kind: 'over', state: 'succeeded' });
    expect((await runNext(chain, DONE))?.run).toMatchObject({ job: 'offsite', cause: 'after' });
    expect((await all()).toSorted(([left = ''], [right = '']) => (left < right ? -1 : 1))).toEqual([
      ['backup', 'succeeded', 'older ones were not removed'],
      ['offsite', 'succeeded', ''],
    ]);
    const window = { from: at('2020-01-01T00:00Z'), to: at('2100-01-01T00:00Z'), job: undefined, most: 100 };
    expect(await inspectRuns(pool, SCHEMA, { ...window, notable: true })).toMatchObject([{ job: 'backup', exitStatus: 4 }]);
  });

  test('a failure takes with it all that would have followed, and says so', async () => {
    const [a = job('', [])] = jobs;
    await due(a, '2027-01-01T00:00Z');
    await runNext(jobs, FAILED);
    expect((await all()).toSorted(([left = ''], [right = '']) => (left < right ? -1 : 1))).toEqual([
      ['a', 'failed', 'no room'],
      ['both', 'skipped', 'a failed'],
      ['last', 'skipped', 'a failed'],
    ]);
    expect(await queue.fetch('run', 1)).toEqual([]);
  });
});

test('G2: a paused job lets its times pass; asked for by a person it runs all the same', async () => {
  const nightly = job('nightly', '@daily');
  await registerJobs(pool, SCHEMA, ['nightly']);
  const request = { by: 'ada', reason: 'storage moves', until: undefined, now: new Date() };
  expect(await pauseJob(pool, SCHEMA, 'nightly', request)).toBe('paused');
  expect(await pauseJob(pool, SCHEMA, 'nightly', { ...request, by: 'bob' })).toBe('unchanged');
  expect(await due(nightly, '2027-01-01T00:00Z')).toEqual(['paused']);
  expect(await all()).toEqual([]);
  expect(await applyManual(place, queue, nightly, new Date())).toBe('queued');
  expect(await applyManual(place, queue, nightly, new Date())).toBe('dropped');
  await runNext([nightly], DONE);
  expect(await resumeJob(pool, SCHEMA, 'nightly', new Date())).toBe(true);
  expect(await due(nightly, '2027-01-02T00:00Z')).toEqual(['queued']);
});

test('a pause with an end is over by itself: what was due in it passes, whenever a worker comes to it, and what is due at its end runs', async () => {
  const hourly = job('hourly', '@hourly', { catchUp: 'all' });
  await registerJobs(pool, SCHEMA, ['hourly']);
  const noon = at('2027-01-01T12:00Z');
  const request = { by: 'ada', reason: undefined, until: at('2027-01-01T14:00Z'), now: noon };
  expect(await pauseJob(pool, SCHEMA, 'hourly', request)).toBe('paused');
  expect(await dueAt(at('2027-01-01T13:00Z'), hourly, '2027-01-01T13:00Z')).toEqual(['paused']);
  // Its worker was away until four: of what it missed, the times of the pause are left out.
  const four = at('2027-01-01T16:00Z');
  expect(await dueAt(four, hourly, '2027-01-01T11:00Z', '2027-01-01T13:00Z', '2027-01-01T14:00Z', '2027-01-01T15:00Z')).toEqual([
    'queued',
    'paused',
    'waiting',
    'waiting',
  ]);
  // Many at once are judged as one is.
  const others = ['a', 'b'].map((name) => job(name, '@hourly'));
  await registerJobs(pool, SCHEMA, ['a', 'b']);
  await pauseJob(pool, SCHEMA, 'a', request);
  const both = (due: string, now: Date): Promise<readonly { readonly admission: string }[]> =>
    applyAllDue(
      place,
      queue,
      others.map((each) => ({ job: each, queue: [at(due)], missed: undefined })),
      now,
    );
  const admissions = async (due: string): Promise<readonly string[]> =>
    (await both(due, four)).map(({ admission }) => admission).toSorted();
  expect(await admissions('2027-01-01T13:30Z')).toEqual(['paused', 'queued']);
  expect(await admissions('2027-01-01T14:00Z')).toEqual(['dropped', 'queued']);
});

test('a job that runs after others is not called while it is paused, and is called again once that is over', async () => {
  const first = job('first', '@hourly');
  const second = job('second', ['first']);
  await registerJobs(pool, SCHEMA, ['first', 'second']);
  const pause = { by: 'ada', reason: undefined, until: undefined, now: new Date() };
  await pauseJob(pool, SCHEMA, 'second', pause);
  await due(first, '2027-01-01T00:00Z');
  await runNext([first, second], DONE);
  expect((await all()).map(([name]) => name)).toEqual(['first']);
  await resumeJob(pool, SCHEMA, 'second', new Date());
  await due(first, '2027-01-01T01:00Z');
  await runNext([first, second], DONE);
  // Those of the other are due when the first ended, which is now: before the times of the first.
  expect((await all()).map(([name]) => name)).toEqual(['second', 'first', 'first']);
});

test('the end of a pause can be moved, and resuming ends it: paused anew it begins anew', async () => {
  const now = at('2027-01-01T12:00Z');
  const pause = { by: 'ada', reason: 'storage moves', until: at('2027-01-01T14:00Z'), now };
  const told = async (): Promise<unknown> => (await knownJobs(pool, SCHEMA, ['nightly'])).get('nightly')?.pause;
  await pauseJob(pool, SCHEMA, 'nightly', pause);
  const later = { by: 'bob', reason: undefined, until: at('2027-01-01T18:00Z'), now: at('2027-01-01T13:00Z') };
  expect(await pauseJob(pool, SCHEMA, 'nightly', later)).toBe('moved');
  expect(await pauseJob(pool, SCHEMA, 'nightly', later)).toBe('unchanged');
  expect(await told()).toEqual({ at: now, until: later.until, by: 'bob', reason: 'storage moves' });
  const three = at('2027-01-01T15:00Z');
  expect(await resumeJob(pool, SCHEMA, 'nightly', three)).toBe(true);
  expect(await resumeJob(pool, SCHEMA, 'nightly', three)).toBe(false);
  expect(await told()).toMatchObject({ at: now, until: three });
  expect(await pauseJob(pool, SCHEMA, 'nightly', { ...pause, until: undefined, now: at('2027-01-02T00:00Z') })).toBe('paused');
  expect(await told()).toMatchObject({ at: at('2027-01-02T00:00Z'), until: undefined });
});

test('tables of the version before are led on, and can be read until then', async () => {
  await pool.query(`alter table ${SCHEMA}.scheduled_job drop column paused_until`);
  await pool.query(`comment on schema ${SCHEMA} is 'dbadmin schedule, tables 2'`);
  await pool.query(`insert into ${SCHEMA}.scheduled_job (name, paused_at, paused_by) values ('old', now(), 'ada')`);
  expect((await knownJobs(pool, SCHEMA, ['old'])).get('old')?.pause).toMatchObject({ by: 'ada', until: undefined });
  await ensureTables(pool, SCHEMA);
  expect(await resumeJob(pool, SCHEMA, 'old', new Date())).toBe(true);
});

test('a worker hands out only what has labels that it is asked for', async () => {
  await due(job('far', '@daily', { labels: ['eu'] }), '2027-01-01T00:00Z');
  expect(await queue.fetch('run', 10)).toEqual([]);
  expect(await queue.fetch('run.eu', 10)).toHaveLength(1);
});

test('an attempt whose run has passed to another changes nothing, unless it succeeded', async () => {
  const nightly = job('nightly', '@daily', { retries: 5 });
  await due(nightly, '2027-01-01T00:00Z');
  const [handed] = await queue.fetch('run', 1);
  if (handed === undefined) throw new Error('nothing was handed out');
  const first = await beginAttempt(place, queue, handed, 'w1');
  // What another worker does after it was handed out anew.
  const second = await beginAttempt(place, queue, handed, 'w2');
  if (first === undefined || second === undefined) throw new Error('not begun');
  expect([first.run.attempt, second.run.attempt]).toEqual([1, 2]);
  const end = { logTail: '', job: nightly, jobs: [nightly] };
  expect(await endAttempt(place, queue, handed, { ...end, run: first.run, outcome: FAILED })).toEqual({ kind: 'lost' });
  expect(await all()).toEqual([['nightly', 'running', '']]);
  expect(await endAttempt(place, queue, handed, { ...end, run: first.run, outcome: DONE })).toEqual({ kind: 'over', state: 'succeeded' });
  expect(await endAttempt(place, queue, handed, { ...end, run: second.run, outcome: FAILED })).toEqual({ kind: 'lost' });
  expect(await all()).toEqual([['nightly', 'succeeded', '']]);
});

test('a run without a worker keeps workers out, and one whose process died is ended', async () => {
  const nightly = job('nightly', '@daily');
  const run = await beginTimerRun(place, { job: 'nightly', due: at('2027-01-01T00:00Z'), cause: 'timer', by: 'cron on db1' });
  expect(await due(nightly, '2027-01-01T00:01Z')).toEqual(['dropped']);
  await expect(beginTimerRun(place, { job: 'nightly', due: new Date(), cause: 'timer', by: 'x' })).rejects.toMatchObject({
    code: 'locked',
    message: 'job nightly is running on cron on db1',
  });
  await endTimerRun(place, run, DONE, 'all good');
  await beginTimerRun(place, { job: 'nightly', due: at('2027-01-02T00:00Z'), cause: 'timer', by: 'cron on db1' });
  expect(await endAbandoned(place)).toEqual([]);
  await pool.query(`update ${SCHEMA}.run set alive_at = now() - interval '3 minutes' where state = 'running'`);
  expect((await endAbandoned(place)).map(({ state, error }) => [state, error])).toEqual([['failed', 'its process ended without a word']]);
});

test('tables of a newer dbadmin are refused by name', async () => {
  await pool.query('create schema later');
  await ensureTables(pool, 'later');
  await pool.query(`comment on schema later is 'dbadmin schedule, tables 99'`);
  await expect(ensureTables(pool, 'later')).rejects.toMatchObject({ code: 'history-newer' });
});

test('a connection that the server ends fails its query and is replaced', async () => {
  const { sql } = control.database;
  const slow = pool.query('select pg_sleep(10)').catch((error: unknown) => error);
  const isAsleep = async (): Promise<boolean> =>
    (await sql`select from pg_stat_activity where application_name = 'test' and state = 'active' and wait_event = 'PgSleep'`).length > 0;
  await expect.poll(isAsleep, { timeout: 9000 }).toBe(true);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'test' and pid <> pg_backend_pid()`;
  expect(isConnectionLoss(await slow)).toBe(true);
  // Those that were idle notice by themselves.
  await expect.poll(async () => await pool.query('select 1 as one').catch((error: unknown) => error)).toEqual([{ one: 1 }]);
});
