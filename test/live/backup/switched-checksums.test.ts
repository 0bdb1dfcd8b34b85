import { appendFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unsummedPagesOf } from '../../../src/backup/unsummed-pages.ts';
import { startCluster, stopCluster } from '../../../src/postgres/server.ts';
import { backupKey } from '../../../src/repository/layout.ts';
import { inspectBackups, readManifest, writeManifest, type BackupSummary, type ManifestEntry } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { takeInto, takenInto } from '../../backup/take-into.ts';
import { fingerprint } from '../../backup/workload.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let cluster: TestCluster | undefined;

beforeEach(async () => {
  directory = await makeDirectory();
});

afterEach(async () => {
  await cluster?.stop();
  await removeDirectory(directory);
});

/** A cluster without page checksums, as initdb makes it up to 17, with rows that no later work touches. */
async function startWithout(major: number): Promise<TestCluster> {
  cluster = await startTestCluster({
    major,
    provider: 'embedded',
    checksums: false,
    settings: { autovacuum: 'off', summarize_wal: 'on' },
  });
  await work(cluster, async (sql) => {
    await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 20000) g`;
    await sql`create table warm as select g as n from generate_series(1, 20000) g`;
  });
  return cluster;
}

async function work(on: Pick<TestCluster, 'url'> | string, doing: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(typeof on === 'string' ? on : on.url(), { max: 1, onnotice: () => undefined });
  try {
    await doing(sql);
  } finally {
    await sql.end();
  }
}

async function rowsOf(on: TestCluster | string): Promise<readonly string[]> {
  let rows: readonly string[] = [];
  await work(on, async (sql) => (rows = await fingerprint(sql)));
  return rows;
}

/** Runs pg_checksums while the server is stopped; false where no image has the program. */
async function switchChecksums({ major, programs, dataDirectory = '' }: TestCluster, how: '--enable' | '--disable'): Promise<boolean> {
  if (programs === undefined) throw new Error('the server is in a container');
  await stopCluster(programs, dataDirectory);
  const done = await runClientProgram(major, 'pg_checksums', [how, '-D', dataDirectory], [dataDirectory], 'rw');
  if (done === undefined) {
    process.stderr.write(`pg_checksums ${major}: not tried, no image has it\n`);
    return false;
  }
  expect(done.status, done.stderr).toBe(0);
  await startCluster(programs, dataDirectory, path.join(dataDirectory, '..', 'server.log'));
  return true;
}

/** Has the summary of a stored backup say something else. */
async function rewriteSummary(repository: Repository, summary: BackupSummary): Promise<void> {
  const entries: ManifestEntry[] = [];
  for await (const entry of readManifest(repository, summary.systemIdentifier, summary.label)) entries.push(entry);
  await repository.store.delete(backupKey(summary.systemIdentifier, summary.label));
  await writeManifest(repository, summary, entries);
}

test.each([17, 18])(
  'PostgreSQL %i: checksums that were switched on since the parent mean a full read, and what it takes starts',
  async (major) => {
    const source = await startWithout(major);
    const repository = await makeRepository(path.join(directory, 'repository'));
    expect(await backUp(source, repository)).toMatchObject({ checksums: false });
    if (!(await switchChecksums(source, '--enable'))) return;
    await work(source, async (sql) => await sql`update warm set n = n + 1 where n % 7 = 0`);
    const rows = await rowsOf(source);
    const taken = await takeInto(source, { local: repository });
    expect(taken.mode).toMatchObject({
      kind: 'everything',
      reason: expect.stringMatching(/page checksums were switched on since .*-full/),
    });
    const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, 'clone') });
    expect(await rowsOf(clone.url)).toEqual(rows);
    await clone.stop();
    expect((await takeInto(source, { local: repository })).mode.kind).toBe('blocks');
  },
);

test('what was built on a backup of before the switch is told when it is restored, is no parent, and can be started as is said', async () => {
  const source = await startWithout(17);
  const repository = await makeRepository(path.join(directory, 'repository'));
  const before = await backUp(source, repository);
  if (!(await switchChecksums(source, '--enable'))) return;
  await work(source, async (sql) => await sql`update warm set n = n + 1 where n % 7 = 0`);
  const rows = await rowsOf(source);
  // Built on it as was done before anybody looked at its checksums.
  await rewriteSummary(repository, { ...before, checksums: true });
  const built = await backUp(source, repository);
  await rewriteSummary(repository, before);
  const { pagesSummed: _, ...unnoted } = built;
  await rewriteSummary(repository, unnoted);
  expect(built).toMatchObject({ kind: 'incremental', checksums: true });
  const { backups } = await inspectBackups(repository, built.systemIdentifier);
  expect(backups.map((each) => unsummedPagesOf(each, backups) !== undefined)).toEqual([false, true]);

  const target = { kind: 'immediate' } as const;
  const asItIs = await restore({ repository, target, backup: built.label, into: path.join(directory, 'as-it-is') });
  await expect(rowsOf(asItIs.url)).rejects.toThrow(/invalid page in block/);
  await asItIs.stop();
  const into = path.join(directory, 'clone');
  const settings = path.join(into, 'postgresql.auto.conf');
  const clone = await restore({
    repository,
    target,
    backup: built.label,
    into,
    beforeStart: async () => await appendFile(settings, 'ignore_checksum_failure = on\n'),
  });
  await stopCluster(clone.programs, into);
  expect(await runClientProgram(17, 'pg_checksums', ['--disable', '-D', into], [into], 'rw')).toMatchObject({ status: 0 });
  await writeFile(settings, (await readFile(settings, 'utf8')).replace('ignore_checksum_failure = on\n', ''));
  await startCluster(clone.programs, into, path.join(directory, 'clone.log'));
  expect(await rowsOf(clone.url)).toEqual(rows);
  await clone.stop();

  const again = await takeInto(source, { local: repository });
  expect(again.mode).toMatchObject({ kind: 'everything', reason: expect.stringContaining(`were switched on since ${built.label}`) });
  // Once the one of before the switch has expired, nothing of what was built on it tells.
  for (const { label } of [before, takenInto(again, 'local')]) await repository.store.delete(backupKey(built.systemIdentifier, label));
  const left = await inspectBackups(repository, built.systemIdentifier);
  expect(left.backups.map((each) => unsummedPagesOf(each, left.backups))).toEqual([expect.stringContaining('nobody can say')]);
  const mended = await takeInto(source, { local: repository });
  expect(mended.mode).toMatchObject({
    kind: 'everything',
    reason: expect.stringContaining('may have been switched on between backups that are gone'),
  });
  const next = await takeInto(source, { local: repository });
  expect(next.mode.kind).toBe('blocks');
  // The note stays with it, whatever goes.
  const noted = takenInto(next, 'local');
  expect(noted).toMatchObject({ kind: 'incremental', pagesSummed: true });
  expect(unsummedPagesOf(noted, [noted])).toBeUndefined();
});
