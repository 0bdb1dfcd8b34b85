import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseControlFile } from '../../../src/postgres/control-file.ts';
import { EMBEDDED_MAJORS, hasEmbedded } from '../../../src/postgres/embedded.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { isSegmentName, parseSegmentName } from '../../../src/postgres/segment.ts';
import { readTransactionEnds, type TransactionEnd, type WalReadOptions } from '../../../src/postgres/wal-records.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { serverControlFile } from './server-control-file.ts';
import type { TestCluster } from '../../postgres/cluster.ts';

const SEGMENT_BYTES = 2 ** 20;
const PG_WALDUMP = '/usr/lib/postgresql/15/bin/pg_waldump';

/** What recovery needs to know of a cluster's settings. */
const KEPT_IN_PG_CONTROL = {
  max_connections: 37,
  max_worker_processes: 11,
  max_wal_senders: 7,
  max_prepared_transactions: 5,
  max_locks_per_transaction: 77,
  wal_level: 'logical',
  wal_log_hints: 'on',
  track_commit_timestamp: 'on',
};

interface Written {
  readonly kind: TransactionEnd['kind'];
  readonly xid: number;
  readonly before: bigint;
  readonly after: bigint;
}

describe.each(EMBEDDED_MAJORS.filter(hasEmbedded))('what PostgreSQL %i writes', (major) => {
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let startLsn: bigint;
  /** Where commit times began to be kept. */
  let startAt: bigint;
  let flushedLsn: bigint;
  let wal: Buffer;
  let lines: string[] = [];
  const written: Written[] = [];

  beforeAll(async () => {
    cluster = await startTestCluster({
      major,
      provider: 'embedded',
      walSegmentMegabytes: 1,
      checksums: major !== 15,
      settings: {
        ...KEPT_IN_PG_CONTROL,
        autovacuum: 'off',
        max_wal_size: '1GB',
        min_wal_size: '2MB',
        wal_keep_size: '1GB',
      },
    });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    const position = async (): Promise<bigint> => {
      const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
      return parseLsn(row?.lsn ?? '');
    };
    startAt = await position();
    startLsn = startAt - (startAt % BigInt(SEGMENT_BYTES));
    /** Runs the statements as one transaction and notes what it did and between which positions. */
    const transaction = async (end: string, statements: readonly string[], kind: Written['kind']): Promise<number> => {
      await sql.unsafe('begin');
      for (const statement of statements) await sql.unsafe(statement);
      const [row] = await sql.unsafe<{ xid: string }[]>('select pg_current_xact_id()::text as xid');
      const before = await position();
      await sql.unsafe(end);
      written.push({ kind, xid: Number(row?.xid), before, after: await position() });
      return Number(row?.xid);
    };
    await transaction('commit', ['create table t (id int primary key, text text)'], 'commit');
    for (let id = 0; id < 60; id += 1) {
      await transaction('commit', [`insert into t select ${id}00 + g, repeat('x', 300) from generate_series(1, 40) g`], 'commit');
      if (id % 10 === 3) await transaction('rollback', [`update t set text = 'never'`], 'abort');
    }
    await transaction('commit', ['savepoint a', `insert into t values (-1)`, 'savepoint b', 'insert into t values (-2)'], 'commit');
    await transaction('commit', [`select pg_logical_emit_message(true, 'large', repeat('y', ${2.5 * SEGMENT_BYTES}))`], 'commit');
    await sql.unsafe('select pg_switch_wal()');
    await transaction('commit', ['create table doomed (id int primary key, text text)'], 'commit');
    await transaction('commit', ['drop table doomed', 'truncate t'], 'commit');
    for (const [end, kind] of [
      ['commit prepared', 'commit-prepared'],
      ['rollback prepared', 'abort-prepared'],
    ] as const) {
      await sql.unsafe('create table made (id int)');
      await sql.unsafe('begin; savepoint s; drop table made; create table other (id int primary key)');
      const [row] = await sql.unsafe<{ xid: string }[]>('select pg_current_xact_id()::text as xid');
      await sql.unsafe(`prepare transaction 'two phases'`);
      const before = await position();
      await sql.unsafe(`${end} 'two phases'`);
      written.push({ kind, xid: Number(row?.xid), before, after: await position() });
      await sql.unsafe('drop table if exists made, other');
    }
    await sql`select pg_create_restore_point('before the änderung')`;
    await transaction('commit', ['insert into t values (1)'], 'commit');
    await sql.unsafe('checkpoint');
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    flushedLsn = parseLsn(row?.lsn ?? '');
    wal = await readWal(cluster, startLsn);
    if (major === 15 && existsSync(PG_WALDUMP)) lines = await dumped(cluster, startLsn, flushedLsn);
  });
  afterAll(async () => {
    await sql.end();
    await cluster.stop();
  });

  const read = async (bytes: Buffer, options: Partial<WalReadOptions> = {}, pieceBytes = 100_000): Promise<TransactionEnd[]> => {
    const ends: TransactionEnd[] = [];
    for await (const end of readTransactionEnds(inPieces(bytes, pieceBytes), { startLsn, segmentBytes: SEGMENT_BYTES, major, ...options }))
      ends.push(end);
    return ends;
  };

  test('pg_control reads as the server itself reads it', async () => {
    await sql`checkpoint`;
    const file = parseControlFile(await readFile(path.join(cluster.dataDirectory ?? '', 'global', 'pg_control')));
    expect(file).toMatchObject(await serverControlFile(sql));
    expect(file).toMatchObject({
      state: 'in-production',
      backupEndRequired: false,
      walLevel: 'logical',
      walLogHints: true,
      maxConnections: 37,
      maxWorkerProcesses: 11,
      maxWalSenders: 7,
      maxPreparedXacts: 5,
      maxLocksPerXact: 77,
      trackCommitTimestamp: true,
      walSegmentBytes: SEGMENT_BYTES,
      checksumVersion: major === 15 ? 0 : 1,
    });
  });

  test('every transaction that ended is read, at its place and with its time, and nothing else', async () => {
    let validUntil = 0n;
    const ends = await read(wal, { onEnd: (lsn) => (validUntil = lsn) });
    expect(validUntil).toBe(flushedLsn);
    for (const { kind, xid, before, after } of written) {
      const found = ends.filter((end) => end.kind === kind && 'xid' in end && end.xid === xid);
      expect(found.map((end) => end.lsn >= before && end.endLsn <= after)).toEqual([true]);
    }
    const commits = ends.flatMap((end) =>
      end.lsn >= startAt && (end.kind === 'commit' || end.kind === 'commit-prepared') ? [{ xid: end.xid, time: end.time }] : [],
    );
    const times = await sql<{ xid: number; us: string }[]>`
      select xid::text::int as xid, (extract(epoch from pg_xact_commit_timestamp(xid)) * 1000000)::bigint::text as us
        from unnest(${commits.map(({ xid }) => String(xid))}::text[]::xid[]) as xid`;
    expect(commits.map(({ xid, time }) => [xid, time])).toEqual(times.map(({ xid, us }) => [xid, BigInt(us)]));
  });

  test('a restore point has its name and its place', async () => {
    const points = (await read(wal)).filter((end) => end.kind === 'restore-point');
    expect(points).toEqual([expect.objectContaining({ name: 'before the änderung' })]);
    expect(Math.abs(Number(points[0]?.time ?? 0n) / 1000 - Date.now())).toBeLessThan(120_000);
  });

  test('how the bytes are cut does not matter', async () => {
    const whole = await read(wal);
    expect(await read(wal, {}, 8192)).toEqual(whole);
    expect(await read(wal, {}, 1237)).toEqual(whole);
    expect(await read(wal, {}, wal.length)).toEqual(whole);
  });

  test('WAL cut off anywhere ends after the last whole record', async () => {
    const whole = await read(wal);
    for (const length of [0, 100, 8192, 300_001, 2 ** 21 + 24, 3 * 2 ** 20 + 5000]) {
      const cutAt = startLsn + BigInt(length);
      expect(await read(wal.subarray(0, length))).toEqual(whole.filter(({ endLsn }) => endLsn <= cutAt + 7n));
    }
  });

  test('a changed bit ends the WAL before its record', async () => {
    const damaged = Buffer.from(wal);
    const at = 600_000;
    damaged[at] = (damaged[at] ?? 0) ^ 4;
    let validUntil = 0n;
    const ends = await read(damaged, { onEnd: (lsn) => (validUntil = lsn) });
    expect(validUntil <= startLsn + BigInt(at)).toBe(true);
    expect(validUntil > startLsn + BigInt(at - 200_000)).toBe(true);
    expect(ends.length).toBeGreaterThan(0);
  });

  test('WAL of another cluster or another major is refused', async () => {
    await expect(read(wal, { systemIdentifier: '1' })).rejects.toMatchObject({ code: 'wal-conflict' });
    await expect(read(wal, { major: major === 14 ? 15 : 14 })).rejects.toMatchObject({ code: 'wal-invalid' });
    await expect(read(wal, { segmentBytes: 16 * SEGMENT_BYTES })).rejects.toMatchObject({ code: 'wal-invalid' });
  });

  if (major !== 15 || !existsSync(PG_WALDUMP)) return;
  test('pg_waldump finds the same ends at the same places', async () => {
    const ends = (await read(wal)).filter((end) => end.kind !== 'restore-point');
    expect(lines.length).toBeGreaterThan(60);
    expect(ends.map(({ lsn }) => lsn)).toEqual(lines.map((line) => parseLsn(/lsn: ([0-9A-F/]+)/.exec(line)?.[1] ?? '')));
  });
});

async function readWal(cluster: TestCluster, startLsn: bigint): Promise<Buffer> {
  const directory = path.join(cluster.dataDirectory ?? '', 'pg_wal');
  const names = (await readdir(directory)).filter((name) => isSegmentName(name)).sort();
  const wanted = names.filter((name) => parseSegmentName(name, SEGMENT_BYTES).startLsn >= startLsn);
  return Buffer.concat(await Promise.all(wanted.map(async (name) => await readFile(path.join(directory, name)))));
}

async function dumped(cluster: TestCluster, startLsn: bigint, endLsn: bigint): Promise<string[]> {
  const hex = (lsn: bigint): string => `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`;
  const directory = path.join(cluster.dataDirectory ?? '', 'pg_wal');
  const args = ['-p', directory, '-r', 'Transaction', '-s', hex(startLsn), '-e', hex(endLsn)];
  const { stdout } = await promisify(execFile)(PG_WALDUMP, args, { maxBuffer: 2 ** 26 });
  return stdout.split('\n').filter((line) => /desc: (COMMIT|ABORT)/.test(line));
}

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += pieceBytes)
    yield await Promise.resolve(bytes.subarray(offset, offset + pieceBytes));
}
