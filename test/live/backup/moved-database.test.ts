import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import postgres, { type Sql } from 'postgres';
import { expect, test } from 'vitest';
import { makePlace } from '../../backup/random-work.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { startStandby, untilReplayed } from '../../backup/standby.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
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
    const backUpMeanwhile = async (...steps: readonly (string | (() => Promise<unknown>))[]): Promise<string> => {
      // Many steps take longer.
      const backup = backUp(cluster, repository, { maxRateKb: steps.length > 2 ? RATE_KB / 2 : RATE_KB });
      // Told when the backup is awaited.
      backup.catch(() => undefined);
      while (!(await isReading())) await new Promise((resolve) => setTimeout(resolve, 20));
      for (const step of steps) await (typeof step === 'string' ? sql.unsafe(step) : step());
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
    // Replay makes a template anew that was made meanwhile, and has it until it drops it.
    const fill = async (): Promise<void> => {
      const writer = postgres(cluster.url('template_of_today'), { max: 1 });
      await writer`create table filled as select generate_series(1, 1000) as n`;
      await writer.end();
    };
    await backUpMeanwhile(
      `create database template_of_today template template0${strategy}`,
      fill,
      `create database today template template_of_today${strategy}`,
      'drop database template_of_today',
    );
    const clone = await restore({ repository, target: { kind: 'immediate' }, into: path.join(directory, 'clone') });
    for (const database of ['to move', 'copied']) {
      const reader = postgres(clone.url, { max: 1, database });
      expect((await reader<{ n: number }[]>`select count(*)::int as n from pg_class`)[0]?.n).toBeGreaterThan(300);
      await reader.end();
    }
    const today = postgres(clone.url, { max: 1, database: 'today' });
    expect(await today`select count(*)::int as n from filled`).toEqual([{ n: 1000 }]);
    await today.end();
    await clone.stop();
  } finally {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  }
});

/** So many that they are not deleted at once. */
const OTHER_FILES = 20_000;

/** Not in between of what else happens here: the files are gone within milliseconds. */
const HOLD_UP = `
  const { statSync } = require('node:fs');
  const { parentPort, workerData: { directory, pid } } = require('node:worker_threads');
  const look = () => statSync(directory, { throwIfNoEntry: false })?.mtimeMs;
  const madeMs = look();
  parentPort.postMessage('looking');
  while (look() === madeMs);
  process.kill(pid, 'SIGSTOP');`;

/** Holds the server process up that deletes `directory`, once it has begun to. */
async function holdUpDeletion(directory: string, pid: number, begin: () => void): Promise<void> {
  const holder = new Worker(HOLD_UP, { eval: true, workerData: { directory, pid } });
  await once(holder, 'message');
  const ended = once(holder, 'exit');
  begin();
  await ended;
}

/** Many more files in a directory of a database, which a copy of it passes over, and which are deleted with it. */
async function addFiles(cluster: TestCluster, sql: Sql, database: string): Promise<string> {
  const [row] = await sql<{ oid: string }[]>`select oid::text from pg_database where datname = ${database}`;
  const directory = path.join(cluster.dataDirectory ?? '', 'base', row?.oid ?? '');
  const more = path.join(directory, 'more');
  await mkdir(more);
  for (let n = 0; n < OTHER_FILES; n += 1) await writeFile(path.join(more, String(n)), '');
  const owner = cluster.programs?.runAs;
  if (owner !== undefined) await chown(more, owner.uid, owner.gid);
  return more;
}

test.each(drawn(import.meta.filename, [14, 16, 18]))(
  'PostgreSQL %i: files that are being deleted when a backup ends are missed, though no WAL tells of it',
  async (major) => {
    const directory = await makeDirectory();
    const cluster = await startTestCluster({ major, provider: 'embedded' });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    const mover = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    try {
      const repository = await makeRepository(path.join(directory, 'repository'));
      const [me] = await mover<{ pid: number }[]>`select pg_backend_pid() as pid`;
      const pid = me?.pid ?? 0;
      const isReading = async (): Promise<boolean> =>
        (await sql`select from pg_stat_progress_basebackup where phase like 'streaming database%'`).length > 0;
      /** What a backup ends with while the files are being deleted; undefined where it did not. */
      const tryDuring = async (database: string, before: string, statement: string): Promise<{ readonly outcome: unknown } | undefined> => {
        await sql.unsafe(`create database ${database}`);
        const more = await addFiles(cluster, sql, database);
        const backup = backUp(cluster, repository, { maxRateKb: RATE_KB, kind: 'full' }).then(
          () => undefined,
          (error: unknown) => error,
        );
        while (!(await isReading())) await new Promise((resolve) => setTimeout(resolve, 20));
        await mover.unsafe(before);
        let deletion: Promise<unknown> = Promise.resolve();
        try {
          await holdUpDeletion(more, pid, () => void (deletion = mover.unsafe(statement).execute()));
          const isDuring = existsSync(more) && (await isReading());
          const outcome = await backup;
          return isDuring ? { outcome } : undefined;
        } finally {
          process.kill(pid, 'SIGCONT');
          await deletion;
        }
      };
      let bases = 0;
      const endsDuring = async (statements: (database: string) => readonly [before: string, statement: string]): Promise<unknown> => {
        for (let attempt = 1; attempt <= 8; attempt += 1) {
          const database = `base${(bases += 1)}`;
          const tried = await tryDuring(database, ...statements(database));
          if (tried !== undefined) return tried.outcome;
        }
        throw new Error('no backup ended while files were being deleted');
      };
      await sql.unsafe(`create tablespace elsewhere location '${await makePlace(cluster, directory, 'elsewhere')}'`);
      expect(await endsDuring((database) => ['select', `alter database ${database} set tablespace elsewhere`])).toMatchObject({
        message: expect.stringMatching(/^files of database "base\d+" were moved away while the backup was being taken$/),
      });
      const strategy = major >= 15 ? ' strategy file_copy' : '';
      const copied = (database: string): string => `create database copy_of_${database} template ${database}${strategy}`;
      expect(await endsDuring((database) => [copied(database), `drop database ${database}`])).toMatchObject({
        message: expect.stringMatching(/^files of database "copy_of_base\d+" were moved away while the backup was being taken$/),
      });
      await backUp(cluster, repository, { kind: 'full' });
    } finally {
      await mover.end();
      await sql.end();
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
);

test.each(drawn(import.meta.filename, [14, 18]))(
  'PostgreSQL %i: where the databases of the server that is backed up cannot be asked for, the WAL says which were moved',
  async (major) => {
    const directory = await makeDirectory();
    const cluster = await startTestCluster({ major, provider: 'embedded' });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    try {
      const repository = await makeRepository(path.join(directory, 'repository'));
      const strategy = major >= 15 ? ' strategy file_copy' : '';
      await backUp(cluster, repository, { kind: 'full' });
      const made = await startStandby(cluster, repository, path.join(directory, 'standby'));
      const reader = postgres(made.standby.url(), { max: 1, onnotice: () => undefined });
      try {
        const other = await makeRepository(path.join(directory, 'other'));
        const takeMeanwhile = async (connection: ReturnType<TestCluster['parameters']> | undefined, ...late: readonly string[]) => {
          await expect
            .poll(async () => (await reader`select pg_wal_replay_pause(), pg_is_wal_replay_paused() as paused`)[0]?.['paused'], {
              timeout: 20_000,
            })
            .toBe(true);
          for (const each of late) await sql.unsafe(each);
          const backup = backUp(made.standby, other, { maxRateKb: RATE_KB / 3, kind: 'full', connection });
          backup.catch(() => undefined);
          const isReading = async (): Promise<boolean> =>
            (await reader`select from pg_stat_progress_basebackup where phase like 'streaming database%'`).length > 0;
          while (!(await isReading())) await new Promise((resolve) => setTimeout(resolve, 20));
          await reader`select pg_wal_replay_resume()`;
          const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
          await untilReplayed(made.standby, row?.lsn ?? '');
          expect(await isReading()).toBe(true);
          const { warnings } = await backup;
          return warnings.filter((warning) => warning.includes('database'));
        };
        await sql.unsafe('create database first');
        // It is there before the backup begins, and not made by the WAL of that.
        await sql`checkpoint`;
        const [before] = await sql<{ lsn: string }[]>`select pg_current_wal_flush_lsn()::text as lsn`;
        await untilReplayed(made.standby, before?.lsn ?? '');
        // Both looks at the primary find the same.
        await expect(
          takeMeanwhile(cluster.parameters(), `create database second template first${strategy}`, 'drop database first'),
        ).rejects.toMatchObject({ message: expect.stringMatching(/^files of database with OID \d+ were moved away/) });
        expect(await takeMeanwhile(undefined, `create database third template second${strategy}`)).toEqual([
          expect.stringMatching(/OID \d+ was made from the files of the one with OID \d+ .*there is no ordinary connection/),
        ]);
        expect(await takeMeanwhile(made.standby.parameters(), `create database fourth template second${strategy}`)).toEqual([]);
      } finally {
        await reader.end();
        await made.stop();
      }
    } finally {
      await sql.end();
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
);
