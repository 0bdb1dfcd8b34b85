import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { DbadminError } from '../../src/base/errors.ts';
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
import { runSwept, type Swept } from './sweep-operations.ts';
import { faultsOf, labelsOf } from './sweep-scene.ts';

const SEED = Number(process.env['DBADMIN_TEST_SEED'] ?? '20261121');
/** One request in so many meets a fault. */
const FAULT_EVERY = 8;

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
  { kind: 'hang' },
];
/** An error in an answer that calls itself good. */
const FALSE_SUCCESS = { kind: 'answer', status: 200, code: 'InternalError' } as const;

/** What some requests alone meet: S3 itself says 200 and then thinks better of it, and servers like it say 200 and keep nothing. */
function planned(method: string, path: string): readonly Fault[] {
  if (method === 'PUT') return [...FAULTS, { kind: 'swallow' }, FALSE_SUCCESS];
  if (method === 'POST' && path.includes('uploadId')) return [...FAULTS, FALSE_SUCCESS];
  if (method === 'GET' && path.includes('list-type')) return [...FAULTS, { kind: 'swallow' }, FALSE_SUCCESS];
  return FAULTS;
}

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

test(`over a line that fails now and then (seed ${SEED}), what is called done is done: backups, WAL, restore, sync, rebuild-index, expire`, async () => {
  const options = server.options({ endpoint: proxy.endpoint, idleTimeoutMs: 700, connectTimeoutMs: 700 });
  const store = await openStore({ type: 's3', ...options }, { clock: systemClock, random: Math.random, conditionalCreate: false });
  const repository = await makeMemoryRepository(true, store);
  const random = seededRandom(SEED);
  const tally = { requests: 0, faults: 0, refused: 0 };
  const kinds = new Map<string, number>();
  proxy.plan(({ method, path: asked }) => {
    tally.requests += 1;
    if (random() > 1 / FAULT_EVERY) return undefined;
    tally.faults += 1;
    const faults = planned(method, asked);
    const fault = faults[Math.floor(random() * faults.length)];
    const kind = fault === FALSE_SUCCESS ? '200-with-error' : (fault?.kind ?? '');
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    return fault;
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
  process.stderr.write(`S3: ${[...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')}\n`);
  expect(tally.faults).toBeGreaterThan(10);
  expect(taken.length).toBeGreaterThan(1);
  for (const { label, rows } of taken.slice(-2)) {
    const clone = await restore({ repository, target: { kind: 'immediate' }, backup: label, into: path.join(directory, label) });
    const reader = postgres(clone.url, { max: 1, onnotice: () => undefined });
    expect(await fingerprint(reader)).toEqual(rows);
    await reader.end();
    await clone.stop();
  }
  const copy = await makeMemoryRepository(true);
  const open = async (place: string): Promise<Repository> => await Promise.resolve(path.basename(place) === 'copy' ? copy : repository);
  const place = { directory, parameters: cluster.parameters(), receiveMs: 0, pushed: '', wanted: [], open };
  const before = await labelsOf(repository);
  const done = new Set<Swept>();
  for (const operation of ['sync', 'rebuild', 'expire'] as const) {
    const ended = await runSwept(operation, place).catch((error: unknown) => error);
    if (ended instanceof Error && !(ended instanceof DbadminError)) throw ended;
    if (!(ended instanceof Error)) done.add(operation);
  }
  process.stderr.write(`S3: done over that line: ${[...done].join(', ')}\n`);
  proxy.plan(() => undefined);
  await expectSound(repository);
  expect(await labelsOf(repository)).toEqual(done.has('expire') ? before.slice(-2) : expect.arrayContaining(before.slice(-2)));
  if (!done.has('sync')) await runSwept('sync', place);
  else expect(await labelsOf(copy)).toEqual(before);
  await expectSound(copy);
  await store.close();
});

async function expectSound(repository: Repository): Promise<void> {
  expect(await faultsOf(repository)).toEqual([]);
}
