import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import type { TakeResult } from '../../../src/backup/take/run.ts';
import { listBackups } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { flipBit, overwritePage } from '../../backup/flip-bit.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { takenInto, takeInto } from '../../backup/take-into.ts';
import { fingerprint } from '../../backup/workload.ts';
import type { ClusterOptions, TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
const opened: { cluster?: TestCluster; sql?: postgres.Sql } = {};

beforeEach(async () => {
  directory = await makeDirectory();
});

afterEach(async () => {
  await opened.sql?.end();
  await opened.cluster?.stop();
  await removeDirectory(directory);
});

async function start(options: ClusterOptions): Promise<{ cluster: TestCluster; sql: postgres.Sql }> {
  const cluster = await startTestCluster({ ...options, settings: { autovacuum: 'off', ...options.settings } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  Object.assign(opened, { cluster, sql });
  return { cluster, sql };
}

async function rowsOf(url: string): Promise<readonly string[]> {
  const reader = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await fingerprint(reader);
  } finally {
    await reader.end();
  }
}

describe('the audit of a full backup', () => {
  test.each([16, 18])(
    'PostgreSQL %i: names relation and block of a page that changed without its LSN, stores it, and does so once',
    async (major) => {
      const { cluster, sql } = await start({
        major,
        provider: 'embedded',
        checksums: false,
        settings: major >= 17 ? { summarize_wal: 'on' } : {},
      });
      const repository = await makeRepository(path.join(directory, 'repository'));
      await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 20000) g`;
      await sql`create table warm as select g as n from generate_series(1, 20000) g`;
      await sql`vacuum cold`;
      await backUp(cluster, repository);
      await sql`update warm set n = n + 1 where n % 7 = 0`;
      await backUp(cluster, repository);
      // Hints: read after the backup, they change pages without a trace, which is no damage.
      await sql`select count(*) from warm`;
      await sql`checkpoint`;
      const clean = await backUp(cluster, repository, { kind: 'full' });
      expect(clean.audit).toMatchObject({ mismatches: [] });
      expect(clean.audit?.pages).toBeGreaterThan(1000);
      expect(clean.audit?.benign).toBeGreaterThan(0);
      expect(clean.storedBytes).toBeLessThan(3_000_000);
      const file = await flipBit(cluster, sql, 'cold', 123);
      const found = await backUp(cluster, repository, { kind: 'full' });
      expect(found.audit?.mismatches).toEqual([{ path: file, block: 123 }]);
      const again = await backUp(cluster, repository, { kind: 'full' });
      expect(again.audit?.mismatches).toEqual([]);
    },
  );

  test('names a page that became zeros though nothing was cut off, which the server takes for a new one, and none of a table that VACUUM cut off', async () => {
    const { cluster, sql } = await start({ major: 18, provider: 'embedded', checksums: true, settings: { summarize_wal: 'on' } });
    const repository = await makeRepository(path.join(directory, 'repository'));
    for (const table of ['cold', 'regrown']) {
      await sql.unsafe(`create table ${table} as select g, repeat(md5(g::text), 10) as t from generate_series(1, 20000) g`);
      await sql.unsafe(`vacuum freeze ${table}`);
    }
    await backUp(cluster, repository);
    await sql`delete from regrown where g > 10000`;
    await sql`vacuum regrown`;
    // COPY extends a table by more pages than it has rows for: they stay zeros.
    await sql.unsafe(`copy regrown from program 'seq -f "%.0f,${'y'.repeat(500)}" 200001 200700' with (format csv)`);
    await overwritePage(cluster, sql, 'cold', 12, Buffer.alloc(8192));
    const file = await overwritePage(cluster, sql, 'cold', 123, Buffer.alloc(8192));
    const found = await backUp(cluster, repository, { kind: 'full' });
    expect(found.damage).toBeNull();
    expect(found.audit?.mismatches).toEqual([12, 123].map((block) => ({ path: file, block, emptied: true })));
    const again = await backUp(cluster, repository, { kind: 'full' });
    expect(again.audit?.mismatches).toEqual([]);
  });

  test('takes a page that was written while it was read for newer: the WAL of the backup names it; not one that was lost', async () => {
    const settings = { summarize_wal: 'on', bgwriter_lru_maxpages: '0' };
    const { cluster, sql } = await start({ major: 18, provider: 'embedded', checksums: false, settings });
    const repository = await makeRepository(path.join(directory, 'repository'));
    await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 20000) g`;
    await sql`vacuum freeze cold`;
    await backUp(cluster, repository);
    const file = await flipBit(cluster, sql, 'cold', 20);
    // An old head with another tail, and a change of that page in the WAL: what a torn read comes to.
    await flipBit(cluster, sql, 'cold', 40);
    await overwritePage(cluster, sql, 'cold', 60, Buffer.alloc(8192));
    const taking = takeInto(cluster, { local: repository }, { kind: 'full', maxRateKb: 8192 });
    for (;;) {
      const begun = await sql`select from pg_stat_progress_basebackup where phase = 'streaming database files'`;
      if (begun.length > 0) break;
    }
    // Zeros have no old head: whatever the WAL says of that page, the storage lost it.
    await sql`update cold set g = -g where ctid in ('(40,1)', '(60,1)')`;
    expect(takenInto(await taking, 'local').audit?.mismatches).toEqual([
      { path: file, block: 60, emptied: true },
      { path: file, block: 20 },
    ]);
  });

  test('E2: what an audited full backup stored restores to what is there', async () => {
    const { cluster, sql } = await start({ major: 18, settings: { summarize_wal: 'on' } });
    const repository = await makeRepository(path.join(directory, 'repository'));
    await sql`create table t as select g as n, repeat(md5(g::text), 10) as t from generate_series(1, 20000) g`;
    await backUp(cluster, repository);
    await sql`update t set n = -n where n % 5 = 0`;
    await sql`truncate t`;
    await sql`insert into t select g, 'new' from generate_series(1, 5000) g`;
    const rows = await fingerprint(sql);
    const full = await backUp(cluster, repository, { kind: 'full' });
    expect(full).toMatchObject({ kind: 'full', parent: null });
    const clone = await restore({ repository, target: { kind: 'immediate' }, backup: full.label, into: path.join(directory, 'clone') });
    expect(await rowsOf(clone.url)).toEqual(rows);
    await clone.stop();
  });
});

describe('where the server cannot tell what changed', () => {
  test('summaries that are gone mean a full read, which says so, and the next is incremental again', async () => {
    const { cluster, sql } = await start({ major: 18, provider: 'embedded', settings: { summarize_wal: 'on' } });
    const repository = await makeRepository(path.join(directory, 'repository'));
    await sql`create table t as select g from generate_series(1, 1000) g`;
    await takeInto(cluster, { local: repository });
    // Switched off and on, the server has no summaries of what came between.
    await sql`alter system set summarize_wal = off`;
    await sql`select pg_reload_conf()`;
    await sql`insert into t select g from generate_series(1, 1000) g`;
    await sql`select pg_switch_wal()`;
    await sql`checkpoint`;
    const summaries = path.join(cluster.dataDirectory ?? '', 'pg_wal', 'summaries');
    for (const name of await readdir(summaries)) await rm(path.join(summaries, name));
    await sql`alter system set summarize_wal = on`;
    await sql`select pg_reload_conf()`;
    const second = await takeInto(cluster, { local: repository });
    expect(second.mode).toMatchObject({ kind: 'everything', reason: expect.stringMatching(/no WAL summaries back to/) });
    const rows = await fingerprint(sql);
    expect((await takeInto(cluster, { local: repository })).mode.kind).toBe('blocks');
    const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, 'clone') });
    expect(await rowsOf(clone.url)).toEqual(rows);
    await clone.stop();
  });

  test('without summarize_wal everything is read and compared with page hashes', async () => {
    const { cluster, sql } = await start({ major: 17, settings: { summarize_wal: 'off' } });
    const repository = await makeRepository(path.join(directory, 'repository'));
    await sql`create table t as select g as n, repeat(md5(g::text), 10) as t from generate_series(1, 50000) g`;
    await takeInto(cluster, { local: repository });
    await sql`update t set n = -n where n between 100 and 110`;
    const second = await takeInto(cluster, { local: repository });
    expect(second.mode).toMatchObject({ kind: 'hashes', reason: expect.stringMatching(/summarize_wal is off/) });
    const rows = await fingerprint(sql);
    const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, 'clone') });
    expect(await rowsOf(clone.url)).toEqual(rows);
    await clone.stop();
  });
});

describe('several repositories', () => {
  test('E3: get the same backup from one reading, encrypted or not; one that fails does not stop the other', async () => {
    const { cluster, sql } = await start({ major: 18, settings: { summarize_wal: 'on' } });
    const local = await makeRepository(path.join(directory, 'local'));
    const secret = await makeRepository(path.join(directory, 'secret'), { encrypted: true });
    await sql`create table t as select g as n, md5(g::text) as t from generate_series(1, 20000) g`;
    const first = await takeInto(cluster, { local, secret });
    expect(first.outcomes.map(({ name, result }) => [name, result.kind])).toEqual([
      ['local', 'taken'],
      ['secret', 'taken'],
    ]);
    await sql`update t set n = -n where n < 500`;
    const second = await takeInto(cluster, { local, secret });
    expect(second.mode.kind).toBe('blocks');
    const rows = await fingerprint(sql);
    for (const [name, repository] of Object.entries({ local, secret })) {
      const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, `clone-${name}`) });
      expect(await rowsOf(clone.url)).toEqual(rows);
      await clone.stop();
    }
    const failing: Repository = {
      ...secret,
      store: withFaults(secret.store, ({ operation, key }) => {
        if (operation === 'create' && key.includes('/packs/')) throw new DbadminError('storage-full', 'no room for the pack');
      }),
    };
    await sql`insert into t select g, 'more' from generate_series(1, 3000) g`;
    const third = await takeInto(cluster, { local, failing });
    expect(third.outcomes).toMatchObject([
      { name: 'local', result: { kind: 'taken' } },
      { name: 'failing', result: { kind: 'failed', error: { code: 'storage-full' } } },
    ]);
    expect(takenInto(third, 'local')).toMatchObject({ parent: labelOf(second), root: labelOf(first) });
    const { systemIdentifier } = first.outcomes[0]?.result.kind === 'taken' ? first.outcomes[0].result.summary : { systemIdentifier: '' };
    expect((await listBackups(local, systemIdentifier)).length).toBe(3);
    expect((await listBackups(secret, systemIdentifier)).length).toBe(2);
    // The newest that both have is the one to build on.
    expect((await takeInto(cluster, { local, secret })).mode).toMatchObject({ kind: 'blocks', parent: { label: labelOf(second) } });
    await expect(takeInto(cluster, { failing })).rejects.toMatchObject({ code: 'storage-full' });
  });
});

function labelOf({ outcomes }: TakeResult): string {
  const result = outcomes[0]?.result;
  return result?.kind === 'taken' ? result.summary.label : '';
}
