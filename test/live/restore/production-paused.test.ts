import { appendFile, readFile } from 'node:fs/promises';
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

test('a production is seen to have paused wherever it logs, and logs there again', async () => {
  const directory = await makeDirectory();
  const settings = { logging_collector: 'on', log_filename: 'server.log', log_destination: 'syslog', log_min_messages: 'fatal' };
  const cluster = await startTestCluster({ major: 17, provider: 'embedded', settings });
  const place = path.join(directory, 'repository');
  const repository = await makeRepository(place);
  const config = await writeConfig(directory, cluster, place);
  const receiver = startReceiver(cluster, repository);
  // What it said when it was restored once before comes with the backup.
  const log = path.join(cluster.dataDirectory ?? '', 'log', 'server.log');
  await appendFile(log, '2026-01-01 00:00:00.000 UTC [1] LOG:  recovery has paused\n');
  await backUp(cluster, repository);
  const sql = postgres(cluster.url(), { max: 1 });
  await sql`create table before_it as select 1 as n`;
  const [at] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
  await sql.end();
  await waitUntilStored(repository, parseLsn(at?.lsn ?? ''));
  await receiver.stop();
  await repository.store.close();
  await cluster.crash();
  const into = path.join(directory, 'again');
  try {
    const end = await runInProcess(
      [
        'restore',
        '--into',
        into,
        '--to-lsn',
        at?.lsn ?? '',
        '--as',
        'production',
        '--action',
        'pause',
        '--start',
        '--yes',
        '--config',
        config,
      ],
      { XDG_STATE_HOME: directory },
      AbortSignal.timeout(25_000),
    );
    expect(end.status, end.stderr).toBe(0);
    expect(end.stdout).toMatch(/^paused /m);
    const reader = postgres(cluster.url(), { max: 1 });
    const now = async (): Promise<object> =>
      (
        await reader`select pg_get_wal_replay_pause_state() as state, to_regclass('before_it') is not null as arrived,
        current_setting('log_destination') as log, current_setting('log_min_messages') as least`
      )[0] ?? {};
    await expect.poll(now).toEqual({ state: 'paused', arrived: true, log: 'syslog', least: 'fatal' });
    await reader.end();
    const autoConf = await readFile(path.join(into, 'postgresql.auto.conf'), 'utf8');
    expect(autoConf).toMatch(/^recovery_target_lsn/m);
    expect(autoConf).not.toMatch(/^log_/m);
  } finally {
    await stopCluster(await embeddedPrograms(17), into, 'immediate').catch(() => undefined);
    await cluster.stop().catch(() => undefined);
    await removeDirectory(directory);
  }
});
