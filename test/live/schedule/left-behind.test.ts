import { PgBoss } from 'pg-boss';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { connectionOfUrl } from '../../../src/config/load.ts';
import { openPool, type ConnectionPool } from '../../../src/postgres/pool.ts';
import { beginAttempt } from '../../../src/schedule/control/attempts-apply.ts';
import { applyDue, applyManual, type Admission, type ControlPlace } from '../../../src/schedule/control/due-apply.ts';
import { RunQueue } from '../../../src/schedule/control/queue-run.ts';
import { registerJobs } from '../../../src/schedule/control/registry-apply.ts';
import { inspectRuns } from '../../../src/schedule/control/runs-inspect.ts';
import { ensureTables } from '../../../src/schedule/control/tables-apply.ts';
import { beginTimerRun, endTimerRun } from '../../../src/schedule/control/timer-runs-apply.ts';
import type { Job, Policies } from '../../../src/schedule/policies.ts';
import { Worker } from '../../../src/schedule/worker/run.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { at, job } from '../../unit/schedule/job.ts';

// What a worker finds that others left behind, and what it keeps for as long as it takes.

const SCHEMA = 'dbadmin_jobs';
let database: TestDatabase;
let pool: ConnectionPool;
let queuePool: ConnectionPool;
let queue: RunQueue;
let place: ControlPlace;
let stop: (() => Promise<void>) | undefined;

const connect = async (): Promise<ConnectionPool> =>
  await openPool(connectionOfUrl({ env: {}, cwd: '/' }, database.url), { applicationName: 'test', max: 4, queryTimeoutMs: 10_000 });

beforeAll(async () => {
  database = await createTestDatabase();
  pool = await connect();
  queuePool = await connect();
  place = { pool, schema: SCHEMA };
  await ensureTables(pool, SCHEMA);
  queue = new RunQueue(queuePool, { schema: SCHEMA, heartbeatSeconds: 10, supervises: false, onError: () => undefined });
  await queue.start(['run']);
});
afterAll(async () => {
  await queue.stop();
  await queuePool.close();
  await pool.close();
  await database.drop();
});
beforeEach(async () => {
  await pool.query(`truncate ${SCHEMA}.run, ${SCHEMA}.run_attempt, ${SCHEMA}.scheduled_job; delete from ${SCHEMA}.job`);
});
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

/** A worker to which every job succeeds at once. */
function startWorker(...jobs: readonly Job[]): void {
  const stopping = new AbortController();
  const over = new Worker({
    worker: { name: 'w1', host: 'here', pid: 1, version: '0', labels: [], slots: 4 },
    schema: SCHEMA,
    heartbeatSeconds: 10,
    graceMs: 200,
    connect,
    reload: async () => await Promise.resolve(undefined),
    policies: { file: 'policies.yaml', policies: new Map(), jobs } as unknown as Policies,
    perform: async () => await Promise.resolve({ kind: 'succeeded' }),
    receiving: undefined,
    onJobEnded: () => undefined,
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined, debug: () => undefined },
    signal: stopping.signal,
  }).run();
  stop = async () => {
    stopping.abort(new DbadminError('interrupted', 'stopped'));
    await over;
  };
}

test('a time that waits for a run without a worker runs when that one is over, and the job goes on', async () => {
  const nightly = job('nightly', '@yearly', { catchUp: 'once' });
  const run = await beginTimerRun(place, { job: 'nightly', due: at('2026-01-01T00:00Z'), cause: 'timer', by: 'ada' });
  expect(await due(nightly, '2026-01-01T00:01Z')).toEqual(['waiting']);
  await endTimerRun(place, run, { kind: 'succeeded' }, '');
  startWorker(nightly);
  await expect.poll(async () => await states('nightly'), { timeout: 9000 }).toEqual(['succeeded', 'succeeded']);
  expect(await due(nightly, '2026-01-01T00:02Z')).toEqual(['queued']);
});

test('a time that waits for a run whose process died runs when that one is ended', async () => {
  const nightly = job('nightly', '@yearly', { catchUp: 'once' });
  await beginTimerRun(place, { job: 'nightly', due: at('2026-01-01T00:00Z'), cause: 'timer', by: 'ada' });
  expect(await due(nightly, '2026-01-01T00:01Z')).toEqual(['waiting']);
  await pool.query(`update ${SCHEMA}.run set alive_at = now() - interval '3 minutes' where state = 'running'`);
  startWorker(nightly);
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
    db: { executeSql: async (text, values) => ({ rows: [...(await queuePool.query(text, values))] }) },
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
