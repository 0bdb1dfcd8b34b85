import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { DbadminError } from '../../../src/base/errors.ts';
import { withFaults } from '../../backup/failing-store.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const SEGMENTS = 24;

test('a backup that reads its WAL back, to see whether databases were moved, stops when it is told to', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ walSegmentMegabytes: 1 });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const repository = await makeRepository(path.join(directory, 'repository'));
    const stop = new AbortController();
    const read = new Set<string>();
    const store = withFaults(repository.store, ({ operation, key }) => {
      if (!operation.startsWith('read') || !/\/wal\/.*[0-9A-F]{24}/.test(key)) return;
      read.add(key);
      stop.abort(new DbadminError('interrupted', 'told to stop'));
    });
    const options = { maxRateKb: 4096, connection: undefined, signal: stop.signal };
    const backup = backUp(cluster, { ...repository, store }, options);
    backup.catch(() => undefined);
    while ((await sql`select from pg_stat_progress_basebackup where phase like 'streaming database%'`).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    for (let n = 0; n < SEGMENTS; n += 1) {
      await sql`select pg_logical_emit_message(true, 'test', ${String(n)})`;
      await sql`select pg_switch_wal()`;
    }
    await expect(backup).rejects.toMatchObject({ code: 'interrupted' });
    // The one at which it was told so, and what was read ahead.
    expect(read.size).toBeGreaterThan(0);
    expect(read.size).toBeLessThan(SEGMENTS / 2);
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
