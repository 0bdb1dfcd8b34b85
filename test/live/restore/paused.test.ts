import { chown, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test('a clone counts as paused when its own recovery has, whatever the log of an earlier restore says that came with the backup', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 17, provider: 'embedded', settings: { max_wal_size: '4GB' } });
  const repository = await makeRepository(path.join(directory, 'repository'));
  const receiver = startReceiver(cluster, repository);
  try {
    // What production keeps of its own restore with --action pause.
    const log = path.join(cluster.dataDirectory ?? '', 'dbadmin-restore.log');
    await writeFile(log, '2026-01-01 00:00:00.000 UTC [1] LOG:  recovery has paused\n');
    const owner = cluster.programs?.runAs;
    if (owner !== undefined) await chown(log, owner.uid, owner.gid);
    await backUp(cluster, repository);
    const sql = postgres(cluster.url(), { max: 1 });
    // Enough that a server which is open for reading is not there yet.
    await sql.unsafe('create table replayed as select g as n from generate_series(1, 1000000) g');
    await sql.unsafe('create index on replayed (n)');
    await sql.unsafe('create table last as select 1 as n');
    const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
    await sql.end();
    const lsn = parseLsn(at?.lsn ?? '');
    await waitUntilStored(repository, lsn);
    const clone = await restore({ repository, target: { kind: 'lsn', lsn }, into: path.join(directory, 'clone'), action: 'pause' });
    const reader = postgres(clone.url, { max: 1 });
    try {
      const [row] = await reader`select pg_get_wal_replay_pause_state() as state, to_regclass('last') is not null as arrived`;
      expect(row).toEqual({ state: 'paused', arrived: true });
      expect(clone.started.state).toBe('paused');
    } finally {
      await reader.end();
      await clone.stop();
    }
  } finally {
    await receiver.stop();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
