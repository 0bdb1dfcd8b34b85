import { randomBytes } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { createRepository } from '../../../src/repository/identity.ts';
import { openStore } from '../../../src/storage/open.ts';
import { openRepository, type Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { findMoto, MOTO_ABSENT, startMoto } from '../../s3/moto.ts';
import { startS3rver } from '../../s3/s3rver.ts';
import type { TestS3 } from '../../s3/server.ts';

let cluster: TestCluster;
let sql: postgres.Sql;
let directory: string;

beforeAll(async () => {
  cluster = await startTestCluster({ settings: { wal_level: 'replica' } });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  await sql.unsafe('create table play as select i as id, md5(i::text) as track from generate_series(1, 50000) i');
  directory = await makeDirectory();
  await chmod(directory, 0o755);
});

afterAll(async () => {
  await sql.end({ timeout: 1 });
  await cluster.stop();
  await removeDirectory(directory);
});

const moto = findMoto();
describeRepositoryOn('s3rver', false, startS3rver);
if (moto === undefined) it('a repository on moto', (context) => context.skip(MOTO_ABSENT));
else describeRepositoryOn('moto', true, async () => await startMoto(moto));

function describeRepositoryOn(name: string, conditionalCreate: boolean, start: () => Promise<TestS3>): void {
  describe(`a repository on ${name}`, () => {
    let server: TestS3;
    let repository: Repository;

    beforeAll(async () => {
      server = await start();
      const place = { type: 's3' as const, ...server.options() };
      const store = await openStore(place, { clock: systemClock, random: Math.random, conditionalCreate });
      const identity = { format: 2, createdAt: new Date().toISOString(), tool: 'test', encryption: 'none', conditionalCreate } as const;
      await createRepository(store, { ...identity, id: randomBytes(16).toString('hex') });
      repository = await openRepository(store, { kind: 'none' });
    });

    afterAll(async () => {
      await repository.store.close();
      await server.stop();
    });

    it('takes a backup and the WAL after it, and gives back every committed row', async () => {
      const receiver = startReceiver(cluster, repository);
      const backup = await backUp(cluster, repository);
      expect(backup.damage).toBeNull();
      await sql`insert into play select 1000000 + i, ${name} from generate_series(1, 1000) i`;
      const wanted = await sql`select count(*)::int as rows, md5(string_agg(id || track, ',' order by id)) as hash from play`;
      await sql`select pg_switch_wal()`;
      await sql`insert into play values (0, 'one more segment')`;
      await sql`delete from play where id = 0`;
      // A receiver told to stop lets go of what it has not taken yet: the slot keeps it.
      await waitUntilAllStored(repository, sql);
      await receiver.stop();
      const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, name) });
      try {
        const restored = postgres(clone.url, { max: 1 });
        expect(await restored`select count(*)::int as rows, md5(string_agg(id || track, ',' order by id)) as hash from play`).toEqual(
          wanted,
        );
        await restored.end();
      } finally {
        await clone.stop();
      }
    });
  });
}
