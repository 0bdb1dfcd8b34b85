import { readdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { segmentName } from '../../../src/postgres/segment.ts';
import { walKey } from '../../../src/repository/layout.ts';
import { fetchWal } from '../../../src/backup/wal/get-run.ts';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import type { RestoreTarget } from '../../../src/backup/restore/target.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import {
  backUp,
  makeDirectory,
  makeRepository,
  removeDirectory,
  restore,
  startReceiver,
  type TestReceiver,
} from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** What happened on the cluster of these tests, step by step: rows 1 to 6 of table `step`. */
interface Story {
  readonly cluster: TestCluster;
  readonly repository: Repository;
  readonly directory: string;
  readonly lsn3: bigint;
  readonly xid4: string;
}

async function tell(major: number): Promise<Story> {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major });
  const repository = await makeRepository(path.join(directory, 'repository'));
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe('create table step (n int); create unlogged table fleeting as select 1 as n; insert into step values (1)');
  await sql.unsafe("select lo_from_bytea(4711, 'a large object')");
  const receiver: TestReceiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  await sql`insert into step values (2)`;
  await sql`insert into step values (3)`;
  const [position] = await sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`;
  const [fourth] = await sql<{ xid: string }[]>`insert into step values (4) returning pg_current_xact_id()::text as xid`;
  await sql`select pg_create_restore_point('before the fifth')`;
  await sql`insert into step values (5)`;
  for (const statement of ['create index on step (n)', 'vacuum full step', 'insert into step values (6)']) await sql.unsafe(statement);
  await waitUntilAllStored(repository, sql);
  await sql.end();
  await receiver.stop();
  return { cluster, repository, directory, lsn3: parseLsn(position?.lsn ?? ''), xid4: fourth?.xid ?? '' };
}

describe.each([14, ...drawn(import.meta.filename, [15, 16, 17]), 18])('restore of PostgreSQL %i', (major) => {
  let story: Story;
  let count = 0;

  beforeAll(async () => {
    story = await tell(major);
  });
  afterAll(async () => {
    await story.cluster.stop();
    await removeDirectory(story.directory);
  });

  async function steps(
    target: RestoreTarget,
    options: { exclusive?: boolean } = {},
  ): Promise<{ rows: readonly number[]; unlogged: number; largeObject: string }> {
    count += 1;
    const clone = await restore({ repository: story.repository, target, into: path.join(story.directory, `clone-${count}`), ...options });
    const sql = postgres(clone.url, { max: 1 });
    try {
      const rows = await sql<{ n: number }[]>`select n from step order by n`;
      const [unlogged] = await sql<{ count: number }[]>`select count(*)::int as count from fleeting`;
      const [large] = await sql<{ text: string }[]>`select convert_from(lo_get(4711), 'UTF8') as text`;
      return { rows: rows.map(({ n }) => n), unlogged: unlogged?.count ?? -1, largeObject: large?.text ?? '' };
    } finally {
      await sql.end();
      await clone.stop();
      await removeDirectory(path.join(story.directory, `clone-${count}`));
    }
  }

  test('to the latest gives everything, with large objects and with unlogged tables empty', async () => {
    expect(await steps({ kind: 'latest' })).toEqual({ rows: [1, 2, 3, 4, 5, 6], unlogged: 0, largeObject: 'a large object' });
  });

  test('as soon as consistent gives the backup and nothing more', async () => {
    expect((await steps({ kind: 'immediate' })).rows).toEqual([1]);
  });

  test('to a transaction includes it, or not when exclusive', async () => {
    expect((await steps({ kind: 'xid', xid: story.xid4 })).rows).toEqual([1, 2, 3, 4]);
    expect((await steps({ kind: 'xid', xid: story.xid4 }, { exclusive: true })).rows).toEqual([1, 2, 3]);
  });

  test('to a restore point stops there, and to a position after the record at it', async () => {
    expect((await steps({ kind: 'name', name: 'before the fifth' })).rows).toEqual([1, 2, 3, 4]);
    expect((await steps({ kind: 'lsn', lsn: story.lsn3 })).rows.slice(0, 3)).toEqual([1, 2, 3]);
  });

  test('a target that the WAL does not have is refused before anything is written', async () => {
    const into = path.join(story.directory, 'refused');
    for (const target of [
      { kind: 'xid', xid: '99999999' },
      { kind: 'name', name: 'no such' },
      { kind: 'lsn', lsn: parseLsn('FF/0') },
      { kind: 'time', at: new Date('2020-01-01') },
      { kind: 'time', at: new Date(Date.now() + 86_400_000) },
    ] as const) {
      await expect(restore({ repository: story.repository, target, into })).rejects.toMatchObject({ code: 'target-unreachable' });
    }
    await expect(readdir(into)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a directory that is not empty is refused', async () => {
    await expect(
      restore({ repository: story.repository, target: { kind: 'latest' }, into: path.join(story.directory, 'repository') }),
    ).rejects.toMatchObject({ code: 'refused' });
  });

  test('E7: wal get gives what the server had, byte for byte, and tells the end of the archive from a hole', async () => {
    const contents = await inspectLineage(story.repository, 'main');
    const [run] = contents.coverage.timelines.get(1)?.runs ?? [];
    const segments = contents.coverage.timelines.get(1)?.open ?? [];
    const source = { repository: story.repository, clusterName: 'main', systemIdentifier: undefined };
    const got = async (name: string): Promise<string> => ((await fetchWal(source, name)) === undefined ? 'absent' : 'fetched');
    expect(run).toBeDefined();
    expect(segments).not.toEqual([]);
    for (const { segment } of segments) expect((await fetchWal(source, segment))?.bytes.byteLength).toBe(contents.archive.segmentBytes);
    expect(await got('0000000100000FFF00000001')).toBe('absent');
    expect(await got('00000002.history')).toBe('absent');
    const first = segmentName(1, parseLsn(contents.backups[0]?.startLsn ?? ''), contents.archive.segmentBytes);
    expect(await got(first)).toBe('fetched');
    await story.repository.store.delete(walKey(contents.cluster.systemIdentifier, first));
    await expect(got(first)).rejects.toMatchObject({ code: 'wal-missing' });
  });

  test('E7: a target after a hole is found from a later backup', async () => {
    // The test above took the segment away that the first backup starts in.
    const receiver = startReceiver(story.cluster, story.repository);
    await backUp(story.cluster, story.repository);
    const sql = postgres(story.cluster.url(), { max: 1 });
    const [seventh] = await sql<{ xid: string }[]>`insert into step values (7) returning pg_current_xact_id()::text as xid`;
    await sql`insert into step values (8)`;
    await waitUntilAllStored(story.repository, sql);
    await sql.end();
    await receiver.stop();
    expect((await steps({ kind: 'xid', xid: seventh?.xid ?? '' })).rows).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await expect(steps({ kind: 'xid', xid: story.xid4 })).rejects.toMatchObject({ code: 'target-unreachable' });
  });
});
