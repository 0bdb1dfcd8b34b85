import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { inspectRunning } from '../../../src/backup/adopt/inspect.ts';
import { planAdoption } from '../../../src/backup/adopt/plan.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test.each([14, 17])(
  'adopt refuses a cluster that is still in recovery, also where no ordinary connection is let in: PostgreSQL %i',
  async (major) => {
    const directory = await makeDirectory();
    const cluster = await startTestCluster({ major, provider: 'embedded' });
    const sql = postgres(cluster.url(), { max: 1 });
    // Its password is another at the moment restored, as it were.
    await sql.unsafe('create role turned_away login connection limit 0');
    await sql.end();
    const repository = await makeRepository(path.join(directory, 'repository'));
    await backUp(cluster, repository);
    const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone'), action: 'pause' });
    try {
      const replication: ConnectionParameters = {
        ...cluster.parameters(),
        hosts: [{ host: '127.0.0.1', port: Number(new URL(clone.url).port) }],
      };
      const ordinary: ConnectionParameters = { ...replication, user: 'turned_away' };
      const running = await inspectRunning(replication, ordinary, 'dbadmin');
      expect(running).toMatchObject({ isStandby: true, archiving: undefined });
      expect(() => planAdoption(running, [], 'dbadmin')).toThrow(/is in recovery/);
      const open = await inspectRunning(cluster.parameters(), { ...cluster.parameters(), user: 'turned_away' }, 'dbadmin');
      expect(open).toMatchObject({ isStandby: false, archiving: undefined });
    } finally {
      await clone.stop();
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
);
