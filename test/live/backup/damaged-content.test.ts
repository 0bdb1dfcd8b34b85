import { randomBytes } from 'node:crypto';
import { open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { planLineage } from '../../../src/backup/expire/run.ts';
import { recordVerification } from '../../../src/backup/verify/record.ts';
import { verifyRepository } from '../../../src/backup/verify/run.ts';
import type { TakeResult } from '../../../src/backup/take/run.ts';
import { BlobIndex } from '../../../src/repository/blob-index.ts';
import { backupKey, packKey } from '../../../src/repository/layout.ts';
import { readManifest, type BackupSummary, type FileEntry } from '../../../src/repository/manifest.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { takeInto, takenInto } from '../../backup/take-into.ts';
import { checkIndexes, fingerprint } from '../../backup/workload.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;

beforeAll(async () => {
  directory = await makeDirectory();
});

afterAll(async () => {
  await removeDirectory(directory);
});

interface World {
  readonly cluster: TestCluster;
  readonly sql: postgres.Sql;
  readonly repositories: Readonly<Record<string, Repository>>;
  /** The first backup. */
  readonly first: BackupSummary;
  /** Where the repositories lie. */
  readonly at: string;
}

/** A cluster with a table of several MiB that is backed up, in full, into repositories of these names. */
async function withWorld(major: number, names: readonly string[], work: (world: World) => Promise<void>): Promise<void> {
  const at = path.join(directory, String(Math.random()));
  const cluster = await startTestCluster({ major, settings: { autovacuum: 'off', ...(major >= 17 ? { summarize_wal: 'on' } : {}) } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  try {
    const repositories: Record<string, Repository> = {};
    for (const name of names) repositories[name] = await makeRepository(path.join(at, name));
    await sql`create table t as select g as n, repeat(md5(g::text), 10) as t from generate_series(1, 30000) g`;
    await sql`create table other as select g as n from generate_series(1, 30000) g`;
    await sql`vacuum freeze`;
    const first = takenInto(await takeInto(cluster, repositories), names[0] ?? '');
    await work({ cluster, sql, repositories, first, at });
  } finally {
    await sql.end();
    await cluster.stop();
  }
}

async function fileOf({ sql, first, repositories }: World, name: string, path?: string): Promise<FileEntry> {
  const [row] = await sql<{ path: string }[]>`select coalesce(${path ?? null}, pg_relation_filepath('t')) as path`;
  const repository = repositories[name];
  if (repository === undefined) throw new Error(`there is no ${name}`);
  for await (const entry of readManifest(repository, first.systemIdentifier, first.label))
    if (entry.type === 'file' && entry.path === row?.path) return entry;
  throw new Error(`${row?.path} is not in the backup`);
}

/** Flips a bit in the middle of a blob, where it lies on disk. */
async function damage({ at, first, repositories }: World, name: string, hash: string): Promise<void> {
  const repository = repositories[name];
  const place = repository === undefined ? undefined : (await BlobIndex.load(repository, first.systemIdentifier)).find(hash);
  if (place === undefined) throw new Error(`blob ${hash} is not in ${name}`);
  const file = await open(path.join(at, name, packKey(first.systemIdentifier, place.pack)), 'r+');
  const byte = Buffer.alloc(1);
  const position = place.offset + Math.floor(place.storedBytes / 2);
  await file.read(byte, 0, 1, position);
  await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, position);
  await file.close();
}

async function take(
  { cluster, repositories }: World,
  kind: 'full' | 'incremental' = 'incremental',
): Promise<{ readonly result: TakeResult; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (text: string) => void warnings.push(text) };
  return { result: await takeInto(cluster, repositories, { kind, log }), warnings };
}

/** What a repository got restores to what the cluster has, and the next backup goes on from it without a word. */
async function expectSound(world: World, { outcomes }: TakeResult): Promise<void> {
  const rows = await fingerprint(world.sql);
  for (const { name, result } of outcomes) {
    if (result.kind !== 'taken') throw result.error;
    const repository = world.repositories[name];
    if (repository === undefined) throw new Error(`there is no ${name}`);
    const into = path.join(directory, `clone-${Math.random()}`);
    const clone = await restore({ repository, target: { kind: 'immediate' }, backup: result.summary.label, into });
    const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
    expect(await fingerprint(reader)).toEqual(rows);
    expect(await checkIndexes(reader)).toBeGreaterThan(100);
    await reader.end();
    await clone.stop();
  }
  const next = await take(world);
  expect(next.warnings).toEqual([]);
  expect(next.result.mode.kind).toMatch(/^(?:blocks|hashes)$/);
}

test('a full backup reads past content that is damaged in one repository, stores it anew there, and goes to both', async () => {
  await withWorld(18, ['a', 'b'], async (world) => {
    for (const extent of [...(await fileOf(world, 'a')).extents].slice(0, 2)) await damage(world, 'a', extent[2]);
    const { result, warnings } = await take(world, 'full');
    expect(result.mode.kind).toBe('audit');
    // Both lie in one pack.
    expect(warnings).toEqual([expect.stringMatching(/damaged in a:/)]);
    expect(takenInto(result, 'a').audit?.mismatches).toEqual([]);
    expect(takenInto(result, 'a').storedBytes).toBeLessThan(3_000_000);
    await expectSound(world, result);
  });
});

test('a full backup reads in every repository what it rests on, not only where it found it first', async () => {
  await withWorld(18, ['a', 'b'], async (world) => {
    await damage(world, 'b', (await fileOf(world, 'b')).extents.at(1)?.[2] ?? '');
    const { result, warnings } = await take(world, 'full');
    expect(result.mode.kind).toBe('audit');
    expect(warnings).toEqual([expect.stringMatching(/damaged in b:/), expect.stringMatching(/would rest on .* damaged in b: everything/)]);
    expect(takenInto(result, 'b').storedBytes).toBeLessThan(3_000_000);
    await expectSound(world, result);
  });
});

test('a new file with the content of one that is damaged is stored apart, too', async () => {
  await withWorld(18, ['a'], async (world) => {
    const damaged = await fileOf(world, 'a', 'PG_VERSION');
    await damage(world, 'a', damaged.extents.at(0)?.[2] ?? '');
    await world.sql`create database copied strategy file_copy`;
    const { result, warnings } = await take(world, 'full');
    expect(warnings[0]).toMatch(/damaged in a:/);
    await expectSound(world, result);
  });
});

test('a full backup without a parent reads back what it finds there by its name', async () => {
  await withWorld(18, ['a'], async (world) => {
    await damage(world, 'a', (await fileOf(world, 'a')).extents.at(1)?.[2] ?? '');
    // Its head is whole, so it is listed; nothing can be built upon it.
    const manifest = path.join(world.at, 'a', backupKey(world.first.systemIdentifier, world.first.label));
    await truncate(manifest, (await stat(manifest)).size - 100);
    const { result, warnings } = await take(world, 'full');
    expect(result.mode.kind).toBe('everything');
    expect(warnings).toContainEqual(expect.stringMatching(/damaged in a: .*packs/));
    expect(warnings).toContainEqual(expect.stringMatching(/would rest on .* damaged in a: everything/));
    expect(takenInto(result, 'a').storedBytes).toBeLessThan(3_000_000);
    await expectSound(world, result);
  });
});

test('what a repository got before damage was found in another is there for the next attempt', async () => {
  await withWorld(18, ['old'], async (world) => {
    await damage(world, 'old', (await fileOf(world, 'old')).extents.at(1)?.[2] ?? '');
    const both = { ...world, repositories: { ...world.repositories, new: await makeRepository(path.join(world.at, 'new')) } };
    const { result, warnings } = await take(both, 'full');
    expect(result.mode.kind).toBe('everything');
    expect(warnings).toContainEqual(expect.stringMatching(/would rest on .* damaged in old: everything/));
    expect(takenInto(result, 'new').storedBytes).toBeLessThan(1_000_000);
    await expectSound(both, result);
  });
});

test('content of a pack that is gone, and that the parent has no need of, is not found there by its name', async () => {
  await withWorld(16, ['a'], async (world) => {
    const repository = world.repositories['a'] as Repository;
    const stray = path.join(world.cluster.dataDirectory ?? '', 'stray');
    await writeFile(stray, randomBytes(100_000));
    const content = await readFile(stray);
    const second = takenInto((await take(world)).result, 'a');
    await rm(stray);
    const third = takenInto((await take(world)).result, 'a');
    const packOf = async (backup: BackupSummary): Promise<ReadonlySet<string>> => {
      const index = await BlobIndex.load(repository, backup.systemIdentifier);
      const packs = new Set<string>();
      for await (const entry of readManifest(repository, backup.systemIdentifier, backup.label))
        if (entry.type === 'file') for (const extent of entry.extents) packs.add(index.find(extent[2])?.pack ?? '');
      return packs;
    };
    const needed = await packOf(third);
    const [gone = ''] = [...(await packOf(second))].filter((pack) => !needed.has(pack));
    await rm(path.join(world.at, 'a', packKey(world.first.systemIdentifier, gone)));
    await writeFile(stray, content);
    const { result, warnings } = await take(world);
    expect(warnings).toEqual([]);
    expect(result.mode.kind).toBe('hashes');
    expect((await packOf(takenInto(result, 'a'))).has(gone)).toBe(false);
    await expectSound(world, result);
  });
});

test('a pack that is gone is made up for by the next backup, with one word for all that lay in it', async () => {
  await withWorld(18, ['a', 'b'], async (world) => {
    const [extent] = (await fileOf(world, 'a')).extents;
    const { pack } =
      (await BlobIndex.load(world.repositories['a'] as Repository, world.first.systemIdentifier)).find(extent?.[2] ?? '') ?? {};
    await rm(path.join(world.at, 'a', packKey(world.first.systemIdentifier, pack ?? '')));
    const { result, warnings } = await take(world);
    expect(result.mode.kind).toBe('audit');
    expect(warnings).toEqual([expect.stringMatching(/missing in a: pack .* is not there/)]);
    await expectSound(world, result);
  });
});

test('a full backup reads all that it rests on, files without pages, too', async () => {
  await withWorld(18, ['a'], async (world) => {
    const damaged = await Promise.all(['PG_VERSION', 'global/1262_vm'].map(async (path) => await fileOf(world, 'a', path)));
    for (const { extents } of damaged) await damage(world, 'a', extents.at(0)?.[2] ?? '');
    const { result, warnings } = await take(world, 'full');
    // Both lie in one pack.
    expect(warnings).toEqual([expect.stringMatching(/damaged in a:/)]);
    expect(takenInto(result, 'a').newBlobs).toBeGreaterThan(0);
    await expectSound(world, result);
  });
});

test('damaged page hashes make the backup one of everything, with a word, and the next is incremental again', async () => {
  await withWorld(16, ['a', 'b'], async (world) => {
    const [hash = ''] = (await fileOf(world, 'a')).pages ?? [];
    await damage(world, 'a', hash);
    await world.sql`update other set n = -n where n < 100`;
    const { result, warnings } = await take(world);
    expect(result.mode.kind).toBe('audit');
    expect(warnings).toEqual([
      expect.stringMatching(/damaged in a:/),
      expect.stringMatching(/would rest on .* damaged in a: everything is read/),
    ]);
    await expectSound(world, result);
  });
});

test('worn content that is damaged in one repository is taken from another', async () => {
  await withWorld(18, ['a', 'b'], async (world) => {
    await damage(world, 'a', (await fileOf(world, 'a')).extents.at(0)?.[2] ?? '');
    // Most of the first blob's 128 pages: what is left of it is worn.
    await world.sql`update t set n = -n where ctid < '(110,1)'`;
    const { result, warnings } = await take(world);
    expect(result.mode.kind).toBe('blocks');
    expect(warnings).toEqual([expect.stringMatching(/damaged in a:/)]);
    await expectSound(world, result);
  });
});

test('worn content that is damaged in the only repository is read from the cluster again', async () => {
  await withWorld(18, ['a'], async (world) => {
    await damage(world, 'a', (await fileOf(world, 'a')).extents.at(0)?.[2] ?? '');
    await world.sql`update t set n = -n where ctid < '(110,1)'`;
    const { result } = await take(world);
    expect(result.mode.kind).toBe('audit');
    expect(takenInto(result, 'a')).toMatchObject({ kind: 'full', parent: null });
    await expectSound(world, result);
  });
});

test('after a verification that found damage the next incremental backup reads everything, stores anew what is damaged, and is whole', async () => {
  await withWorld(18, ['a'], async (world) => {
    const repository = world.repositories['a'];
    if (repository === undefined) throw new Error('there is no a');
    await damage(world, 'a', (await fileOf(world, 'a')).extents.at(1)?.[2] ?? '');
    const { systemIdentifier, label, serverVersion, walSegmentBytes } = world.first;
    const report = await verifyRepository({
      repository,
      repositoryName: 'a',
      cluster: { systemIdentifier, name: 'main', serverVersion, walSegmentBytes },
      extent: { kind: 'everything' },
      tool: 'test',
      clock: systemClock,
      signal: new AbortController().signal,
      onRead: () => undefined,
    });
    expect(report.backups.map((each) => each.label)).toEqual([label]);
    const verification = await recordVerification(repository, report);
    await world.sql`update other set n = n + 1 where n % 100 = 0`;
    const { result, warnings } = await take(world);
    expect(result.mode.kind).toBe('audit');
    expect(warnings[0]).toBe(`backup ${label} does not restore whole from a, as ${verification} found`);
    // What it found still stands; what was built after it does not rest on it.
    const { inspection } = await planLineage(
      repository,
      { systemIdentifier, name: 'main', serverVersion, walSegmentBytes },
      {
        retention: {
          windowMs: undefined,
          keep: { last: 1, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 },
          minimum: 1,
          dumps: undefined,
          timeZone: 'UTC',
        },
        graceMs: 0,
        clock: systemClock,
        log: silentLog,
        signal: new AbortController().signal,
      },
    );
    expect([...inspection.broken.keys()]).toEqual([label]);
    await expectSound(world, result);
    // The next notes it: nothing else would tell once the one before it has expired.
    const next = await take(world);
    expect(next.result.mode.kind).toBe('blocks');
    expect(takenInto(next.result, 'a')).toMatchObject({
      parentWholeBy: { repositoryId: repository.identity.id, verifications: [verification] },
    });
  });
});
