import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { performJob } from '../../../src/commands/schedule/perform.ts';
import { connectionOfUrl, loadConfig } from '../../../src/config/load.ts';
import { openPool, type ConnectionPool } from '../../../src/postgres/pool.ts';
import { ensureTables } from '../../../src/schedule/control/tables-apply.ts';
import { beginTimerRun, type TimerRun } from '../../../src/schedule/control/timer-runs-apply.ts';
import type { Config } from '../../../src/config/config.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { startProxy } from '../../schedule/tcp-proxy.ts';

let database: TestDatabase;
let pool: ConnectionPool;
let config: Config;
let run: TimerRun;
let time = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  config = await loadConfig({ env: { HOME: '/nonexistent' }, cwd: '/' }, { url: database.url });
  pool = await openPool(connectionOfUrl({ env: {}, cwd: '/' }, database.url), { applicationName: 'test', max: 2, queryTimeoutMs: 10_000 });
  await ensureTables(pool, 'dbadmin_jobs');
  await database.sql`create table effect (job text, due timestamptz)`;
  await database.sql.unsafe(
    'create procedure in_pieces(then_s int default 0) language plpgsql as $$ begin insert into effect values (current_setting($s$dbadmin.job$s$), null); commit; perform pg_sleep(then_s); end $$',
  );
});
afterAll(async () => {
  await pool.close();
  await database.drop();
});
beforeEach(async () => {
  await database.sql`truncate effect, dbadmin_jobs.run cascade`;
  run = await begin('j');
});

async function begin(job: string): Promise<TimerRun> {
  return await beginTimerRun({ pool, schema: 'dbadmin_jobs' }, { job, due: new Date((time += 1000)), cause: 'timer', by: 'w1' });
}

const OWN = "insert into effect values (current_setting('dbadmin.job'), current_setting('dbadmin.due')::timestamptz)";

interface With {
  /** The job's name, j unless given. */
  readonly job?: string;
  readonly run?: TimerRun | undefined;
  readonly signal?: AbortSignal;
  readonly config?: Config;
  /** Gets what is printed. */
  readonly said?: string[];
}

async function perform(text: string, with_: With = { run }) {
  const todo = { kind: 'sql', sql: text, cluster: undefined, database: undefined } as const;
  const signal = with_.signal ?? new AbortController().signal;
  return await performJob({ env: {} }, with_.config ?? config, todo, {
    job: with_.job ?? 'j',
    due: new Date(1_800_000_000_000),
    run: with_.run,
    signal,
    output: (text) => void with_.said?.push(text),
  });
}

const effects = async () => [...(await database.sql`select job, due from effect`)];
const marked = async () => (await database.sql`select outcome from dbadmin_jobs.run_attempt`)[0]?.['outcome'] as string | null;

test('SQL in the control database knows its job and time, and says in its own transaction that it is done', async () => {
  expect(await perform(OWN)).toEqual({ kind: 'succeeded' });
  expect(await effects()).toEqual([{ job: 'j', due: new Date(1_800_000_000_000) }]);
  expect(await marked()).toBe('succeeded');
});

test('a run that has passed to another worker has no effect', async () => {
  await database.sql`update dbadmin_jobs.run set attempt = attempt + 1`;
  expect(await perform(OWN)).toMatchObject({ kind: 'interrupted', error: expect.stringContaining('given to another worker') });
  expect(await effects()).toEqual([]);
});

test('a statement that fails leaves nothing of those before it', async () => {
  expect(await perform(`${OWN}; select 1/0`)).toMatchObject({ kind: 'failed', error: 'division by zero (22012)' });
  expect(await effects()).toEqual([]);
  expect(await marked()).toBeNull();
});

test('what cannot run inside of a transaction runs without one', async () => {
  expect(await perform('vacuum effect')).toEqual({ kind: 'succeeded' });
  expect(await perform('call in_pieces()')).toEqual({ kind: 'succeeded' });
  expect(await effects()).toEqual([{ job: 'j', due: null }]);
});

test('without a run, or where the control database is another, the job is done and nothing else', async () => {
  expect(await perform(OWN, {})).toEqual({ kind: 'succeeded' });
  await database.sql`delete from dbadmin_jobs.run`;
  expect(await perform(OWN)).toEqual({ kind: 'succeeded' });
  expect(await effects()).toHaveLength(2);
});

const running = async () => [
  ...(await database.sql`select query from pg_stat_activity where application_name = 'dbadmin job j' and state = 'active'`),
];

/** Where it sleeps, or waits for a lock: before that it may be anywhere, also in a transaction that it is about to be refused in. */
const waiting = async (job = 'j') => [
  ...(await database.sql`
    select query from pg_stat_activity where application_name = ${`dbadmin job ${job}`} and state = 'active' and wait_event_type in ('Timeout', 'Lock')`),
];

/** Does the job, and stops it once the server waits in its query. */
async function stopIn(text: string, with_: With, onRunning: () => void = () => undefined) {
  const stop = new AbortController();
  const ending = perform(text, { ...with_, signal: stop.signal });
  await expect.poll(async () => await waiting(with_.job), { timeout: 20_000 }).toEqual([{ query: text }]);
  onRunning();
  stop.abort(new Error('the worker was stopped'));
  return await ending;
}

const STOPPED = { kind: 'interrupted', error: 'the worker was stopped' };

test('a job that has to stop stops in the middle of its query, in the server, too', async () => {
  expect(await stopIn(`${OWN}; select pg_sleep(60)`, { run })).toEqual(STOPPED);
  expect(await running()).toEqual([]);
  expect(await stopIn(`${OWN}; select pg_sleep(61)`, {})).toEqual(STOPPED);
  expect(await running()).toEqual([]);
  expect(await effects()).toEqual([]);
});

test('a job that was stopped before it is connected does not begin', async () => {
  expect(await perform(OWN, { signal: AbortSignal.abort(new Error('the worker was stopped')) })).toEqual(STOPPED);
  expect(await effects()).toEqual([]);
});

test('a job that does not heed the first time that it is cancelled is cancelled again', async () => {
  const twice = `do $$ begin begin perform pg_sleep(60); exception when query_canceled then null; end; perform pg_sleep(63); end $$`;
  expect(await stopIn(twice, { run })).toEqual(STOPPED);
  expect(await running()).toEqual([]);
});

test('of a job that is cancelled outside of a transaction what it may leave is told', async () => {
  const outcome = await stopIn('call in_pieces(60)', { run });
  expect(outcome).toEqual({
    kind: 'interrupted',
    error: 'the worker was stopped; it ran outside of a transaction, and what it had done by then stays',
  });
  expect(await effects()).toHaveLength(1);
});

test.each([
  ['in the control database', () => ({ run })],
  ['elsewhere', () => ({})],
])('of an index that is cancelled while it is built concurrently it is told that it may be invalid: %s', async (_, with_) => {
  const reader = await database.sql.reserve();
  try {
    await reader`begin`;
    await reader`insert into effect values ('held', null)`;
    const outcome = await stopIn('create index concurrently effect_due on effect (due)', with_());
    expect(outcome).toEqual({
      kind: 'interrupted',
      error: expect.stringMatching(/^the worker was stopped; .* can leave an invalid index/) as string,
    });
    expect(await database.sql`select indisvalid from pg_index where indexrelid = 'effect_due'::regclass`).toEqual([{ indisvalid: false }]);
  } finally {
    await reader`rollback`;
    reader.release();
    await database.sql`drop index if exists effect_due`;
  }
});

/** The SQL of a job goes on whatever it is told: what comes while it is between two sleeps is caught by the loop around them. */
async function stopHeedless(): Promise<void> {
  const text = `do $$ begin loop begin
    loop begin perform pg_sleep(60); exception when query_canceled then raise notice 'not heeded'; end; end loop;
    exception when query_canceled then raise notice 'not heeded'; end; end loop; end $$`;
  const said: string[] = [];
  const outcome = await stopIn(text, { run, said });
  // By its statement: the session of a test before it may not have gone yet.
  const jobs = await database.sql<{ pid: number }[]>`
    select pid from pg_stat_activity where application_name = 'dbadmin job j' and query = ${text}`;
  const goesOn = `its SQL did not end within 5 s of being cancelled, and may go on in the server (process ${jobs[0]?.pid ?? 0})`;
  expect({ outcome, said }).toEqual({
    outcome: { kind: 'interrupted', error: `the worker was stopped; ${goesOn}` },
    said: [...said.slice(0, -1), `${goesOn}\n`],
  });
  expect(said.filter((text) => text === 'NOTICE: not heeded\n').length).toBeGreaterThanOrEqual(3);
}

/** Whoever asks the server to cancel the SQL of a job does not get there. */
async function stopUnheard(job: 'refuse' | 'cut'): Promise<void> {
  const { hostname, port } = new URL(database.url);
  const proxy = await startProxy(hostname, Number(port));
  const throughProxy = new URL(database.url);
  throughProxy.host = `127.0.0.1:${proxy.port}`;
  try {
    const config = await loadConfig({ env: { HOME: '/nonexistent' }, cwd: '/' }, { url: throughProxy.href });
    const outcome = await stopIn('select pg_sleep(62)', { job, run: await begin(job), config }, () => proxy[job]());
    expect(outcome).toEqual({ kind: 'interrupted', error: expect.stringContaining('; its SQL did not end within 5 s') as string });
  } finally {
    await proxy.close();
  }
}

// Beside each other: each takes the five seconds.
test('a job that does not heed that it is cancelled, or whose cancel request does not get to the server, is left, and nothing else comes of it', async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);
  process.on('unhandledRejection', onUnhandled);
  try {
    const ways = { heedless: stopHeedless(), refused: stopUnheard('refuse'), cut: stopUnheard('cut') };
    await Promise.allSettled(Object.values(ways));
    for (const [way, stopped] of Object.entries(ways)) await expect(stopped, way).resolves.toBeUndefined();
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', onUnhandled);
    await database.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'dbadmin job %'`;
  }
});

test.each(['answers', 'is cut off'] as const)(
  'a job that is stopped before its SQL has begun says nothing of SQL that goes on: its server %s',
  async (how) => {
    const { hostname, port } = new URL(database.url);
    const proxy = await startProxy(hostname, Number(port));
    const throughProxy = new URL(database.url);
    throughProxy.host = `127.0.0.1:${proxy.port}`;
    const config = await loadConfig({ env: { HOME: '/nonexistent' }, cwd: '/' }, { url: throughProxy.href });
    const alters = await database.sql.reserve();
    try {
      await alters`begin`;
      await alters`lock table dbadmin_jobs.run in access exclusive mode`;
      const said: string[] = [];
      const stop = new AbortController();
      const ending = perform(OWN, { run, config, said, signal: stop.signal });
      await expect
        .poll(async () => await waiting(), { timeout: 20_000 })
        .toEqual([{ query: expect.stringContaining('dbadmin_jobs.run') as string }]);
      if (how === 'is cut off') proxy.cut();
      stop.abort(new Error('the worker was stopped'));
      expect(await ending).toEqual(STOPPED);
      expect(said).toEqual([]);
      // Cancelled, where that is possible: nobody has to wait for the lock.
      if (how === 'answers') expect(await running()).toEqual([]);
    } finally {
      await alters`rollback`;
      alters.release();
      await database.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dbadmin job j'`;
      await proxy.close();
    }
    expect(await effects()).toEqual([]);
  },
);
