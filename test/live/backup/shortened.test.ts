import net from 'node:net';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog, type Log } from '../../../src/base/log.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { checkIndexes, fingerprint } from '../../backup/workload.ts';
import type { ClusterOptions, TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const MAJORS = drawn(import.meta.filename, [17, 18]);
const WITH_CHECKSUMS = [...MAJORS.map((major) => [major, true] as const), [18, false] as const];

const opened: { cluster?: TestCluster; sql?: postgres.Sql } = {};
let directory = '';
let repository: Repository;

beforeEach(async () => {
  directory = await makeDirectory();
  repository = await makeRepository(path.join(directory, 'repository'));
});

afterEach(async () => {
  await opened.sql?.end();
  await opened.cluster?.stop();
  await removeDirectory(directory);
});

async function start(options: ClusterOptions): Promise<{ cluster: TestCluster; sql: postgres.Sql }> {
  const settings = { autovacuum: 'off', summarize_wal: 'on', checkpoint_timeout: '1h', ...options.settings };
  const cluster = await startTestCluster({ ...options, settings });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  Object.assign(opened, { cluster, sql });
  return { cluster, sql };
}

/** 20,000 rows on some 1,300 pages, which nothing but a change of their rows will write again. */
async function fill(sql: postgres.Sql, table: string): Promise<void> {
  await sql.unsafe(`create table ${table} (a int, p text)`);
  await sql.unsafe(`insert into ${table} select g, repeat('x', 500) from generate_series(1, 20000) g`);
  await sql.unsafe(`vacuum (freeze) ${table}`);
}

async function cutBack(sql: postgres.Sql, table: string): Promise<void> {
  await sql.unsafe(`delete from ${table} where a > 10000`);
  await sql.unsafe(`vacuum ${table}`);
}

/** COPY extends a table by more pages than it has rows for. */
async function growAgain(sql: postgres.Sql, table: string, rows: number): Promise<void> {
  await sql.unsafe(`copy ${table} from program 'seq -f "%.0f,${'y'.repeat(500)}" 200001 ${200_000 + rows}' with (format csv)`);
}

/** A checkpoint, and the summary of the WAL before it. */
async function summarized(sql: postgres.Sql): Promise<void> {
  await sql`checkpoint`;
  const [row] = await sql<{ lsn: string }[]>`select redo_lsn::text as lsn from pg_control_checkpoint()`;
  for (;;) {
    const found = await sql`select from pg_available_wal_summaries() where end_lsn >= ${row?.lsn ?? ''}::pg_lsn`;
    if (found.length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What the server does to the summaries of the WAL before `lsn` when they are as old as wal_summary_keep_time. */
async function forgetSummaries(sql: postgres.Sql, lsn: string): Promise<void> {
  const old = await sql<{ tli: number; start: string; end: string }[]>`
    select tli::int as tli, start_lsn::text as start, end_lsn::text as end from pg_available_wal_summaries() where end_lsn <= ${lsn}::pg_lsn`;
  const digits = (position: string): string[] => position.split('/').map((half) => half.padStart(8, '0'));
  const names = old.map(({ tli, start: from, end }) =>
    [tli.toString(16).toUpperCase().padStart(8, '0'), ...digits(from), ...digits(end), '.summary'].join(''),
  );
  expect(names).not.toEqual([]);
  await sql.unsafe(`copy (select) to program 'cd pg_wal/summaries && rm ${names.join(' ')}'`);
}

/** The server does `first` whenever it is asked what stands in a summary. Its own function keeps its code, whatever is put in its place. */
async function beforeAnswering(sql: postgres.Sql, first: string): Promise<void> {
  const [own] = await sql`select from pg_proc where proname = 'answer_itself'`;
  if (own === undefined) await sql`alter function pg_wal_summary_contents rename to answer_itself`;
  await sql.unsafe(`create or replace function pg_catalog.pg_wal_summary_contents (bigint, pg_lsn, pg_lsn, out relfilenode oid,
      out reltablespace oid, out reldatabase oid, out relforknumber smallint, out relblocknumber bigint, out is_limit_block boolean)
    returns setof record language plpgsql as $$ begin ${first}; return query select * from pg_catalog.answer_itself($1, $2, $3); end $$`);
}

async function restoredRows(check: (reader: postgres.Sql) => Promise<void> = async () => undefined): Promise<readonly string[]> {
  const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone') });
  const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
  try {
    await check(reader);
    return await fingerprint(reader);
  } finally {
    await reader.end();
    await clone.stop();
  }
}

/** Pages at the end of a table that hold no row. */
async function emptyPages(sql: postgres.Sql, table: string): Promise<number> {
  const [row] = await sql.unsafe<{ pages: number }[]>(
    `select (pg_relation_size('${table}') / 8192)::int - 1 - max((ctid::text::point)[0])::int as pages from ${table}`,
  );
  return row?.pages ?? 0;
}

/** What is said of how a backup is taken; not that content of earlier ones was read back. */
function keepInfo(): { readonly log: Log; readonly said: string[] } {
  const said: string[] = [];
  return { log: { ...silentLog, info: (message) => void (message.startsWith('Reading back ') ? undefined : said.push(message)) }, said };
}

describe.each(MAJORS)('PostgreSQL %i: a table that VACUUM cut back and that grew again', (major) => {
  test('comes back without its deleted rows, where it has pages that were never written', async () => {
    const { cluster, sql } = await start({ major });
    await fill(sql, 't');
    await backUp(cluster, repository);
    await cutBack(sql, 't');
    await growAgain(sql, 't', 700);
    expect(await emptyPages(sql, 't')).toBeGreaterThan(0);
    const rows = await fingerprint(sql);
    // No summary had this before the backup made its checkpoint.
    const { log, said } = keepInfo();
    expect(await backUp(cluster, repository, { log })).toMatchObject({ kind: 'incremental', warnings: [] });
    expect(await restoredRows()).toEqual(rows);
    expect(said.filter((line) => /begins anew/.test(line))).toHaveLength(1);
  });

  test('comes back with its new rows, whatever the order of the summaries on disk', async () => {
    const { cluster, sql } = await start({ major });
    const tables = Array.from({ length: 8 }, (_, n) => `t${n}`);
    for (const table of tables) await fill(sql, table);
    await backUp(cluster, repository);
    for (const table of tables) {
      await cutBack(sql, table);
      await summarized(sql);
      await growAgain(sql, table, 3000);
      await summarized(sql);
    }
    const rows = await fingerprint(sql);
    const { log, said } = keepInfo();
    expect(await backUp(cluster, repository, { log })).toMatchObject({ kind: 'incremental', warnings: [] });
    expect(await restoredRows()).toEqual(rows);
    expect(said.filter((line) => /begins anew/.test(line))).toEqual([]);
  });
});

describe.each(WITH_CHECKSUMS)('PostgreSQL %i, data checksums %s: a visibility map', (major, checksums) => {
  const embedded = { major, provider: 'embedded', checksums } as const;
  const expectTrueMaps = async (reader: postgres.Sql): Promise<void> => {
    await reader`create extension pg_visibility`;
    expect(await reader`select count(*)::int as n from pg_check_visible('t')`).toEqual([{ n: 0 }]);
  };

  test('does not call pages all-visible that were changed', async () => {
    const { cluster, sql } = await start(embedded);
    await fill(sql, 't');
    await backUp(cluster, repository);
    await sql`update t set p = 'changed' where a % 400 = 0`;
    const rows = await fingerprint(sql);
    expect((await backUp(cluster, repository)).kind).toBe('incremental');
    expect(await restoredRows(expectTrueMaps)).toEqual(rows);
  });

  test('does not call pages all-visible that came after VACUUM cut the table back', async () => {
    const { cluster, sql } = await start(embedded);
    await fill(sql, 't');
    await sql`delete from t where a > 10000`;
    await sql`vacuum (truncate false) t`;
    await backUp(cluster, repository);
    await sql`vacuum t`;
    expect((await backUp(cluster, repository)).kind).toBe('incremental');
    await restoredRows(async (reader) => {
      await reader`insert into t select g, repeat('z', 500) from generate_series(20001, 30000) g`;
      await reader`delete from t where a > 20000 and a % 100 = 0`;
      await expectTrueMaps(reader);
    });
  });
});

describe('where the server', () => {
  test('cannot be asked what was cut back, the backup says so, and the next that can ask makes up for it', async () => {
    const { cluster, sql } = await start({ major: 18 });
    await fill(sql, 't');
    const { startLsn } = await backUp(cluster, repository);
    await cutBack(sql, 't');
    await growAgain(sql, 't', 700);
    const rows = await fingerprint(sql);
    const without = await backUp(cluster, repository, { connection: undefined });
    expect(without).toMatchObject({ kind: 'incremental', cutsUnknownSince: startLsn, cutsKnown: true });
    expect(without.warnings).toEqual([expect.stringMatching(/^tables that VACUUM cut back .* no ordinary connection/)]);
    const nobody = { ...cluster.parameters(), database: 'nowhere' };
    const again = await backUp(cluster, repository, { connection: nobody });
    expect(again).toMatchObject({ parent: without.label, cutsUnknownSince: startLsn });
    expect(again.warnings).toEqual([expect.stringMatching(/no ordinary connection: .*nowhere/)]);
    const asked = await backUp(cluster, repository);
    expect(asked).toMatchObject({ kind: 'incremental', parent: again.label, warnings: [] });
    expect(asked).not.toHaveProperty('cutsUnknownSince');
    expect(await restoredRows()).toEqual(rows);
  });

  test('has no summaries any more back to where it could not be asked, everything is read, and that sets it right', async () => {
    const { cluster, sql } = await start({ major: 18 });
    await fill(sql, 't');
    const { startLsn: sinceLsn } = await backUp(cluster, repository);
    await cutBack(sql, 't');
    await growAgain(sql, 't', 700);
    const rows = await fingerprint(sql);
    const without = await backUp(cluster, repository, { connection: undefined });
    expect(without).toMatchObject({ kind: 'incremental', cutsUnknownSince: sinceLsn });
    await forgetSummaries(sql, without.startLsn);
    const { log, said } = keepInfo();
    const asked = await backUp(cluster, repository, { log });
    expect(said).toEqual([expect.stringContaining(`no WAL summaries back to ${sinceLsn}`)]);
    expect(said).toEqual([expect.stringMatching(/; reading everything/)]);
    expect(asked).toMatchObject({ kind: 'full', warnings: [] });
    expect(asked).not.toHaveProperty('cutsUnknownSince');
    expect(await restoredRows()).toEqual(rows);
    expect(await backUp(cluster, repository)).toMatchObject({ kind: 'incremental', parent: asked.label, warnings: [] });
  });

  test('fails to say what was cut back, everything is read; a role without any privilege is told', async () => {
    const { cluster, sql } = await start({ major: 18 });
    await fill(sql, 't');
    await sql`create role plain login`;
    await backUp(cluster, repository);
    const connection = cluster.parameters('postgres', 'plain');
    expect(await backUp(cluster, repository, { connection })).toMatchObject({ kind: 'incremental', warnings: [] });
    await sql`revoke execute on function pg_wal_summary_contents from public`;
    const { log, said } = keepInfo();
    expect((await backUp(cluster, repository, { connection, log })).kind).toBe('full');
    expect(said).toEqual([expect.stringMatching(/did not say which relations were cut back .*; reading everything/)]);
  });

  test('takes longer for its answer than its role is given for a statement, it is waited for', async () => {
    const { cluster, sql } = await start({ major: 18 });
    await fill(sql, 't');
    await sql`create role plain login`;
    await sql`alter role plain set statement_timeout = '200ms'`;
    await backUp(cluster, repository);
    await beforeAnswering(sql, 'perform pg_sleep(0.4)');
    const { log, said } = keepInfo();
    const connection = cluster.parameters('postgres', 'plain');
    expect(await backUp(cluster, repository, { connection, log })).toMatchObject({ kind: 'incremental', warnings: [] });
    expect(said).toEqual([]);
  });

  test('loses the connection while it answers, it is asked once more; not a third time', async () => {
    const { cluster, sql } = await start({ major: 18 });
    await fill(sql, 't');
    await sql`create sequence turns`;
    await backUp(cluster, repository);
    await beforeAnswering(sql, "if nextval('public.turns') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if");
    const { log, said } = keepInfo();
    expect(await backUp(cluster, repository, { log })).toMatchObject({ kind: 'incremental', warnings: [] });
    expect(said).toEqual([]);
    expect(await sql`select last_value > 1 as again from turns`).toEqual([{ again: true }]);
    await beforeAnswering(sql, 'perform pg_terminate_backend(pg_backend_pid())');
    expect((await backUp(cluster, repository, { log })).kind).toBe('full');
    expect(said).toEqual([expect.stringMatching(/did not say which relations were cut back/)]);
  });

  test('cuts tables back before each attempt begins, everything is read', async () => {
    const { cluster, sql } = await start({ major: 18 });
    const tables = ['t0', 't1', 't2', 't3'];
    for (const table of tables) await fill(sql, table);
    await backUp(cluster, repository);
    const left = [...tables];
    const proxy = await startHoldingProxy(cluster, 'BASE_BACKUP', async () => {
      const table = left.shift();
      if (table === undefined) return;
      await cutBack(sql, table);
      await growAgain(sql, table, 700);
    });
    try {
      const { log, said } = keepInfo();
      const parameters: ConnectionParameters = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port: proxy.port }] };
      expect((await backUp(cluster, repository, { parameters, log })).kind).toBe('full');
      expect(said.filter((line) => /begins anew/.test(line))).toHaveLength(3);
      expect(said.at(-1)).toMatch(/before each of 4 attempts began; reading everything/);
      expect(left).toEqual([]);
    } finally {
      await proxy.close();
    }
    const rows = await fingerprint(sql);
    expect(await restoredRows(async (reader) => void (await checkIndexes(reader)))).toEqual(rows);
  });
});

interface HoldingProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** Stands before the server, and holds back what a client sends with `word` in it until `meanwhile` is over. */
async function startHoldingProxy(cluster: TestCluster, word: string, meanwhile: () => Promise<void>): Promise<HoldingProxy> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(cluster.port, cluster.host);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => other.destroy());
    }
    upstream.pipe(client);
    let turn = Promise.resolve();
    client.on('data', (chunk: Buffer) => {
      turn = turn.then(async () => {
        if (chunk.includes(word)) await meanwhile();
        upstream.write(chunk);
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
