import net from 'node:net';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inspectLineage } from '../../src/backup/lineage-inspect.ts';
import { inspectRecovery } from '../../src/backup/recovery-inspect.ts';
import { newestRecovery, recoveryModel } from '../../src/backup/windows.ts';
import { formatLsn, parseLsn } from '../../src/postgres/lsn.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { preflightOf } from '../backup/preflight.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../backup/repository.ts';
import { startStandby } from '../backup/standby.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';

/** What a client knew at a moment of the server's clock: all this was flushed. */
interface Flushed {
  readonly lsn: bigint;
  readonly at: Date;
}

let directory: string;
let repository: Repository;
const stops: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  directory = await makeDirectory();
  repository = await makeRepository(path.join(directory, 'repository'));
});
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
  await removeDirectory(directory);
});

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

class Writer {
  readonly flushed: Flushed[] = [];
  readonly #sql: postgres.Sql;

  constructor(cluster: TestCluster) {
    this.#sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    stops.push(async () => await this.#sql.end({ timeout: 1 }));
  }

  async run(statement: string): Promise<void> {
    await this.#sql.unsafe(statement);
  }

  /** Commits, and notes what is flushed once that was acknowledged. */
  async write(rows: number): Promise<void> {
    await this.#sql.unsafe(`insert into step select g, encode(sha512(g::text::bytea), 'base64') from generate_series(1, ${rows}) g`);
    // In this order: the time is later than the position.
    const [row] = await this.#sql<{ lsn: string; at: Date }[]>`select pg_current_wal_flush_lsn()::text as lsn, clock_timestamp() as at`;
    if (row !== undefined) this.flushed.push({ lsn: parseLsn(row.lsn), at: row.at });
  }

  async until(question: string): Promise<void> {
    await expect
      .poll(async () => (await this.#sql.unsafe<{ is: boolean }[]>(`select ${question} as is`))[0]?.is, { timeout: 30_000 })
      .toBe(true);
  }
}

/** A way to the server that brings `bytesPerSecond` from it. */
async function startSlowLine(cluster: TestCluster, bytesPerSecond: number): Promise<TestCluster> {
  const server = net.createServer((client) => {
    const upstream = net.connect(cluster.port, '127.0.0.1');
    client.pipe(upstream);
    upstream.on('data', (data) => {
      client.write(data);
      upstream.pause();
      setTimeout(() => upstream.resume(), (data.length * 1000) / bytesPerSecond);
    });
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined);
      socket.on('close', () => [client, upstream].forEach((each) => each.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(async () => await new Promise<void>((resolve) => void server.close(() => resolve())));
  const { port } = server.address() as net.AddressInfo;
  const parameters = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port }] };
  return { ...cluster, port, parameters: () => parameters };
}

/** What info offers. */
async function offered(): Promise<{ readonly to: Date | undefined; readonly reach: bigint }> {
  const model = recoveryModel(await inspectRecovery(repository, await inspectLineage(repository, 'main')));
  const stretch = newestRecovery(model)?.stretches.at(-1);
  return { to: stretch?.to === null || stretch === undefined ? undefined : new Date(stretch.to), reach: parseLsn(stretch?.toLsn ?? '0/0') };
}

/** The latest time that nothing more is known to be missing of. */
async function horizon(): Promise<{ readonly at: Date; readonly lsn: bigint } | undefined> {
  const { coverage } = await inspectLineage(repository, 'main');
  return coverage.timelines.get(1)?.horizon;
}

/** Everything that was flushed by the moment that info offers is in the repository; to a later one nothing is restored. */
async function expectTruth(flushed: readonly Flushed[]): Promise<void> {
  const { to, reach } = await offered();
  const missing = flushed.filter(({ lsn }) => lsn > reach);
  expect(missing.length).toBeGreaterThan(0);
  expect(missing.filter(({ at }) => to !== undefined && at <= to)).toEqual([]);
  const [first, last] = [missing[0]?.at, missing.at(-1)?.at];
  for (const at of [first, last]) {
    await expect(
      preflightOf(repository, path.join(directory, 'clone'), { target: { kind: 'time', at: at ?? new Date() } }),
    ).rejects.toMatchObject({ code: 'target-unreachable', message: expect.stringMatching(/beyond the WAL/) as string });
  }
}

test.each([15, 18])(
  'PostgreSQL %i: of a host that is lost while the receiver lags, no moment is offered whose WAL has not come',
  async (major) => {
    const cluster = await startEmbeddedCluster({ major, walSegmentMegabytes: 1 });
    stops.push(async () => await cluster.stop());
    const writer = new Writer(cluster);
    await writer.run('create table step (n int, filler text)');
    const before = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    await before.stop();
    for (let round = 0; round < 60; round += 1) await writer.write(4000);
    const receiver = startReceiver(await startSlowLine(cluster, 4_000_000), repository);
    for (let round = 0; round < 25; round += 1) {
      await writer.write(10);
      await pause(200);
    }
    // More than the line brings meanwhile, however long the rounds took.
    await writer.write(100_000);
    await cluster.crash();
    await receiver.stop();
    await expectTruth(writer.flushed);
  },
  120_000,
);

/** A primary with somebody who writes, and a standby of it that WAL is received from. */
async function receiveFromStandby(options: Partial<Parameters<typeof startEmbeddedCluster>[0]>): Promise<{
  readonly writer: Writer;
  readonly standby: TestCluster;
  readonly receiver: ReturnType<typeof startReceiver>;
}> {
  const cluster = await startEmbeddedCluster({ major: 17, ...options });
  stops.push(async () => await cluster.stop());
  const writer = new Writer(cluster);
  await writer.run('create table step (n int, filler text)');
  await backUp(cluster, repository);
  const made = await startStandby(cluster, repository, path.join(directory, 'standby'));
  stops.push(async () => await made.stop());
  const receiver = startReceiver(made.standby, repository);
  stops.push(async () => await receiver.stop());
  return { writer, standby: made.standby, receiver };
}

test('of a standby that has lost its primary, no moment is offered at which the primary had more', async () => {
  const { writer, standby: cluster, receiver } = await receiveFromStandby({});
  for (let round = 0; round < 5; round += 1) await writer.write(10);
  const had = writer.flushed.at(-1);
  await expect.poll(async () => (await offered()).reach >= (had?.lsn ?? 0n), { timeout: 30_000 }).toBe(true);
  const standby = new Writer(cluster);
  await standby.run(`alter system set primary_conninfo = ''`);
  await standby.run('select pg_reload_conf()');
  await standby.until('not exists (select from pg_stat_wal_receiver)');
  for (let round = 0; round < 5; round += 1) {
    await writer.write(10);
    await pause(200);
  }
  await receiver.stop();
  await expectTruth(writer.flushed);
  // The commits themselves tell until when it has them.
  const { to } = await offered();
  expect(to?.getTime()).toBeGreaterThan((writer.flushed[3]?.at.getTime() ?? Infinity) - 1);
}, 120_000);

test('of a standby, a long transaction does not hide until when the WAL is there', async () => {
  const { writer } = await receiveFromStandby({ walSegmentMegabytes: 1, settings: { autovacuum: 'off' } });
  await writer.write(10);
  // Commits of one millisecond cannot be told apart.
  await pause(20);
  await writer.write(10);
  const begun = writer.flushed[0]?.at.getTime() ?? Infinity;
  await writer.run('begin');
  // Some six segments in which nothing ends.
  await writer.write(40_000);
  const had = writer.flushed.at(-1)?.lsn ?? 0n;
  await expect.poll(async () => (await offered()).reach >= had, { timeout: 30_000 }).toBe(true);
  const during = (await offered()).to?.getTime();
  expect(during).toBeGreaterThan(begun);
  // Its own commit is not here: no moment after what came before it is proven.
  expect(during).toBeLessThanOrEqual(writer.flushed[1]?.at.getTime() ?? 0);
  await pause(1100);
  await writer.run('checkpoint');
  await expect
    .poll(async () => (await offered()).to?.getTime(), { timeout: 30_000 })
    .toBeGreaterThan(writer.flushed[2]?.at.getTime() ?? Infinity);
  await writer.run('commit');
}, 120_000);

test('a server without a free WAL sender is received from all the same, and its idle time counts as unknown', async () => {
  const cluster = await startEmbeddedCluster({ major: 17, settings: { max_wal_senders: 1 } });
  stops.push(async () => await cluster.stop());
  const writer = new Writer(cluster);
  await writer.run('create table step (n int, filler text)');
  const said: string[] = [];
  const receiver = startReceiver(cluster, repository, 200, {
    warn: (text) => void said.push(text),
    info: () => undefined,
    debug: () => undefined,
  });
  await writer.until(`exists (select from pg_stat_replication where state = 'streaming')`);
  await writer.write(10);
  const had = writer.flushed.at(-1)?.lsn ?? 0n;
  await writer.until(`exists (select from pg_stat_replication where flush_lsn >= '${formatLsn(had)}')`);
  await expect.poll(() => said.join('\n'), { timeout: 20_000 }).toMatch(/cannot ask the server how far its WAL is flushed/);
  // A time that goes on while the position stands can only come of an answer.
  const isStill = async (): Promise<boolean> => {
    const before = await horizon();
    await pause(1000);
    const after = await horizon();
    return after?.lsn === before?.lsn && after?.at.getTime() === before?.at.getTime();
  };
  await expect.poll(isStill, { timeout: 20_000 }).toBe(true);
  await receiver.stop();
});

test('of an idle server the time goes on, and its WAL sender is given back after each question', async () => {
  const cluster = await startEmbeddedCluster({ major: 17, settings: { max_wal_senders: 2 } });
  stops.push(async () => await cluster.stop());
  const writer = new Writer(cluster);
  await backUp(cluster, repository);
  const receiver = startReceiver(cluster, repository, 2000);
  stops.push(async () => await receiver.stop());
  for (let round = 0; round < 2; round += 1) {
    const known = (await horizon())?.at.getTime() ?? 0;
    await expect.poll(async () => (await horizon())?.at.getTime() ?? 0, { timeout: 30_000 }).toBeGreaterThan(known);
    await writer.until(`(select count(*) from pg_stat_replication) = 1`);
  }
}, 120_000);
