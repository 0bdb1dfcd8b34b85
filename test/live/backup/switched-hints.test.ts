import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { flipBit } from '../../backup/flip-bit.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test.each([16, 18])(
  'PostgreSQL %i: hints that were set before they were logged are no mismatch, and damage is one all the same',
  async (major) => {
    const directory = await makeDirectory();
    const settings = { autovacuum: 'off', ...(major >= 17 ? { summarize_wal: 'on' } : {}) };
    const cluster = await startTestCluster({ major, provider: 'embedded', checksums: false, settings });
    const work = async (doing: (sql: postgres.Sql) => Promise<unknown>): Promise<void> => {
      const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
      try {
        await doing(sql);
      } finally {
        await sql.end();
      }
    };
    try {
      const [first, second] = await Promise.all(['first', 'second'].map(async (name) => await makeRepository(path.join(directory, name))));
      if (first === undefined || second === undefined) throw new Error('two are made');
      await work(async (sql) => await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 20000) g`);
      await work(async (sql) => await sql`create table warm as select g as n from generate_series(1, 20000) g`);
      for (const repository of [first, second]) expect(await backUp(cluster, repository)).toMatchObject({ hintsUnlogged: true });
      await work(async (sql) => await sql`select count(*) from cold`);
      await work(async (sql) => await sql`alter system set wal_log_hints = on`);
      await cluster.restart();

      // Straight after the switch: a full one, and an incremental one that has the pages of before it on 18.
      const full = await backUp(cluster, first, { kind: 'full' });
      expect(full).toMatchObject({ hintsUnlogged: false, audit: { mismatches: [] } });
      expect(full.audit?.benign).toBeGreaterThan(100);
      await work(async (sql) => await sql`update warm set n = -n where n % 7 = 0`);
      const built = await backUp(cluster, second);
      expect(built).toMatchObject({ kind: 'incremental', hintsUnlogged: major >= 17, audit: major >= 17 ? null : { mismatches: [] } });
      const after = await backUp(cluster, second, { kind: 'full' });
      expect(after).toMatchObject({ hintsUnlogged: false, audit: { comparedWith: built.label, mismatches: [] } });

      // From there on to the last bit.
      await work(async (sql) => {
        const file = await flipBit(cluster, sql, 'cold', 123);
        expect((await backUp(cluster, second, { kind: 'full' })).audit?.mismatches).toEqual([{ path: file, block: 123 }]);
      });
    } finally {
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
);
