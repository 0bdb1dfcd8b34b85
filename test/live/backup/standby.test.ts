import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { judgeDrill } from '../../../src/backup/drill/judge.ts';
import { restoredPosition } from '../../../src/backup/reconcile/position.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { readManifest, writeManifest } from '../../../src/repository/manifest.ts';
import { drill } from '../../backup/drill.ts';
import {
  backUp,
  makeDirectory,
  makeRepository,
  removeDirectory,
  restore,
  startReceiver,
  type RestoredCluster,
} from '../../backup/repository.ts';
import { startStandby } from '../../backup/standby.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { fingerprint } from '../../backup/workload.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test.each([16, 18])('PostgreSQL %i: a backup from a standby restores, full and incremental', async (major) => {
  const directory = await makeDirectory();
  const settings = { autovacuum: 'off', ...(major >= 17 ? { summarize_wal: 'on' } : {}) };
  const cluster = await startTestCluster({ major, provider: 'embedded', settings });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const first = await makeRepository(path.join(directory, 'first'));
    await sql`create table t as select g as n, md5(g::text) as t from generate_series(1, 20000) g`;
    await backUp(cluster, first);
    const made = await startStandby(cluster, first, path.join(directory, 'standby'));
    const { standby } = made;
    try {
      const repository = await makeRepository(path.join(directory, 'second'));
      // Primaries write all the time; a standby's backup ends where its replay has come to.
      const busy = { isOn: true };
      const writer = (async () => {
        while (busy.isOn) {
          await sql`insert into t values (-1, 'while the backup runs')`;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })();
      const full = await backUp(standby, repository);
      const incremental = await backUp(standby, repository);
      busy.isOn = false;
      await writer;
      expect([full.kind, incremental.kind]).toEqual(['full', 'incremental']);
      const clone = await restore({
        repository,
        target: { kind: 'immediate' },
        backup: incremental.label,
        into: path.join(directory, 'clone'),
      });
      const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
      expect((await reader<{ n: number }[]>`select count(*)::int as n from t where n > 0`)[0]?.n).toBe(20000);
      expect(await fingerprint(reader)).toHaveLength(2);
      await reader.end();
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

test.each([14, 18])(
  'PostgreSQL %i: commits that a standby replayed after it had copied pg_control come back with a time, and not with the end of the backup',
  async (major) => {
    const directory = await makeDirectory();
    const cluster = await startTestCluster({ major, provider: 'embedded', settings: { autovacuum: 'off' } });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    const stops: (() => Promise<unknown>)[] = [];
    const write = async (n: number): Promise<string> => {
      await sql`insert into step values (${n})`;
      return (await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`)[0]?.lsn ?? '';
    };
    const rowsOf = async (clone: RestoredCluster): Promise<readonly number[]> => {
      const reader = postgres(clone.url, { max: 1 });
      const rows = await reader<{ n: number }[]>`select n from step order by n`;
      await reader.end();
      await clone.stop();
      return rows.map(({ n }) => n);
    };
    try {
      const first = await makeRepository(path.join(directory, 'first'));
      await sql`create table step (n int)`;
      await backUp(cluster, first);
      const made = await startStandby(cluster, first, path.join(directory, 'standby'));
      stops.push(async () => await made.stop());
      const repository = await makeRepository(path.join(directory, 'second'));
      const receiver = startReceiver(cluster, repository);
      stops.push(async () => await receiver.stop());
      await write(1);
      await sql`checkpoint`;
      const taken = await backUp(made.standby, repository);
      // As when the server has copied pg_control and is busy before it says where the backup ends.
      const stopLsn = await write(2);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const finishedAt = new Date();
      const summary = { ...taken, label: taken.label.replace(/Z-full$/, '9Z-full'), stopLsn, finishedAt: finishedAt.toISOString() };
      await writeManifest(repository, summary, readManifest(repository, taken.systemIdentifier, taken.label));
      await new Promise((resolve) => setTimeout(resolve, 50));
      const between = new Date();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await waitUntilStored(repository, parseLsn(await write(3)));
      const backup = summary.label;

      const timed = await restore({ repository, target: { kind: 'time', at: between }, backup, into: path.join(directory, 'timed') });
      expect(await rowsOf(timed)).toEqual([1, 2]);
      const second = timed.preflight.resolution.before;
      expect(timed.preflight.resolution.end).toEqual({ kind: 'lsn', lsn: second?.lsn, inclusive: true });

      const immediate = await restore({ repository, target: { kind: 'immediate' }, backup, into: path.join(directory, 'immediate') });
      expect(await rowsOf(immediate)).toEqual([1]);
      expect(immediate.preflight.resolution.after).toEqual(second);
      expect(restoredPosition(immediate.preflight).untilLsn).toBeLessThanOrEqual(second?.lsn ?? 0n);

      const aim = { kind: 'given', target: { kind: 'immediate' }, asked: 'immediate' } as const;
      const assertions = [{ sql: 'select array_agg(n order by n)::text from step', is: '{1}' }];
      const held = await drill(repository, directory, { aim, backup, assertions });
      expect(judgeDrill(held)).toMatchObject({ verdict: 'passed', failures: [] });
    } finally {
      for (const stop of stops.reverse()) await stop();
      await sql.end();
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
);
