import { readFile, readdir, rename, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyRestore } from '../../../src/backup/restore/apply.ts';
import type { Preflight } from '../../../src/backup/restore/inspect.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { isRunning } from '../../../src/base/processes.ts';
import { serverPid, startCluster, stopCluster, type ServerPrograms } from '../../../src/postgres/server.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 500 && !(await isSo()); tries += 1) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('restore --delta over a directory that is in use', () => {
  let directory: string;
  let into: string;
  let repository: Repository;
  let programs: ServerPrograms;
  let url: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    into = path.join(directory, 'data');
    const cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    programs = await embeddedPrograms(17);
    repository = await makeRepository(path.join(directory, 'repository'));
    await backUp(cluster, repository);
    await cluster.stop();
    const restored = await restore({ repository, target: { kind: 'immediate' }, into });
    url = restored.url;
    await stopCluster(programs, into);
  });
  afterAll(async () => {
    await stopCluster(programs, into, 'immediate').catch(() => undefined);
    await removeDirectory(directory);
  });

  async function preflight(): Promise<Preflight> {
    return await preflightOf(repository, into, { target: { kind: 'immediate' }, delta: true });
  }

  async function apply(plan: Preflight): Promise<unknown> {
    const { signal } = new AbortController();
    const options = { port: 1, clusterName: 'r', action: 'promote', programs, owner: programs.runAs, signal } as const;
    return await applyRestore({ ...options, preflight: plan, onProgress: () => undefined });
  }

  const start = async (): Promise<void> => await startCluster(programs, into, path.join(directory, 'log'), 60);

  test('a supervisor started the server while somebody was asked: it is refused, and the cluster is as it was', async () => {
    const plan = await preflight();
    await start();
    await expect(apply(plan)).rejects.toMatchObject({ code: 'refused', message: expect.stringMatching(/^a server runs in/) });
    const names = await readdir(into, { recursive: true });
    expect(names).toContain('global/pg_control');
    expect(names).not.toContain('dbadmin_restore.json');
    const sql = postgres(url, { max: 1 });
    expect(await sql`select 1 as one`).toHaveLength(1);
    await sql.end();
    await stopCluster(programs, into);
    await expect(apply(plan)).rejects.toMatchObject({ code: 'plan-stale' });
  });

  test('a backend that outlived its postmaster, which would write over what is restored: it is refused until that has ended', async () => {
    await start();
    const postmaster = (await serverPid(into)) ?? 0;
    const sql = postgres(url, { max: 1 });
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
    const backend = row?.pid ?? 0;
    // Stopped, it cannot see that its postmaster is gone.
    process.kill(backend, 'SIGSTOP');
    try {
      process.kill(postmaster, 'SIGKILL');
      await until(async () => !(await isRunning(postmaster)));
      await expect(preflight()).rejects.toMatchObject({
        code: 'refused',
        message: expect.stringContaining('still at work'),
        detail: expect.stringContaining(String(backend)),
      });
      // Without the file that names its postmaster it is found all the same.
      await rename(path.join(into, 'postmaster.pid'), path.join(directory, 'postmaster.pid'));
      await expect(preflight()).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('still at work') });
      await rename(path.join(directory, 'postmaster.pid'), path.join(into, 'postmaster.pid'));
    } finally {
      process.kill(backend, 'SIGKILL');
      await sql.end({ timeout: 1 });
    }
    await until(async () => !(await isRunning(backend)));
    // A crash leaves postmaster.pid behind each time, and the restore after it stays one command.
    const plan = await preflight();
    expect(plan.state).toMatchObject({ kind: 'over', target: { kind: 'cluster', absentPid: postmaster } });
    await apply(plan);
  });

  test('a server of another container or host wrote WAL since the plan was made: it is refused', async () => {
    await writeFile(path.join(into, 'postmaster.pid'), '99999999\n');
    const plan = await preflight();
    const control = await readFile(path.join(into, 'global', 'pg_control'));
    const wal = path.join(into, 'pg_wal');
    await writeFile(path.join(wal, '0000000100000000000000FF'), '');
    await expect(apply(plan)).rejects.toMatchObject({ code: 'plan-stale' });
    const later = await preflight();
    await utimes(path.join(wal, '0000000100000000000000FF'), new Date(), new Date(Date.now() + 1000));
    await expect(apply(later)).rejects.toMatchObject({ code: 'plan-stale' });
    expect(await readFile(path.join(into, 'global', 'pg_control'))).toEqual(control);
  });
});
