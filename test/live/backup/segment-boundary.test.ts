import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { startStandby, untilReplayed } from '../../backup/standby.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const OF_STANDBYS = drawn(import.meta.filename, [14, 18]);

/**
 * A primary ends a backup behind its last record, and a standby where its replay has come to: behind a switch that is the first byte of the
 * next segment, of which nothing may ever come.
 */
test.each([16, 18])('PostgreSQL %i: a backup that ends where a WAL segment does is complete without the next one', async (major) => {
  const directory = await makeDirectory();
  // No checkpoint and no snapshot of transactions comes by itself between the switch and the backup.
  const settings = { autovacuum: 'off', checkpoint_timeout: '1h' };
  const cluster = await startTestCluster({ major, provider: 'embedded', settings });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const first = await makeRepository(path.join(directory, 'first'));
    await sql`create table step (n int)`;
    await backUp(cluster, first);
    const made = await startStandby(cluster, first, path.join(directory, 'standby'));
    const reader = postgres(made.standby.url(), { max: 1, onnotice: () => undefined });
    try {
      const repository = await makeRepository(path.join(directory, 'second'));
      let steps = 0;
      const endsAtBoundary = async (): Promise<string | undefined> => {
        await sql`insert into step values (${(steps += 1)})`;
        await sql`checkpoint`;
        await sql`insert into step values (${(steps += 1)})`;
        const [row] = await sql<{ end: string }[]>`select pg_switch_wal()::text as end`;
        const replayed = async (): Promise<number> =>
          (await reader`select from step where n = ${steps} and pg_last_wal_replay_lsn() >= ${row?.end ?? ''}::pg_lsn`).length;
        await expect.poll(replayed, { timeout: 20_000 }).toBe(1);
        const { stopLsn, walSegmentBytes, label } = await backUp(made.standby, repository, { kind: 'full' });
        return parseLsn(stopLsn) % BigInt(walSegmentBytes) === 0n ? label : undefined;
      };
      let label: string | undefined;
      for (let attempt = 0; attempt < 5 && label === undefined; attempt += 1) label = await endsAtBoundary();
      expect(label).toBeDefined();
      for (const target of [{ kind: 'immediate' }, { kind: 'latest' }] as const) {
        const into = path.join(directory, target.kind);
        const clone = await restore({ repository, target, into, ...(label === undefined ? {} : { backup: label }) });
        const there = postgres(clone.url, { max: 1 });
        expect(await there`select max(n) as n, count(*)::int as rows from step`).toEqual([{ n: steps, rows: steps }]);
        await there.end();
        await clone.stop();
      }
    } finally {
      await reader.end();
      await made.stop();
    }
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});

test.each(OF_STANDBYS)('PostgreSQL %i: a backup of a standby that nothing follows restores to its end', async (major) => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major, provider: 'embedded', settings: { autovacuum: 'off', checkpoint_timeout: '1h' } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const first = await makeRepository(path.join(directory, 'first'));
    await sql`create table step (n int)`;
    await backUp(cluster, first);
    const made = await startStandby(cluster, first, path.join(directory, 'standby'));
    try {
      await sql`insert into step values (1)`;
      await sql`checkpoint`;
      const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
      await untilReplayed(made.standby, row?.lsn ?? '');
      const repository = await makeRepository(path.join(directory, 'second'));
      await backUp(made.standby, repository, { kind: 'full' });
      const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone') });
      const there = postgres(clone.url, { max: 1 });
      expect(await there`select n from step`).toEqual([{ n: 1 }]);
      await there.end();
      await clone.stop();
    } finally {
      await made.stop();
    }
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
