import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judgeDrill } from '../../../src/backup/drill/judge.ts';
import type { DrillRun } from '../../../src/backup/drill/run.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { drill } from '../../backup/drill.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** Without checksums a bad page is backed up like any other. */
describe('a drill of a backup whose clone does not answer', () => {
  let cluster: TestCluster;
  let directory: string;
  let repository: Repository;

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, checksums: false, provider: 'embedded' });
    repository = await makeRepository(path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create database broken');
    await sql.end();
    const broken = postgres(cluster.url('broken'), { max: 1, onnotice: () => undefined });
    await broken.unsafe('create table play (n int); checkpoint');
    const [row] = await broken<{ file: string }[]>`select pg_relation_filepath('pg_extension') as file`;
    await broken.end();
    overwrite(path.join(cluster.dataDirectory ?? '', row?.file ?? ''), 0, Buffer.alloc(8192, 0xaa));
    await backUp(cluster, repository);
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });

  /** The data directory of the drill that is under way in `place`. */
  function clone(place = directory): string {
    const [scratch = ''] = readdirSync(place).filter((name) => name.startsWith('dbadmin-drill-'));
    return path.join(place, scratch, 'data');
  }

  test('a database whose catalogs are broken is a finding of its own, and the others are looked at', async () => {
    const run = await drill(repository, directory);
    expect(run).toMatchObject({ error: undefined, reached: { state: 'open' } });
    expect(run.amcheck).toMatchObject({
      state: 'damaged',
      databases: 3,
      findings: [expect.stringMatching(/^broken: it cannot be looked into: The server says XX001: invalid page/)],
    });
    expect(judgeDrill(run).verdict).toBe('failed');
  });

  test('an error of the server in answer to the drill itself fails it', async () => {
    const damage = (): void => overwrite(path.join(clone(), 'global', 'pg_control'), 8, Buffer.alloc(4, 0xaa));
    const run = await drill(repository, directory, { amcheck: 'off', onPhase: whenAt('checking', damage) });
    expect(run.reached).toBeNull();
    expect(judgeDrill(run)).toMatchObject({
      verdict: 'failed',
      failures: [expect.stringMatching(/^The clone started and does not answer what it is asked\. The server says XX\d{3}: .*checksum/)],
    });
  });

  // Beside each other: whether the server comes back is waited for, some seconds each.
  test.concurrent('a server that breaks under the checks fails it', async () => {
    const run = await drillThatEnds('backend', 'SIGSEGV');
    expect(run.amcheck).toMatchObject({ state: 'damaged' });
    expect(judgeDrill(run).verdict).toBe('failed');
  });

  test.concurrent.each<[string, 'backend' | 'postmaster', NodeJS.Signals]>([
    ['what the system kills when memory runs out', 'backend', 'SIGKILL'],
    ['a server that somebody stops', 'postmaster', 'SIGQUIT'],
  ])('%s is no failure of the backup', async (_what, which, signal) => {
    await expect(drillThatEnds(which, signal)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('ended') as string,
    });
  });

  /** Held in a place of its own, and its server is signalled in the middle of the checks. */
  async function drillThatEnds(which: 'backend' | 'postmaster', signal: NodeJS.Signals): Promise<DrillRun> {
    const place = path.join(directory, signal);
    await mkdir(place);
    return await drill(repository, place, { onPhase: whenAt('checking, 3 relations', () => end(place, which, signal)) });
  }

  /** Signals the clone's server, or a process of it that serves a connection. */
  function end(place: string, which: 'backend' | 'postmaster', signal: NodeJS.Signals): void {
    const postmaster = readFileSync(path.join(clone(place), 'postmaster.pid'), 'utf8').split('\n', 1)[0] ?? '';
    const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, 'utf8').trim().split(' ');
    const backend = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('postgres: dbadmin-drill: postgres'));
    process.kill(Number(which === 'postmaster' ? postmaster : backend), signal);
  }
});

function whenAt(awaited: string, work: () => void): (phase: string) => void {
  return (phase) => {
    if (phase === awaited) work();
  };
}

function overwrite(file: string, at: number, bytes: Buffer): void {
  const handle = openSync(file, 'r+');
  try {
    writeSync(handle, bytes, 0, bytes.byteLength, at);
  } finally {
    closeSync(handle);
  }
}
