import net from 'node:net';
import postgres from 'postgres';
import { afterEach, expect, test } from 'vitest';
import { FlushedInspection } from '../../../src/backup/wal/flushed-inspect.ts';
import { Secret } from '../../../src/base/secret.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { ReplicationConnection } from '../../../src/postgres/replication.ts';
import { ManualClock } from '../../backup/manual-clock.ts';
import type { ClusterOptions, TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

const MINUTE_MS = 60_000;

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

interface World {
  readonly cluster: TestCluster;
  readonly sql: postgres.Sql;
  readonly clock: ManualClock;
  readonly warnings: readonly string[];
  readonly ask: () => Promise<bigint | undefined>;
}

/** Who asks beside a stream, and a session of a superuser that stays. */
async function newWorld(options: ClusterOptions, change: (cluster: TestCluster) => Promise<Partial<ConnectionParameters>>): Promise<World> {
  const cluster = await startEmbeddedCluster({ major: 17, ...options });
  stops.push(async () => await cluster.stop());
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  stops.push(async () => await sql.end({ timeout: 1 }));
  await sql`create role receiver login replication password 'first'`;
  const parameters = { ...cluster.parameters(), user: 'receiver', password: new Secret('first'), ...(await change(cluster)) };
  const stream = await ReplicationConnection.open(parameters);
  stops.push(async () => await stream.close());
  const clock = new ManualClock();
  const warnings: string[] = [];
  const log = { debug: () => undefined, info: () => undefined, warn: (text: string) => void warnings.push(text) };
  const { systemIdentifier } = await stream.identifySystem();
  const flushed = new FlushedInspection(stream, systemIdentifier, clock, log);
  stops.push(async () => await flushed.close());
  return { cluster, sql, clock, warnings, ask: async () => await flushed.flushedLsn(1) };
}

test('a password that was changed is tried once an hour, and said each time; given back it serves again', async () => {
  const { cluster, sql, clock, warnings, ask } = await newWorld({ password: 'superuser' }, async () => await Promise.resolve({}));
  const refusals = async (): Promise<number> =>
    (await cluster.log()).split('password authentication failed for user "receiver"').length - 1;
  expect(await ask()).toBeGreaterThan(0n);
  await sql`alter role receiver password 'second'`;
  expect(await ask()).toBeUndefined();
  const once = await refusals();
  expect(once).toBeGreaterThan(0);
  expect(warnings).toEqual([expect.stringMatching(/^cannot ask the server .*asked again in an hour: .*restart the receiver/)]);
  await clock.advance(59 * MINUTE_MS);
  expect(await ask()).toBeUndefined();
  expect(await refusals()).toBe(once);
  await clock.advance(MINUTE_MS);
  expect(await ask()).toBeUndefined();
  expect(await refusals()).toBe(2 * once);
  expect(warnings).toHaveLength(2);
  await sql`alter role receiver password 'first'`;
  await clock.advance(60 * MINUTE_MS);
  expect(await ask()).toBeGreaterThan(0n);
});

test('a role that may not log in for a while is asked for again within a minute', async () => {
  const { sql, clock, warnings, ask } = await newWorld({}, async () => await Promise.resolve({}));
  expect(await ask()).toBeGreaterThan(0n);
  await sql`alter role receiver nologin`;
  for (let time = 0; time < 5; time += 1) {
    expect(await ask()).toBeUndefined();
    await clock.advance(MINUTE_MS);
  }
  expect(warnings).toEqual([expect.stringMatching(/^cannot ask the server .*; WAL is received all the same/)]);
  await sql`alter role receiver login`;
  expect(await ask()).toBeGreaterThan(0n);
});

test('a login that nobody answers ends after a minute, whatever connect_timeout says, and the next question is asked', async () => {
  let isSilent = false;
  const { clock, ask } = await newWorld({}, async (cluster) => {
    const address = await startProxy(cluster, () => isSilent);
    return { hosts: [address], connectTimeoutMs: 2_000_000_000 };
  });
  expect(await ask()).toBeGreaterThan(0n);
  isSilent = true;
  const unanswered = ask();
  await clock.advance(0);
  expect(await clock.until(unanswered)).toBeUndefined();
  isSilent = false;
  await clock.advance(MINUTE_MS);
  expect(await ask()).toBeGreaterThan(0n);
});

/** A way to the server that takes connections and brings nothing of those which come while `isSilent`. */
async function startProxy(cluster: TestCluster, isSilent: () => boolean): Promise<{ readonly host: string; readonly port: number }> {
  const open = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const ways = isSilent() ? [client] : [client, net.connect(cluster.port, '127.0.0.1')];
    const [, upstream] = ways;
    if (upstream !== undefined) client.pipe(upstream).pipe(client);
    for (const socket of ways) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => ways.forEach((each) => each.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(async () => {
    for (const socket of open) socket.destroy();
    await new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port };
}
