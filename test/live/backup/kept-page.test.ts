import { rm } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inspectLineage } from '../../../src/backup/lineage-inspect.ts';
import { startCluster, stopCluster } from '../../../src/postgres/server.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { readManifest, writeManifest, type BackupSummary, type ManifestEntry } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let repository: Repository;
let cluster: TestCluster;
let sql: postgres.Sql;

beforeEach(async () => {
  directory = await makeDirectory();
  repository = await makeRepository(path.join(directory, 'repository'));
  const settings = { autovacuum: 'off', summarize_wal: 'on', checkpoint_timeout: '1h' };
  cluster = await startTestCluster({ major: 18, provider: 'embedded', settings });
  sql = connect();
});

afterEach(async () => {
  await sql.end();
  await cluster.stop();
  await removeDirectory(directory);
});

function connect(): postgres.Sql {
  return postgres(cluster.url(), { max: 1, onnotice: () => undefined });
}

/** The server knows of no free space in a table any more: pages that it got in advance stay as they are, but for the last. */
async function forgetFreeSpace(table: string): Promise<void> {
  const { programs, dataDirectory = '' } = cluster;
  if (programs === undefined) throw new Error('the server is in a container');
  const [row] = await sql<{ path: string }[]>`select pg_relation_filepath(${table}) as path`;
  await sql.end();
  await stopCluster(programs, dataDirectory);
  await rm(path.join(dataDirectory, `${row?.path ?? ''}_fsm`), { force: true });
  await startCluster(programs, dataDirectory, path.join(dataDirectory, '..', 'server.log'));
  sql = connect();
}

/** As it was written before anybody asked which relations VACUUM had cut back. */
async function withoutCuts(taken: BackupSummary): Promise<void> {
  const { cutsKnown: _, cutsUnknownSince: __, ...summary } = taken;
  const entries: ManifestEntry[] = [];
  for await (const entry of readManifest(repository, summary.systemIdentifier, summary.label)) entries.push(entry);
  await repository.store.delete(backupKey(summary.systemIdentifier, summary.label));
  await writeManifest(repository, summary, entries);
}

async function rowsFrom(url: string): Promise<readonly string[]> {
  const reader = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    return (await reader<{ row: string }[]>`select md5(t::text) as row from t order by 1`).map(({ row }) => row);
  } finally {
    await reader.end();
  }
}

test('a page that an early incremental backup kept from before a cut is not blamed on the cluster, and the last full one with its WAL has the rows right', async () => {
  const receiver = startReceiver(cluster, repository);
  await sql`create table t (a int, p text)`;
  await sql`insert into t select g, repeat('x', 500) from generate_series(1, 20000) g`;
  await sql`vacuum (freeze) t`;
  const full = await backUp(cluster, repository);
  await sql`delete from t where a > 10000`;
  await sql`vacuum t`;
  await sql.unsafe(`copy t from program 'seq -f "%.0f,${'y'.repeat(500)}" 200001 200700' with (format csv)`);
  await forgetFreeSpace('t');
  await sql`insert into t values (0, 'behind them')`;
  const rows = await rowsFrom(cluster.url());
  const kept = await backUp(cluster, repository, { connection: undefined });
  expect(kept).toMatchObject({ kind: 'incremental', cutsKnown: true, cutsUnknownSince: full.startLsn });
  await withoutCuts(kept);

  const { label, audit } = await backUp(cluster, repository, { kind: 'full' });
  // Others may be of pages that came after the cut, which early ones missed as well.
  const emptied = audit?.mismatches.filter((each) => each.emptied === true).length ?? 0;
  expect(emptied).toBeGreaterThan(0);
  const { suspicions } = await inspectLineage(repository, 'main');
  expect(suspicions.open).toMatchObject([{ audit: label, emptied, isClusterWrong: false }]);

  await receiver.stop();
  const restored = async (backup: string): Promise<readonly string[]> => {
    const clone = await restore({ repository, target: { kind: 'latest' }, backup, into: path.join(directory, backup) });
    const found = await rowsFrom(clone.url);
    await clone.stop();
    return found;
  };
  const there = new Set(rows);
  expect((await restored(kept.label)).filter((row) => !there.has(row))).not.toEqual([]);
  expect(await restored(full.label)).toEqual(rows);
});
