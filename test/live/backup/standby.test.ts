import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { startStandby } from '../../backup/standby.ts';
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
