import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { connectionOfUrl } from '../../../src/config/load.ts';
import { openPool } from '../../../src/postgres/pool.ts';
import type { AttemptOutcome } from '../../../src/schedule/attempt.ts';
import type { Job, Policies } from '../../../src/schedule/policies.ts';
import type { JobEnded } from '../../../src/schedule/run-record.ts';
import type { AttemptContext, WorkerOptions } from '../../../src/schedule/worker/options.ts';
import { Worker } from '../../../src/schedule/worker/run.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { startProxy, type TcpProxy } from '../../schedule/tcp-proxy.ts';
import { job } from '../../unit/schedule/job.ts';

let database: TestDatabase;
let proxy: TcpProxy;
let running: { readonly worker: Worker; readonly stop: () => Promise<void> }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
});
beforeEach(async () => {
  const { hostname, port } = new URL(database.url);
  proxy = await startProxy(hostname, Number(port));
});
afterEach(async () => {
  for (const { stop } of running) await stop();
  running = [];
  await proxy.close();
  await database.sql`drop schema if exists dbadmin_jobs cascade`;
});

const policies = (...jobs: readonly Job[]): Policies => ({ file: 'policies.yaml', policies: new Map(), jobs }) as unknown as Policies;

/** Times of every job are 30 s from now at the latest, so each is due within its first second: from a moment ago. */
function start(more: Partial<WorkerOptions> & Pick<WorkerOptions, 'policies' | 'perform'>) {
  const stopping = new AbortController();
  const ended: JobEnded[] = [];
  const said: string[] = [];
  const url = new URL(database.url);
  url.port = String(proxy.port);
  const worker = new Worker({
    worker: { name: 'w1', host: 'here', pid: 1, version: '0', labels: [], slots: 4 },
    schema: 'dbadmin_jobs',
    heartbeatSeconds: 10,
    graceMs: 200,
    connect: async () =>
      await openPool(
        { ...connectionOfUrl({ env: {}, cwd: '/' }, url.href), connectTimeoutMs: 2000 },
        { applicationName: 'w1', max: 4, queryTimeoutMs: 2000 },
      ),
    reload: async () => await Promise.resolve(undefined),
    receiving: undefined,
    onJobEnded: (each) => ended.push(each),
    clock: systemClock,
    log: { info: (text) => said.push(text), warn: (text) => said.push(text), debug: () => undefined },
    signal: stopping.signal,
    ...more,
  });
  const over = worker.run();
  // Whoever expects a failure waits for it later.
  over.catch(() => undefined);
  const stop = async (): Promise<void> => {
    stopping.abort(new DbadminError('interrupted', 'stopped'));
    await over;
  };
  running.push({ worker, stop });
  return { worker, ended, said, stop, over };
}

async function until(what: () => boolean | Promise<boolean>, mostMs = 25_000): Promise<void> {
  const deadline = performance.now() + mostMs;
  while (!(await what())) {
    if (performance.now() > deadline) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Makes a job due without waiting for a minute. */
async function queueNow(...names: readonly string[]): Promise<void> {
  for (const name of names)
    await database.sql`
      with run as (insert into dbadmin_jobs.run (job, due, cause, state, queue_id)
        select ${name}, clock_timestamp(), 'manual', 'queued', gen_random_uuid() returning run_id, queue_id)
      insert into dbadmin_jobs.job (id, name, data, policy, retry_limit, expire_seconds, heartbeat_seconds)
        select queue_id, 'run', jsonb_build_object('runId', run_id), 'standard', 5, 86400, 10 from run`;
}

/** A job that goes on until it is stopped. */
async function untilStopped({ signal }: AttemptContext): Promise<AttemptOutcome> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  return { kind: 'interrupted', error: signal.reason instanceof Error ? signal.reason.message : '' };
}

const backup = (name: string): Job => ({ ...job(name, '@yearly'), work: { kind: 'backup', policy: 'p', cluster: 'main', type: 'full' } });

test('a worker that is stopped puts what it runs back into the queue, and another takes it', async () => {
  const jobs = policies(job('long', '@yearly'));
  const first = start({ policies: jobs, perform: async (_job, context) => await untilStopped(context) });
  await until(() => first.worker.facts().control.kind === 'connected');
  await queueNow('long');
  await until(() => first.worker.facts().running.length === 1);
  await first.stop();
  expect(first.ended).toMatchObject([{ job: 'long', outcome: 'will-retry', error: 'the worker was stopped' }]);
  const second = start({ policies: jobs, perform: async () => await Promise.resolve({ kind: 'succeeded' }) });
  await until(() => second.ended.length === 1);
  expect(second.ended).toMatchObject([{ job: 'long', attempt: 2, outcome: 'succeeded' }]);
  expect([...(await database.sql`select outcome from dbadmin_jobs.run_attempt order by attempt`)]).toEqual([
    { outcome: 'interrupted' },
    { outcome: 'succeeded' },
  ]);
});

test('cut off from the control database a worker stops what another may be given, lets a backup go on, and writes all of it down afterwards', async () => {
  const attempts: string[] = [];
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const { worker, ended, said } = start({
    policies: policies(job('sql', '@yearly'), backup('backup')),
    perform: async ({ name }, context) => {
      attempts.push(`${name} ${context.attempt}`);
      if (name === 'sql') return context.attempt === 1 ? await untilStopped(context) : { kind: 'succeeded' };
      await finished;
      return { kind: context.signal.aborted ? 'interrupted' : 'succeeded', error: 'stopped' };
    },
  });
  await until(() => worker.facts().control.kind === 'connected');
  await queueNow('sql', 'backup');
  await until(() => worker.facts().running.length === 2);
  proxy.cut();
  await until(() => worker.facts().control.kind === 'away');
  await until(() => said.some((text) => text.startsWith('sql is stopped: the control database has not answered')));
  expect(said.filter((text) => text.startsWith('the control database is away'))).toHaveLength(1);
  finish();
  proxy.heal();
  await until(
    () =>
      ended.some(({ outcome, job: name }) => outcome === 'succeeded' && name === 'sql') && ended.some(({ job: name }) => name === 'backup'),
  );
  expect(said.some((text) => text.startsWith('the control database is back after'))).toBe(true);
  expect(attempts.toSorted((left, right) => (left < right ? -1 : 1))).toEqual(['backup 1', 'sql 1', 'sql 2']);
  const runs = await database.sql`select job, state, attempt, failures from dbadmin_jobs.run order by job`;
  expect([...runs]).toEqual([
    { job: 'backup', state: 'succeeded', attempt: 1, failures: 0 },
    { job: 'sql', state: 'succeeded', attempt: 2, failures: 0 },
  ]);
});

test('started without its control database a worker waits for it, and is stopped without it', async () => {
  proxy.cut();
  const { worker, said, stop } = start({ policies: policies(), perform: async () => await Promise.resolve({ kind: 'succeeded' }) });
  await until(() => said.some((text) => text.startsWith('the control database is away')));
  await stop();
  expect(worker.facts().control.kind).toBe('away');
});

test('a role that may not make the tables ends the worker at once, with what to do', async () => {
  const role = `poor_${database.name}`;
  await database.sql.unsafe(`create role ${role} login`);
  const url = new URL(database.url);
  url.username = role;
  const { over } = start({
    policies: policies(),
    perform: async () => await Promise.resolve({ kind: 'succeeded' }),
    connect: async () =>
      await openPool(connectionOfUrl({ env: {}, cwd: '/' }, url.href), { applicationName: 'poor', max: 1, queryTimeoutMs: 2000 }),
  });
  running = [];
  await expect(over).rejects.toMatchObject({ code: 'privilege-missing' });
  await database.sql.unsafe(`drop role ${role}`);
});

test('a schedule that was planned far ahead, by a clock that was wrong, goes on from now and is not waited for', async () => {
  const jobs = policies(job('long', '* * * * *'));
  const perform = async (): Promise<AttemptOutcome> => await Promise.resolve({ kind: 'succeeded' });
  const first = start({ policies: jobs, perform });
  await until(() => first.worker.facts().plannedAt !== undefined);
  await first.stop();
  await database.sql`update dbadmin_jobs.schedule_state set planned_until = '2099-01-01'`;
  const second = start({ policies: jobs, perform });
  await until(() => second.said.some((text) => text.startsWith('the schedule was planned up to 2099-01-01T00:00:00.000Z')));
  await until(async () => {
    const [row] =
      await database.sql`select planned_until < clock_timestamp() + interval '1 minute' as right from dbadmin_jobs.schedule_state`;
    return row?.['right'] === true;
  });
});

test('when the policies change, WAL is received of the clusters that they want now, by the RPO that they have now', async () => {
  proxy.cut();
  const now: string[] = [];
  const receiving: WorkerOptions['receiving'] = {
    own: async () => await Promise.resolve({ check: async () => await Promise.resolve(), release: async () => await Promise.resolve() }),
    receive: async ({ cluster, rpoMs }, signal) => {
      now.push(`${cluster} ${rpoMs}`);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      now.push(`${cluster} ends`);
    },
  };
  const streamed = (...clusters: readonly (readonly [string, number])[]): Policies =>
    ({
      ...policies(),
      policies: new Map(
        clusters.map(([cluster, rpoMs]) => [
          cluster,
          { name: cluster, cluster, repositories: ['local'], labels: [], wal: { mode: 'stream', rpoMs, required: ['local'] } },
        ]),
      ),
    }) as unknown as Policies;
  const quick = {
    ...systemClock,
    sleep: async (delayMs: number, signal?: AbortSignal) => await systemClock.sleep(Math.min(delayMs, 100), signal),
  };
  let changed: (() => Policies) | undefined;
  const reload = async (): Promise<Policies | undefined> => {
    await Promise.resolve();
    const take = changed;
    changed = undefined;
    return take?.();
  };
  const { worker, stop } = start({
    policies: streamed(['kept', 1000], ['dropped', 1000], ['other', 1000]),
    perform: async () => await Promise.resolve({ kind: 'succeeded' }),
    receiving,
    reload,
    clock: quick,
  });
  await until(() => now.length === 3);
  changed = () => {
    throw new DbadminError('policies-invalid', '1 problem in policies.yaml', { detail: 'policies.yaml:3:1: no' });
  };
  await until(() => worker.policiesProblem !== undefined);
  expect(worker.policiesProblem).toBe('1 problem in policies.yaml (policies.yaml:3:1: no)');
  expect(now).toHaveLength(3);
  changed = () => streamed(['kept', 1000], ['other', 200], ['new', 1000]);
  await until(() => now.length === 7);
  expect(worker.policiesProblem).toBeUndefined();
  expect(now.slice(3).toSorted()).toEqual(['dropped ends', 'new 1000', 'other 200', 'other ends']);
  expect(now.indexOf('other ends')).toBeLessThan(now.indexOf('other 200'));
  expect(
    worker
      .facts()
      .receptions.map(({ cluster }) => cluster)
      .toSorted(),
  ).toEqual(['kept', 'new', 'other']);
  await stop();
  expect(now.filter((text) => text.endsWith(' ends'))).toHaveLength(5);
});

test('WAL is received by one worker at a time, and by the next when that one stops, whether or not there is a control database', async () => {
  proxy.cut();
  const now: string[] = [];
  let owner: string | undefined;
  const receiving = (name: string): WorkerOptions['receiving'] => ({
    own: async () => {
      await Promise.resolve();
      if (owner !== undefined) throw new DbadminError('locked', `${owner} has it`);
      owner = name;
      return {
        check: async () => await Promise.resolve(),
        release: async () => {
          await Promise.resolve();
          owner = undefined;
        },
      };
    },
    receive: async (_reception, signal) => {
      now.push(name);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  });
  const stream = {
    name: 'p',
    cluster: 'main',
    repositories: ['local'],
    labels: [],
    wal: { mode: 'stream', rpoMs: 1000, required: ['local'] },
  };
  const kept = { ...policies(), policies: new Map([['p', stream]]) } as unknown as Policies;
  const perform = async (): Promise<AttemptOutcome> => await Promise.resolve({ kind: 'succeeded' });
  const quick = {
    ...systemClock,
    sleep: async (delayMs: number, signal?: AbortSignal) => await systemClock.sleep(Math.min(delayMs, 500), signal),
  };
  const first = start({ policies: kept, perform, receiving: receiving('w1'), clock: quick });
  await until(() => now.length === 1);
  const second = start({ policies: kept, perform, receiving: receiving('w2'), clock: quick });
  await until(() => second.worker.facts().receptions[0]?.state === 'standby');
  await first.stop();
  await until(() => now.length === 2);
  expect(now).toEqual(['w1', 'w2']);
  expect(second.worker.facts().receptions).toMatchObject([{ cluster: 'main', state: 'receiving' }]);
});
