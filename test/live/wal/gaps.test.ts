import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { inspectRecovery } from '../../../src/backup/recovery-inspect.ts';
import { exposureAt, newestRecovery, recoveryModel } from '../../../src/backup/windows.ts';
import { backupKey } from '../../../src/repository/layout.ts';
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
    major: 17,
    walSegmentMegabytes: 1,
    settings: { max_wal_size: '2MB', min_wal_size: '2MB', max_slot_wal_keep_size: '2MB', checkpoint_timeout: '1h' },
  });
});
afterEach(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

async function query(...texts: readonly string[]): Promise<void> {
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    for (const text of texts) await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

/** Writes more WAL than anybody keeps, and lets the server remove the old. */
async function outrun(): Promise<void> {
  const fill = 'insert into step select g from generate_series(1, 20000) g';
  for (let round = 0; round < 6; round += 1) await query(fill, 'select pg_switch_wal()', 'checkpoint');
}

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

async function model() {
  const facts = await inspectRecovery(repository, await inspectLineage(repository, 'main'));
  return { ...recoveryModel(facts), exposure: exposureAt(recoveryModel(facts), facts, new Date()) };
}

async function receiveFor(delayMs: number): Promise<void> {
  const receiver = startReceiver(cluster, repository);
  await pause(delayMs);
  await receiver.stop();
}

test.each([
  ['dropped', 'slot-missing'],
  ['lost', 'slot-lost'],
])(
  'a slot that was %s: what the server still has is fetched, the rest is a gap with a record, and reception goes on',
  async (how, reason) => {
    await query('create table step (n int)');
    await backUp(cluster, repository);
    await receiveFor(800);
    if (how === 'dropped') await query("select pg_drop_replication_slot('dbadmin')");
    await outrun();
    await receiveFor(1200);
    const broken = await model();
    expect(broken.gaps).toEqual([expect.objectContaining({ timeline: 1, reason, noticedAt: expect.any(String) })]);
    expect(broken.exposure.reason).toBe('gap-since-backup');
    expect(newestRecovery(broken)?.windows[0]?.toLsn).toBe(broken.gaps[0]?.fromLsn);
    await backUp(cluster, repository);
    await receiveFor(800);
    const mended = await model();
    expect(mended.gaps).toHaveLength(1);
    expect(newestRecovery(mended)?.stretches).toHaveLength(2);
    expect(mended.exposure).toMatchObject({ reason: null });
  },
);

test('a slot that was dropped while the server kept its WAL leaves no gap', async () => {
  await query('create table step (n int)');
  await backUp(cluster, repository);
  await receiveFor(800);
  await query(
    "select pg_drop_replication_slot('dbadmin')",
    'insert into step values (1)',
    'select pg_switch_wal()',
    'insert into step values (2)',
  );
  await receiveFor(1000);
  expect((await model()).gaps).toEqual([]);
});

test('WAL between the newest backup and what a failed one left is received, where the server still has it', async () => {
  await query('create table step (n int)', "alter system set wal_keep_size = '64MB'", 'select pg_reload_conf()');
  await backUp(cluster, repository);
  await query('insert into step values (1)', 'select pg_switch_wal()', 'insert into step values (2)', 'select pg_switch_wal()');
  // A run that fails has its WAL stored, and no manifest.
  const failed = await backUp(cluster, repository);
  await repository.store.delete(backupKey(failed.systemIdentifier, failed.label));
  expect((await model()).gaps).toHaveLength(1);
  const receiver = startReceiver(cluster, repository);
  try {
    await expect.poll(model, { timeout: 20_000 }).toMatchObject({ gaps: [], exposure: { reason: null } });
  } finally {
    await receiver.stop();
  }
});
