import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isDbadminError } from '../../src/base/errors.ts';
import { connectionOfUrl } from '../../src/config/load.ts';
import { openPool, type ConnectionPool } from '../../src/postgres/pool.ts';
import { applyManual } from '../../src/schedule/control/due-apply.ts';
import { RunQueue } from '../../src/schedule/control/queue-run.ts';
import { ensureTables } from '../../src/schedule/control/tables-apply.ts';
import { commandEnd, runCommand, type CommandEnd } from '../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import { CLI } from '../built-command.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';
import { startProxy, type TcpProxy } from '../schedule/tcp-proxy.ts';
import { job } from '../unit/schedule/job.ts';

/** A short sample in every run; `npm run test:workers` goes on for ten minutes. */
const SECONDS = Number(process.env['DBADMIN_TEST_WORKERS'] ?? '14');
const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '7');
const SCHEMA = 'dbadmin_jobs';
const JOBS = ['one', 'two', 'three', 'four', 'five'];

// Every effect says which time it is for; that of a job is there once for each of its times, or the test fails. The restart of the
// server in between breaks what runs just then: without retries that is a failure, as it would be for anybody.
const POLICIES = `version: 1
policies:
  app:
    cluster: main
    repositories: [local]
    base: { full: { cron: "0 0 1 1 *", timezone: UTC, retries: 5, retry_delay: 1s } }
    wal: { mode: stream, rpo: 500ms }
    limits: { rate: 2MB/s }
jobs:
${JOBS.map((name, index) => `  ${name}: { cron: "0 0 1 1 *", timezone: UTC, retries: 5, retry_delay: 1s, sql: "select pg_sleep(${index * 0.6}); insert into effect select current_setting('dbadmin.job'), current_setting('dbadmin.due')::timestamptz" }`).join('\n')}
`;

let directory: string;
let cluster: TestCluster;
let proxy: TcpProxy;
let pool: ConnectionPool;
let queue: RunQueue;
let sql: postgres.Sql;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startEmbeddedCluster({ major: 17, settings: { max_wal_senders: 10, wal_sender_timeout: '10s' } });
  proxy = await startProxy(cluster.host, cluster.port);
  await makeRepository(path.join(directory, 'repository'));
  await mkdir(path.join(directory, 'backups'));
  await writeFile(path.join(directory, 'backups', 'policies.yaml'), POLICIES);
  const through = new URL(cluster.url());
  through.port = String(proxy.port);
  for (const [name, url] of [
    ['dbadmin', cluster.url()],
    ['cut', through.href],
  ] as const)
    await writeFile(
      path.join(directory, `${name}.yaml`),
      `version: 1\nclusters:\n  main: { url: ${JSON.stringify(cluster.url())}, repositories: [local] }\nrepositories:\n  local: { type: disk, path: ${JSON.stringify(path.join(directory, 'repository'))} }\ncontrol: { url: ${JSON.stringify(url)}, heartbeat: 10s }\n`,
      { mode: 0o600 },
    );
  sql = postgres(cluster.url(), { max: 2, onnotice: () => undefined });
  await sql`create table effect (job text, due timestamptz, at timestamptz default clock_timestamp())`;
  await openQueue();
});
afterAll(async () => {
  await queue.stop();
  await pool.close();
  await sql.end({ timeout: 1 });
  await proxy.close();
  await cluster.stop();
  await removeDirectory(directory);
});

async function openQueue(): Promise<void> {
  pool = await openPool(connectionOfUrl({ env: {}, cwd: '/' }, cluster.url()), { applicationName: 'test', max: 2, queryTimeoutMs: 5000 });
  await ensureTables(pool, SCHEMA);
  queue = new RunQueue(pool, { schema: SCHEMA, heartbeatSeconds: 10, supervises: false, onError: () => undefined });
  await queue.start(['run']);
}

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

interface Running {
  readonly name: string;
  readonly child: ChildProcess;
  readonly end: Promise<CommandEnd>;
}

function start(name: string, config: string): Running {
  const words = ['worker', '--config', path.join(directory, `${config}.yaml`), '--name', name, '--listen', 'off', '--no-alerts'];
  const child = spawn(process.execPath, [CLI, ...words, '--grace', '5s'], {
    env: { ...process.env, XDG_STATE_HOME: path.join(directory, name), TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { name, child, end: commandEnd(child) };
}

const WORKERS = [
  ['w1', 'dbadmin'],
  ['w2', 'dbadmin'],
  ['w3', 'cut'],
] as const;

/** How often each of the writers of the cluster's lease was seen at once: never more than one is held. */
async function watchLeases(until: AbortSignal): Promise<number> {
  let most = 0;
  while (!until.aborted) {
    const [row] = await sql<{ senders: number }[]>`
      select count(*)::int as senders from pg_stat_replication where state = 'backup'`.catch(() => []);
    most = Math.max(most, row?.senders ?? 0);
    await pause(100);
  }
  return most;
}

test(`three workers killed in turn for ${SECONDS} s, seed ${SEED}: every time has its effect once, and one at a time backs up`, async () => {
  const roll = random(SEED);
  const workers = new Map(WORKERS.map(([name, config]) => [name, start(name, config)]));
  const ends: Promise<CommandEnd>[] = [];
  const over = new AbortController();
  const watching = watchLeases(over.signal);
  const asked = { runs: 0, kills: 0, backups: 0 };
  await everybodyIsThere();
  const began = performance.now();
  const share = (): number => (performance.now() - began) / 1000 / SECONDS;
  let nextKill = began + 6000;
  const events = [
    { at: 0.35, what: async () => await Promise.resolve(proxy.cut()) },
    { at: 0.55, what: async () => await cluster.restart() },
    { at: 0.8, what: async () => await Promise.resolve(proxy.heal()) },
  ];
  try {
    while (share() < 1) {
      await pause(200 + roll() * 600);
      for (const event of events.splice(0).toSorted((left, right) => left.at - right.at)) {
        if (event.at > share()) events.push(event);
        else await event.what();
      }
      // One a minute, while none runs.
      if (asked.backups < Math.ceil((share() * SECONDS) / 60) && (await manual('app.full'))) asked.backups += 1;
      if (await manual(JOBS[Math.floor(roll() * JOBS.length)] ?? 'one')) asked.runs += 1;
      if (performance.now() < nextKill) continue;
      nextKill = performance.now() + 4000 + roll() * 4000;
      const [name, config] = await nextVictim(asked.kills);
      const victim = workers.get(name);
      victim?.child.kill('SIGKILL');
      if (victim !== undefined) ends.push(victim.end);
      asked.kills += 1;
      workers.set(name, start(name, config));
    }
    proxy.heal();
    await settled();
  } finally {
    over.abort();
    for (const { child } of workers.values()) child.kill('SIGTERM');
    await Promise.all([...workers.values()].map(async ({ end }) => await end));
    await Promise.all(ends);
  }
  const stopped = await Promise.all([...workers.values()].map(async ({ end }) => await end));
  const said = stopped.map(({ status, stderr }) => `${String(status)} ${status === 0 ? '' : stderr}`);
  expect(said).toEqual(['0 ', '0 ', '0 ']);

  // The state of every run, and what of it is there.
  const wrong = await sql`
    select job, due, state, error, (select count(*)::int from effect e where (e.job, e.due) = (r.job, r.due)) as effects
      from ${sql(SCHEMA)}.run r where job <> 'app.full' and (state <> 'succeeded' or (select count(*) from effect e where (e.job, e.due) = (r.job, r.due)) <> 1)`;
  expect([...wrong]).toEqual([]);
  const [counts] =
    await sql`select count(*)::int as effects, (select count(*)::int from ${sql(SCHEMA)}.run where attempt > 1) as again from effect`;
  expect(counts?.['effects']).toBe(asked.runs);
  expect(asked.kills).toBeGreaterThan(1);
  expect(counts?.['again']).toBeGreaterThan(0);

  // The backup that was running when its worker died was repeated, and never were there two.
  expect(await watching).toBeLessThanOrEqual(1);
  const backups = await sql<{ state: string; error: string | null; attempt: number }[]>`
    select state, error, attempt from ${sql(SCHEMA)}.run where job = 'app.full'`;
  expect(backups.map(({ state, error }) => (state === 'succeeded' ? state : error))).toEqual(
    Array.from({ length: asked.backups }, () => 'succeeded'),
  );
  const repeated = backups.filter(({ attempt }) => attempt > 1).length;
  process.stdout.write(`workers: ${JSON.stringify({ seed: SEED, ...asked, ...counts, repeatedBackups: repeated })}\n`);
  expect(repeated).toBeGreaterThan(0);
  const verified = await runCommand(['backup', 'verify', '--config', path.join(directory, 'dbadmin.yaml'), '--read-data']);
  expect({ status: verified.status, said: verified.status === 0 ? '' : verified.stdout + verified.stderr }).toEqual({
    status: 0,
    said: '',
  });
}, 900_000);

/** Queues a run now; false when the job has one, or the control database is away at this moment. */
async function manual(name: string): Promise<boolean> {
  try {
    return (await applyManual({ pool, schema: SCHEMA }, queue, job(name, '@yearly'), new Date())) === 'queued';
  } catch (error) {
    if (!isDbadminError(error) && !(error instanceof Error)) throw error;
    return false;
  }
}

/**
 * In turn, but rather one that is in the middle of something, and first of all one in the middle of a backup; whoever makes
 * its third attempt is spared, since a run over which five die counts as failed.
 */
async function nextVictim(turn: number): Promise<(typeof WORKERS)[number]> {
  const running = await sql<{ worker: string; job: string; attempt: number }[]>`
    select worker, job, attempt from ${sql(SCHEMA)}.run where state = 'running'`.catch(() => []);
  const backup = running.find(({ job: name }) => name === 'app.full');
  const inTurn = [...WORKERS.slice(turn % WORKERS.length), ...WORKERS.slice(0, turn % WORKERS.length)].filter(
    ([name]) => backup?.worker !== name || backup.attempt < 3,
  );
  const of = (names: readonly string[]) => inTurn.find(([name]) => names.includes(name));
  return of(backup?.attempt === 1 ? [backup.worker] : []) ?? of(running.map(({ worker }) => worker)) ?? inTurn[0] ?? WORKERS[0];
}

async function everybodyIsThere(): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    const there = await sql`select from ${sql(SCHEMA)}.worker`;
    if (there.length === WORKERS.length) return;
    await pause(100);
  }
  throw new Error('the workers did not come');
}

async function settled(): Promise<void> {
  const deadline = performance.now() + 120_000;
  for (;;) {
    // A connection of before the restart says so when it is used next.
    const open = await sql`select job, state, worker, error from ${sql(SCHEMA)}.run where state in ('queued', 'running', 'waiting')`.catch(
      () => undefined,
    );
    if (open?.length === 0) return;
    if (performance.now() > deadline) throw new Error(`not over: ${JSON.stringify(open)}`);
    await pause(500);
  }
}
