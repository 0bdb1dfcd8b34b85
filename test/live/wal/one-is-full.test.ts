import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { openDestination } from '../../../src/backup/wal/destination.ts';
import { runReceiver } from '../../../src/backup/wal/receive-run.ts';
import { listClusters } from '../../../src/repository/identity.ts';
import { listGaps } from '../../../src/repository/gap-record.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

let directory: string;
let near: Repository;
let far: Repository;
let cluster: TestCluster;
let sql: postgres.Sql;
let isFull: boolean;

beforeEach(async () => {
  directory = await makeDirectory();
  near = await makeRepository(path.join(directory, 'near'));
  const { store, ...rest } = await makeRepository(path.join(directory, 'far'));
  const full = new DbadminError('storage-full', 'no room left');
  isFull = true;
  far = {
    ...rest,
    store: withFaults(store, ({ operation }) => {
      if (isFull && operation === 'create') throw full;
    }),
  };
  cluster = await startEmbeddedCluster({
    major: 17,
    walSegmentMegabytes: 1,
    settings: { max_wal_size: '2MB', min_wal_size: '2MB', checkpoint_timeout: '1h' },
  });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql`create table step (n int)`;
});
afterEach(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

/** Until `near` has everything; throws when the reception ends before. */
async function receiveAll(): Promise<void> {
  const stop = new AbortController();
  const receiving = runReceiver({
    parameters: cluster.parameters(),
    destinations: [openDestination(near, 'near'), openDestination(far, 'far', false)],
    clusterName: 'main',
    slot: 'dbadmin',
    rpoMs: 200,
    allowSynchronous: false,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    signal: stop.signal,
  });
  const slot = async (): Promise<number> => (await sql`select from pg_replication_slots where slot_name = 'dbadmin' and active`).length;
  await Promise.race([receiving, expect.poll(slot, { timeout: 20_000 }).toBe(1)]);
  await sql`insert into step values (1)`;
  await Promise.race([receiving, waitUntilAllStored(near, sql)]);
  stop.abort(new DbadminError('interrupted', 'told to stop'));
  await receiving.catch((error: unknown) => {
    if (!(error instanceof DbadminError) || error.code !== 'interrupted') throw error;
  });
}

test('a repository that is full from the start, or when a gap is to be recorded, keeps no WAL from the other', async () => {
  await receiveAll();
  expect([(await listClusters(near)).length, (await listClusters(far)).length]).toEqual([1, 0]);
  const [known] = await listClusters(near);
  await sql`select pg_drop_replication_slot('dbadmin')`;
  for (let round = 0; round < 6; round += 1) {
    await sql`insert into step select g from generate_series(1, 20000) g`;
    await sql`select pg_switch_wal()`;
    await sql`checkpoint`;
  }
  await receiveAll();
  expect(await listGaps(near, known?.systemIdentifier ?? '')).toHaveLength(1);
  isFull = false;
  await receiveAll();
  expect((await listClusters(far)).length).toBe(1);
}, 60_000);
