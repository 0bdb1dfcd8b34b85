import postgres from 'postgres';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { describeActivity, type Activity } from '../../../src/migrate/watch/activity.ts';
import type { HeldLock } from '../../../src/migrate/watch/held-locks.ts';
import { inspectPreflight } from '../../../src/migrate/watch/inspect-preflight.ts';
import type { Touched } from '../../../src/migrate/watch/preflight.ts';
import { openSession } from '../../../src/migrate/session/session.ts';
import { createTestDatabase } from '../../postgres/fixture.ts';
import { startCommand } from './command.ts';
import { createProject, parametersOf, type TestProject } from './project.ts';

const database = await createTestDatabase();
const { sql } = database;
afterAll(async () => await database.drop());

let project: TestProject;
let other: postgres.Sql;
beforeEach(async () => {
  project = await createProject(database.url);
  other = postgres(database.url, { max: 1, onnotice: () => undefined, connection: { application_name: 'svc_api' } });
  await sql.unsafe('create table a (id int); create table b (id int); insert into a select generate_series(1, 1000)');
});
afterEach(async () => {
  await other.end();
  await project.delete();
  await sql.unsafe('drop schema if exists dbadmin cascade; drop schema public cascade; create schema public');
});

const heldMs = (locks: readonly HeldLock[], relation: string, mode: string): number =>
  locks.find((lock) => lock.relation === relation && lock.mode === mode)?.heldMs ?? -1;

test('while a statement waits, the session that blocks it is named, and the wait is not counted as holding', async () => {
  await project.write('migrations/1_a.sql', 'alter table a add b int;');
  await other.unsafe('begin; update a set id = id where id = 7');
  const seen: (Activity | undefined)[] = [];
  const running = project.up({ onActivity: (activity) => void seen.push(activity) });
  while (seen.length === 0) await systemClock.sleep(50);
  await systemClock.sleep(1000);
  await other.unsafe('commit');
  const { versioned } = await running;
  const [first] = seen.filter((activity) => activity !== undefined);
  expect(first === undefined ? '' : describeActivity(first)).toMatch(
    /^waiting \d+ ms for AccessExclusive on public\.a, behind process \d+ \(postgres, svc_api, idle in transaction, its transaction open for .*\): begin; update a set id = id where id = 7$/,
  );
  expect(seen.at(-1)).toBeUndefined();
  const held = heldMs(versioned[0]?.locks ?? [], 'public.a', 'AccessExclusiveLock');
  expect(versioned[0]?.tookMs).toBeGreaterThan(1200);
  expect(held).toBeGreaterThanOrEqual(0);
  expect(held).toBeLessThan((versioned[0]?.tookMs ?? 0) - 900);
  expect((await sql`select locks from dbadmin.migration_history`)[0]?.['locks']).toEqual(versioned[0]?.locks);
});

test('each lock counts from the statement that took it to the end of the file; tables of the file itself are left out', async () => {
  await project.write(
    'migrations/1_a.sql',
    'create table c (id int); alter table a add b int;\nselect pg_sleep(0.3);\ncreate index on b (id);\nselect pg_sleep(0.1);\nalter table c add d int;',
  );
  const { versioned } = await project.up();
  const locks = versioned[0]?.locks ?? [];
  const [a, b] = [heldMs(locks, 'public.a', 'AccessExclusiveLock'), heldMs(locks, 'public.b', 'ShareLock')];
  expect(a).toBeGreaterThanOrEqual(400);
  expect(a).toBeLessThan(1500);
  expect(b).toBeGreaterThanOrEqual(100);
  expect(b).toBeLessThan(a - 200);
  expect(new Set(locks.map(({ relation }) => relation))).toEqual(new Set(['public.a', 'public.b']));
});

test('an index that is built concurrently says what it waits for and whom, and its lock is in the history', async () => {
  await project.write('migrations/1_i.sql', '-- dbadmin: no-transaction\ncreate index concurrently a_id on a (id);');
  await other.unsafe('begin; update a set id = id where id = 7');
  const seen: string[] = [];
  const running = project.up({ onActivity: (activity) => void seen.push((activity && describeActivity(activity)) ?? '') });
  while (!seen.some((text) => text.includes('behind'))) await systemClock.sleep(50);
  await systemClock.sleep(700);
  await other.unsafe('commit');
  const { versioned } = await running;
  expect(seen.find((text) => text.includes('behind'))).toMatch(
    /^waiting for writers before build.*; waiting .* for Share on the end of a transaction, behind process \d+ \(postgres, svc_api, idle in transaction/,
  );
  expect(heldMs(versioned[0]?.locks ?? [], 'public.a', 'ShareUpdateExclusiveLock')).toBeGreaterThan(700);
});

test('the command says it without a terminal: the wait once, and after the file how long others were kept out', async () => {
  await project.write('sql/migrations/1_a.sql', 'alter table a add b int;\nselect pg_sleep(0.2);');
  await other.unsafe('begin; select * from a');
  const { ended } = startCommand(project.directory, ['migrate', '--url', database.url]);
  const waits = async (): Promise<boolean> => (await sql`select from pg_locks where not granted and relation = 'a'::regclass`).length > 0;
  while (!(await waits())) await systemClock.sleep(50);
  await systemClock.sleep(1500);
  await other.unsafe('commit');
  const { status, stdout, stderr } = await ended;
  expect(status).toBe(0);
  expect(
    stderr.match(/waiting .* for AccessExclusive on public\.a, behind process \d+ \(postgres, svc_api, idle in transaction/g),
  ).toHaveLength(1);
  expect(stdout).toMatch(/1_a\.sql +2 statements .*\n {4}held AccessExclusive on public\.a \d+ ms\n/);
});

test('a transaction that is open for long and in the way is named before anything waits; one that is not in the way is not', async () => {
  const session = await openSession(parametersOf(database.url), { applicationName: 'test' });
  const limits = { transactionMs: 100, replicaBytes: 0 };
  const named = async (touched: Touched): Promise<readonly (string | undefined)[]> =>
    (await inspectPreflight(session, touched, limits)).transactions.map(({ application, state }) => `${application} ${state}`);
  try {
    await other.unsafe('begin; select * from b');
    await systemClock.sleep(150);
    expect(await named({ relations: ['a', 'public.gone', 'gone'], waitsForAll: false })).toEqual([]);
    expect(await named({ relations: ['public.b'], waitsForAll: false })).toEqual(['svc_api idle in transaction']);
    expect(await named({ relations: [], waitsForAll: true })).toEqual(['svc_api idle in transaction']);
    await other.unsafe('commit');
    expect(await named({ relations: ['public.b'], waitsForAll: true })).toEqual([]);
  } finally {
    await session.close();
  }
});

test('what a busy server costs a run is said before it, and once', async () => {
  await project.write('migrations/1_a.sql', 'select 1;');
  const { preflight, warnings } = await project.up({ beforeRun: async () => await Promise.resolve(['no drill yet']) });
  expect([preflight, warnings]).toEqual([['no drill yet'], []]);
  expect(project.messages.filter((message) => message === 'no drill yet')).toHaveLength(1);
});
