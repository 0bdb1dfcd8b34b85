import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { makePlace } from '../../backup/random-work.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** Slow enough for the server's work to come between. */
const RATE_KB = 12_288;

test.each([14, 18])('PostgreSQL %i: a backup in which a database would be empty, since it was moved meanwhile, is none', async (major) => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  const isReading = async (): Promise<boolean> =>
    (await sql`select from pg_stat_progress_basebackup where phase like 'streaming database%'`).length > 0;
  try {
    const repository = await makeRepository(path.join(directory, 'repository'));
    const backUpMeanwhile = async (...statements: readonly string[]): Promise<string> => {
      const backup = backUp(cluster, repository, { maxRateKb: RATE_KB });
      // Told when the backup is awaited.
      backup.catch(() => undefined);
      while (!(await isReading())) await new Promise((resolve) => setTimeout(resolve, 20));
      for (const each of statements) await sql.unsafe(each);
      expect(await isReading()).toBe(true);
      return (await backup).label;
    };
    await sql.unsafe(`create tablespace elsewhere location '${await makePlace(cluster, directory, 'elsewhere')}'`);
    await sql.unsafe('create database "to move"');
    await expect(backUpMeanwhile('alter database "to move" set tablespace elsewhere')).rejects.toMatchObject({
      code: 'backup-failed',
      message: 'files of database "to move" were moved away while the backup was being taken',
      hint: expect.stringContaining('Take the backup again'),
    });
    // What changes a database and moves nothing, or copies what stays, is in the WAL.
    const strategy = major >= 15 ? ' strategy file_copy' : '';
    await backUpMeanwhile('alter database "to move" set work_mem = 65536', `create database copied template "to move"${strategy}`);
    const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone') });
    for (const database of ['to move', 'copied']) {
      const reader = postgres(clone.url, { max: 1, database });
      expect((await reader<{ n: number }[]>`select count(*)::int as n from pg_class`)[0]?.n).toBeGreaterThan(300);
      await reader.end();
    }
    await clone.stop();
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});
