import { existsSync } from 'node:fs';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { startStandby } from '../../backup/standby.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test.each([14, 16, 18])('PostgreSQL %i: a backup of a standby whose primary was shut down restores to its end', async (major) => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major, provider: 'embedded', settings: { autovacuum: 'off' } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const first = await makeRepository(path.join(directory, 'first'));
    await sql`create table step (n int)`;
    await backUp(cluster, first);
    const made = await startStandby(cluster, first, path.join(directory, 'standby'));
    try {
      await sql`insert into step values (1)`;
      const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
      await sql.end();
      const { programs, dataDirectory } = cluster;
      if (programs === undefined || dataDirectory === undefined) throw new Error('the test needs an embedded server');
      await stopCluster(programs, dataDirectory, 'fast');
      const reader = postgres(made.standby.url(), { max: 1, onnotice: () => undefined });
      const replayed = async (): Promise<number> =>
        (await reader`select where pg_last_wal_replay_lsn() > ${row?.lsn ?? ''}::pg_lsn`).length;
      await expect.poll(replayed, { timeout: 20_000 }).toBe(1);
      await reader.end();
      const repository = await makeRepository(path.join(directory, 'second'));
      const { startLsn, stopLsn } = await backUp(made.standby, repository, { kind: 'full' });
      expect(parseLsn(stopLsn) - parseLsn(startLsn)).toBeLessThan(256n);
      const paused = restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'paused'), action: 'pause' });
      await expect(paused).rejects.toMatchObject({ code: 'refused', message: 'no target is left at which the cluster could pause' });
      expect(existsSync(path.join(directory, 'paused'))).toBe(false);
      for (const target of [{ kind: 'latest' }, { kind: 'immediate' }, { kind: 'lsn', lsn: parseLsn(stopLsn) }] as const) {
        const clone = await restore({ repository, target, into: path.join(directory, target.kind) });
        const there = postgres(clone.url, { max: 1 });
        expect(await there`select n from step`).toEqual([{ n: 1 }]);
        await there.end();
        await clone.stop();
      }
    } finally {
      await made.stop();
    }
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
