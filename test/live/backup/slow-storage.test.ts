import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { Log } from '../../../src/base/log.ts';
import { silentLog } from '../../../src/base/log.ts';
import { inspectSource } from '../../../src/backup/source-inspect.ts';
import { receiveAlongside, type WalAlongside } from '../../../src/backup/take/wal-alongside.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { ReplicationConnection } from '../../../src/postgres/replication.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

const STALLED_AFTER_MS = 1500;

let cluster: TestCluster;
let directory: string;
let repository: Repository;
let warnings: string[];

beforeAll(async () => {
  cluster = await startEmbeddedCluster({ major: 17, walSegmentMegabytes: 1 });
});
afterAll(async () => {
  await cluster.stop();
});
beforeEach(async () => {
  directory = await makeDirectory();
  repository = await makeRepository(path.join(directory, 'repository'));
  warnings = [];
});
afterEach(async () => {
  await removeDirectory(directory);
});

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

/** The repository, on a storage that takes `delayMs` for the first WAL it is to keep. */
function slowFor(delayMs: number): Repository {
  const store = withFaults(repository.store, () => undefined);
  const state = { waits: true };
  const create: typeof store.create = async (key, ...rest) => {
    const waits = state.waits && key.includes('/wal/');
    if (waits) state.waits = false;
    if (waits) await pause(delayMs);
    await store.create(key, ...rest);
  };
  return { ...repository, store: { ...store, create } };
}

async function receiveInto(place: Repository): Promise<WalAlongside> {
  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
  const connection = await ReplicationConnection.open(cluster.parameters());
  const source = await inspectSource(connection);
  const { flushLsn, timeline } = await connection.identifySystem();
  await connection.close();
  const wal = await receiveAlongside({
    parameters: cluster.parameters(),
    name: 'offsite',
    repository: place,
    source,
    clock: systemClock,
    log,
    stalledAfterMs: STALLED_AFTER_MS,
  });
  await wal.begin(flushLsn, timeline);
  return wal;
}

async function flushed(): Promise<bigint> {
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    await sql`select pg_logical_emit_message(false, 'test', repeat('x', 300000))`;
    await sql`select pg_switch_wal()`;
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    return parseLsn(row?.lsn ?? '');
  } finally {
    await sql.end();
  }
}

const { signal } = new AbortController();

test('a storage that takes longer than the server may, and stores the WAL in the end, costs no backup and is named', async () => {
  const wal = await receiveInto(slowFor(2.5 * STALLED_AFTER_MS));
  try {
    await wal.finish(await flushed(), signal);
    expect(warnings).toContainEqual(expect.stringMatching(/^repository offsite .*WAL/));
  } finally {
    await wal.close();
  }
});

test('a server that sends nothing is not waited for, though the storage is at work now and then', async () => {
  const wal = await receiveInto(repository);
  try {
    const stopLsn = (await flushed()) + 0x1000_0000n;
    await expect(wal.finish(stopLsn, signal)).rejects.toMatchObject({
      code: 'backup-failed',
      message: expect.stringMatching(/^the server sent no WAL for/),
    });
    expect(warnings).toEqual([]);
  } finally {
    await wal.close();
  }
});
