import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog, type Log } from '../../../src/base/log.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { openDestination } from '../../../src/backup/wal/destination.ts';
import { runReceiver } from '../../../src/backup/wal/receive-run.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

const SEGMENTS = 8;
/** What one segment takes to come to the repository that catches up: as over a line that all else goes over, too. */
const COPY_MS = 2000;
const RPO_MS = 400;

let directory: string;
let near: Repository;
let far: Repository;
let cluster: TestCluster;
let sql: postgres.Sql;
let gate: (key: string) => Promise<void>;

beforeEach(async () => {
  directory = await makeDirectory();
  near = await makeRepository(path.join(directory, 'near'));
  const { store, ...rest } = await makeRepository(path.join(directory, 'far'));
  gate = async () => await Promise.resolve();
  const gated = {
    ...passThrough(store),
    create: async (...call: Parameters<typeof store.create>) => (await gate(call[0]), await store.create(...call)),
  };
  far = { store: gated, ...rest };
  cluster = await startEmbeddedCluster({ major: 18, walSegmentMegabytes: 1 });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
});
afterEach(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

/** Receives into both, of which `near` is required; `running` resolves once it has ended. */
function receive(log: Log): { readonly stop: AbortController; readonly running: Promise<unknown> } {
  const stop = new AbortController();
  const running: Promise<unknown> = runReceiver({
    parameters: cluster.parameters(),
    destinations: [openDestination(near, 'near'), openDestination(far, 'far', false)],
    clusterName: 'main',
    slot: 'dbadmin',
    rpoMs: RPO_MS,
    allowSynchronous: false,
    clock: systemClock,
    random: Math.random,
    log,
    signal: stop.signal,
  }).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return { stop, running };
}

test('while a repository catches up, the other one has what was committed, and a receiver that is told to stop stops', async () => {
  const told = Promise.withResolvers<void>();
  const log = { ...silentLog, warn: (text: string) => void (text.includes('is behind') && told.resolve()) };
  const { stop, running } = receive(log);
  await sql`create table t (n int)`;
  await expect.poll(async () => (await sql`select from pg_stat_replication where state = 'streaming'`).length, { timeout: 20_000 }).toBe(1);
  await waitUntilAllStored(far, sql);
  gate = async () => await Promise.reject(new DbadminError('storage-failed', 'the store is away'));
  for (let n = 0; n < SEGMENTS; n += 1) await sql.unsafe(`insert into t values (${n}); select pg_switch_wal()`);
  await told.promise;
  await waitUntilAllStored(near, sql);
  const copying = Promise.withResolvers<void>();
  gate = async () => {
    copying.resolve();
    await pause(COPY_MS);
  };
  await copying.promise;
  await sql`insert into t values (-1)`;
  const committed = performance.now();
  await waitUntilAllStored(near, sql);
  expect(performance.now() - committed).toBeLessThan(COPY_MS);
  const stopped = performance.now();
  stop.abort(new Error('told to stop'));
  await running;
  expect(performance.now() - stopped).toBeLessThan(2 * COPY_MS);
  const { coverage } = await inspectLineage(far, 'main');
  expect(coverage.timelines.get(1)?.runs.length).toBe(1);
}, 90_000);

test('a repository to which the open segment takes longer to come than its parts are apart catches up all the same', async () => {
  const told = Promise.withResolvers<void>();
  const caughtUp = Promise.withResolvers<string>();
  const { stop, running } = receive({
    ...silentLog,
    warn: (text) => void (text.includes('is behind') && told.resolve()),
    info: (text) => void (text.includes('has caught up') && caughtUp.resolve('caught up')),
  });
  gate = async () => await Promise.reject(new DbadminError('storage-failed', 'the store is away'));
  await sql`create table t (n int)`;
  await told.promise;
  gate = async () => await pause(COPY_MS);
  const end = new AbortController();
  const writing = (async () => {
    for (; !end.signal.aborted; await pause(50)) await sql`insert into t values (1)`;
  })();
  try {
    expect(await Promise.race([caughtUp.promise, pause(20 * COPY_MS).then(() => 'is behind still')])).toBe('caught up');
  } finally {
    end.abort();
    await writing;
    stop.abort(new Error('told to stop'));
    await running;
  }
}, 90_000);
