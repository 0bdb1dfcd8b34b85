import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findLastDrop, findTableHistory, type TableSearch } from '../../../src/backup/find/search-inspect.ts';
import { parseTableName } from '../../../src/backup/find/table-name.ts';
import { inspectLineage, readLineage } from '../../../src/backup/lineage-inspect.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/**
 * A backup; then app gives its name to app_new, in vain at first, and is dropped as app_old; and a database made since is given another
 * name. At the end a backup that has none of the dropped ones.
 */
describe.each([14, ...drawn(import.meta.filename, [15, 18])])('databases that change their names or go, on PostgreSQL %i', (major) => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;
  let search: Omit<TableSearch, 'database' | 'table'>;
  const xids = new Map<string, number>();

  /** Runs statements as one transaction; notes which. */
  async function act(what: string, database: string, statements: string, end = 'commit'): Promise<void> {
    const sql = postgres(cluster.url(database), { max: 1, onnotice: () => undefined });
    await sql.unsafe(`begin; ${statements}`);
    const [row] = await sql.unsafe<{ xid: string }[]>('select pg_current_xact_id()::text as xid');
    await sql.unsafe(end);
    await sql.end();
    xids.set(what, Number(row?.xid));
  }

  /** Outside of a transaction. */
  async function run(statement: string): Promise<bigint> {
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe(statement);
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
    await sql.end();
    return parseLsn(row?.lsn ?? '');
  }

  beforeAll(async () => {
    directory = await makeDirectory();
    repository = await makeRepository(path.join(directory, 'repository'));
    cluster = await startTestCluster({ major, provider: 'embedded', settings: { autovacuum: 'off' } });
    for (const name of ['app', 'app_new']) {
      await run(`create database ${name}`);
      await act(
        '',
        name,
        'create schema core; create table core.play as select generate_series(1, 7) as id; create table core.other (id int)',
      );
    }
    const receiver = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    await act('reload', 'app', 'drop table core.other; create table core.other (id int)');
    await act('in vain', 'postgres', 'alter database app rename to app_x; alter database app_new rename to app', 'rollback');
    await act('after it', 'app', 'drop table core.other');
    await act('away', 'postgres', 'alter database app rename to app_old');
    await act('in its place', 'postgres', 'alter database app_new rename to app');
    await act('drop', 'app', 'drop table core.play');
    await run('create database early');
    await act('early', 'early', 'create table public.t (id int)');
    await act('renamed', 'postgres', 'alter database early rename to late');
    await act('late', 'late', 'drop table public.t');
    await run('drop database app_old');
    const end = await run('drop database late');
    await waitUntilStored(repository, end);
    await backUp(cluster, repository);
    await receiver.stop();
    const contents = await inspectLineage(repository, 'main');
    const lineage = await readLineage(contents);
    search = { repository, contents, lineage, signal: new AbortController().signal, countsDeletes: false };
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  const of = (database: string, table: string): TableSearch => ({ ...search, database, table: parseTableName(table) });
  async function story(database: string, table: string): Promise<readonly string[]> {
    const { events } = await findTableHistory(of(database, table));
    const named = new Map([...xids].map(([what, xid]) => [xid, what]));
    return events.map(({ kind, outcome }) => `${kind} ${named.get(outcome.xid) ?? ''}`.trim());
  }

  test('what is dropped under the new name is found, and a rename that is rolled back changes nothing', async () => {
    expect(await story('app', 'core.play')).toEqual(['renamed away', 'created in its place', 'dropped drop']);
    expect(await story('app', 'core.other')).toEqual(['dropped reload', 'created reload', 'dropped after it', 'created in its place']);
    expect((await findLastDrop(of('app', 'core.play'))).outcome.xid).toBe(xids.get('drop'));
  });

  test('a database made since keeps its story when it gets another name', async () => {
    expect(await story('late', 'public.t')).toEqual(['created renamed', 'dropped late']);
    expect(await story('early', 'public.t')).toEqual(['created early', 'renamed renamed']);
    await expect(findLastDrop(of('early', 'public.t'))).rejects.toMatchObject({ detail: expect.stringContaining('has another name') });
  });

  test('with its database a table is dropped, though the newest backup knows neither; one that never was is refused', async () => {
    expect(await story('app_old', 'core.play')).toEqual(['created away', 'dropped']);
    await expect(findLastDrop(of('never', 'core.play'))).rejects.toMatchObject({ code: 'usage' });
    const drop = await findLastDrop(of('app_old', 'core.play'));
    expect(drop).toMatchObject({ withDatabase: true });
    // Each database has it: no table has to be known by name.
    expect(await findLastDrop(of('app_old', 'pg_catalog.pg_class'))).toEqual(drop);
    expect((await findLastDrop(of('late', 'pg_catalog.pg_class'))).withDatabase).toBe(true);
    const clone = await restore({
      repository,
      target: { kind: 'lsn', lsn: drop.beforeLsn },
      exclusive: true,
      into: path.join(directory, 'clone'),
    });
    const sql = postgres(clone.url.replace(/postgres$/, 'app_old'), { max: 1 });
    const rows = await sql`select count(*)::int as n from core.play`;
    await sql.end();
    await clone.stop();
    expect(rows[0]).toEqual({ n: 7 });
  });
});

/** A backup; then, more often than anything is begun anew, another database takes the name, and in the last of them pg_class moves. */
describe.each(drawn(import.meta.filename, [14, 18]))('a database whose place another one takes each night, on PostgreSQL %i', (major) => {
  const NIGHTS = 17;
  let directory: string;
  let cluster: TestCluster;

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major, provider: 'embedded', settings: { autovacuum: 'off' } });
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('is followed through all of the WAL, in as few readings as it takes to know them', async () => {
    const repository = await makeRepository(path.join(directory, 'repository'));
    const run = async (database: string, ...statements: readonly string[]): Promise<bigint> => {
      const sql = postgres(cluster.url(database), { max: 1, onnotice: () => undefined });
      for (const statement of statements) await sql.unsafe(statement);
      const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
      await sql.end();
      return parseLsn(row?.lsn ?? '');
    };
    await run('postgres', 'create database app');
    const receiver = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    await run('template1', 'create table play (id int)');
    for (let night = 1; night <= NIGHTS; night += 1)
      await run('postgres', `create database app_new`, `alter database app rename to app_${night}`, `alter database app_new rename to app`);
    await run('app', 'vacuum full pg_class', 'create table last (id int)');
    const end = await run('app', 'drop table play', 'drop table last');
    await waitUntilStored(repository, end);
    await receiver.stop();
    const contents = await inspectLineage(repository, 'main');
    const search = {
      repository,
      contents,
      lineage: await readLineage(contents),
      signal: new AbortController().signal,
      countsDeletes: false,
    };
    const kinds = async (table: string): Promise<readonly string[]> =>
      (await findTableHistory({ ...search, database: 'app', table: parseTableName(table) })).events.map(({ kind }) => kind);
    const swaps = Array.from({ length: NIGHTS }, (_, night) => (night === 0 ? ['created'] : ['renamed', 'created'])).flat();
    expect(await kinds('public.play')).toEqual([...swaps, 'dropped']);
    expect(await kinds('public.last')).toEqual(['created', 'dropped']);
  }, 120_000);
});
