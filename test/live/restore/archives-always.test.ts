import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import { writeConfig } from '../../backup/command.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test('a production that archives always does not archive the open segment that its recovery was given', async () => {
  const directory = await makeDirectory();
  const archive = path.join(directory, 'archive');
  await mkdir(archive);
  await chmod(archive, 0o777);
  await chmod(directory, 0o755);
  const cluster = await startTestCluster({
    major: 17,
    provider: 'embedded',
    settings: { archive_mode: 'always', archive_command: `cp %p ${archive}/%f` },
  });
  const place = path.join(directory, 'repository');
  const repository = await makeRepository(place);
  const config = await writeConfig(directory, cluster, place);
  const receiver = startReceiver(cluster, repository);
  await backUp(cluster, repository);
  const sql = postgres(cluster.url(), { max: 1 });
  await sql`create table before_it as select 1 as n`;
  const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
  await waitUntilStored(repository, parseLsn(at?.lsn ?? ''));
  await receiver.stop();
  await sql`create table after_it as select 1 as n`;
  await sql.end();
  await repository.store.close();
  await cluster.crash();
  const into = path.join(directory, 'again');
  const env = { XDG_STATE_HOME: directory };
  try {
    const words = ['restore', '--into', into, '--to-latest', '--as', 'production', '--start', '--yes', '--config', config];
    const end = await runInProcess(words, env);
    expect(end.status, end.stderr).toBe(0);
    // Made by the promotion, behind all that was restored.
    await expect.poll(async () => await readdir(archive), { timeout: 30_000 }).toContain('00000002.history');
    const segments = (await readdir(archive)).filter((name) => /^[0-9A-F]{24}$/.test(name));
    expect(segments).toEqual(['000000010000000000000001', '000000010000000000000002']);
    expect(await readFile(path.join(into, 'postgresql.auto.conf'), 'utf8')).not.toMatch(/^archive_mode/m);
    // What the lost host has of that segment is more than the repository has, and is stored yet.
    const salvage = await runInProcess(['wal', 'salvage', cluster.dataDirectory ?? '', '--config', config], env);
    expect(`${salvage.status} ${salvage.stdout}`).toMatch(/^0 local: (?!nothing)/);
  } finally {
    await stopCluster(await embeddedPrograms(17), into, 'immediate').catch(() => undefined);
    await cluster.stop().catch(() => undefined);
    await removeDirectory(directory);
  }
});
