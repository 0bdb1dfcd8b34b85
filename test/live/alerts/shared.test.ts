import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runAlerts, type AlertRun } from '../../../src/alerts/run.ts';
import { SharedAlerts } from '../../../src/alerts/shared-apply.ts';
import { AlertFile } from '../../../src/alerts/state-apply.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { Condition } from '../../../src/base/condition.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Secret } from '../../../src/base/secret.ts';
import { connectionOfUrl } from '../../../src/config/load.ts';
import { openPool } from '../../../src/postgres/pool.ts';
import { ensureTables } from '../../../src/schedule/control/tables-apply.ts';
import { createTestDatabase, type TestDatabase } from '../../postgres/fixture.ts';
import { startWebhook, type WebhookServer } from '../status/receivers.ts';

const SCHEMA = 'dbadmin_jobs';
const NOON = Date.parse('2026-11-21T12:00:00Z');
let directory: string;
let database: TestDatabase;
let isAway = false;
let hook: WebhookServer;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-alerts-'));
  database = await createTestDatabase();
  hook = await startWebhook();
});
afterAll(async () => {
  await hook.close();
  await database.drop();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  isAway = false;
  hook.answer = { status: 204 };
  hook.received.splice(0);
  await rm(path.join(directory, 'files'), { recursive: true, force: true });
  await database.sql.unsafe(`drop schema if exists ${SCHEMA} cascade`);
  const pool = await openPool(connectionOfUrl({ env: {}, cwd: '/' }, database.url), { applicationName: 't', max: 1, queryTimeoutMs: 9000 });
  await ensureTables(pool, SCHEMA);
  await pool.close();
});

/** A worker's alerts, each on a machine of its own; `machine` names the copy it begins with. */
function worker(name: string, machine = name): SharedAlerts {
  const file = new AlertFile(path.join(directory, 'files', machine));
  const connect = async () => {
    const url = new URL(database.url);
    // Where nobody listens.
    if (isAway) url.port = '1';
    const parameters = connectionOfUrl({ env: {}, cwd: '/' }, url.href);
    return { pool: await openPool(parameters, { applicationName: name, max: 1, queryTimeoutMs: 60_000 }), schema: SCHEMA };
  };
  return new SharedAlerts({ file, name, connect });
}

/** Looks at one thing that is bad or good, so many minutes after noon. */
async function look(store: SharedAlerts, state: Condition['state'], minutes: number, subject = 'local'): Promise<AlertRun> {
  const about = { kind: 'backup-late', cluster: 'main', policy: undefined, severity: 'late' } as const;
  const clock: Clock = { now: () => new Date(NOON + minutes * 60_000), sleep: async () => await Promise.resolve() };
  const channel = { kind: 'webhook', url: new Secret(hook.url), secret: undefined } as const;
  return await runAlerts([{ ...about, subject, state, what: 'it is late', next: 'dbadmin backup run', holdMs: 0, settleMs: 0 }], {
    store,
    receivers: [{ name: 'hook', policy: undefined, cluster: undefined, on: ['failed', 'late', 'recovered'], channel }],
    project: 'shop',
    clock,
    log: silentLog,
    signal: new AbortController().signal,
  });
}

const told = (): readonly string[] => hook.received.map(({ message }) => message.event);
/** As if the teller had not looked for two and a half minutes. */
async function expire(): Promise<void> {
  await database.sql.unsafe(`update ${SCHEMA}.alert_state set tells_until = clock_timestamp()`);
}

test('however many workers look at once, what is wrong is told once, and once that it is over', async () => {
  const workers = ['w1', 'w2', 'w3', 'w4'].map((name) => worker(name));
  for (const [minute, state] of [
    [0, 'bad'],
    [1, 'bad'],
    [2, 'good'],
    [3, 'good'],
  ] as const)
    await Promise.all(workers.map(async (each) => await look(each, state, minute)));
  expect(told()).toEqual(['raised', 'over']);
  const teller = (await workers[0]?.read())?.teller;
  expect((await look(worker('w5'), 'bad', 4)).standsByFor).toBe(teller);
});

test('another takes over from a teller that is gone, tells nothing again, and sends what was still on its way', async () => {
  const [first, second] = [worker('w1'), worker('w2')];
  await look(first, 'bad', 0);
  expect(told()).toEqual(['raised']);
  hook.answer = { status: 503 };
  await look(first, 'good', 1);
  expect((await look(second, 'good', 2)).standsByFor).toBe('w1');
  hook.answer = { status: 204 };
  await expire();
  const taken = await look(second, 'good', 3);
  expect([taken.standsByFor, taken.events, taken.delivered.length]).toEqual([undefined, [], 1]);
  // Both attempts to say that it is over have one id.
  expect([told(), new Set(hook.received.map(({ message }) => message.id)).size]).toEqual([['raised', 'over', 'over'], 2]);
  // Whoever was taken for dead and is not tells nothing.
  expect((await look(first, 'good', 4)).standsByFor).toBe('w2');
  await second.release();
  expect((await look(first, 'bad', 5)).events).toHaveLength(1);
});

test('a worker that is stopped lets another tell at once', async () => {
  const [first, second] = [worker('w1'), worker('w2')];
  await look(first, 'bad', 0);
  await second.release();
  expect((await look(second, 'good', 1)).standsByFor).toBe('w1');
  await first.release();
  await look(second, 'good', 2);
  expect(told()).toEqual(['raised', 'over']);
});

test('while the control database is away its teller goes on, and what it raised is over once, whoever sees that', async () => {
  const [first, second] = [worker('w1'), worker('w2')];
  await look(first, 'good', 0);
  await look(second, 'good', 0);
  isAway = true;
  const alone = await look(first, 'bad', 1);
  expect([alone.events.length, alone.problem]).toEqual([1, expect.stringContaining('control database is away')]);
  expect((await look(second, 'bad', 2)).standsByFor).toContain('while the control database is away');
  await look(first, 'bad', 3);
  expect(told()).toEqual(['raised']);
  isAway = false;
  await expire();
  // The other is first to come back, and takes over with nothing known of it; the copy of the first is brought in after that.
  await look(second, 'bad', 3.5, 'elsewhere');
  expect(await look(first, 'good', 4)).toMatchObject({ standsByFor: 'w2', events: [] });
  await look(second, 'good', 5);
  await look(first, 'good', 6);
  expect(told().filter((event) => event === 'over')).toHaveLength(2);
  expect(hook.received.map(({ message }) => `${message.event} ${message.subject ?? ''}`).sort()).toEqual([
    'over elsewhere',
    'over local',
    'raised elsewhere',
    'raised local',
  ]);
});

test('whoever stood by tells by itself when the control database has been away for five minutes', async () => {
  const [first, second] = [worker('w1'), worker('w2')];
  await look(first, 'good', 0);
  await look(second, 'good', 0);
  isAway = true;
  expect((await look(second, 'bad', 1)).events).toEqual([]);
  // Another process of the same machine knows as much by the copy.
  expect((await look(worker('w2'), 'bad', 5)).events).toEqual([]);
  expect((await look(second, 'bad', 7)).events).toHaveLength(1);
  isAway = false;
  await look(second, 'bad', 8);
  await look(first, 'good', 9);
  expect(told()).toEqual(['raised', 'over']);
});

test('a file from before anything was shared is brought in: what it told is not told again', async () => {
  const file = new AlertFile(path.join(directory, 'files', 'old'));
  const state = await look(worker('w0', 'scratch'), 'bad', 0);
  await database.sql.unsafe(`update ${SCHEMA}.alert_state set state = null, tells_until = null`);
  const { copy: _, ...plain } = { ...state.state, copy: undefined };
  await file.write(plain);
  expect((await look(worker('w1', 'old'), 'bad', 1)).events).toEqual([]);
  await look(worker('w1', 'old'), 'good', 2);
  expect(told()).toEqual(['raised', 'over']);
});

test('a state that a newer dbadmin has written is not told over', async () => {
  await database.sql.unsafe(`update ${SCHEMA}.alert_state set state = '{"version": 99}'`);
  await expect(look(worker('w1'), 'bad', 0)).rejects.toMatchObject({ code: 'file-unreadable' });
  expect(told()).toEqual([]);
});
