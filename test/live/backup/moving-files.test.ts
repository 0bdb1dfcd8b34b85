import path from 'node:path';
import postgres from 'postgres';
import { describe, expect, test } from 'vitest';
import type { BackupSummary } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { makePlace } from '../../backup/random-work.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { checkIndexes } from '../../backup/workload.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** Slow enough for the server's work to come between. */
const RATE_KB = 12_288;

/** One whose pages are compared, and one that tells what changed; both give out database numbers that are asked for. */
const MAJORS = [16, 18];
const IS_WANTED = process.env['DBADMIN_TEST_CHAIN'] !== undefined;

/** Copied again and again below one number: its pages keep their old positions in the WAL, so that an audit takes them for changed. */
const COPIED = 'base/90000/';

if (!IS_WANTED) test('files that come, go and move while a backup reads them', ({ skip }) => skip('on demand: npm run test:chain'));

describe.skipIf(!IS_WANTED).each(MAJORS)('files that come, go and move while a backup of PostgreSQL %i reads them', (major) => {
  test('databases under one number, tablespaces and temporary relations: what is restored is consistent', async () => {
    const directory = await makeDirectory();
    const settings = { allow_in_place_tablespaces: 'on', ...(major >= 17 ? { summarize_wal: 'on' } : {}) };
    const cluster = await startTestCluster({ major, settings });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    try {
      const repository = await makeRepository(path.join(directory, 'repository'));
      await prepare(cluster, sql, directory);
      const kinds = ['full', 'incremental', 'incremental'];
      const summaries: BackupSummary[] = [];
      const busy = new Work(sql);
      for (const _ of kinds) summaries.push(await busy.during(async () => await backUp(cluster, repository, { maxRateKb: RATE_KB })));
      expect(summaries.map(({ kind }) => kind)).toEqual(kinds);
      const audited = await backUp(cluster, repository, { kind: 'full' });
      const mismatches = [...summaries, audited].flatMap(({ audit }) => audit?.mismatches ?? []);
      expect(mismatches.filter(({ path: file }) => !file.startsWith(COPIED))).toEqual([]);
      for (const { label } of summaries) await expectConsistent(repository, label, path.join(directory, label));
    } finally {
      await sql.end();
      await cluster.stop();
      await removeDirectory(directory);
    }
  });
});

/** Two databases whose files have the same names and not the same pages, and a table whose amounts make 0 at every commit. */
async function prepare(cluster: TestCluster, sql: postgres.Sql, directory: string): Promise<void> {
  await sql.unsafe('create database source_0');
  await inDatabase(cluster.url('source_0'), async (source) => {
    await source.unsafe('create table rows (id int primary key, t text)');
    await source.unsafe("insert into rows select g, repeat('0', 300) from generate_series(1, 2000) g");
    await source.unsafe('vacuum freeze rows');
  });
  await sql.unsafe('create database source_1 template source_0 strategy file_copy');
  await inDatabase(cluster.url('source_1'), async (source) => {
    await source.unsafe("update rows set t = repeat('1', 300)");
  });
  await sql.unsafe(`create tablespace leaving location '${await makePlace(cluster, directory, 'leaving')}'`);
  await sql.unsafe('create table account (id int primary key, amount int, filler text) tablespace leaving');
  await sql.unsafe("insert into account select g, 0, repeat('x', 200) from generate_series(1, 5000) g");
}

/** Moves files for as long as a backup takes, in rounds that are done to their end. */
class Work {
  readonly #sql: postgres.Sql;
  #round = 0;

  constructor(sql: postgres.Sql) {
    this.#sql = sql;
  }

  async during(backUp: () => Promise<BackupSummary>): Promise<BackupSummary> {
    const state = { isOn: true };
    const backup = backUp().finally(() => (state.isOn = false));
    // Told when the backup is awaited.
    backup.catch(() => undefined);
    while (state.isOn && !(await this.#isReading())) await new Promise((resolve) => setTimeout(resolve, 20));
    let meanwhile = 0;
    do {
      this.#round += 1;
      for (const each of statements(this.#round)) {
        await this.#sql.unsafe(each);
        if (state.isOn) meanwhile += 1;
      }
    } while (state.isOn);
    expect(meanwhile).toBeGreaterThan(5);
    return await backup;
  }

  async #isReading(): Promise<boolean> {
    return (await this.#sql`select from pg_stat_progress_basebackup where phase like 'streaming database%'`).length > 0;
  }
}

function statements(round: number): readonly string[] {
  return [
    `create temporary table if not exists passing_${round % 3} (id int primary key, t text)`,
    `insert into passing_${round % 3} select g, md5(g::text) from generate_series(1, 3000) g on conflict do nothing`,
    `create tablespace short_${round} location ''`,
    `alter table account set tablespace short_${round}`,
    // In the first round, while the full backup is being taken.
    'drop tablespace if exists leaving',
    `update account set amount = amount + case when id % 2 = 0 then ${round} else -${round} end where id % 10 < 4`,
    'drop database if exists copied',
    `create database copied template source_${round % 2} strategy file_copy oid = 90000`,
    `alter table account set tablespace pg_default`,
    `drop tablespace short_${round}`,
    `drop table if exists pg_temp.passing_${(round + 1) % 3}`,
  ];
}

async function expectConsistent(repository: Repository, label: string, into: string): Promise<void> {
  const clone = await restore({
    repository,
    target: { kind: 'immediate' },
    backup: label,
    into,
    beforeStart: async ({ layout }) => {
      const temporary = [...layout.files].map((file) => file.path).filter((name) => /(?:^|\/)t\d+_\d+|pgsql_tmp/.test(name));
      await Promise.resolve();
      expect(temporary).toEqual([]);
    },
  });
  try {
    const [account] = await inDatabase(
      clone.url,
      async (sql) => await sql`select sum(amount)::int as sum, count(*)::int as count from account`,
    );
    expect(account).toEqual({ sum: 0, count: 5000 });
    const databases = await inDatabase(
      clone.url,
      // The backup may end while one is being dropped: it takes no connections any more then.
      async (sql) =>
        await sql<
          { name: string; oid: number }[]
        >`select datname as name, oid::int from pg_database where datallowconn and datconnlimit <> -2`,
    );
    for (const { name, oid } of databases) {
      await inDatabase(new URL(name, clone.url).href, async (sql) => {
        expect(await checkIndexes(sql)).toBeGreaterThan(100);
        if (name === 'copied') expect(oid).toBe(90_000);
        if (!/copied|source/.test(name)) return;
        // All rows of one template, none of the other's.
        expect(await sql`select count(*)::int as count, count(distinct t)::int as kinds from rows`).toEqual([{ count: 2000, kinds: 1 }]);
      });
    }
  } finally {
    await clone.stop();
  }
}

async function inDatabase<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}
