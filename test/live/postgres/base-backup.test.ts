import { open } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  runBaseBackup,
  type BaseBackupOptions,
  type BaseBackupSink,
  type BaseBackupStart,
  type TarEntry,
} from '../../../src/postgres/base-backup.ts';
import { crc32c } from '../../../src/postgres/crc32c.ts';
import { hasEmbedded } from '../../../src/postgres/embedded.ts';
import { formatLsn, parseLsn } from '../../../src/postgres/lsn.ts';
import { ReplicationConnection } from '../../../src/postgres/replication.ts';
import { makeServerDirectory } from '../../../src/postgres/server.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** One with each form of the protocol: 15 has another than 14, and 17 can leave blocks out. */
const MAJORS = [14, ...drawn(import.meta.filename, [15, 16]), ...drawn(import.meta.filename, [17, 18])].filter(hasEmbedded);

const OPTIONS: BaseBackupOptions = { label: "it's a label", fastCheckpoint: true, verifyChecksums: true, manifestChecksums: 'CRC32C' };

interface ManifestFile {
  readonly Path: string;
  readonly Size: number;
  readonly Checksum: string;
}

describe.each(MAJORS)('a base backup of PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let spaceOid: string;
  let space: string;

  beforeAll(async () => {
    cluster = await startTestCluster({
      major,
      provider: 'embedded',
      password: 'secret',
      settings: { autovacuum: 'off', max_wal_size: '1GB' },
    });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    space = path.join(path.dirname(cluster.dataDirectory ?? ''), 'a space');
    if (cluster.programs !== undefined) await makeServerDirectory(cluster.programs, space);
    await sql.unsafe(`create tablespace elsewhere location '${space}'`);
    await sql.unsafe('create table wide as select g, repeat(md5(g::text), 20) as text from generate_series(1, 30000) g');
    await sql.unsafe('create table moved tablespace elsewhere as select g from generate_series(1, 50000) g');
    await sql.unsafe('create unlogged table fleeting as select g from generate_series(1, 1000) g');
    const [row] = await sql<{ oid: string }[]>`select oid::text from pg_tablespace where spcname = 'elsewhere'`;
    spaceOid = row?.oid ?? '';
  });
  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await cluster.stop();
  });

  /** Takes a backup on a connection of its own. */
  const take = async (
    sink: BaseBackupSink,
    options: Partial<BaseBackupOptions> = {},
    host = cluster.host,
  ): Promise<Awaited<ReturnType<typeof runBaseBackup>>> => {
    const connection = await ReplicationConnection.open({ ...cluster.parameters(), hosts: [{ host, port: cluster.port }] });
    try {
      return await runBaseBackup(connection, { ...OPTIONS, ...options }, sink);
    } finally {
      await connection.close();
    }
  };

  test('every file has the size and checksum that the server put into its manifest', async () => {
    const collector = new Collector();
    const [before] = await sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`;
    const result = await take(collector);
    const manifest = JSON.parse(collector.manifestText()) as { readonly Files: readonly ManifestFile[] };
    expect(collector.files()).toEqual(
      Object.fromEntries(
        manifest.Files.map((file) => [file.Path, { size: file.Size, sum: Buffer.from(file.Checksum, 'hex').readUInt32LE(0) }]),
      ),
    );
    expect(manifest.Files.length).toBeGreaterThan(800);
    expect(result).toMatchObject({ startTimeline: 1, stopTimeline: 1, warnings: [], damage: undefined });
    expect(result.startLsn >= parseLsn(before?.lsn ?? '')).toBe(true);
    expect(result.stopLsn > result.startLsn).toBe(true);
    expect(collector.start).toMatchObject({ startLsn: result.startLsn, timeline: 1, tablespaces: [{ oid: spaceOid, location: space }] });
    expect(collector.backupLabel).toContain(`LABEL: it's a label`);
    expect(collector.backupLabel).toContain(`START WAL LOCATION: ${formatLsn(result.startLsn)} `);
    expect(collector.entries.filter(({ type }) => type === 'symlink')).toEqual([
      expect.objectContaining({ path: `pg_tblspc/${spaceOid}`, linkTarget: space }),
    ]);
    expect(collector.entries.at(-1)).toMatchObject({ path: 'global/pg_control', type: 'file', sizeBytes: 8192 });
    expect(collector.entries.filter(({ type }) => type === 'directory').map((entry) => entry.path)).toContain('pg_wal/archive_status');
    const seen = collector.doneBytes.at(-1) ?? 0n;
    expect(Number(seen)).toBeGreaterThan(25e6);
    expect(Math.abs(Number(seen) / (collector.start?.totalBytes ?? 0) - 1)).toBeLessThan(0.1);
  });

  test('a sink that takes its time gets the same bytes, over a Unix socket too', async () => {
    const collector = new Collector();
    await take(slowed(collector), {}, path.dirname(cluster.dataDirectory ?? ''));
    const manifest = JSON.parse(collector.manifestText()) as { readonly Files: readonly ManifestFile[] };
    const files = collector.files();
    for (const file of manifest.Files) expect(files[file.Path]?.sum, file.Path).toBe(Buffer.from(file.Checksum, 'hex').readUInt32LE(0));
  });

  test('an abort ends it at once, and the server notices', async () => {
    const abort = new AbortController();
    const collector = new Collector(() => abort.abort(new Error('enough')));
    await expect(take(collector, { maxRateKb: 1000, signal: abort.signal })).rejects.toThrow('enough');
    const running = async (): Promise<number> => (await sql`select from pg_stat_progress_basebackup`).length;
    await expect.poll(running, { timeout: 10_000 }).toBe(0);
  });

  test('what a sink throws ends it and is passed on', async () => {
    const collector = new Collector(() => {
      throw new Error('the disk is full');
    });
    await expect(take(collector)).rejects.toThrow('the disk is full');
  });

  test('a rate that the server would not take is refused before it is asked', async () => {
    await expect(take(new Collector(), { maxRateKb: 1 })).rejects.toMatchObject({ code: 'config-invalid' });
  });

  test('a damaged page is reported after everything came, unless nobody asked', async () => {
    await sql.unsafe('create table damaged as select g from generate_series(1, 5000) g');
    await sql.unsafe('checkpoint');
    const [row] = await sql<{ file: string }[]>`select pg_relation_filepath('damaged') as file`;
    const file = row?.file ?? '';
    await flipByte(path.join(cluster.dataDirectory ?? '', file), 8192 * 3 + 5000);
    const collector = new Collector();
    const result = await take(collector);
    expect(result.damage).toContain('checksum verification failure');
    expect(result.warnings.join('\n')).toContain(`checksum verification failed in file "./${file}", block 3`);
    expect(JSON.parse(collector.manifestText())).toHaveProperty('Files');
    expect(await take(new Collector(), { verifyChecksums: false })).toMatchObject({ damage: undefined, warnings: [] });
    await sql.unsafe('drop table damaged');
  });

  // The last: it takes the cluster down.
  test('a server that is killed meanwhile is an error, not a hang', async () => {
    const crashed = Promise.withResolvers<void>();
    const collector = new Collector(() => void cluster.crash().then(crashed.resolve, crashed.reject));
    await expect(take(collector, { maxRateKb: 1000 })).rejects.toMatchObject({ code: 'connection-failed' });
    await crashed.promise;
  });
});

/** Takes a backup apart as it comes and keeps what the tests ask for. */
class Collector implements BaseBackupSink {
  readonly entries: TarEntry[] = [];
  readonly doneBytes: bigint[] = [];
  start: BaseBackupStart | undefined;
  backupLabel = '';
  readonly #onFirstData: (() => void) | undefined;
  readonly #sums = new Map<string, { size: number; sum: number }>();
  readonly #manifest: Buffer[] = [];
  #path = '';
  #isBegun = false;

  constructor(onFirstData?: () => void) {
    this.#onFirstData = onFirstData;
  }

  begin(start: BaseBackupStart): void {
    this.start = start;
  }

  entry(entry: TarEntry, tablespaceOid: string | undefined): void {
    this.entries.push(entry);
    this.#path = tablespaceOid === undefined ? entry.path : `pg_tblspc/${tablespaceOid}/${entry.path}`;
    if (entry.type === 'file') this.#sums.set(this.#path, { size: 0, sum: crc32c(new Uint8Array()) });
  }

  data(chunk: Uint8Array): void {
    if (!this.#isBegun) this.#onFirstData?.();
    this.#isBegun = true;
    const file = this.#sums.get(this.#path) ?? { size: 0, sum: 0 };
    this.#sums.set(this.#path, { size: file.size + chunk.length, sum: crc32c(chunk, file.sum) });
    if (this.#path === 'backup_label') this.backupLabel = Buffer.from(chunk).toString('utf8');
  }

  endEntry(): void {
    this.#path = '';
  }

  manifest(chunk: Uint8Array): void {
    this.#manifest.push(Buffer.from(chunk));
  }

  progress(doneBytes: bigint): void {
    this.doneBytes.push(doneBytes);
  }

  manifestText(): string {
    return Buffer.concat(this.#manifest).toString('utf8');
  }

  files(): Record<string, { readonly size: number; readonly sum: number }> {
    return Object.fromEntries(this.#sums);
  }
}

/** The same sink, asynchronous in every call. */
function slowed(sink: Collector): BaseBackupSink {
  return {
    begin: async (start) => {
      await setImmediate();
      sink.begin(start);
    },
    entry: async (entry, oid) => {
      await setImmediate();
      sink.entry(entry, oid);
    },
    data: async (chunk) => {
      await setImmediate();
      sink.data(chunk);
    },
    endEntry: async () => {
      await setImmediate();
      sink.endEntry();
    },
    manifest: async (chunk) => {
      await setImmediate();
      sink.manifest(chunk);
    },
  };
}

async function flipByte(file: string, offset: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, offset);
    await handle.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, offset);
  } finally {
    await handle.close();
  }
}
