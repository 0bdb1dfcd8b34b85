import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { inspectSource } from '../../../src/backup/source-inspect.ts';
import { receiveAlongside } from '../../../src/backup/take/wal-alongside.ts';
import { openGaps } from '../../../src/backup/gaps.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { startWalStream } from '../../../src/postgres/wal-stream.ts';
import { ReplicationConnection } from '../../../src/postgres/replication.ts';
import { listGaps } from '../../../src/repository/gap-record.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

let directory: string;
let repository: Repository;
let cluster: TestCluster;

beforeEach(async () => {
  directory = await makeDirectory();
  repository = await makeRepository(path.join(directory, 'repository'));
  cluster = await startEmbeddedCluster({
    major: 18,
    walSegmentMegabytes: 1,
    settings: { max_wal_size: '2MB', min_wal_size: '2MB', checkpoint_timeout: '1h' },
  });
});
afterEach(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

async function query(...texts: readonly string[]): Promise<readonly postgres.Row[]> {
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    let rows: readonly postgres.Row[] = [];
    for (const text of texts) rows = await sql.unsafe(text);
    return rows;
  } finally {
    await sql.end();
  }
}

const invalidation = async (): Promise<unknown> =>
  (await query("select invalidation_reason from pg_replication_slots where slot_name = 'dbadmin'"))[0]?.['invalidation_reason'];

/** The receiver is away until the server has given its slot up; `restart_lsn` stays as it was. */
async function stayAway(): Promise<void> {
  await query("alter system set idle_replication_slot_timeout = '1s'", 'select pg_reload_conf()');
  await pause(1500);
  await expect
    .poll(
      async () => {
        await query('insert into step values (1)', 'checkpoint');
        return await invalidation();
      },
      { timeout: 30_000, interval: 500 },
    )
    .toBe('idle_timeout');
  const [slot] = await query("select restart_lsn from pg_replication_slots where slot_name = 'dbadmin'");
  expect(slot?.['restart_lsn']).not.toBeNull();
}

async function storedUpTo(lsn: string): Promise<boolean> {
  const { coverage } = await inspectLineage(repository, 'main');
  const ends = [...coverage.timelines.values()].flatMap(({ runs, open }) => [...runs, ...open].map(({ endLsn }) => endLsn));
  return ends.some((end) => end >= parseLsn(lsn));
}

/** Receives until there is a slot and what the server has flushed by now is stored, which a backup may have done before; gives why the slot cannot be used then, null when it can. */
async function receiveAll(): Promise<unknown> {
  const [row] = await query('select pg_current_wal_flush_lsn()::text as lsn');
  const receiver = startReceiver(cluster, repository);
  try {
    const isReceived = async (): Promise<boolean> => (await invalidation()) !== undefined && (await storedUpTo(String(row?.['lsn'])));
    await expect.poll(isReceived, { timeout: 20_000, interval: 200 }).toBe(true);
    return await invalidation();
  } finally {
    await receiver.stop();
  }
}

test('a slot that the server gave up because nobody used it is made anew, and what the server still has leaves no gap', async () => {
  await query('create table step (n int)');
  await backUp(cluster, repository);
  await receiveAll();
  await stayAway();
  const connection = await ReplicationConnection.open(cluster.parameters());
  try {
    const { flushLsn } = await connection.identifySystem();
    await expect(startWalStream(connection, { slot: 'dbadmin', startLsn: flushLsn, timeline: 1 })).rejects.toMatchObject({
      code: 'slot-invalidated',
      message: 'the server has given up replication slot dbadmin',
      detail: expect.stringMatching(/idle_timeout/),
    });
  } finally {
    await connection.close();
  }
  expect(await receiveAll()).toBeNull();
  const { coverage, cluster: identity } = await inspectLineage(repository, 'main');
  expect(openGaps(coverage, await listGaps(repository, identity.systemIdentifier))).toEqual([]);
});

test('a backup that waits for its checkpoint longer than a slot may be idle has its WAL all the same', async () => {
  await query('create table step (n int)', "alter system set idle_replication_slot_timeout = '1s'", 'select pg_reload_conf()');
  const connection = await ReplicationConnection.open(cluster.parameters());
  const source = await inspectSource(connection);
  await connection.close();
  const parameters = cluster.parameters();
  const wal = await receiveAlongside({ parameters, name: 'local', repository, source, clock: systemClock, log: silentLog });
  try {
    await pause(1500);
    const slots = async (): Promise<unknown> => {
      await query('insert into step values (1)', 'checkpoint');
      return await query('select slot_name from pg_replication_slots');
    };
    await expect.poll(slots, { timeout: 30_000, interval: 500 }).toEqual([]);
    const [start] = await query('select redo_lsn::text as lsn from pg_control_checkpoint()');
    await wal.begin(parseLsn(String(start?.['lsn'])), 1);
    await query('insert into step values (2)');
    const [end] = await query('select pg_current_wal_flush_lsn()::text as lsn');
    await wal.finish(parseLsn(String(end?.['lsn'])), new AbortController().signal);
  } finally {
    await wal.close();
  }
});

test('what the server removed after it had given the slot up is a gap with a record, and reception goes on behind it', async () => {
  await query('create table step (n int)');
  await backUp(cluster, repository);
  await receiveAll();
  await stayAway();
  const fill = 'insert into step select g from generate_series(1, 20000) g';
  for (let round = 0; round < 6; round += 1) await query(fill, 'select pg_switch_wal()', 'checkpoint');
  expect(await receiveAll()).toBeNull();
  const { coverage, cluster: identity } = await inspectLineage(repository, 'main');
  expect(openGaps(coverage, await listGaps(repository, identity.systemIdentifier))).toEqual([
    expect.objectContaining({ timeline: 1, reason: 'slot-lost' }),
  ]);
});
