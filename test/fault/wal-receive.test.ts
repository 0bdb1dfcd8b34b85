import { spawnSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inspectLineage } from '../../src/backup/lineage-inspect.ts';
import { walGaps } from '../../src/backup/gaps.ts';
import { parseLsn } from '../../src/postgres/lsn.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { reachFrom } from '../../src/repository/wal-coverage.ts';
import { commandEnd, runCommand, startCommand, writeConfig } from '../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../backup/repository.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';

/** The full measure is 30 kills: npm run test:kill. The sample keeps the run short. */
const KILLS = Number(process.env['DBADMIN_TEST_KILLS'] ?? '3');

let directory: string;
let place: string;
let repository: Repository;
let cluster: TestCluster;
let sql: postgres.Sql;

beforeEach(async () => {
  directory = await makeDirectory();
  place = path.join(directory, 'repository');
  cluster = await startEmbeddedCluster({ major: 17, walSegmentMegabytes: 1 });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql`create table step (n int, filler text)`;
});
afterEach(async () => {
  await sql.end({ timeout: 1 });
  await cluster.stop();
  await removeDirectory(directory);
});

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

/** WAL that hardly compresses. */
async function write(rows: number): Promise<void> {
  await sql.unsafe(
    `insert into step select g, encode(sha512((g + random())::text::bytea), 'base64') || encode(sha512(random()::text::bytea), 'base64') from generate_series(1, ${rows}) g`,
  );
}

/** What the server believes to be safe. */
async function acknowledged(): Promise<bigint> {
  const [row] = await sql<{ lsn: string }[]>`select restart_lsn::text as lsn from pg_replication_slots where slot_name = 'dbadmin'`;
  return parseLsn(row?.lsn ?? '0/0');
}

/** How far the repository reaches from the first WAL it has, without a hole. */
async function storedUntil(): Promise<bigint> {
  const { coverage } = await inspectLineage(repository, 'main');
  const stored = coverage.timelines.get(1);
  return reachFrom(stored, stored?.runs[0]?.startLsn ?? stored?.open[0]?.startLsn ?? 0n) ?? 0n;
}

test(`wal receive killed with SIGKILL at ${KILLS} moments: nothing that was acknowledged is missing, and the next one goes on without a gap`, async () => {
  repository = await makeRepository(place);
  const config = await writeConfig(directory, cluster, place);
  // What the slot was made with is nobody's acknowledgement: a receiver that is killed early has stored nothing.
  let reserved: bigint | undefined;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const child = startCommand(['wal', 'receive', '--rpo', '200ms', '--config', config]);
    const ending = commandEnd(child);
    for (let waited = 0; waited < 200 && (await sql`select from pg_replication_slots where active`).length === 0; waited += 1)
      await pause(50);
    reserved ??= await acknowledged();
    const writing = (async () => {
      for (let round = 0; round < 6; round += 1) await write(4000);
    })();
    await pause(50 + Math.random() * 800);
    child.kill('SIGKILL');
    await ending;
    await writing;
    const safe = await acknowledged();
    const stored = await storedUntil();
    if (stored > 0n || safe !== reserved) expect(stored).toBeGreaterThanOrEqual(safe);
  }
  const receiver = startReceiver(cluster, repository);
  const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
  const end = parseLsn(row?.lsn ?? '0/0');
  for (let waited = 0; waited < 300 && (await acknowledged()) < end; waited += 1) await pause(50);
  await receiver.stop();
  expect(await storedUntil()).toBeGreaterThanOrEqual(end);
  expect(walGaps((await inspectLineage(repository, 'main')).coverage)).toEqual([]);
});

test('a receiver whose connection the server ends goes on by itself', async () => {
  repository = await makeRepository(place);
  const receiver = startReceiver(cluster, repository);
  try {
    await expect.poll(async () => await sql`select from pg_replication_slots where active`, { timeout: 20_000 }).toHaveLength(1);
    await write(2000);
    await sql`select pg_terminate_backend(active_pid, 5000) from pg_replication_slots`;
    await write(2000);
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    const end = parseLsn(row?.lsn ?? '0/0');
    await expect.poll(async () => await storedUntil(), { timeout: 20_000 }).toBeGreaterThanOrEqual(end);
    expect(walGaps((await inspectLineage(repository, 'main')).coverage)).toEqual([]);
  } finally {
    await receiver.stop();
  }
});

test('an idle cluster whose host is lost: the loss is no more than the rpo', async () => {
  repository = await makeRepository(place);
  const config = await writeConfig(directory, cluster, place);
  const rpoMs = 2000;
  const receiver = startReceiver(cluster, repository, rpoMs);
  await backUp(cluster, repository);
  await pause(2.5 * rpoMs);
  const running = await runCommand(['wal', 'status', '--json', '--config', config]);
  const before = JSON.parse(running.stdout) as { isReceiving: boolean; repositories: { lossMs: number; gaps: unknown[] }[] };
  expect(before).toMatchObject({ isReceiving: true, repositories: [{ gaps: [], reason: null, required: true }] });
  expect(running.status).toBe(0);
  const lostAt = Date.now();
  await cluster.crash();
  await receiver.stop();
  const after = await runCommand(['wal', 'status', '--json', '--config', config]);
  expect(after.status).toBe(2);
  const [local] = (JSON.parse(after.stdout) as { repositories: { coveredUntil: string }[] }).repositories;
  const lossMs = lostAt - Date.parse(local?.coveredUntil ?? '');
  process.stderr.write(`idle cluster, rpo ${rpoMs} ms: the loss is ${lossMs} ms\n`);
  expect(lossMs).toBeLessThanOrEqual(rpoMs);
});

test.runIf(process.getuid?.() === 0)(
  'a repository whose disk is full: no flush is reported beyond what is stored, and with room again it goes on',
  async () => {
    await mkdir(place);
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', place]).status).toBe(0);
    try {
      repository = await makeRepository(path.join(place, 'inside'));
      const receiver = startReceiver(cluster, repository);
      await expect.poll(acknowledged, { timeout: 20_000 }).toBeGreaterThan(0n);
      for (let round = 0; round < 12; round += 1) await write(15000);
      await pause(1500);
      const safe = await acknowledged();
      const [row] = await sql<
        { lsn: string; kept: string }[]
      >`select pg_current_wal_flush_lsn()::text as lsn, (select count(*)::text from pg_ls_waldir()) as kept`;
      const end = parseLsn(row?.lsn ?? '0/0');
      expect(safe).toBeLessThan(end);
      expect(await storedUntil()).toBeGreaterThanOrEqual(safe);
      expect(spawnSync('mount', ['-o', 'remount,size=200m', place]).status).toBe(0);
      for (let waited = 0; waited < 600 && (await acknowledged()) < end; waited += 1) await pause(50);
      await receiver.stop();
      expect(await storedUntil()).toBeGreaterThanOrEqual(end);
    } finally {
      await repository.store.close();
      spawnSync('umount', ['-l', place]);
    }
  },
);

test.runIf(process.getuid?.() === 0)(
  'a repository that is unmounted: nothing is made below the mount point, no flush is reported beyond what is stored, and mounted again it goes on without a hole',
  async () => {
    const disk = path.join(directory, 'disk');
    await mkdir(disk);
    await mkdir(place);
    const mount = (): void => {
      expect(spawnSync('mount', ['--bind', disk, place]).status).toBe(0);
    };
    mount();
    try {
      repository = await makeRepository(place);
      const said: string[] = [];
      const keep = (text: string): void => void said.push(text);
      const receiver = startReceiver(cluster, repository, 200, { warn: keep, info: keep, debug: keep });
      for (let round = 0; round < 3; round += 1) await write(4000);
      await expect.poll(async () => await storedUntil(), { timeout: 20_000 }).toBeGreaterThan(0n);
      // A piece that is being stored keeps it busy.
      await expect.poll(() => spawnSync('umount', [place]).status, { timeout: 20_000 }).toBe(0);
      for (let round = 0; round < 6; round += 1) await write(4000);
      // It has tried, and says what it misses.
      await expect.poll(() => said.join('\n'), { timeout: 20_000 }).toContain(place);
      const safe = await acknowledged();
      expect(await readdir(place)).toEqual([]);
      mount();
      expect(await storedUntil()).toBeGreaterThanOrEqual(safe);
      const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
      const end = parseLsn(row?.lsn ?? '0/0');
      expect(safe).toBeLessThan(end);
      await expect.poll(async () => await storedUntil(), { timeout: 40_000 }).toBeGreaterThanOrEqual(end);
      await receiver.stop();
      expect(walGaps((await inspectLineage(repository, 'main')).coverage)).toEqual([]);
    } finally {
      await repository.store.close();
      spawnSync('umount', ['-l', place]);
    }
  },
);
