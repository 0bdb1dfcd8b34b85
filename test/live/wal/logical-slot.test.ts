import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';

test.each([14, 18])('PostgreSQL %i: a logical slot of the receiver’s name is refused, and stays', async (major) => {
  const directory = await makeDirectory();
  const cluster = await startEmbeddedCluster({ major, walSegmentMegabytes: 1, settings: { wal_level: 'logical' } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const repository = await makeRepository(path.join(directory, 'repository'));
    await sql`select pg_create_logical_replication_slot('dbadmin', 'pgoutput')`;
    const receiver = startReceiver(cluster, repository);
    await expect(receiver.ended).rejects.toMatchObject({
      code: 'query-failed',
      message: 'cannot read replication slot dbadmin',
      detail: expect.stringMatching(/logical replication slot/),
    });
    expect(await sql`select slot_type from pg_replication_slots`).toEqual([{ slot_type: 'logical' }]);
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
