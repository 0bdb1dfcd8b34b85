import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMBEDDED_MAJORS, hasEmbedded } from '../../../src/postgres/embedded.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { ReplicationConnection } from '../../../src/postgres/replication.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { parseTimelineHistory } from '../../../src/postgres/timeline.ts';
import { startWalStream, type WalStream, type WalStreamEvent } from '../../../src/postgres/wal-stream.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const MAJORS = EMBEDDED_MAJORS.filter(hasEmbedded);
const SEGMENT_BYTES = 2 ** 20;
const SIZE = BigInt(SEGMENT_BYTES);

describe.each([...drawn(import.meta.filename, MAJORS.slice(0, -1)), ...MAJORS.slice(-1)])('WAL streamed from PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let sql: postgres.Sql;

  beforeAll(async () => {
    cluster = await startTestCluster({
      major,
      provider: 'embedded',
      walSegmentMegabytes: 1,
      settings: { autovacuum: 'off', wal_sender_timeout: '800ms', max_wal_size: '2MB', min_wal_size: '2MB' },
    });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create table t as select g, repeat(md5(g::text), 20) as text from generate_series(1, 5000) g');
  });
  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await cluster.stop();
  });

  const lsnOf = async (expression: string): Promise<bigint> =>
    parseLsn((await sql.unsafe(`select ${expression}::text as lsn`))[0]?.['lsn'] as string);
  const write = async (): Promise<void> => void (await sql.unsafe('insert into t select g, md5(g::text) from generate_series(1, 2000) g'));
  const using = async (work: (connection: ReplicationConnection) => Promise<void>): Promise<void> => {
    const connection = await ReplicationConnection.open(cluster.parameters(), { applicationName: 'wal-stream-test' });
    try {
      await work(connection);
    } finally {
      await connection.close();
    }
  };

  test('is byte for byte what lies in pg_wal, and the slot follows what is reported', async () => {
    await using(async (connection) => {
      await connection.createPhysicalSlot('ours', { reserveWal: true });
      const slot = await connection.readSlot('ours');
      const startLsn = (slot?.restartLsn ?? 0n) - ((slot?.restartLsn ?? 0n) % SIZE);
      for (let round = 0; round < 12; round += 1) await write();
      const endLsn = await lsnOf('pg_current_wal_flush_lsn()');
      const stream = await startWalStream(connection, { slot: 'ours', startLsn, timeline: 1 });
      const wal = await collect(stream, startLsn, endLsn);
      expect(wal.length).toBeGreaterThan(2 * SEGMENT_BYTES);
      for (let offset = 0; offset < wal.length; offset += SEGMENT_BYTES) {
        const name = segmentName(1, startLsn + BigInt(offset), SEGMENT_BYTES);
        const file = await readFile(path.join(cluster.dataDirectory ?? '', 'pg_wal', name));
        const ours = wal.subarray(offset, offset + SEGMENT_BYTES);
        expect(ours.equals(file.subarray(0, ours.length)), name).toBe(true);
      }
      stream.reportFlushed(endLsn);
      await expect.poll(async () => await lsnOf(`(select restart_lsn from pg_replication_slots where slot_name = 'ours')`)).toBe(endLsn);
      const [seen] = await sql`select replay_lsn, flush_lsn::text, sync_state, application_name from pg_stat_replication`;
      expect(seen).toMatchObject({ replay_lsn: null, sync_state: 'async', application_name: 'wal-stream-test' });
      await using(async (other) => {
        await expect(startWalStream(other, { slot: 'ours', startLsn: endLsn, timeline: 1 })).rejects.toMatchObject({ code: 'locked' });
      });
      await stream.stop();
      expect(await connection.show('wal_level')).toBe('replica');
      await connection.dropSlot('ours');
      expect(await connection.readSlot('ours')).toBeUndefined();
    });
  });

  test('goes on after a consumer that was busy longer than wal_sender_timeout, with a full queue or an empty one', async () => {
    await using(async (connection) => {
      await connection.createPhysicalSlot('busy', { reserveWal: true, temporary: true });
      const startLsn = ((await lsnOf('pg_current_wal_flush_lsn()')) / SIZE) * SIZE;
      const stream = await startWalStream(connection, { slot: 'busy', startLsn, timeline: 1 });
      await setTimeout(1300);
      await sql.unsafe(`select pg_logical_emit_message(true, 'large', repeat('y', 8 * 1024 * 1024))`);
      await setTimeout(1300);
      const endLsn = await lsnOf('pg_current_wal_flush_lsn()');
      expect((await collect(stream, startLsn, endLsn)).length).toBe(Number(endLsn - startLsn));
      await stream.stop();
    });
  });

  test('answers a request with a keepalive that tells the server time', async () => {
    await using(async (connection) => {
      const startLsn = ((await lsnOf('pg_current_wal_flush_lsn()')) / SIZE) * SIZE;
      const stream = await startWalStream(connection, { startLsn, timeline: 1 });
      stream.requestKeepalive();
      const keepalive = await firstOf(stream, 'keepalive');
      expect(Math.abs(keepalive.serverTime.getTime() - Date.now())).toBeLessThan(10_000);
      expect(keepalive.sentLsn >= startLsn).toBe(true);
    });
  });

  test('WAL that was removed, and a position that does not exist, are named', async () => {
    for (let round = 0; round < 4; round += 1) {
      await sql.unsafe('select pg_switch_wal()');
      await sql.unsafe('checkpoint');
    }
    await using(async (connection) => {
      const stream = await startWalStream(connection, { startLsn: SIZE * 8n, timeline: 1 });
      await expect(firstOf(stream, 'data')).rejects.toMatchObject({ code: 'wal-missing' });
    });
    await using(async (connection) => {
      const stream = await startWalStream(connection, { startLsn: SIZE * 100_000n, timeline: 1 });
      await expect(firstOf(stream, 'data')).rejects.toMatchObject({ code: 'wal-missing' });
      await expect(startWalStream(connection, { startLsn: SIZE, timeline: 7 })).rejects.toMatchObject({ code: 'wal-missing' });
      expect((await connection.identifySystem()).timeline).toBe(1);
    });
  });

  test('an orderly shutdown is an event, once everything was reported', async () => {
    await using(async (connection) => {
      const startLsn = ((await lsnOf('pg_current_wal_flush_lsn()')) / SIZE) * SIZE;
      const stream = await startWalStream(connection, { startLsn, timeline: 1 });
      const seen: WalStreamEvent['kind'][] = [];
      const restarted = cluster.restart();
      for await (const event of stream) {
        if (event.kind === 'data') stream.reportFlushed(event.startLsn + BigInt(event.bytes.length));
        seen.push(event.kind);
      }
      expect(seen.at(-1)).toBe('server-shutdown');
      await restarted;
    });
  });

  test('a promotion ends the timeline where its history says, and the next one goes on from there', async () => {
    const startLsn = ((await lsnOf('pg_current_wal_flush_lsn()')) / SIZE) * SIZE;
    const data = cluster.dataDirectory ?? '';
    await appendFile(path.join(data, 'postgresql.conf'), `\nwal_keep_size = '64MB'\nrestore_command = 'false'\n`);
    await writeFile(path.join(data, 'recovery.signal'), '', { mode: 0o666 });
    await cluster.restart();
    await expect
      .poll(async () => (await sql`select pg_is_in_recovery() as yes`.catch(() => [{ yes: true }]))[0]?.['yes'], { timeout: 20_000 })
      .toBe(false);
    await write();
    await using(async (connection) => {
      expect((await connection.identifySystem()).timeline).toBe(2);
      const { fileName, content } = await connection.timelineHistory(2);
      expect(fileName).toBe('00000002.history');
      const history = parseTimelineHistory(Buffer.from(content).toString('utf8'));
      const end = await firstOf(await startWalStream(connection, { startLsn, timeline: 1 }), 'timeline-end');
      expect(end).toEqual({ kind: 'timeline-end', nextTimeline: 2, switchLsn: history[0]?.switchLsn });
      const next = await startWalStream(connection, { startLsn: (end.switchLsn / SIZE) * SIZE, timeline: end.nextTimeline });
      const endLsn = await lsnOf('pg_current_wal_flush_lsn()');
      expect((await collect(next, (end.switchLsn / SIZE) * SIZE, endLsn)).length).toBeGreaterThan(0);
      await next.stop();
    });
  });

  // The last: it takes the cluster down.
  test('a server that is killed is an error', async () => {
    const connection = await ReplicationConnection.open(cluster.parameters());
    const stream = await startWalStream(connection, { startLsn: ((await lsnOf('pg_current_wal_flush_lsn()')) / SIZE) * SIZE, timeline: 2 });
    const lost = expect(firstOf(stream, 'server-shutdown')).rejects.toMatchObject({ code: 'connection-failed' });
    await cluster.crash();
    await lost;
    await connection.close();
  });
});

/** The bytes from `startLsn` to `endLsn`. Leaves the stream open. */
async function collect(stream: WalStream, startLsn: bigint, endLsn: bigint): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let at = startLsn;
  const events = stream[Symbol.asyncIterator]();
  while (at < endLsn) {
    const { value, done } = await events.next();
    if (done === true) throw new Error('the stream ended early');
    if (value.kind !== 'data') continue;
    expect(value.startLsn).toBe(at);
    pieces.push(value.bytes);
    at += BigInt(value.bytes.length);
  }
  return Buffer.concat(pieces).subarray(0, Number(endLsn - startLsn));
}

async function firstOf<K extends WalStreamEvent['kind']>(
  stream: WalStream,
  kind: K,
): Promise<Extract<WalStreamEvent, { readonly kind: K }>> {
  for await (const event of stream) if (event.kind === kind) return event as Extract<WalStreamEvent, { readonly kind: K }>;
  throw new Error(`the stream ended without ${kind}`);
}
