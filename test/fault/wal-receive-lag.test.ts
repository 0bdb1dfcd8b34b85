import net from 'node:net';
import path from 'node:path';
import postgres from 'postgres';
import { test as base, type ExpectStatic } from 'vitest';
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

interface Scene {
  readonly directory: string;
  readonly repository: Repository;
  /** What ends what was begun here, the last first. */
  readonly stops: (() => Promise<unknown>)[];
}

// They wait more than they do: each has a repository and a server of its own, and they wait beside each other.
const test = base.extend<{ scene: Scene }>({
  // oxlint-disable-next-line no-empty-pattern
  scene: async ({}, use) => {
    const directory = await makeDirectory();
    const stops: Scene['stops'] = [];
    await use({ directory, repository: await makeRepository(path.join(directory, 'repository')), stops });
    for (const stop of stops.reverse()) await stop();
    await removeDirectory(directory);
  },
}).concurrent;

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

class Writer {
  readonly flushed: Flushed[] = [];
  readonly #sql: postgres.Sql;

  constructor({ stops }: Scene, cluster: TestCluster) {
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

  async until(expect: ExpectStatic, question: string): Promise<void> {
    await expect
      .poll(async () => (await this.#sql.unsafe<{ is: boolean }[]>(`select ${question} as is`))[0]?.is, { timeout: 30_000 })
      .toBe(true);
  }
}

/** A way to the server that brings `bytesPerSecond` from it. */
async function startSlowLine({ stops }: Scene, cluster: TestCluster, bytesPerSecond: number): Promise<TestCluster> {
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
async function offered({ repository }: Scene): Promise<{ readonly to: Date | undefined; readonly reach: bigint }> {
  const model = recoveryModel(await inspectRecovery(repository, await inspectLineage(repository, 'main')));
  const stretch = newestRecovery(model)?.stretches.at(-1);
  return { to: stretch?.to === null || stretch === undefined ? undefined : new Date(stretch.to), reach: parseLsn(stretch?.toLsn ?? '0/0') };
}

/** The latest time that nothing more is known to be missing of. */
async function horizon({ repository }: Scene): Promise<{ readonly at: Date; readonly lsn: bigint } | undefined> {
  const { coverage } = await inspectLineage(repository, 'main');
  return coverage.timelines.get(1)?.horizon;
}

/** Everything that was flushed by the moment that info offers is in the repository; to a later one nothing is restored. */
async function expectTruth(expect: ExpectStatic, scene: Scene, flushed: readonly Flushed[]): Promise<void> {
  const { directory, repository } = scene;
  const { to, reach } = await offered(scene);
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

test.for([15, 18])(
  'PostgreSQL %i: of a host that is lost while the receiver lags, no moment is offered whose WAL has not come',
  async (major, { scene, expect }) => {
    const { repository, stops } = scene;
    const cluster = await startEmbeddedCluster({ major, walSegmentMegabytes: 1 });
    stops.push(async () => await cluster.stop());
    const writer = new Writer(scene, cluster);
    await writer.run('create table step (n int, filler text)');
    const before = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    await before.stop();
    for (let round = 0; round < 60; round += 1) await writer.write(4000);
    const receiver = startReceiver(await startSlowLine(scene, cluster, 4_000_000), repository);
    for (let round = 0; round < 25; round += 1) {
      await writer.write(10);
      await pause(200);
    }
    // More than the line brings meanwhile, however long the rounds took.
    await writer.write(100_000);
    await cluster.crash();
    await receiver.stop();
    await expectTruth(expect, scene, writer.flushed);
  },
);

/** A primary with somebody who writes, and a standby of it that WAL is received from. */
async function receiveFromStandby(
  scene: Scene,
  options: Partial<Parameters<typeof startEmbeddedCluster>[0]>,
): Promise<{
  readonly writer: Writer;
  readonly standby: TestCluster;
  readonly receiver: ReturnType<typeof startReceiver>;
}> {
  const { directory, repository, stops } = scene;
  const cluster = await startEmbeddedCluster({ major: 17, ...options });
  stops.push(async () => await cluster.stop());
  const writer = new Writer(scene, cluster);
  await writer.run('create table step (n int, filler text)');
  await backUp(cluster, repository);
  const made = await startStandby(cluster, repository, path.join(directory, 'standby'));
  stops.push(async () => await made.stop());
  const receiver = startReceiver(made.standby, repository);
  stops.push(async () => await receiver.stop());
  return { writer, standby: made.standby, receiver };
}

test('of a standby that has lost its primary, no moment is offered at which the primary had more', async ({ scene, expect }) => {
  const { writer, standby: cluster, receiver } = await receiveFromStandby(scene, {});
  for (let round = 0; round < 5; round += 1) await writer.write(10);
  const had = writer.flushed.at(-1);
  await expect.poll(async () => (await offered(scene)).reach >= (had?.lsn ?? 0n), { timeout: 30_000 }).toBe(true);
  const standby = new Writer(scene, cluster);
  await standby.run(`alter system set primary_conninfo = ''`);
  await standby.run('select pg_reload_conf()');
  await standby.until(expect, 'not exists (select from pg_stat_wal_receiver)');
  for (let round = 0; round < 5; round += 1) {
    await writer.write(10);
    await pause(200);
  }
  await receiver.stop();
  await expectTruth(expect, scene, writer.flushed);
  // The commits themselves tell until when it has them.
  const { to } = await offered(scene);
  expect(to?.getTime()).toBeGreaterThan((writer.flushed[3]?.at.getTime() ?? Infinity) - 1);
}, 120_000);

test('of a standby, a long transaction does not hide until when the WAL is there', async ({ scene, expect }) => {
  const { writer } = await receiveFromStandby(scene, { walSegmentMegabytes: 1, settings: { autovacuum: 'off' } });
  await writer.write(10);
  // Commits of one millisecond cannot be told apart.
  await pause(20);
  await writer.write(10);
  const begun = writer.flushed[0]?.at.getTime() ?? Infinity;
  await writer.run('begin');
  // Some six segments in which nothing ends.
  await writer.write(40_000);
  const had = writer.flushed.at(-1)?.lsn ?? 0n;
  await expect.poll(async () => (await offered(scene)).reach >= had, { timeout: 30_000 }).toBe(true);
  const during = (await offered(scene)).to?.getTime();
  expect(during).toBeGreaterThan(begun);
  // Its own commit is not here: no moment after what came before it is proven.
  expect(during).toBeLessThanOrEqual(writer.flushed[1]?.at.getTime() ?? 0);
  await pause(1100);
  await writer.run('checkpoint');
  await expect
    .poll(async () => (await offered(scene)).to?.getTime(), { timeout: 30_000 })
    .toBeGreaterThan(writer.flushed[2]?.at.getTime() ?? Infinity);
  await writer.run('commit');
}, 120_000);

test('a server without a free WAL sender is received from all the same, and its idle time counts as unknown', async ({ scene, expect }) => {
  const { repository, stops } = scene;
  const cluster = await startEmbeddedCluster({ major: 17, settings: { max_wal_senders: 1 } });
  stops.push(async () => await cluster.stop());
  const writer = new Writer(scene, cluster);
  await writer.run('create table step (n int, filler text)');
  const said: string[] = [];
  const receiver = startReceiver(cluster, repository, 200, {
    warn: (text) => void said.push(text),
    info: () => undefined,
    debug: () => undefined,
  });
  await writer.until(expect, `exists (select from pg_stat_replication where state = 'streaming')`);
  await writer.write(10);
  const had = writer.flushed.at(-1)?.lsn ?? 0n;
  await writer.until(expect, `exists (select from pg_stat_replication where flush_lsn >= '${formatLsn(had)}')`);
  await expect.poll(() => said.join('\n'), { timeout: 20_000 }).toMatch(/cannot ask the server how far its WAL is flushed/);
  // A time that goes on while the position stands can only come of an answer.
  const isStill = async (): Promise<boolean> => {
    const before = await horizon(scene);
    await pause(1000);
    const after = await horizon(scene);
    return after?.lsn === before?.lsn && after?.at.getTime() === before?.at.getTime();
  };
  await expect.poll(isStill, { timeout: 20_000 }).toBe(true);
  await receiver.stop();
});

test('of an idle server the time goes on, and its WAL sender is given back after each question', async ({ scene, expect }) => {
  const { repository, stops } = scene;
  const cluster = await startEmbeddedCluster({ major: 17, settings: { max_wal_senders: 2 } });
  stops.push(async () => await cluster.stop());
  const writer = new Writer(scene, cluster);
  await backUp(cluster, repository);
  const receiver = startReceiver(cluster, repository, 2000);
  stops.push(async () => await receiver.stop());
  for (let round = 0; round < 2; round += 1) {
    const known = (await horizon(scene))?.at.getTime() ?? 0;
    await expect.poll(async () => (await horizon(scene))?.at.getTime() ?? 0, { timeout: 30_000 }).toBeGreaterThan(known);
    await writer.until(expect, `(select count(*) from pg_stat_replication) = 1`);
  }
}, 120_000);
