import { chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import { writeConfig } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test('a production is restored over itself with a tablespace in its data directory that was made after the backup', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 16, provider: 'embedded' });
  const programs = await embeddedPrograms(16);
  const into = cluster.dataDirectory ?? '';
  const repository = await makeRepository(path.join(directory, 'repository'));
  const config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
  const receiver = startReceiver(cluster, repository);
  try {
    const place = path.join(into, 'disks', 'own');
    for (const each of [path.dirname(place), place]) {
      await mkdir(each);
      if (programs.runAs !== undefined) await chown(each, programs.runAs.uid, programs.runAs.gid);
    }
    await writeFile(path.join(place, 'of-before'), 'x', { mode: 0o644 });
    await backUp(cluster, repository);
    await writeFile(path.join(place, 'foreign'), 'x', { mode: 0o644 });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe(`create tablespace own location '${place}'`);
    await sql.unsafe('create table there tablespace own as select g as n from generate_series(1, 1000) g');
    const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_insert_lsn()::text as lsn`;
    const [last] = await sql<{ lsn: string }[]>`select pg_create_restore_point('behind')::text as lsn`;
    await sql`checkpoint`;
    await sql.end();
    await waitUntilStored(repository, parseLsn(last?.lsn ?? ''));
    await receiver.stop();
    await cluster.crash();
    const words = ['--to-lsn', at?.lsn ?? '', '--exclusive', '--as', 'production', '--delta', '--start', '--yes', '--config', config];
    const end = await runInProcess(['restore', '--into', into, ...words], { XDG_STATE_HOME: directory });
    expect(end.status, end.stderr).toBe(0);
    const reader = postgres(cluster.url(), { max: 1 });
    expect(await reader`select sum(n)::int as total from there`).toEqual([{ total: 500_500 }]);
    await reader.end();
    expect((await readdir(place)).sort()).toEqual([expect.stringMatching(/^PG_16_/), 'of-before']);
  } finally {
    await receiver.stop().catch(() => undefined);
    await repository.store.close();
    await stopCluster(programs, into, 'immediate').catch(() => undefined);
    await cluster.stop().catch(() => undefined);
    await removeDirectory(directory);
  }
});
