import { mkdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finishedAt } from '../../../src/backup/wal/finished-inspect.ts';
import { openDestination } from '../../../src/backup/wal/destination.ts';
import { pushWalFile, type PushOptions } from '../../../src/backup/wal/push-run.ts';
import { serveSocket } from '../../../src/backup/wal/socket-serve-run.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { WalArchive } from '../../../src/repository/wal-archive.ts';
import { inspectServer } from '../../../src/status/server-inspect.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('what status is told of a server that archives its WAL', () => {
  let cluster: TestCluster;
  let directory: string;
  let repository: Repository;
  let sql: postgres.Sql;
  let systemIdentifier: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    // It hangs, as on a mount that does not answer.
    const settings = { archive_mode: 'on', archive_command: 'sleep 3600' };
    cluster = await startTestCluster({ major: 17, provider: 'embedded', settings });
    repository = await makeRepository(path.join(directory, 'repository'));
    ({ systemIdentifier } = await backUp(cluster, repository));
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql`create table step (n int)`;
  });
  afterAll(async () => {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  });

  /** Finishes the segment that is written now, and gives its name. */
  async function finish(): Promise<string> {
    await sql`insert into step values (1)`;
    const [row] = await sql<{ name: string }[]>`select pg_walfile_name(pg_current_wal_insert_lsn()) as name`;
    await sql`select pg_switch_wal()`;
    return row?.name ?? '';
  }

  const pathOf = (segment: string): string => path.join(cluster.dataDirectory ?? '', 'pg_wal', segment);

  const options = (): PushOptions => ({
    destinations: [openDestination(repository)],
    clusterName: 'main',
    owner: async () => await Promise.reject(new Error('the repository knows it')),
    clock: systemClock,
    log: silentLog,
  });

  /** Through the socket of a receiver that serves, which reads the file itself where it is the same. */
  async function pushThroughSocket(file: string): Promise<string> {
    const socketPath = path.join(directory, 'run', 'wal.sock');
    await mkdir(path.dirname(socketPath), { mode: 0o700 });
    const served = await serveSocket({
      socketPath,
      push: options(),
      fetch: { places: [openDestination(repository)], clusterName: 'main', systemIdentifier: undefined, log: silentLog },
    });
    try {
      const { dev, ino, size } = await stat(file);
      const hex = (text: string): string => Buffer.from(text).toString('hex');
      const socket = connect(socketPath);
      socket.end(`dbadmin1 push ${hex('main')} ${hex(file)} ${dev} ${ino} ${size}\n`);
      return await text(socket);
    } finally {
      await served.close();
    }
  }

  const archive = (): WalArchive => new WalArchive(repository, systemIdentifier, 16 * 1024 * 1024);

  test.each([
    ['', async (segment: string) => `${await pushWalFile(pathOf(segment), options())}\n`, 'stored\n'],
    [' through the socket', async (segment: string) => await pushThroughSocket(pathOf(segment)), 'ok\n'],
  ])('a segment that is pushed%s tells until when it holds everything, whenever it is pushed', async (_how, push, said) => {
    const before = new Date();
    const segment = await finish();
    const finished = new Date();
    await sleep(300);
    await sql`insert into step values (2)`;
    expect(await push(segment)).toBe(said);
    const { coveredUntil } = await archive().readHeader(segment);
    expect(new Date(coveredUntil ?? 0).getTime()).toBeGreaterThanOrEqual(before.getTime() - 10);
    expect(new Date(coveredUntil ?? 0).getTime()).toBeLessThanOrEqual(finished.getTime());
  });

  test('what waits for a command that hangs, and since when', async () => {
    await finish();
    const [first, second] = [await inspectServer(cluster.parameters(), 'dbadmin', systemClock), await finish()];
    expect(second).not.toBe('');
    const { archiver, walSegmentBytes } = await inspectServer(cluster.parameters(), 'dbadmin', systemClock);
    expect(archiver).toMatchObject({ archivedAt: undefined, failedAt: undefined });
    expect(archiver?.waiting?.segments).toBe((first.archiver?.waiting?.segments ?? 0) + 1);
    const oldest = archiver?.waiting?.since?.getTime() ?? 0;
    expect(Math.abs(oldest - (first.archiver?.waiting?.since?.getTime() ?? 0))).toBeLessThan(1000);
    expect(walSegmentBytes).toBe(16 * 1024 * 1024);
  });

  test('a role that may not look tells that nothing is known of it', async () => {
    await sql`create role looker login`;
    const { archiver } = await inspectServer({ ...cluster.parameters(), user: 'looker' }, 'dbadmin', systemClock);
    expect(archiver).toMatchObject({ waiting: undefined });
  });

  test('of a timeline that the server does not write, and outside of a data directory, nothing says how far a segment reaches', async () => {
    const segment = pathOf(await finish());
    const [modified, now] = [new Date(Date.now() - 60_000), new Date()];
    expect(await finishedAt(segment, 1, modified, now)).toEqual(new Date(modified.getTime() - 1));
    // A clock that was set back makes nothing covered that is still to come.
    expect(await finishedAt(segment, 1, new Date(now.getTime() + 60_000), now)).toEqual(now);
    expect(await finishedAt(segment, 2, modified, now)).toBeUndefined();
    expect(await finishedAt(path.join(directory, 'pg_wal', path.basename(segment)), 1, modified, now)).toBeUndefined();
  });
});
