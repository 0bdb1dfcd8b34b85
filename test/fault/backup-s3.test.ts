import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { verifyRepository } from '../../src/backup/verify/run.ts';
import { DbadminError } from '../../src/base/errors.ts';
import { listClusters } from '../../src/repository/identity.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { openStore } from '../../src/storage/open.ts';
import { makeMemoryRepository } from '../backup/memory-repository.ts';
import { backUp, makeDirectory, removeDirectory, restore, startReceiver } from '../backup/repository.ts';
import { fingerprint, seededRandom } from '../backup/workload.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startTestCluster } from '../postgres/fixture.ts';
import { startFaultyProxy, type Fault, type FaultyProxy } from '../s3/faulty-proxy.ts';
import { startS3rver } from '../s3/s3rver.ts';
import type { TestS3 } from '../s3/server.ts';

const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121');
/** One request in so many meets a fault. */
const FAULT_EVERY = 12;

/** What passes. A body whose length is wrong too is refused as damaged, and told from damage by reading again: see storage-s3.test.ts. */
const FAULTS: readonly Fault[] = [
  { kind: 'answer', status: 500, code: 'InternalError' },
  { kind: 'answer', status: 503, code: 'SlowDown' },
  { kind: 'answer', status: 429, code: 'TooManyRequests' },
  { kind: 'reset' },
  { kind: 'lose-answer' },
  { kind: 'truncate', bytes: 10 },
  { kind: 'flip-bit' },
  { kind: 'stall', bytes: 5 },
];

let directory: string;
let cluster: TestCluster;
let sql: postgres.Sql;
let server: TestS3;
let proxy: FaultyProxy;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startTestCluster({ major: 18, settings: { summarize_wal: 'on', autovacuum: 'off' } });
  sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
  server = await startS3rver();
  proxy = await startFaultyProxy(server.endpoint);
});

afterAll(async () => {
  await sql.end();
  await proxy.stop();
  await server.stop();
  await cluster.stop();
  await removeDirectory(directory);
});

test(`over a line that fails now and then (seed ${SEED}), what is called done is done: backups, WAL, restore`, async () => {
  const options = server.options({ endpoint: proxy.endpoint, idleTimeoutMs: 700, connectTimeoutMs: 700 });
  const store = await openStore({ type: 's3', ...options }, { clock: systemClock, random: Math.random, conditionalCreate: false });
  const repository = await makeMemoryRepository(true, store);
  const random = seededRandom(SEED);
  const tally = { requests: 0, faults: 0, refused: 0 };
  proxy.plan(() => {
    tally.requests += 1;
    if (random() > 1 / FAULT_EVERY) return undefined;
    tally.faults += 1;
    return FAULTS[Math.floor(random() * FAULTS.length)];
  });
  const receiver = startReceiver(cluster, repository);
  const taken: { readonly label: string; readonly rows: readonly string[] }[] = [];
  await sql`create table t as select g as n, md5(g::text) as t from generate_series(1, 20000) g`;
  for (let link = 0; link < 4; link += 1) {
    await sql`update t set n = n + 1 where n % 10 = ${link}`;
    const rows = await fingerprint(sql);
    try {
      taken.push({ label: (await backUp(cluster, repository)).label, rows });
    } catch (error) {
      // A run of bad luck may end a backup; it must not leave one that is none.
      if (!(error instanceof DbadminError)) throw error;
      tally.refused += 1;
    }
  }
  await receiver.stop();
  process.stderr.write(`S3: ${tally.requests} requests, ${tally.faults} faults, ${tally.refused} of 4 backups refused\n`);
  expect(tally.faults).toBeGreaterThan(10);
  expect(taken.length).toBeGreaterThan(1);
  for (const { label, rows } of taken.slice(-2)) {
    const clone = await restore({ repository, target: { kind: 'immediate' }, backup: label, into: path.join(directory, label) });
    const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
    expect(await fingerprint(reader)).toEqual(rows);
    await reader.end();
    await clone.stop();
  }
  proxy.plan(() => undefined);
  await expectSound(repository);
  await store.close();
});

async function expectSound(repository: Repository): Promise<void> {
  const [lineage] = await listClusters(repository);
  if (lineage === undefined) throw new Error('nothing was stored');
  const report = await verifyRepository({
    repository,
    repositoryName: 's3',
    cluster: lineage,
    extent: { kind: 'everything' },
    tool: 'test',
    clock: systemClock,
    signal: new AbortController().signal,
    onRead: () => undefined,
  });
  expect(report.faults).toEqual([]);
}
