import { appendFile, chown, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { applyRestore } from '../../../src/backup/restore/apply.ts';
import { inspectRestore } from '../../../src/backup/restore/inspect.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { startCluster, stopCluster } from '../../../src/postgres/server.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { fingerprint } from '../../backup/workload.ts';
import { freePort } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** Makes a standby of the cluster out of its newest backup; gives the means to back it up. */
async function startStandby(
  cluster: TestCluster,
  repository: Parameters<typeof backUp>[1],
  into: string,
): Promise<{ standby: TestCluster; stop(): Promise<void> }> {
  const { programs } = cluster;
  if (programs === undefined) throw new Error('the test needs an embedded server');
  const preflight = await inspectRestore({
    repository,
    clusterName: 'main',
    systemIdentifier: undefined,
    target: { kind: 'latest' },
    exclusive: false,
    backup: undefined,
    timeline: undefined,
    dataDirectory: into,
    tablespaces: new Map(),
  });
  const port = await freePort();
  const owner = programs.runAs;
  const signal = new AbortController().signal;
  await applyRestore({ preflight, port, clusterName: 'standby', action: 'promote', programs, owner, signal, onProgress: () => undefined });
  await rm(path.join(into, 'recovery.signal'));
  await writeFile(path.join(into, 'standby.signal'), '');
  if (owner !== undefined) await chown(path.join(into, 'standby.signal'), owner.uid, owner.gid);
  const settings = `primary_conninfo = 'host=127.0.0.1 port=${cluster.port} user=postgres'\nrestore_command = ''\nrecovery_target_timeline = 'latest'\nhot_standby = on\n`;
  await appendFile(path.join(into, 'postgresql.auto.conf'), settings);
  await startCluster(programs, into, path.join(into, 'standby.log'));
  const parameters: ConnectionParameters = { ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port }] };
  const standby: TestCluster = {
    ...cluster,
    port,
    parameters: () => parameters,
    url: (database = 'postgres') => `postgresql://postgres@127.0.0.1:${port}/${database}`,
  };
  return { standby, stop: async () => await stopCluster(programs, into, 'immediate') };
}

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
