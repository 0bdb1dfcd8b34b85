import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { checkIndexes, fingerprint } from '../../backup/workload.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** A file name that is not UTF-8: `naïve.txt` in Latin-1. */
const ODD_NAME = Buffer.from([0x6e, 0x61, 0xef, 0x76, 0x65, 0x2e, 0x74, 0x78, 0x74]);

test.each([16, 18])(
  'PostgreSQL %i: what changes files behind the catalog’s back comes back right from an incremental backup',
  async (major) => {
    const directory = await makeDirectory();
    const settings = { autovacuum: 'off', max_prepared_transactions: 5, ...(major >= 17 ? { summarize_wal: 'on' } : {}) };
    const cluster = await startTestCluster({ major, provider: 'embedded', walSegmentMegabytes: 64, settings });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    const user = cluster.programs?.runAs;
    const makePlace = async (name: string): Promise<string> => {
      const place = path.join(directory, name);
      await mkdir(place);
      if (user !== undefined) await chown(place, user.uid, user.gid);
      return place;
    };
    try {
      const repository = await makeRepository(path.join(directory, 'repository'));
      const [first, second] = [await makePlace('space 1'), await makePlace('space 2')];
      await sql.unsafe(`create tablespace one location '${first}'`);
      await sql`create table moved tablespace one as select g as n, md5(g::text) as t from generate_series(1, 5000) g`;
      await sql`create table stays tablespace one as select g as n, repeat(md5(g::text), 4) as t from generate_series(1, 20000) g`;
      await sql`create table grows as select g as n from generate_series(1, 1000) g`;
      await sql`create sequence counter`;
      await sql`create database source`;
      const odd = Buffer.concat([Buffer.from(`${cluster.dataDirectory}/`), ODD_NAME]);
      await writeFile(odd, 'a file of somebody');
      if (user !== undefined) await chown(odd, user.uid, user.gid);
      await backUp(cluster, repository);

      await sql`alter table moved set tablespace pg_default`;
      await sql`update stays set n = -n where n % 97 = 0`;
      await sql.unsafe(`create tablespace two location '${second}'`);
      await sql`create table later tablespace two as select g as n from generate_series(1, 3000) g`;
      // Copied file by file, with the old pages' LSNs.
      await sql.unsafe(`create database copied template source strategy = file_copy`);
      await sql.unsafe(`create database logged template source strategy = wal_log`);
      await sql`insert into grows select g from generate_series(1, 200000) g`;
      await sql`truncate grows`;
      await sql`insert into grows select g from generate_series(1, 700) g`;
      await sql`select nextval('counter') from generate_series(1, 100)`;
      await sql.unsafe(`begin; insert into later values (-1); prepare transaction 'waiting'`).simple();
      const rows = await fingerprint(sql);
      const summary = await backUp(cluster, repository);
      expect(summary.kind).toBe('incremental');
      expect(summary.audit?.mismatches ?? []).toEqual([]);
      expect(summary.tablespaces.map(({ location }) => location).sort()).toEqual([first, second]);

      const into = path.join(directory, 'clone');
      const clone = await restore({
        repository,
        target: { kind: 'immediate' },
        into,
        tablespaces: new Map([
          [first, path.join(directory, 'new 1')],
          [second, path.join(directory, 'new 2')],
        ]),
      });
      const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
      expect(await fingerprint(reader)).toEqual(rows);
      expect(await checkIndexes(reader)).toBeGreaterThan(100);
      expect(await reader`select gid from pg_prepared_xacts`).toEqual([{ gid: 'waiting' }]);
      await reader.unsafe(`commit prepared 'waiting'`);
      expect(await reader`select count(*)::int as n from later where n = -1`).toEqual([{ n: 1 }]);
      expect(Number((await reader<{ n: string }[]>`select nextval('counter') as n`)[0]?.n)).toBeGreaterThan(100);
      await reader.end();
      for (const database of ['copied', 'logged']) {
        const other = postgres(clone.url.replace(/\/postgres$/, `/${database}`), { max: 1 });
        expect((await other<{ n: number }[]>`select count(*)::int as n from pg_class`)[0]?.n).toBeGreaterThan(300);
        await other.end();
      }
      expect((await readFile(Buffer.concat([Buffer.from(`${into}/`), ODD_NAME]))).toString()).toBe('a file of somebody');
      await clone.stop();
    } finally {
      await sql.end();
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
);

test('a backup under load, while files grow, shrink and vanish, is consistent once recovered', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 18, settings: { summarize_wal: 'on' } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  const busy = postgres(cluster.url(), { max: 3, onnotice: () => undefined });
  try {
    const repository = await makeRepository(path.join(directory, 'repository'));
    // The sum stays 0 whatever is committed: a state between two commits shows.
    await sql`create table account (id int primary key, amount int, filler text)`;
    await sql`insert into account select g, 0, repeat('x', 200) from generate_series(1, 20000) g`;
    const state = { isOn: true };
    const work = [0, 1, 2].map(async (worker) => {
      for (let round = 0; state.isOn; round += 1) {
        const [a, b] = [1 + ((round * 7919 + worker) % 20000), 1 + ((round * 104729 + worker * 31) % 20000)];
        if (a === b) continue;
        const [low, high] = a < b ? [a, b] : [b, a];
        await busy`update account set amount = amount + case when id = ${low} then 1 else -1 end where id in (${low}, ${high})`;
        if (round % 10 === 0) {
          await busy
            .unsafe(
              `create table fleeting_${worker} as select g from generate_series(1, 20000) g; truncate fleeting_${worker}; drop table fleeting_${worker}`,
            )
            .simple();
        }
      }
    });
    for (let link = 0; link < 3; link += 1) await backUp(cluster, repository);
    state.isOn = false;
    await Promise.all(work);
    const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone') });
    const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
    expect(await reader`select sum(amount)::int as sum, count(*)::int as count from account`).toEqual([{ sum: 0, count: 20000 }]);
    expect(await checkIndexes(reader)).toBeGreaterThan(100);
    await reader.end();
    await clone.stop();
  } finally {
    await busy.end();
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
