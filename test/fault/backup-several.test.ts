import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DbadminError } from '../../src/base/errors.ts';
import { listBackups } from '../../src/repository/manifest.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { passThrough } from '../../src/storage/pass-through.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import { takeInto } from '../backup/take-into.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';

let directory: string;
let cluster: TestCluster;

beforeAll(async () => {
  directory = await makeDirectory();
  cluster = await startEmbeddedCluster({ major: 17 });
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

const pause = async (delayMs: number): Promise<void> => await new Promise((resolve) => setTimeout(resolve, delayMs));

/** The repository, with `before` awaited ahead of each object that is created. */
function watched(repository: Repository, before: (key: string) => Promise<void>): Repository {
  const { store } = repository;
  const create: typeof store.create = async (key, ...rest) => {
    await before(key);
    await store.create(key, ...rest);
  };
  return { ...repository, store: { ...passThrough(store), create } };
}

const isManifest = (key: string): boolean => /^\d+\/backups\//.test(key);
const isWal = (key: string): boolean => /^\d+\/wal\//.test(key);

async function labelsIn({ store, ...repository }: Repository): Promise<readonly string[]> {
  const lineages: string[] = [];
  for await (const { key } of store.list('')) if (isManifest(key)) lineages.push(key.split('/')[0] ?? '');
  const found = await Promise.all([...new Set(lineages)].map(async (lineage) => await listBackups({ store, ...repository }, lineage)));
  return found.flat().map(({ label }) => label);
}

test('interrupted while one repository publishes and another waits for its WAL: the first has its backup, and it is said', async () => {
  const [a, b] = [await makeRepository(path.join(directory, 'a')), await makeRepository(path.join(directory, 'b'))];
  const controller = new AbortController();
  const published = Promise.withResolvers<void>();
  const publishing = watched(b, async (key) => {
    if (!isManifest(key)) return;
    controller.abort(new DbadminError('interrupted', 'stopped by SIGTERM'));
    // Time for whoever does not wait.
    await pause(1000);
    published.resolve();
  });
  const waiting = watched(a, async (key) => {
    if (isWal(key)) await published.promise;
  });
  const error: unknown = await takeInto(cluster, { a: waiting, b: publishing }, { kind: 'full', signal: controller.signal }).catch(
    (thrown: unknown) => thrown,
  );
  const labels = await labelsIn(b);
  expect(labels).toHaveLength(1);
  expect(await labelsIn(a)).toEqual([]);
  expect(error).toMatchObject({
    code: 'interrupted',
    message: 'stopped by SIGTERM',
    detail: expect.stringContaining(`Backup ${labels[0] ?? ''} is complete in b.`) as string,
  });
});

test('a mistake of ours in one repository while another publishes: that has its backup, and it is said', async () => {
  const [a, b] = [await makeRepository(path.join(directory, 'c')), await makeRepository(path.join(directory, 'd'))];
  const broken = watched(a, async (key) => {
    if (isManifest(key)) throw new TypeError('undefined is not a function');
    await Promise.resolve();
  });
  const publishing = watched(b, async (key) => {
    if (isManifest(key)) await pause(1000);
  });
  const error: unknown = await takeInto(cluster, { a: broken, b: publishing }, { kind: 'full' }).catch((thrown: unknown) => thrown);
  const labels = await labelsIn(b);
  expect(labels).toHaveLength(1);
  expect(error).toMatchObject({
    code: 'internal',
    message: 'undefined is not a function',
    detail: `Backup ${labels[0] ?? ''} is complete in b.`,
  });
});
