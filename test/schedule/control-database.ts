import { systemClock } from '../../src/base/clock.ts';
import { DbadminError } from '../../src/base/errors.ts';
import { connectionOfUrl } from '../../src/config/load.ts';
import { openPool, type ConnectionPool } from '../../src/postgres/pool.ts';
import type { ControlPlace } from '../../src/schedule/control/due-apply.ts';
import { RunQueue } from '../../src/schedule/control/queue-run.ts';
import { ensureTables } from '../../src/schedule/control/tables-apply.ts';
import type { Job, Policies } from '../../src/schedule/policies.ts';
import { Worker } from '../../src/schedule/worker/run.ts';
import { createTestDatabase, type TestDatabase } from '../postgres/fixture.ts';

export const SCHEMA = 'dbadmin_jobs';

/** A control database with its tables, and a queue that nobody else looks after. */
export interface ControlDatabase {
  readonly database: TestDatabase;
  readonly place: ControlPlace;
  readonly queue: RunQueue;
  readonly queuePool: ConnectionPool;
  connect(): Promise<ConnectionPool>;
  /** Empties it. */
  clear(): Promise<void>;
  drop(): Promise<void>;
}

export async function createControlDatabase(queues: readonly string[], heartbeatSeconds = 10): Promise<ControlDatabase> {
  const database = await createTestDatabase();
  const connect = async (): Promise<ConnectionPool> =>
    await openPool(connectionOfUrl({ env: {}, cwd: '/' }, database.url), { applicationName: 'test', max: 4, queryTimeoutMs: 10_000 });
  const [pool, queuePool] = [await connect(), await connect()];
  // As by workers that start at once.
  await Promise.all([1, 2, 3].map(async () => await ensureTables(pool, SCHEMA)));
  const queue = new RunQueue(queuePool, { schema: SCHEMA, heartbeatSeconds, supervises: false, onError: () => undefined });
  await queue.start([...queues]);
  return {
    database,
    place: { pool, schema: SCHEMA },
    queue,
    queuePool,
    connect,
    clear: async () => {
      const tables = ['run', 'run_attempt', 'scheduled_job', 'worker'].map((table) => `${SCHEMA}.${table}`);
      await pool.query(`truncate ${tables.join(', ')}; delete from ${SCHEMA}.job`);
    },
    drop: async () => {
      await queue.stop();
      await queuePool.close();
      await pool.close();
      await database.drop();
    },
  };
}

/** Starts a worker to which every job succeeds at once; gives what stops it. */
export function startWorker(database: ControlDatabase, name: string, jobs: readonly Job[]): () => Promise<void> {
  const stopping = new AbortController();
  const over = new Worker({
    worker: { name, host: 'here', pid: 1, version: '0', labels: [], slots: 4 },
    schema: SCHEMA,
    heartbeatSeconds: 10,
    graceMs: 200,
    connect: async () => await database.connect(),
    reload: async () => await Promise.resolve(undefined),
    policies: { file: 'policies.yaml', policies: new Map(), jobs } as unknown as Policies,
    perform: async () => await Promise.resolve({ kind: 'succeeded' }),
    receiving: undefined,
    onJobEnded: () => undefined,
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined, debug: () => undefined },
    signal: stopping.signal,
  }).run();
  return async () => {
    stopping.abort(new DbadminError('interrupted', 'stopped'));
    await over;
  };
}
