import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { openDestination } from '../../../src/backup/wal/destination.ts';
import { runReceiver } from '../../../src/backup/wal/receive-run.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

let directory: string;
let near: Repository;
let far: Repository;
let isAway: boolean;

beforeEach(async () => {
  directory = await makeDirectory();
  near = await makeRepository(path.join(directory, 'near'));
  const { store, ...rest } = await makeRepository(path.join(directory, 'far'));
  isAway = false;
  far = {
    ...rest,
    store: withFaults(store, ({ operation }) => {
      if (isAway && operation === 'create') throw new DbadminError('storage-failed', 'the store is away');
    }),
  };
});
afterEach(async () => {
  await removeDirectory(directory);
});

/** Receives with this RPO; gives how to end it. */
function receive(cluster: TestCluster, repositories: readonly Repository[], rpoMs: number): () => Promise<void> {
  const stop = new AbortController();
  const receiving = runReceiver({
    parameters: cluster.parameters(),
    destinations: repositories.map((each, index) => openDestination(each, `r${index}`)),
    clusterName: 'main',
    slot: 'dbadmin',
    rpoMs,
    allowSynchronous: false,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    signal: stop.signal,
  }).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return async () => {
    stop.abort(new Error('told to stop'));
    await receiving;
  };
}

async function isReceived(sql: postgres.Sql): Promise<void> {
  const slot = async (): Promise<number> => (await sql`select from pg_replication_slots where slot_name = 'dbadmin' and active`).length;
  await expect.poll(slot, { timeout: 20_000 }).toBe(1);
}

test.each(drawn(import.meta.filename, [14, 18]))(
  'PostgreSQL %i: a server that is told to stop does not wait for the next part of its open segment',
  async (major) => {
    const cluster = await startEmbeddedCluster({ major });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    const stop = receive(cluster, [near], 40_000);
    try {
      await isReceived(sql);
      await sql`create table t (n int)`;
      await sql.end();
      const begun = performance.now();
      await cluster.restart();
      expect(performance.now() - begun).toBeLessThan(8000);
    } finally {
      await stop();
      await cluster.stop();
    }
  },
  90_000,
);

test('nor for a repository that is away', async () => {
  const cluster = await startEmbeddedCluster({ major: 18 });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  const stop = receive(cluster, [near, far], 400);
  try {
    await isReceived(sql);
    isAway = true;
    await sql`create table t (n int)`;
    await waitUntilAllStored(near, sql);
    await sql.end();
    const begun = performance.now();
    await cluster.restart();
    expect(performance.now() - begun).toBeLessThan(25_000);
  } finally {
    await stop();
    await cluster.stop();
  }
}, 90_000);
