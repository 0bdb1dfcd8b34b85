import { appendFile, chown, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect } from 'vitest';
import { applyRestore } from '../../src/backup/restore/apply.ts';
import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import { startCluster } from '../../src/postgres/server.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { freePort } from '../postgres/address.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { endServer } from '../postgres/end-server.ts';
import { preflightOf } from './preflight.ts';

export interface TestStandby {
  /** The means to back it up, and to have a standby of it in turn. */
  readonly standby: TestCluster;
  /** As a power cut does. */
  stop(): Promise<void>;
}

/** Makes a standby that streams from the cluster, out of the newest backup. */
export async function startStandby(cluster: TestCluster, repository: Repository, into: string): Promise<TestStandby> {
  const { programs } = cluster;
  if (programs === undefined) throw new Error('the test needs an embedded server');
  const preflight = await preflightOf(repository, into);
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
  return { standby, stop: async () => await endServer(programs, into) };
}

/** Waits until the standby has replayed all WAL before `lsn`, as PostgreSQL writes it. */
export async function untilReplayed(standby: TestCluster, lsn: string): Promise<void> {
  const reader = postgres(standby.url(), { max: 1, onnotice: () => undefined });
  try {
    const replayed = async (): Promise<number> => (await reader`select where pg_last_wal_replay_lsn() >= ${lsn}::pg_lsn`).length;
    await expect.poll(replayed, { timeout: 20_000 }).toBe(1);
  } finally {
    await reader.end();
  }
}
