import path from 'node:path';
import { expect, test } from 'vitest';
import { ReplicationConnection } from '../../../src/postgres/replication.ts';
import { ensureClusterIdentity } from '../../../src/repository/identity.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test('a cluster whose WAL segments have another size than the repository knows is refused by backup and receiver', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 16 });
  try {
    const repository = await makeRepository(path.join(directory, 'repository'));
    const connection = await ReplicationConnection.open(cluster.parameters());
    const { systemIdentifier } = await connection.identifySystem();
    await connection.close();
    // As it was before pg_resetwal --wal-segsize.
    const before = { systemIdentifier, name: 'main', serverVersion: 160_014, walSegmentBytes: 32 * 1024 * 1024 };
    await ensureClusterIdentity(repository, before);
    const refusal = { code: 'refused', message: 'cluster main has WAL segments of 16 MiB, and those in the repository have 32 MiB' };
    await expect(backUp(cluster, repository)).rejects.toMatchObject(refusal);
    await expect(startReceiver(cluster, repository).ended).rejects.toMatchObject(refusal);
  } finally {
    await cluster.stop();
    await removeDirectory(directory);
  }
});
