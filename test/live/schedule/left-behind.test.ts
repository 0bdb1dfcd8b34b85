import { PgBoss } from 'pg-boss';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ConnectionPool } from '../../../src/postgres/pool.ts';
import { beginAttempt } from '../../../src/schedule/control/attempts-apply.ts';
import { applyDue, applyManual, type Admission, type ControlPlace } from '../../../src/schedule/control/due-apply.ts';
import type { RunQueue } from '../../../src/schedule/control/queue-run.ts';
import { registerJobs } from '../../../src/schedule/control/registry-apply.ts';
import { inspectRuns } from '../../../src/schedule/control/runs-inspect.ts';
import { beginTimerRun, endTimerRun } from '../../../src/schedule/control/timer-runs-apply.ts';
import type { Job } from '../../../src/schedule/policies.ts';
import { createControlDatabase, SCHEMA, startWorker, type ControlDatabase } from '../../schedule/control-database.ts';
import { at, job } from '../../unit/schedule/job.ts';

// What a worker finds that others left behind, and what it keeps for as long as it takes.

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
beforeEach(async () => await control.clear());
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

async function due(one: Job, ...times: readonly string[]): Promise<readonly Admission[]> {
  await registerJobs(pool, SCHEMA, [one.name]);
  return await applyDue(place, queue, one, { queue: times.map(at), missed: undefined }, new Date());
}

const states = async (name: string): Promise<readonly string[]> =>
  (await inspectRuns(pool, SCHEMA, { from: at('2020-01-01T00:00Z'), to: at('2100-01-01T00:00Z'), job: name, most: 100 })).map(
    ({ state }) => state,
  );

test('a time that waits for a run without a worker runs when that one is over, and the job goes on', async () => {
  const nightly = job('nightly', '@yearly', { catchUp: 'once' });
  const run = await beginTimerRun(place, { job: 'nightly', due: at('2026-01-01T00:00Z'), cause: 'timer', by: 'ada' });
  expect(await due(nightly, '2026-01-01T00:01Z')).toEqual(['waiting']);
  await endTimerRun(place, run, { kind: 'succeeded' }, '');
  stop = startWorker(control, 'w1', [nightly]);
  await expect.poll(async () => await states('nightly'), { timeout: 9000 }).toEqual(['succeeded', 'succeeded']);
  expect(await due(nightly, '2026-01-01T00:02Z')).toEqual(['queued']);
});

test('a time that waits for a run whose process died runs when that one is ended', async () => {
  const nightly = job('nightly', '@yearly', { catchUp: 'once' });
  await beginTimerRun(place, { job: 'nightly', due: at('2026-01-01T00:00Z'), cause: 'timer', by: 'ada' });
  expect(await due(nightly, '2026-01-01T00:01Z')).toEqual(['waiting']);
  await pool.query(`update ${SCHEMA}.run set alive_at = now() - interval '3 minutes' where state = 'running'`);
  stop = startWorker(control, 'w1', [nightly]);
  await expect.poll(async () => await states('nightly'), { timeout: 9000 }).toEqual(['failed', 'succeeded']);
});

test('a run that gives signs of life is not taken away, however long it takes', async () => {
  const large = job('large', '@yearly');
  await registerJobs(pool, SCHEMA, ['large']);
  await applyManual(place, queue, large, new Date());
  const [handed] = await queue.fetch('run', 1);
  if (handed === undefined) throw new Error('nothing was handed out');
  await beginAttempt(place, queue, handed, 'w1');
  expect([...(await queue.keep([handed]))]).toEqual([handed.queueId]);
  await pool.query(`update ${SCHEMA}.job set started_on = now() - interval '40 days'`);
  const boss = new PgBoss({
    db: { executeSql: async (text, values) => ({ rows: [...(await control.queuePool.query(text, values))] }) },
    schema: SCHEMA,
    createSchema: false,
    schedule: false,
    supervise: false,
  });
  await boss.start();
  await boss.supervise('run');
  expect(await queue.fetch('run', 1)).toEqual([]);
  expect([...(await queue.keep([handed]))]).toEqual([handed.queueId]);
  // Without them it is.
  await pool.query(
    `update ${SCHEMA}.job set heartbeat_on = now() - interval '20 seconds'; update ${SCHEMA}.queue set monitor_on = null, monitor_claim_on = null`,
  );
  await boss.supervise('run');
  expect(await queue.fetch('run', 1)).toHaveLength(1);
  await boss.stop({ graceful: false, close: false });
});
