import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { inspectDumpSource, type DumpSource } from '../../../src/backup/dump/inspect.ts';
import type { DumpFormat } from '../../../src/backup/dump/manifest.ts';
import { takeDump } from '../../../src/backup/dump/run.ts';
import { openStore } from '../../../src/storage/open.ts';
import type { ObjectBody, ObjectStore } from '../../../src/storage/store.ts';
import { dumpRequest, findDumpPrograms, type DumpPrograms } from '../../backup/dump-request.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { findMoto, startMoto } from '../../s3/moto.ts';
import { startS3rver } from '../../s3/s3rver.ts';
import type { TestS3 } from '../../s3/server.ts';

const programs = await findDumpPrograms();
/** Tells what uploads are unfinished, which s3rver does not. */
const moto = findMoto();

describe.skipIf(programs === undefined)('a dump that is told to stop while it is stored', () => {
  const { pgDump } = programs as DumpPrograms;
  let cluster: TestCluster;
  let source: DumpSource;
  let directory: string;
  let server: TestS3;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: Math.min(pgDump.major, 18) });
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    // 30 MB that no compression makes smaller: several parts of an upload.
    await sql.unsafe('create table noise as select sha512(i::text::bytea) as bytes from generate_series(1, 400000) i');
    await sql.end();
    source = await inspectDumpSource(cluster.parameters());
    directory = await mkdtemp(path.join(os.tmpdir(), 'dump-stopped-'));
    server = moto === undefined ? await startS3rver() : await startMoto(moto);
  });

  afterAll(async () => {
    await server.stop();
    await cluster.stop();
    await rm(directory, { recursive: true, force: true });
  });

  async function openPlace(kind: 'disk' | 's3', name: string): Promise<ObjectStore> {
    const options = { clock: systemClock, random: Math.random, conditionalCreate: kind === 'disk' };
    if (kind === 's3') return await openStore({ type: 's3', ...server.options({ prefix: name }) }, options);
    const root = path.join(directory, name);
    await mkdir(root);
    return await openStore({ type: 'disk', path: root }, options);
  }

  /** `store`, that calls `onPiece` with each piece of a dump's content that is taken. */
  function watched(store: ObjectStore, onPiece: (bytes: number) => void): ObjectStore {
    const watch = (key: string, body: ObjectBody): ObjectBody => {
      if (!/\.(?:dump|tar)$/.test(key) || body instanceof Uint8Array) return body;
      const { stream } = body;
      return {
        ...body,
        stream: {
          async *[Symbol.asyncIterator]() {
            for await (const piece of stream) {
              onPiece(piece.byteLength);
              yield piece;
            }
          },
        },
      };
    };
    return { ...store, create: async (key, body, options) => await store.create(key, watch(key, body), options) };
  }

  test.each<['disk' | 's3', DumpFormat, boolean]>([
    ['disk', 'custom', false],
    ['disk', 'directory', true],
    ['s3', 'directory', false],
    ['s3', 'custom', true],
  ])('stops, and leaves nothing: %s, %s, encrypted: %s', async (kind, format, encrypted) => {
    const store = await openPlace(kind, `${kind}-${format}`);
    const controller = new AbortController();
    let takenBytes = 0;
    const repository = await makeMemoryRepository(
      encrypted,
      watched(store, (bytes) => {
        takenBytes += bytes;
        if (takenBytes > 12 * 1024 * 1024) controller.abort(new Error('stopped'));
      }),
    );
    const spoolDirectory = await mkdtemp(path.join(directory, 'spool-'));
    const wanted = { repository, source, parameters: cluster.parameters(), databases: ['postgres'], spoolDirectory, format };
    const jobs = format === 'directory' ? { jobs: 2 } : {};
    const dumping = takeDump(dumpRequest(programs as DumpPrograms, { ...wanted, ...jobs, signal: controller.signal }));
    await expect(dumping).rejects.toThrow('stopped');
    expect(takenBytes).toBeLessThan(20 * 1024 * 1024);
    const keys: string[] = [];
    for await (const { key } of store.list('1/dumps/')) keys.push(key);
    expect(keys).toEqual([]);
    expect(await readdir(spoolDirectory)).toEqual([]);
    if (kind === 'disk' || moto !== undefined) expect(await store.removeUnfinished(new Date(Date.now() + 60_000))).toBe(0);
    await store.close();
  });
});
