import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { flipBit } from '../../backup/flip-bit.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** In files of the same names lie other pages, whose LSNs are as old as the template's. */
test('a database that is copied below the number of another is no mismatch, and a bad page beside it is one', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({
    major: 16,
    provider: 'embedded',
    checksums: false,
    settings: { autovacuum: 'off', checkpoint_timeout: '1h' },
  });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  const repository = await makeRepository(path.join(directory, 'repository'));
  const receiver = startReceiver(cluster, repository);
  try {
    for (const [name, seed] of [
      ['one', 'a'],
      ['other', 'b'],
    ] as const) {
      await sql.unsafe(`create database ${name}`);
      const there = postgres(cluster.url(name), { max: 1, onnotice: () => undefined });
      await there.unsafe(`create table rows (id int, t text);
        insert into rows select g, repeat(md5('${seed}' || g), 10) from generate_series(1, 2000) g`);
      await there`vacuum freeze rows`;
      await there.end();
    }
    await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 5000) g`;
    await sql`vacuum freeze cold`;
    const copyOf = async (template: string): Promise<void> => {
      await sql`drop database if exists copy`;
      await sql.unsafe(`create database copy template ${template} strategy file_copy oid 90000`);
    };
    await copyOf('one');
    await backUp(cluster, repository, { kind: 'full' });
    await copyOf('other');
    const file = await flipBit(cluster, sql, 'cold', 12);
    const { audit } = await backUp(cluster, repository, { kind: 'incremental' });
    expect(audit?.mismatches).toEqual([{ path: file, block: 12 }]);
    expect(audit?.mismatchCount).toBeUndefined();

    // From then on it is as cold as any other.
    const copy = postgres(cluster.url('copy'), { max: 1 });
    await flipBit(cluster, copy, 'rows', 3);
    await copy.end();
    const next = await backUp(cluster, repository, { kind: 'incremental' });
    expect(next.audit?.mismatches).toEqual([{ path: expect.stringMatching(/^base\/90000\/\d+$/) as string, block: 3 }]);
  } finally {
    await receiver.stop();
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
