import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { DbadminError } from '../../src/base/errors.ts';
import { silentLog, type Log } from '../../src/base/log.ts';
import { inspectSource } from '../../src/backup/source-inspect.ts';
import { takeBackup, type TakeResult } from '../../src/backup/take/run.ts';
import { receiveAlongside, type WalAlongside } from '../../src/backup/take/wal-alongside.ts';
import { parseLsn } from '../../src/postgres/lsn.ts';
import { ReplicationConnection } from '../../src/postgres/replication.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { commandEnd, runCommand, startCommand, writeConfig, type CommandEnd } from '../backup/command.ts';
import { withFaults } from '../backup/failing-store.ts';
import { makeDirectory, makeRepository, removeDirectory, restore } from '../backup/repository.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';

/** At this rate the cluster of this file takes minutes to read: what ends before was ended. */
const SLOW_KB = 256;

let directory: string;
let place: string;
let repository: Repository;
let cluster: TestCluster;
let sql: postgres.Sql;
let warnings: string[];

beforeEach(async () => {
  directory = await makeDirectory();
  place = path.join(directory, 'repository');
  repository = await makeRepository(place);
  warnings = [];
  cluster = await startEmbeddedCluster({
    major: 17,
    walSegmentMegabytes: 1,
    settings: { max_wal_size: '2MB', min_wal_size: '2MB', checkpoint_timeout: '1h', max_replication_slots: 1, autovacuum: 'off' },
  });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql`create table step (n int, filler text)`;
});
afterEach(async () => {
  await sql.end({ timeout: 1 });
  await cluster.stop();
  await repository.store.close();
  await removeDirectory(directory);
});

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

async function restartWith(setting?: string): Promise<void> {
  if (setting !== undefined) await sql.unsafe(`alter system set ${setting}`);
  await sql.end();
  await cluster.restart();
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
}

async function write(n: number): Promise<void> {
  await sql`insert into step select ${n}::int, encode(sha512((g + random())::text::bytea), 'base64') from generate_series(1, 2000) g`;
}

/** The process of the server that sends the WAL of a backup; once it does. */
async function sender(): Promise<number> {
  for (let waited = 0; waited < 600; waited += 1) {
    const [row] = await sql<
      { pid: number }[]
    >`select pid from pg_stat_replication where application_name = 'dbadmin backup wal' and state = 'streaming'`;
    if (row !== undefined) return row.pid;
    await pause(50);
  }
  throw new Error('nothing receives the WAL of a backup');
}

async function cut(): Promise<void> {
  await sql`select pg_terminate_backend(${await sender()}, 5000)`;
}

/**
 * Ends the reception and takes the only slot of the server, for as long as it is not given back. How often it was cut:
 * a reception that was faster than the server here and has the slot again is cut again.
 */
async function cutAndBlock(): Promise<number> {
  await sender();
  // Within the server, and again and again: from out here the next reception would be faster.
  await sql`create or replace function cut_and_block() returns int language plpgsql as $$
    declare cuts int := 0; holder int; ended int := 0;
    begin
      loop
        select active_pid into holder from pg_replication_slots where active_pid is not null;
        if found and holder <> ended and pg_terminate_backend(holder) then
          ended := holder;
          cuts := cuts + 1;
        end if;
        for attempt in 1 .. 10000 loop
          begin
            perform pg_create_physical_replication_slot('taken'); return cuts;
          exception when configuration_limit_exceeded then null;
          end;
        end loop;
      end loop;
    end $$`;
  const [row] = await sql<{ cuts: number }[]>`select cut_and_block() as cuts`;
  return row?.cuts ?? 0;
}

/** Of each cut at most one warning: a reception that is ended before it received anything is the same outage still. */
function expectOutages(cuts: number): void {
  expect(warnings.length).toBeGreaterThan(0);
  expect(warnings.length).toBeLessThanOrEqual(cuts);
  expect(warnings.filter((warning) => !warning.includes('does not come any more'))).toEqual([]);
}

async function unblock(): Promise<void> {
  await sql`select pg_drop_replication_slot('taken')`;
}

/** Enough for checkpoints to remove all WAL that nobody holds. */
async function turnOver(): Promise<void> {
  for (let round = 0; round < 6; round += 1) {
    await write(-1);
    await sql`select pg_switch_wal()`;
    await sql`checkpoint`;
  }
}

interface Taking {
  readonly signal?: AbortSignal;
  readonly user?: string;
}

async function take(
  repositories: Readonly<Record<string, Repository>>,
  maxRateKb: number,
  { signal, user }: Taking = {},
): Promise<TakeResult> {
  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
  return await takeBackup({
    parameters: cluster.parameters('postgres', user),
    connection: undefined,
    repositories: Object.entries(repositories).map(([name, each]) => ({ name, repository: each })),
    clusterName: 'main',
    tool: 'test',
    kind: 'full',
    fastCheckpoint: true,
    maxRateKb,
    clock: systemClock,
    log,
    signal: signal ?? new AbortController().signal,
    onProgress: () => undefined,
  });
}

/** A backup that is waited for later; how long it took since `mark` was called. */
function begin(repositories: Readonly<Record<string, Repository>>, maxRateKb: number, options: Taking = {}) {
  let markedAt = performance.now();
  const ended = take(repositories, maxRateKb, options).then(
    (result) => ({ result, error: undefined, afterMs: performance.now() - markedAt }),
    (error: unknown) => ({ result: undefined, error, afterMs: performance.now() - markedAt }),
  );
  return { ended, mark: () => void (markedAt = performance.now()) };
}

/** The repository, refusing WAL once `isRefused` says so. */
function refusing(isRefused: () => boolean): Repository {
  const store = withFaults(repository.store, ({ operation, key }) => {
    if (operation === 'create' && key.includes('/wal/') && isRefused()) throw new DbadminError('storage-full', 'there is no room for WAL');
  });
  return { ...repository, store };
}

/** The repository, taking no WAL while `until` says when it will. */
function stalling(until: () => Promise<void> | undefined): Repository {
  const store = withFaults(repository.store, () => undefined);
  const create: typeof store.create = async (key, ...rest) => {
    if (key.includes('/wal/')) await until();
    await store.create(key, ...rest);
  };
  return { ...repository, store: { ...store, create } };
}

const outages = (text: string): number => text.split('does not come any more').length - 1;

test.each([
  ['once, early', 1, '2MB'],
  ['again and again', 4, '1MB'],
])('the connection of the WAL is cut %s while a backup runs: it is taken, and is whole', async (_, cuts, maxRate) => {
  const config = await writeConfig(directory, cluster, place);
  const running = commandEnd(startCommand(['backup', 'run', '--max-rate', maxRate, '--config', config]));
  for (let round = 1; round <= cuts; round += 1) {
    await write(round);
    await cut();
    await write(100 + round);
    // So that each is an outage of its own: the WAL that came behind it has come.
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    await expect
      .poll(async () => await sql`select from pg_stat_replication where flush_lsn >= ${row?.lsn ?? ''}::pg_lsn`, { timeout: 20_000 })
      .toHaveLength(1);
  }
  const stillReads = (await sql`select from pg_stat_progress_basebackup`).length;
  const taken = await running;
  expect(taken, taken.stderr).toMatchObject({ status: 0 });
  expect(stillReads, 'the backup was over before the last cut').toBe(1);
  expect(outages(taken.stderr), taken.stderr).toBe(cuts);
  const verified: CommandEnd = await runCommand(['backup', 'verify', '--read-data', '--config', config]);
  expect(verified, verified.stdout + verified.stderr).toMatchObject({ status: 0 });
  const rows = await sql`select n, count(*)::int, md5(string_agg(filler, '' order by filler)) from step group by n order by n`;
  const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, 'clone') });
  const reader = postgres(clone.url, { max: 1 });
  const found = await reader`select n, count(*)::int, md5(string_agg(filler, '' order by filler)) from step group by n order by n`;
  await reader.end();
  await clone.stop();
  expect([...found]).toEqual([...rows]);
});

test.each([
  ['a little WAL', 1],
  // Of 1 MB each: there is room for nine. What is more than the kernel's buffers hold besides would keep the server from ending the connection.
  ['more WAL than there is room for', 12],
])(
  'a cut while the storage does not answer, and %s waits for it: the server holds it again at once, and the backup is taken',
  async (_, segments) => {
    const gate = Promise.withResolvers<void>();
    let stalled: Promise<void> | undefined;
    const { ended } = begin({ local: stalling(() => stalled) }, 1024);
    await sender();
    await write(0);
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    stalled = gate.promise;
    try {
      for (let n = 0; n < segments; n += 1) {
        await write(n);
        await sql`select pg_switch_wal()`;
      }
      await sql`checkpoint`;
      await cut();
      // The slot of the connection that was cut may be there for a moment still.
      await expect.poll(() => warnings, { timeout: 15_000 }).toEqual([expect.stringMatching(/does not come any more/)]);
      await expect
        .poll(async () => await sql`select from pg_replication_slots where restart_lsn <= ${row?.lsn ?? ''}::pg_lsn`, { timeout: 15_000 })
        .toHaveLength(1);
      await turnOver();
    } finally {
      gate.resolve();
    }
    const { result, error } = await ended;
    expect(error).toBeUndefined();
    expect(result?.outcomes).toMatchObject([{ result: { kind: 'taken' } }]);
    expect(warnings).toHaveLength(1);
    const config = await writeConfig(directory, cluster, place);
    expect(await runCommand(['backup', 'verify', '--read-data', '--config', config])).toMatchObject({ status: 0 });
  },
);

test('the server removed the WAL while its connection was cut: the backup is ended then, and says so', async () => {
  const { ended, mark } = begin({ local: repository }, SLOW_KB);
  await write(1);
  const cuts = await cutAndBlock();
  await turnOver();
  expect(await sql`select from pg_stat_progress_basebackup`).toHaveLength(1);
  mark();
  await unblock();
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'wal-missing', message: expect.stringMatching(/^the server has no WAL from/) });
  expect(afterMs).toBeLessThan(15_000);
  expectOutages(cuts);
  expect(await sql`select from pg_replication_slots`).toEqual([]);
});

test('a repository that takes no WAL any more ends the backup then, and not when everything has been read', async () => {
  let isFull = false;
  const { ended, mark } = begin({ local: refusing(() => isFull) }, SLOW_KB);
  await sender();
  mark();
  isFull = true;
  await write(1);
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'storage-full', message: 'there is no room for WAL' });
  expect(afterMs).toBeLessThan(15_000);
});

test('a role that may not log in any more when the connection is cut: the backup is ended then', async () => {
  await sql`create role taker login replication`;
  const { ended, mark } = begin({ local: repository }, SLOW_KB, { user: 'taker' });
  await sender();
  mark();
  await sql`alter role taker nologin`;
  await cut();
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'privilege-missing', message: expect.stringMatching(/^role taker may not log in/) });
  expect(afterMs).toBeLessThan(15_000);
});

test('of two repositories one takes no WAL any more: it is given up and named, and the server keeps none for it; the other has the backup', async () => {
  await restartWith('max_replication_slots = 2');
  let isFull = false;
  const other = await makeRepository(path.join(directory, 'other'));
  const { ended } = begin({ local: refusing(() => isFull), other }, 1024);
  await sender();
  isFull = true;
  await write(1);
  await expect
    .poll(() => warnings, { timeout: 15_000 })
    .toEqual([expect.stringMatching(/^local gets no backup.*there is no room for WAL/)]);
  await expect.poll(async () => await sql`select from pg_replication_slots`, { timeout: 5000 }).toHaveLength(1);
  expect(await sql`select from pg_stat_progress_basebackup`).toHaveLength(1);
  const { result } = await ended;
  expect(result?.outcomes).toMatchObject([
    { name: 'local', result: { kind: 'failed', error: { code: 'storage-full' } } },
    { name: 'other', result: { kind: 'taken' } },
  ]);
  await other.store.close();
});

test('a server that stops in the middle of a backup: what is told is that of the base backup', async () => {
  const { ended, mark } = begin({ local: repository }, SLOW_KB);
  await sender();
  await write(1);
  mark();
  await restartWith();
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'backup-failed', message: 'the server gave up the base backup' });
  expect(afterMs).toBeLessThan(15_000);
});

test('an interrupt while the connection of the WAL is cut ends the backup at once', async () => {
  const stop = new AbortController();
  const { ended, mark } = begin({ local: repository }, SLOW_KB, { signal: stop.signal });
  await write(1);
  const cuts = await cutAndBlock();
  // Long enough for the longest wait between two attempts.
  await pause(5000);
  mark();
  stop.abort(new DbadminError('interrupted', 'stopped by the test'));
  const { error, afterMs } = await ended;
  expect(error).toMatchObject({ code: 'interrupted' });
  expect(afterMs).toBeLessThan(1500);
  expectOutages(cuts);
  await unblock();
});

/** The means of a backup to receive its WAL, and the timeline it is on. */
async function alongside(into: Repository): Promise<{ readonly wal: WalAlongside; readonly timeline: number }> {
  const parameters = cluster.parameters();
  const connection = await ReplicationConnection.open(parameters);
  const source = await inspectSource(connection);
  const { timeline } = await connection.identifySystem();
  await connection.close();
  const wal = await receiveAlongside({
    parameters,
    name: 'local',
    repository: into,
    source,
    clock: systemClock,
    log: silentLog,
    stalledAfterMs: 1500,
  });
  return { wal, timeline };
}

async function flushed(): Promise<bigint> {
  const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
  return parseLsn(row?.lsn ?? '');
}

test('after the reading an outage that lasts is what is told, and not that the server sent nothing', async () => {
  const { wal, timeline } = await alongside(repository);
  try {
    const startLsn = await flushed();
    await wal.begin(startLsn, timeline);
    await cutAndBlock();
    await expect(wal.finish(startLsn + 0x100_0000n, new AbortController().signal)).rejects.toMatchObject({
      code: 'query-failed',
      message: expect.stringMatching(/^cannot create replication slot/),
    });
    await unblock();
  } finally {
    await wal.close();
  }
});

test('a slot that is younger than the WAL to be received holds that before any of it is stored', async () => {
  await restartWith("wal_keep_size = '64MB'");
  const startLsn = await flushed();
  await turnOver();
  const gate = Promise.withResolvers<void>();
  const { wal, timeline } = await alongside(stalling(async () => await gate.promise));
  const held = async (): Promise<bigint> => {
    const [row] = await sql<{ lsn: string }[]>`select restart_lsn::text as lsn from pg_replication_slots`;
    if (row === undefined) throw new Error('the slot is gone');
    return parseLsn(row.lsn);
  };
  try {
    expect(await held()).toBeGreaterThan(startLsn);
    await wal.begin(startLsn, timeline);
    await expect.poll(held, { timeout: 20_000 }).toBeLessThanOrEqual(startLsn);
  } finally {
    gate.resolve();
    await wal.close();
  }
});
