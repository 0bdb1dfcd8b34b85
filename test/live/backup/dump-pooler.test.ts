import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectDumpSource, type DumpSource } from '../../../src/backup/dump/inspect.ts';
import type { DumpManifest } from '../../../src/backup/dump/manifest.ts';
import { takeDump } from '../../../src/backup/dump/run.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { dumpRequest, findDumpPrograms, type DumpPrograms } from '../../backup/dump-request.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';
import { hasPgBouncer, startPgBouncer } from '../migrate/pgbouncer.ts';

const programs = await findDumpPrograms();

describe.skipIf(programs === undefined || !hasPgBouncer)('a dump through PgBouncer', () => {
  const { pgDump } = programs as DumpPrograms;
  let cluster: TestCluster;
  let source: DumpSource;
  let spoolDirectory: string;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: Math.min(pgDump.major, 18) });
    source = await inspectDumpSource(cluster.parameters());
    spoolDirectory = await mkdtemp(path.join(os.tmpdir(), 'dump-pooler-'));
  });
  afterAll(async () => {
    await cluster.stop();
    await rm(spoolDirectory, { recursive: true, force: true });
  });

  async function start(mode: 'transaction' | 'session' | 'statement', more = ''): ReturnType<typeof startPgBouncer> {
    const [host] = cluster.parameters().hosts;
    return await startPgBouncer(host?.host ?? '', host?.port ?? 0, mode, more);
  }

  async function dump(port: number, jobs: number): Promise<DumpManifest> {
    const repository = await makeMemoryRepository(false);
    const parameters: ConnectionParameters = { ...cluster.parameters(), sslMode: 'disable', hosts: [{ host: '127.0.0.1', port }] };
    const wanted = { repository, source, parameters, databases: ['postgres'], spoolDirectory };
    return await takeDump(dumpRequest(programs as DumpPrograms, { ...wanted, ...(jobs === 1 ? {} : { format: 'directory', jobs }) }));
  }

  test.each([
    ['transaction', 0],
    ['transaction', 4],
    ['statement', 0],
  ] as const)('in %s mode, beside %s clients, is refused before it sets anything there', async (mode, count) => {
    const pooler = await start(mode);
    const url = `postgresql://postgres@127.0.0.1:${pooler.port}/postgres`;
    const clients = postgres(url, { max: 4, prepare: false });
    const stop = new AbortController();
    const busy = Promise.all(
      Array.from({ length: count }, async () => {
        while (!stop.signal.aborted) await clients.unsafe('select pg_sleep(0.005)');
      }),
    );
    const paths = new Set<unknown>();
    try {
      for (const jobs of [1, 4]) {
        await expect(dump(pooler.port, jobs)).rejects.toMatchObject({
          code: 'refused',
          message: `this connection goes through a ${mode} pooler`,
          hint: expect.stringContaining('address of the server itself'),
        });
        for (let look = 0; look < 10; look += 1) paths.add((await clients.unsafe('show search_path'))[0]?.['search_path']);
      }
    } finally {
      stop.abort();
      await busy;
      await clients.end();
      await pooler.stop();
    }
    expect([...paths]).toEqual(['"$user", public']);
    expect(await readdir(spoolDirectory)).toEqual([]);
  });

  test.each([
    ['', 1],
    ['', 4],
    // One server session in all: nobody can be asked beside it.
    ['default_pool_size = 1\n', 1],
  ])('in session mode is taken (%j, %s jobs)', async (more, jobs) => {
    const pooler = await start('session', more);
    try {
      expect((await dump(pooler.port, jobs)).databases).toHaveLength(1);
    } finally {
      await pooler.stop();
    }
  });
});
