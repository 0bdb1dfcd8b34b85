import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { performJob } from '../../../src/commands/schedule/perform.ts';
import { connectionOfUrl, loadConfig } from '../../../src/config/load.ts';
import { openPool, type ConnectionPool } from '../../../src/postgres/pool.ts';
import { ensureTables } from '../../../src/schedule/control/tables-apply.ts';
import { beginTimerRun, type TimerRun } from '../../../src/schedule/control/timer-runs-apply.ts';
import type { Config } from '../../../src/config/config.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';

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
    'create procedure in_pieces() language plpgsql as $$ begin insert into effect values (current_setting($s$dbadmin.job$s$), null); commit; end $$',
  );
});
afterAll(async () => {
  await pool.close();
  await database.drop();
});
beforeEach(async () => {
  await database.sql`truncate effect, dbadmin_jobs.run cascade`;
  run = await beginTimerRun({ pool, schema: 'dbadmin_jobs' }, { job: 'j', due: new Date((time += 1000)), cause: 'timer', by: 'w1' });
});

const OWN = "insert into effect values (current_setting('dbadmin.job'), current_setting('dbadmin.due')::timestamptz)";

async function perform(text: string, with_: { readonly run?: TimerRun | undefined; readonly signal?: AbortSignal } = { run }) {
  const todo = { kind: 'sql', sql: text, cluster: undefined, database: undefined } as const;
  const signal = with_.signal ?? new AbortController().signal;
  return await performJob({ env: {} }, config, todo, {
    job: 'j',
    due: new Date(1_800_000_000_000),
    run: with_.run,
    signal,
    output: () => undefined,
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

test('a job that has to stop stops in the middle of its query', async () => {
  const stop = new AbortController();
  const ending = perform('select pg_sleep(60)', { run, signal: stop.signal });
  setTimeout(() => stop.abort(new Error('the worker was stopped')), 500);
  expect(await ending).toEqual({ kind: 'interrupted', error: 'the worker was stopped' });
});
