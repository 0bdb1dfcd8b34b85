import { rename } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DbadminError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { walGaps } from '../../../src/backup/gaps.ts';
import { inspectRecovery } from '../../../src/backup/recovery-inspect.ts';
import { timeTarget } from '../../../src/backup/restore/target.ts';
import { newestRecovery, recoveryModel } from '../../../src/backup/windows.ts';
import { openDestination } from '../../../src/backup/wal/destination.ts';
import { runReceiver } from '../../../src/backup/wal/receive-run.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let place: string;
let repository: Repository;
let cluster: TestCluster;

beforeEach(async () => {
  directory = await makeDirectory();
  place = path.join(directory, 'repository');
  repository = await makeRepository(place);
  cluster = await startTestCluster({ major: 17 });
});
afterEach(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

async function query(text: string): Promise<void> {
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(text);
  } finally {
    await sql.end();
  }
}

async function everythingReceived(): Promise<void> {
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await waitUntilAllStored(repository, sql);
  await sql.end();
}

/** Until this query has a row. */
async function until(text: string): Promise<void> {
  const sql = postgres(cluster.url(), { max: 1 });
  await expect.poll(async () => (await sql.unsafe(text)).length, { timeout: 30_000, interval: 100 }).toBe(1);
  await sql.end();
}

let clones = 0;

async function stepsAt(target: Parameters<typeof restore>[0]['target']): Promise<readonly number[]> {
  const clone = await restore({ repository, target, into: path.join(directory, `clone-${(clones += 1)}`) });
  const reader = postgres(clone.url, { max: 1 });
  try {
    return (await reader<{ n: number }[]>`select n from step order by n`).map(({ n }) => n);
  } finally {
    await reader.end();
    await clone.stop();
  }
}

test('an idle database can be restored to a moment at which nothing happened, and not to one that nobody saw', async () => {
  await query('create table step (n int)');
  const receiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  await query('insert into step values (1)');
  await pause(2500);
  const moment = new Date(Date.now() - 1000);
  await receiver.stop();
  expect(await stepsAt({ kind: 'time', at: moment })).toEqual([1]);
  await expect(stepsAt({ kind: 'time', at: new Date(Date.now() + 60_000) })).rejects.toMatchObject({
    code: 'target-unreachable',
    message: expect.stringMatching(/beyond the WAL/),
  });
});

test('of a database that died while it was busy, the last moment that info offers can be restored to', async () => {
  await query('create table step (n int)');
  const receiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  const writing = (async () => {
    for (;;) await sql`insert into step values (1)`;
  })().catch(() => undefined);
  // Never idle, so that no horizon is written: what is covered stands in the headers of the parts alone.
  await pause(2500);
  await cluster.crash();
  await writing;
  await sql.end({ timeout: 1 });
  await pause(500);
  await receiver.stop();
  const contents = await inspectLineage(repository, 'main');
  const offered = newestRecovery(recoveryModel(await inspectRecovery(repository, contents)))?.stretches.at(-1)?.to ?? '';
  expect((await stepsAt({ kind: 'time', at: new Date(offered) })).length).toBeGreaterThan(10);
  const later = stepsAt({ kind: 'time', at: new Date(Date.parse(offered) + 60_000) });
  const refusal = (await later.catch((error: unknown) => error)) as DbadminError;
  expect(refusal).toMatchObject({ code: 'target-unreachable' });
  // The refusal names the last commit: with its own time all that is there comes back.
  const named = /^Restore to "([^"]+)"/.exec(refusal.hint ?? '')?.[1] ?? '';
  const all = await stepsAt({ kind: 'latest' });
  expect(await stepsAt(timeTarget(named, new Date()))).toEqual(all);
});

test('a receiver goes on after its repository was away and after the server was restarted, without a gap', async () => {
  await query('create table step (n int)');
  const receiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  await query('insert into step values (1)');
  await pause(800);
  await rename(place, `${place}.away`);
  await query('insert into step values (2); select pg_switch_wal(); insert into step values (3)');
  await pause(1500);
  await rename(`${place}.away`, place);
  await pause(1500);
  await cluster.restart();
  await query('insert into step values (4)');
  await everythingReceived();
  await receiver.stop();
  const contents = await inspectLineage(repository, 'main');
  expect(walGaps(contents.coverage)).toEqual([]);
  expect(await stepsAt({ kind: 'latest' })).toEqual([1, 2, 3, 4]);
});

test('a receiver refuses to become a synchronous standby, and a slot that is in use', async () => {
  const options = {
    parameters: cluster.parameters(),
    destinations: [openDestination(repository)],
    clusterName: 'main',
    slot: 'dbadmin',
    rpoMs: 200,
    allowSynchronous: false,
    clock: systemClock,
    random: Math.random,
    log: silentLog,
    signal: new AbortController().signal,
  };
  const receiver = startReceiver(cluster, repository);
  await until("select from pg_replication_slots where slot_name = 'dbadmin' and active");
  await expect(runReceiver(options)).rejects.toMatchObject({ code: 'locked', exitStatus: 11 });
  await receiver.stop();
  await query("alter system set synchronous_standby_names = '*'");
  await query('select pg_reload_conf()');
  await until("select from pg_settings where name = 'synchronous_standby_names' and setting = '*'");
  await expect(runReceiver(options)).rejects.toMatchObject({ code: 'refused' });
});
