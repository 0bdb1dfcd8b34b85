import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { gatherJobs } from '../../../src/commands/status/gather-jobs.ts';
import { readRunHistory } from '../../../src/commands/worker/run-history.ts';
import type { ConnectionPool } from '../../../src/postgres/pool.ts';
import { beginAttempt, endAttempt } from '../../../src/schedule/control/attempts-apply.ts';
import { applyManual, type ControlPlace } from '../../../src/schedule/control/due-apply.ts';
import type { RunQueue } from '../../../src/schedule/control/queue-run.ts';
import { markWorker, registerJobs } from '../../../src/schedule/control/registry-apply.ts';
import { beginTimerRun, markTimerRun } from '../../../src/schedule/control/timer-runs-apply.ts';
import type { Policies } from '../../../src/schedule/policies.ts';
import { judgeProject } from '../../../src/status/conditions.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { createControlDatabase, SCHEMA, type ControlDatabase } from '../../schedule/control-database.ts';
import { job } from '../../unit/schedule/job.ts';
import { Project } from '../status/project.ts';

// What status and alerts tell of runs that nobody ended: of a process that was killed, of a machine that is off.

const HEARTBEAT_SECONDS = 30;
const minutely = job('minutely', '* * * * *', { labels: ['EU'], retries: 1, retryDelayMs: 1000 });
let control: ControlDatabase;
let pool: ConnectionPool;
let queue: RunQueue;
let place: ControlPlace;

beforeAll(async () => {
  control = await createControlDatabase(['run.eu'], HEARTBEAT_SECONDS);
  ({ queue, place } = control);
  ({ pool } = place);
});
afterAll(async () => await control.drop());
beforeEach(async () => {
  await control.clear();
  await registerJobs(pool, SCHEMA, ['minutely']);
});

/** What is bad about the job, now that its clocks have gone on by so many seconds. */
async function told(seconds: number): Promise<readonly string[]> {
  await pool.query(
    `update ${SCHEMA}.run set created_at = created_at - $1 * interval '1 second', started_at = started_at - $1 * interval '1 second',
      alive_at = alive_at - $1 * interval '1 second', retry_at = retry_at - $1 * interval '1 second'`,
    [seconds],
  );
  await pool.query(`update ${SCHEMA}.scheduled_job set since = since - $1 * interval '1 second'`, [seconds]);
  const history = await readRunHistory(place, [minutely], HEARTBEAT_SECONDS);
  const now = new Date();
  const jobs = gatherJobs({ jobs: [minutely], policies: new Map() } as unknown as Policies, [], { kind: 'known', value: history }, now);
  return judgeProject({ at: now, tool: 'test', clusters: [], jobs, policiesProblem: undefined, controlProblem: undefined })
    .filter(({ state }) => state === 'bad')
    .map(({ kind, what }) => `${kind}: ${what.replace(/\d{4}-\S+Z/, 'MOMENT')}`);
}

test('a run without a worker whose process was killed is told as failed, and its job as late', async () => {
  const run = await beginTimerRun(place, { job: 'minutely', due: new Date(), cause: 'timer', by: 'cron on db1' });
  expect(await told(100)).toEqual([]);
  expect(await told(30)).toEqual([
    expect.stringMatching(/^job-failed: .*cron on db1 has given no sign of life since MOMENT: it was killed, or its machine is off$/),
  ]);
  expect(await told(3600)).toEqual([
    expect.stringMatching(/^job-failed: .* failed 1 h /),
    expect.stringMatching(/^job-late: job minutely .* was due .* and did not run$/),
  ]);
  // It was not dead after all.
  await markTimerRun(place, run);
  expect(await told(60)).toEqual([]);
});

test('a run whose worker is gone is told as failed, unless another is there that is given it', async () => {
  await applyManual(place, queue, minutely, new Date());
  const [handed] = await queue.fetch('run.eu', 1);
  if (handed === undefined) throw new Error('nothing was handed out');
  await beginAttempt(place, queue, handed, 'w1');
  expect(await told(140)).toEqual([]);
  const gone = expect.stringMatching(/: w1 has given no sign of life since MOMENT: .*; a worker that starts takes it over$/);
  expect(await told(3600)).toEqual([gone, expect.stringMatching(/^job-late/)]);
  const worker = { name: 'w2', host: 'here', pid: 1, version: '0', slots: 1 };
  await markWorker(pool, SCHEMA, { ...worker, labels: ['us'] });
  expect(await told(0)).toEqual([gone, expect.stringMatching(/^job-late/)]);
  await markWorker(pool, SCHEMA, { ...worker, labels: ['eu'] });
  expect(await told(0)).toEqual([]);
});

test('a run that was to be tried again and is not, for want of a worker, is told as failed', async () => {
  await applyManual(place, queue, minutely, new Date());
  const [handed] = await queue.fetch('run.eu', 1);
  if (handed === undefined) throw new Error('nothing was handed out');
  const begun = await beginAttempt(place, queue, handed, 'w1');
  if (begun === undefined) throw new Error('nothing was begun');
  const outcome = { kind: 'failed', exitStatus: 1, error: 'no room', final: false } as const;
  await endAttempt(place, queue, handed, { run: begun.run, outcome, logTail: '', job: minutely, jobs: [minutely] });
  expect(await told(60)).toEqual([]);
  expect(await told(3600)).toEqual([
    expect.stringMatching(/: it was to be tried again at MOMENT, and no worker is there to do it: no room$/),
    expect.stringMatching(/^job-late/),
  ]);
});

test('schedule run gives signs of life between two attempts, too', async () => {
  const directory = await makeDirectory();
  const project = new Project(path.join(directory, 'project'));
  await mkdir(path.join(directory, 'repository'));
  const flaky = 'version: 1\njobs:\n  flaky: { cron: "@yearly", sql: "select 1/0", retries: 1, retry_delay: 5m }\n';
  await project.write(control.database.url, path.join(directory, 'repository'), flaky);
  const child = project.start(['schedule', 'run', 'flaky', '--quiet']);
  const ended = new Promise((resolve) => child.once('close', resolve));
  try {
    const aliveAt = async (): Promise<number> => {
      const [row] = await pool.query<{ alive_at: Date }>(`select alive_at from ${SCHEMA}.run where job = 'flaky' and attempt = 2`);
      return row?.alive_at.getTime() ?? 0;
    };
    await expect.poll(aliveAt, { timeout: 15_000 }).toBeGreaterThan(0);
    const before = await aliveAt();
    await expect.poll(aliveAt, { timeout: 35_000, interval: 500 }).toBeGreaterThan(before);
  } finally {
    child.kill('SIGTERM');
    await ended;
    await removeDirectory(directory);
  }
}, 90_000);
