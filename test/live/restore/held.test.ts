import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyRestore, type Restored } from '../../../src/backup/restore/apply.ts';
import type { Preflight } from '../../../src/backup/restore/inspect.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import type { ServerPrograms } from '../../../src/postgres/server.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** The socket of a process that was killed while it listened. */
function leaveSocket(into: string): void {
  const listenAndDie = `require('node:net').createServer().listen('dbadmin_restore.sock', () => process.kill(process.pid, 'SIGKILL'))`;
  expect(spawnSync(process.execPath, ['-e', listenAndDie], { cwd: into }).signal).toBe('SIGKILL');
}

describe('two restores into one directory', () => {
  let directory: string;
  let repository: Repository;
  let programs: ServerPrograms;

  beforeAll(async () => {
    directory = await makeDirectory();
    const cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    programs = await embeddedPrograms(17);
    repository = await makeRepository(path.join(directory, 'repository'));
    await backUp(cluster, repository);
    await cluster.stop();
  });
  afterAll(async () => await removeDirectory(directory));

  async function preflight(name: string, delta: boolean): Promise<Preflight> {
    return await preflightOf(repository, path.join(directory, name), { target: { kind: 'immediate' }, delta });
  }

  /** `during` is called once, while the files are written. */
  async function apply(plan: Preflight, during: () => Promise<void> = async () => await Promise.resolve()): Promise<Restored> {
    let called: Promise<void> | undefined;
    const { signal } = new AbortController();
    const options = { port: 1, clusterName: 'r', action: 'promote', programs, owner: programs.runAs, signal } as const;
    const onProgress = (): void => {
      called ??= during();
    };
    try {
      return await applyRestore({ ...options, preflight: plan, onProgress });
    } finally {
      await called;
    }
  }

  async function interrupt(name: string): Promise<void> {
    const abort = new AbortController();
    const options = { port: 1, clusterName: 'r', action: 'promote', programs, owner: programs.runAs, signal: abort.signal } as const;
    const plan = await preflight(name, false);
    const ending = applyRestore({ ...options, preflight: plan, onProgress: () => abort.abort(new Error('stopped')) });
    await expect(ending).rejects.toThrow('stopped');
  }

  const placeOf = (name: string): string => path.join(directory, name);

  test.each(['held', `${'long'.repeat(30)}/held`])('while the first is at work every other is refused: %s', async (name) => {
    const plan = await preflight(name, false);
    await apply(plan, async () => {
      for (const delta of [false, true]) {
        await expect(preflight(name, delta)).rejects.toMatchObject({
          code: 'locked',
          message: expect.stringContaining('another restore is at work'),
        });
      }
      await expect(apply(plan)).rejects.toMatchObject({ code: 'locked' });
    });
    expect(await readdir(placeOf(name))).not.toContain('dbadmin_restore.sock');
    expect((await preflight(name, true)).state).toMatchObject({ kind: 'over', target: { kind: 'cluster' } });
  });

  // As a restore leaves it that is killed after it took hold of the directory and before its mark is there.
  test.each([
    ['socket', false],
    ['socket', true],
    ['beginning of a mark', false],
    ['beginning of a mark', true],
  ])('a directory that holds the %s of a killed restore and nothing else is empty, with --delta: %s', async (left, delta) => {
    const into = placeOf(`killed ${left} ${delta}`);
    await mkdir(into);
    leaveSocket(into);
    if (left !== 'socket') await writeFile(path.join(into, 'dbadmin_restore.json.tmp'), '{"id":');
    const plan = await preflight(path.basename(into), delta);
    expect(plan.state).toMatchObject({ kind: 'empty' });
    if (delta) return;
    await apply(plan);
    const names = await readdir(into, { recursive: true });
    expect(names).toContain('global/pg_control');
    expect(names.filter((name) => name.startsWith('dbadmin_restore'))).toEqual([]);
  });

  test('what a killed restore left is passed over, and what lies beside it is not', async () => {
    await mkdir(placeOf('beside'));
    leaveSocket(placeOf('beside'));
    await writeFile(path.join(placeOf('beside'), 'thesis.txt'), 'years of work');
    await expect(preflight('beside', false)).rejects.toMatchObject({ code: 'refused', detail: 'It holds thesis.txt.' });
    await expect(preflight('beside', true)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('neither a cluster'),
    });
  });

  test('a plan for an empty directory is refused when another restore has filled it meanwhile, and leaves no mark in it', async () => {
    const late = await preflight('filled', false);
    await apply(await preflight('filled', false));
    await expect(apply(late)).rejects.toMatchObject({ code: 'plan-stale' });
    expect(existsSync(path.join(placeOf('filled'), 'dbadmin_restore.json'))).toBe(false);
  });

  test('a plan to finish an interrupted restore is refused when another has finished it', async () => {
    await interrupt('unfinished');
    const late = await preflight('unfinished', true);
    await apply(await preflight('unfinished', true));
    const control = await readFile(path.join(placeOf('unfinished'), 'global', 'pg_control'));
    await expect(apply(late)).rejects.toMatchObject({ code: 'plan-stale' });
    expect(await readFile(path.join(placeOf('unfinished'), 'global', 'pg_control'))).toEqual(control);
    expect(existsSync(path.join(placeOf('unfinished'), 'dbadmin_restore.json'))).toBe(false);
  });

  test('one whose mark another replaced, out of sight of the hold, writes no pg_control', async () => {
    const marker = path.join(placeOf('replaced'), 'dbadmin_restore.json');
    const ending = apply(await preflight('replaced', false), async () => {
      const own = JSON.parse(await readFile(marker, 'utf8')) as object;
      await writeFile(marker, JSON.stringify({ ...own, id: 'another' }));
    });
    await expect(ending).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('another restore has begun') });
    expect(await readdir(path.join(placeOf('replaced'), 'global'))).not.toContain('pg_control');
    await apply(await preflight('replaced', true));
  });
});
