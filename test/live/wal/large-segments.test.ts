import { readFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { ChildProcess } from 'node:child_process';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timeTarget } from '../../../src/backup/restore/target.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { openRepository } from '../../../src/repository/repository.ts';
import { createDiskStore } from '../../../src/storage/disk.ts';
import { commandEnd, startCommand, writeConfig, type CommandEnd } from '../../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** In megabytes; the largest that initdb takes is 1024: `npm run test:segments`. */
const SIZES = (process.env['DBADMIN_TEST_SEGMENT_MB'] ?? '128').split(',').map(Number);
const MB = 2 ** 20;
/** Beside one segment: what a process takes for all the rest, on a machine that is busy. */
const REST_MB = 300;

/** The most memory that a running process had, in MB. */
async function peakOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

async function measured(args: readonly string[]): Promise<CommandEnd & { readonly peakMb: number }> {
  const child = startCommand(args);
  let peakMb = 0;
  const watch = setInterval(() => void peakOf(child).then((peak) => (peakMb = Math.max(peakMb, peak))), 25);
  const end = await commandEnd(child);
  clearInterval(watch);
  return { ...end, peakMb };
}

describe.each(SIZES)('a cluster whose WAL segments have %i MB', (megabytes) => {
  let directory: string;
  let config: string;
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let repository: Repository;

  beforeAll(async () => {
    directory = await makeDirectory();
    const settings = { wal_keep_size: `${4 * megabytes}MB`, max_wal_size: `${8 * megabytes}MB`, autovacuum: 'off' };
    cluster = await startTestCluster({ major: 16, provider: 'embedded', walSegmentMegabytes: megabytes, settings });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await makeRepository(path.join(directory, 'repository'));
    repository = await openRepository(await createDiskStore(path.join(directory, 'repository')), { kind: 'none' });
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
  }, 300_000);
  afterAll(async () => {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  });

  const segmentNow = async (): Promise<string> =>
    (await sql<{ name: string }[]>`select pg_walfile_name(pg_current_wal_insert_lsn()) as name`)[0]?.name ?? '';

  /** WAL that hardly compresses, until `segments` more are full. */
  async function fill(segments: number): Promise<void> {
    for (let done = 0, at = await segmentNow(); done < segments;) {
      await sql`select pg_logical_emit_message(false, 'fill', ${randomBytes(4 * MB).toString('base64')})`;
      const now = await segmentNow();
      if (now !== at) done += 1;
      at = now;
    }
  }

  test('is received, backed up, and restored to its end and to a moment, and gives its segments back as they were', async () => {
    const peaks: Record<string, number> = {};
    await sql`create table step (n int)`;
    const receiver = startCommand(['wal', 'receive', '--config', config, '--rpo', '2s']);
    const ended = commandEnd(receiver);
    const taken = await measured(['backup', 'run', '--config', config]);
    expect(taken).toMatchObject({ status: 0 });
    peaks['backup run'] = taken.peakMb;
    await sql`insert into step values (1)`;
    const first = await segmentNow();
    await fill(SIZES.length > 1 || megabytes > 256 ? 2 : 1);
    await sql`insert into step values (2)`;
    const [row] = await sql<{ at: string }[]>`select clock_timestamp()::text as at, pg_sleep(0.1)`;
    await sql`insert into step values (3)`;
    await waitUntilAllStored(repository, sql);
    peaks['wal receive'] = await peakOf(receiver);
    receiver.kill('SIGTERM');
    expect(await ended).toMatchObject({ status: 0 });

    const original = await readFile(path.join(cluster.dataDirectory ?? '', 'pg_wal', first));
    expect(original.byteLength).toBe(megabytes * MB);
    const got = await measured(['wal', 'get', first, path.join(directory, 'got'), '--config', config]);
    expect(got).toMatchObject({ status: 0 });
    peaks['wal get'] = got.peakMb;
    expect(original.equals(await readFile(path.join(directory, 'got')))).toBe(true);
    const again = await measured(['wal', 'push', path.join(cluster.dataDirectory ?? '', 'pg_wal', first), '--config', config]);
    expect(again).toMatchObject({ status: 0 });
    peaks['wal push'] = again.peakMb;
    const verified = await measured(['backup', 'verify', '--read-data', '--config', config]);
    expect(verified).toMatchObject({ status: 0 });
    peaks['backup verify'] = verified.peakMb;

    const laid = await measured(['restore', '--to-latest', '--into', path.join(directory, 'laid'), '--yes', '--config', config]);
    expect(laid).toMatchObject({ status: 0 });
    await removeDirectory(path.join(directory, 'laid'));
    console.log(`${megabytes} MB segments: ${JSON.stringify({ ...peaks, restore: laid.peakMb })}`);
    for (const [name, peakMb] of Object.entries(peaks)) expect(peakMb, name).toBeLessThan(megabytes + REST_MB);
    expect(laid.peakMb).toBeLessThan(3 * megabytes + REST_MB);

    for (const [name, target, wanted] of [
      ['latest', { kind: 'latest' }, [1, 2, 3]],
      ['moment', timeTarget(row?.at ?? '', new Date()), [1, 2]],
    ] as const) {
      const clone = await restore({ repository, target, into: path.join(directory, name) });
      const reader = postgres(clone.url, { max: 1 });
      expect((await reader<{ n: number }[]>`select n from step order by n`).map(({ n }) => n)).toEqual(wanted);
      await reader.end();
      await clone.stop();
      await removeDirectory(path.join(directory, name));
    }
  }, 900_000);
});
