import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { isDbadminError } from '../../../src/base/errors.ts';
import { findLastDrop, findTableHistory, readStoredEnds, type Search } from '../../../src/backup/find/search-inspect.ts';
import { parseTableName } from '../../../src/backup/find/table-name.ts';
import { inspectLineage, readLineage } from '../../../src/backup/lineage-inspect.ts';
import { readSegments } from '../../../src/backup/restore/wal-source.ts';
import { formatLsn, parseLsn } from '../../../src/postgres/lsn.ts';
import { findClientProgram } from '../../../src/postgres/programs.ts';
import { concernsTransactions, type TransactionOutcome } from '../../../src/postgres/wal-records.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** How images of blocks are compressed, so that each way is read. Embedded servers know pglz alone. */
const COMPRESSION: Readonly<Record<number, string>> = { 14: 'on', 15: 'lz4', 17: 'zstd', 18: 'pglz' };

/** What pg_waldump of that very major says, from its image or of this machine: one of another major knows other records. Undefined where there is none. */
async function waldump(major: number, args: readonly string[], directory: string): Promise<string | undefined> {
  const dumped = await runClientProgram(major, 'pg_waldump', args, [directory]);
  if (dumped !== undefined) return dumped.stdout;
  try {
    const program = await findClientProgram('pg_waldump', { atLeastMajor: major }, process.env);
    return program.major === major ? await outputOf(program.path, args) : undefined;
  } catch (error) {
    if (isDbadminError(error, 'program-missing')) return undefined;
    throw error;
  }
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  // It reads on to where there is no more, and says so by its status.
  return await promisify(execFile)(program, args, { maxBuffer: 1 << 28 }).then(
    ({ stdout }) => stdout,
    (error: unknown) => (error as { readonly stdout: string }).stdout,
  );
}

describe.each([14, 15, 17, 18])('what the stored WAL of PostgreSQL %i tells', (major) => {
  let directory: string;
  let cluster: TestCluster;
  let isLost = false;
  let search: Search;
  /** What was done, by table, with the transaction that did it. */
  const done: { readonly table: string; readonly kind: string; readonly xid: number; readonly rows?: number }[] = [];

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({
      major,
      walSegmentMegabytes: 4,
      settings: {
        wal_compression: inject('providers').images[major] === undefined && major > 14 ? 'pglz' : (COMPRESSION[major] ?? 'off'),
        max_prepared_transactions: 5,
        checkpoint_timeout: '1h',
      },
    });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    const other = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    /** Runs statements as one transaction; notes what it did to a table, unless it is rolled back. */
    const act = async (table: string, kind: string | undefined, statements: readonly string[], rows?: number, end = 'commit', by = sql) => {
      await by.unsafe('begin');
      for (const statement of statements) await by.unsafe(statement);
      const [row] = await by.unsafe<{ xid: string }[]>('select pg_current_xact_id()::text as xid');
      await by.unsafe(end);
      if (kind !== undefined) done.push({ table, kind, xid: Number(row?.xid), ...(rows === undefined ? {} : { rows }) });
    };
    await sql.unsafe('create schema core; create schema other; create table other.a (id int); create table other.b (id int)');
    await sql.unsafe('create table core.play as select g as id, g % 10 as kind from generate_series(1, 8000) g');
    await sql.unsafe('create table core.parts (id int) partition by range (id)');
    await sql.unsafe('create table core.parts_1 partition of core.parts for values from (0) to (1000)');
    await sql.unsafe('create table core.parts_2 partition of core.parts for values from (1000) to (9000)');
    await sql.unsafe('insert into core.parts select generate_series(1, 2000)');
    const repository = await makeRepository(path.join(directory, 'repository'));
    const receiver = startReceiver(cluster, repository);
    // A transaction that began before the backup and ends after it.
    await other.unsafe('begin; create table core.early (id int); insert into core.early values (1)');
    await act('core.play', undefined, ['delete from core.play where id = 1']);
    await backUp(cluster, repository);
    await act('core.early', 'created', [], undefined, 'commit', other);
    await act('core.play', 'deleted', ['delete from core.play where kind = 0'], 800);
    await act('core.play', undefined, ['delete from core.play'], undefined, 'rollback');
    await act(
      'core.play',
      'deleted',
      [
        'savepoint s',
        'delete from core.play where kind = 2',
        'release s',
        'delete from core.play where kind = 3',
        'savepoint t',
        'delete from core.play',
        'rollback to t',
      ],
      1600,
    );
    await act('core.play', undefined, ['drop table core.play'], undefined, 'rollback');
    await sql.unsafe('vacuum core.play');
    await act('core.play', 'rewritten', ['alter table core.play alter id type bigint']);
    await act('core.play', 'deleted', ['delete from core.play where kind = 4'], 800);
    await act('core.play', 'truncated', ['truncate core.play']);
    await act('core.play', 'dropped', ['savepoint s', 'drop table core.play', 'release s']);
    await sql.unsafe('checkpoint');
    await act('core.play', 'created', ['create table core.play (id int primary key, t text)']);
    await act('core.play', 'renamed', ['alter table core.play rename to played']);
    await act('core.play', 'created', ['alter table core.played rename to play']);
    await sql.unsafe('vacuum full pg_class');
    await sql.unsafe('vacuum full pg_namespace');
    await act('core.late', 'created', ['create table core.late (id int)', 'insert into core.late values (1)']);
    await act('core.late', undefined, ['create table core.late2 (id int)', 'drop table core.late2']);
    await act('core.parts', 'deleted', ['delete from core.parts where id between 500 and 1499'], 1000);
    await act('core.parts', undefined, ['update core.parts set id = id + 1000 where id < 500']);
    await act('core.parts', 'truncated', ['truncate core.parts_2']);
    await act('core.parts', 'truncated', ['savepoint s', 'truncate core.parts', 'release s']);
    await act('core.parts', undefined, ['truncate core.parts'], undefined, 'rollback');
    await sql.unsafe('vacuum full core.parts_1');
    await act('core.parts', 'partition-detached', ['alter table core.parts detach partition core.parts_2']);
    await act('core.parts', undefined, ['alter table core.parts attach partition core.parts_2 for values from (1000) to (9000)']);
    await act('core.parts', undefined, [
      'alter table core.parts detach partition core.parts_2',
      'alter table core.parts attach partition core.parts_2 for values from (1000) to (8000)',
    ]);
    await act('core.parts', undefined, [
      'create table core.deep partition of core.parts for values from (8000) to (9000) partition by range (id)',
      'create table core.deep_1 partition of core.deep for values from (8000) to (9000)',
    ]);
    await act('core.parts', 'partition-dropped', ['savepoint s', 'drop table core.deep', 'release s']);
    await act('core.parts', undefined, ['drop table core.parts_2'], undefined, 'rollback');
    // Its rows are gone for others with the first of its two transactions; the second waits for who reads the table.
    await other.unsafe('begin; select from core.parts');
    const detached = sql.unsafe('alter table core.parts detach partition core.parts_2 concurrently').execute();
    const pending = async () =>
      await other<
        { xid: string }[]
      >`select xmin::text as xid from pg_inherits where inhrelid = 'core.parts_2'::regclass and inhdetachpending`;
    await vi.waitFor(async () => expect(await pending()).toHaveLength(1), { timeout: 30_000 });
    done.push({ table: 'core.parts', kind: 'partition-detached', xid: Number((await pending())[0]?.xid) });
    await other.unsafe('commit');
    await detached;
    // The schema stays what it is.
    await act('core.parts', undefined, ['grant usage on schema core to public', 'grant create on schema core to public']);
    await act('core.late', 'dropped', ['drop table core.late, core.early']);
    done.push({ table: 'core.early', kind: 'dropped', xid: done.at(-1)?.xid ?? 0 });
    await act('core.play', 'dropped', ['drop table core.play'], undefined, `prepare transaction 'p'`);
    await sql.unsafe('create table other.c (id int)');
    await sql.unsafe(`commit prepared 'p'`);
    await act('other.a', 'dropped', ['drop schema other cascade']);
    done.push({ table: 'other.b', kind: 'dropped', xid: done.at(-1)?.xid ?? 0 });
    await sql.unsafe('create database young');
    if (major >= 15) await sql.unsafe('create database copied strategy file_copy');
    for (const name of major >= 15 ? ['young', 'copied'] : ['young']) {
      const inside = postgres(cluster.url(name), { max: 1 });
      await act(`${name}:public.t`, 'created', ['create table public.t (id int)'], undefined, 'commit', inside);
      await act(`${name}:public.t`, 'dropped', ['drop table public.t'], undefined, 'commit', inside);
      await inside.end();
    }
    await waitUntilAllStored(repository, sql);
    await sql.end();
    await other.end();
    await cluster.crash();
    await receiver.stop();
    await cluster.stop();
    isLost = true;
    const contents = await inspectLineage(repository, 'main');
    search = { repository, contents, lineage: await readLineage(contents), signal: new AbortController().signal };
  });
  afterAll(async () => {
    if (!isLost) await cluster.stop();
    await removeDirectory(directory);
  });

  test('every table’s story is told, with the transactions that made it', async () => {
    for (const table of new Set(done.map((each) => each.table))) {
      const [database, name] = table.includes(':') ? table.split(':') : ['postgres', table];
      const history = await findTableHistory({
        ...search,
        database: database ?? '',
        table: parseTableName(name ?? ''),
        countsDeletes: true,
      });
      const told = history.events.map((event) => ({
        table,
        kind: event.kind,
        xid: event.outcome.xid,
        ...(event.kind === 'deleted' ? { rows: event.rows } : {}),
      }));
      expect(told).toEqual(done.filter((each) => each.table === table));
      expect(history.exists).toBe(
        !['core.play', 'core.late', 'core.early', 'other.a', 'other.b'].includes(table) && database === 'postgres',
      );
    }
  });

  test('partitions that are a table’s no more are named, without those of their own', async () => {
    const table = { schema: 'core', table: 'parts' };
    const { events } = await findTableHistory({ ...search, database: 'postgres', table, countsDeletes: false });
    const names = ['parts_2', 'deep', 'parts_2'].map((name) => [{ schema: 'core', table: name }]);
    expect(events.flatMap((event) => ('partitions' in event ? [event.partitions] : []))).toEqual(names);
  });

  test('what never was, or is there still, is said', async () => {
    const table = (name: string) => ({ ...search, database: 'postgres', table: parseTableName(name), countsDeletes: false });
    await expect(findLastDrop(table('core.parts'))).rejects.toMatchObject({
      code: 'target-unreachable',
      detail: expect.stringContaining('is there') as string,
    });
    await expect(findLastDrop(table('core.nothing'))).rejects.toMatchObject({
      code: 'target-unreachable',
      detail: expect.stringContaining('no such table') as string,
    });
    await expect(findLastDrop({ ...table('core.play'), database: 'nowhere' })).rejects.toMatchObject({ code: 'usage' });
  });

  test('commits have the transaction, position and time that pg_waldump gives them', async ({ skip }) => {
    const files = path.join(directory, 'wal');
    await mkdir(files, { recursive: true });
    const { archive, coverage, backups } = search.contents;
    const fromLsn = parseLsn(backups[0]?.startLsn ?? '');
    const reach = coverage.timelines.get(1)?.open.at(-1)?.endLsn ?? coverage.timelines.get(1)?.runs.at(-1)?.endLsn ?? 0n;
    for await (const { name, bytes } of readSegments(archive, search.lineage, fromLsn, reach))
      await writeFile(path.join(files, name), bytes);
    const found: TransactionOutcome[] = [];
    for await (const end of readStoredEnds(search, concernsTransactions)) if (end.kind !== 'restore-point') found.push(end);
    const dumped = await waldump(major, ['-p', files, '-t', '1', '-s', formatLsn(fromLsn), '-r', 'Transaction'], files);
    if (dumped === undefined) {
      skip(`there is no pg_waldump of ${major} on this machine, and no image of it`);
      return;
    }
    const lines = dumped.split('\n').flatMap((line) => {
      const match = /tx: +(\d+), lsn: ([0-9A-F/]+), .*desc: (COMMIT|ABORT)(_PREPARED)? (?:(\d+): )?(\d{4}-\d\d-\d\d [\d:.]+)/.exec(line);
      return match === null ? [] : [{ kind: match[3], xid: Number(match[5] ?? match[1]), lsn: parseLsn(match[2] ?? ''), time: match[6] }];
    });
    expect(lines.length).toBeGreaterThan(20);
    const ours = found.map(({ kind, xid, lsn, time }) => ({
      kind: kind.startsWith('commit') ? 'COMMIT' : 'ABORT',
      xid,
      lsn,
      time: `${new Date(Number(time / 1000n)).toISOString().slice(0, -1).replace('T', ' ')}${String(time % 1000n).padStart(3, '0')}`,
    }));
    expect(ours).toEqual(lines);
    // Dropped files are named in commits: each drop that we found is one of those.
    const drops = dumped
      .split('\n')
      .filter((line) => line.includes('rels: '))
      .map((line) => Number(/tx: +(\d+)/.exec(line)?.[1]));
    for (const { kind, xid, table } of done) if (kind === 'dropped' && table !== 'core.play') expect(drops).toContain(xid);
  });

  // The embedded servers that clones run on know pglz alone.
  if (major === 14 || major === 18) {
    test('restored to just before its drop, the table has all that was committed, and what came between is there', async () => {
      const drop = await findLastDrop({ ...search, database: 'postgres', table: parseTableName('core.play'), countsDeletes: false });
      const clone = await restore({
        repository: search.repository,
        target: { kind: 'lsn', lsn: drop.outcome.lsn },
        exclusive: true,
        into: path.join(directory, 'clone'),
      });
      const sql = postgres(clone.url, { max: 1 });
      const [row] = await sql<{ play: string | null; c: string | null; a: string | null }[]>`
      select to_regclass('core.play')::text as play, to_regclass('other.c')::text as c, to_regclass('other.a')::text as a`;
      expect(row).toEqual({ play: 'core.play', c: 'other.c', a: 'other.a' });
      await sql.end();
      await clone.stop();
    });
  }
});
