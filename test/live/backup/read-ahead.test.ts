import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { CompactExtents } from '../../../src/repository/compact-extents.ts';
import { createRepository } from '../../../src/repository/identity.ts';
import { listBackups, readManifest, type BackupSummary } from '../../../src/repository/manifest.ts';
import { openRepository, type Repository } from '../../../src/repository/repository.ts';
import { openStore } from '../../../src/storage/open.ts';
import { passThrough } from '../../../src/storage/pass-through.ts';
import type { ObjectStore } from '../../../src/storage/store.ts';
import { backUp } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startEmbeddedCluster } from '../../postgres/embedded-cluster.ts';
import { startS3rver } from '../../s3/s3rver.ts';
import type { TestS3 } from '../../s3/server.ts';

let server: TestS3;
let repository: Repository;
const opened: { cluster?: TestCluster; sql?: postgres.Sql } = {};
/** Requests for content since the last one that was told apart, and how many of them were under way at a time. */
const asked = { requests: 0, underWay: 0, mostUnderWay: 0 };

beforeEach(async () => {
  server = await startS3rver();
  const place = { type: 's3' as const, ...server.options() };
  const store = await openStore(place, { clock: systemClock, random: Math.random, conditionalCreate: false });
  const identity = { format: 2, createdAt: new Date().toISOString(), tool: 'test', encryption: 'none', conditionalCreate: false } as const;
  await createRepository(store, { ...identity, id: randomBytes(16).toString('hex') });
  repository = await openRepository(faraway(store), { kind: 'none' });
});

afterEach(async () => {
  await opened.sql?.end();
  await opened.cluster?.stop();
  await repository.store.close();
  await server.stop();
});

/** The store, behind a line on which each answer takes its time. */
function faraway(store: ObjectStore): ObjectStore {
  return {
    ...passThrough(store),
    readRange: async (...range) => {
      asked.requests += 1;
      asked.underWay += 1;
      asked.mostUnderWay = Math.max(asked.mostUnderWay, asked.underWay);
      try {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return await store.readRange(...range);
      } finally {
        asked.underWay -= 1;
      }
    },
  };
}

async function start(major: number): Promise<{ cluster: TestCluster; sql: postgres.Sql }> {
  const cluster = await startEmbeddedCluster({ major, checksums: false, settings: { autovacuum: 'off' } });
  const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  Object.assign(opened, { cluster, sql });
  return { cluster, sql };
}

/** Takes a backup; gives it, with what was asked of the storage for content meanwhile. */
async function take(cluster: TestCluster, kind: 'full' | 'incremental'): Promise<{ summary: BackupSummary } & typeof asked> {
  Object.assign(asked, { requests: 0, mostUnderWay: 0 });
  const summary = await backUp(cluster, repository, { kind });
  return { summary, ...asked };
}

async function blobsOf({ systemIdentifier, label }: BackupSummary, what: 'extents' | 'pages'): Promise<number> {
  const names = new Set<string>();
  for await (const entry of readManifest(repository, systemIdentifier, label)) {
    if (entry.type !== 'file') continue;
    if (what === 'pages') for (const name of entry.pages ?? []) names.add(name);
    else if (entry.extents instanceof CompactExtents) for (let n = 0; n < entry.extents.blobCount; n += 1) names.add(entry.extents.hash(n));
    else for (const [, , name] of entry.extents) names.add(name);
  }
  return names.size;
}

test('an audit asks for what it compares with in large pieces and before its turn', async () => {
  const { cluster, sql } = await start(18);
  await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 40000) g`;
  await sql`vacuum freeze`;
  const first = await take(cluster, 'full');
  const audited = await take(cluster, 'full');
  expect(audited.summary.audit).toMatchObject({ comparedWith: first.summary.label, mismatches: [] });
  const blobs = await blobsOf(first.summary, 'extents');
  expect(blobs).toBeGreaterThan(300);
  // Blob by blob it was one for each.
  expect(audited.requests).toBeLessThan(blobs / 5);
  // What it does not have from there is what changed in between.
  expect(audited.summary.storedBytes).toBeLessThan(1_000_000);
  expect((await listBackups(repository, first.summary.systemIdentifier)).map(({ kind }) => kind)).toEqual(['full', 'full']);
});

test('an incremental by page hashes asks for those of the next files while one is read', async () => {
  const { cluster, sql } = await start(16);
  for (let n = 0; n < 24; n += 1)
    await sql.unsafe(`create table t${n} as select g, repeat(md5((g * ${n + 1})::text), 10) as t from generate_series(1, 1200) g`);
  await sql`vacuum freeze`;
  const first = await take(cluster, 'full');
  const hashes = await blobsOf(first.summary, 'pages');
  expect(hashes).toBeGreaterThanOrEqual(24);
  await sql`update t7 set g = -g where g = 600`;
  const next = await take(cluster, 'incremental');
  expect(next.summary).toMatchObject({ kind: 'incremental', parent: first.summary.label });
  expect(next.summary.storedBytes).toBeLessThan(2_000_000);
  expect(next.requests).toBeLessThanOrEqual(hashes + 16);
  // One after the other, each was waited for before the next was asked for.
  expect(next.mostUnderWay).toBeGreaterThanOrEqual(3);
});

test('an incremental by page hashes that has to look at most pages of a table reads them back in large pieces', async () => {
  const { cluster, sql } = await start(16);
  await sql`create table hinted as select g, repeat(md5(g::text), 10) as t from generate_series(1, 240000) g`;
  await take(cluster, 'full');
  // Nothing says that the rows are committed until somebody has looked; without wal_log_hints the WAL does not tell that it was noted.
  await sql`select count(*) from hinted`;
  await sql`checkpoint`;
  const next = await take(cluster, 'incremental');
  expect(next.summary.audit).toMatchObject({ mismatches: [] });
  expect(next.summary.audit?.benign).toBeGreaterThan(8000);
  const [row] = await sql<{ mib: number }[]>`select pg_relation_size('hinted') / 1048576 as mib`;
  // One for each stretch of a MiB, one after the other, and those of page hashes.
  expect(next.requests).toBeLessThan(Number(row?.mib) / 2);
});
