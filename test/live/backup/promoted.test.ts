import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { readAllBackups } from '../../backup/small-backups.ts';
import { startStandby } from '../../backup/standby.ts';
import { takeInto, takenInto } from '../../backup/take-into.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test('a standby that is promoted while an incremental backup of it runs ends that backup, and the next is whole', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({
    major: 18,
    provider: 'embedded',
    settings: { autovacuum: 'off', summarize_wal: 'on' },
  });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const first = await makeRepository(path.join(directory, 'first'));
    await sql`create table t as select g as n, md5(g::text) as t from generate_series(1, 20000) g`;
    await takeInto(cluster, { first });
    const made = await startStandby(cluster, first, path.join(directory, 'standby'));
    const there = postgres(made.standby.url(), { max: 1, onnotice: () => undefined });
    try {
      await there.unsafe(`alter system set summarize_wal = on`);
      await there`select pg_reload_conf()`;
      const repository = await makeRepository(path.join(directory, 'second'));
      await takeInto(made.standby, { repository });
      // Little compresses: packs are stored all along. The promotion has until the last of it is read.
      await sql.unsafe(`create table bulk as select g, encode(sha512(g::text::bytea), 'base64') as t from generate_series(1, 600000) g`);
      await sql`checkpoint`;
      await expect
        .poll(async () => (await there`select 1 from pg_class where relname = 'bulk'`).length, { timeout: 60_000, interval: 200 })
        .toBe(1);
      const modes: string[] = [];
      const running = takeInto(made.standby, { repository }, { maxRateKb: 8192, onMode: ({ kind }) => void modes.push(kind) });
      const ended = expect(running).rejects.toMatchObject({ code: 'backup-failed', detail: expect.stringMatching(/promoted/) });
      await expect
        .poll(async () => await there`select 1 from pg_stat_progress_basebackup where backup_streamed > 24000000`, {
          timeout: 60_000,
          interval: 100,
        })
        .toHaveLength(1);
      await there`select pg_promote()`;
      await ended;
      expect(modes).toEqual(['blocks']);
      const next = takenInto(await takeInto(made.standby, { repository }), 'repository');
      expect(await readAllBackups(repository, next.systemIdentifier)).toHaveLength(2);
    } finally {
      await there.end();
      await made.stop();
    }
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
