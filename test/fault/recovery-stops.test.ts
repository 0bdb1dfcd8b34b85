import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { applyRestore } from '../../src/backup/restore/apply.ts';
import { shellQuote } from '../../src/base/shell-word.ts';
import { embeddedPrograms } from '../../src/postgres/embedded.ts';
import { serverPid, startCluster, stopCluster } from '../../src/postgres/server.ts';
import type { Repository } from '../../src/repository/repository.ts';
import { writeConfig } from '../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../backup/repository.ts';
import { freePort } from '../postgres/address.ts';
import type { TestCluster } from '../postgres/cluster.ts';
import { startEmbeddedCluster } from '../postgres/embedded-cluster.ts';
import { preflightOf } from '../backup/preflight.ts';

const PROJECT = path.resolve(import.meta.dirname, '..', '..');

describe('a recovery that cannot have its WAL stops and never promotes', () => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;
  let config: string;
  let place: string;
  let segment: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    place = path.join(directory, 'repository');
    cluster = await startEmbeddedCluster({ major: 17 });
    repository = await makeRepository(place);
    const summary = await backUp(cluster, repository);
    segment = `0000000100000000000000${summary.startLsn.slice(2).padStart(8, '0').slice(0, 2)}`;
    config = await writeConfig(directory, cluster, place);
    // The command as it is installed: built, in a directory of its own, so that its modules can be taken away.
    await mkdir(path.join(directory, 'installed'));
    for (const part of ['bin', 'dist', 'package.json'])
      await cp(path.join(PROJECT, part), path.join(directory, 'installed', part), { recursive: true });
    const link = spawnSync('ln', ['-s', path.join(PROJECT, 'node_modules'), path.join(directory, 'installed', 'node_modules')]);
    expect(link.status).toBe(0);
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });

  /** restore_command as the manual gives it, run as PostgreSQL runs it. */
  function restoreCommand(file: string, node = process.execPath, options = ''): number | null {
    const dbadmin = `${shellQuote(node)} ${options} ${shellQuote(path.join(directory, 'installed', 'bin', 'dbadmin.cjs'))}`;
    const command = `${dbadmin} wal get --config ${shellQuote(config)} --absent-code 44 ${file} ${shellQuote(path.join(directory, 'fetched'))}; c=$?; [ $c = 0 ] && exit 0; [ $c = 44 ] && exit 1; exit 126`;
    return spawnSync('sh', ['-c', command], { encoding: 'utf8' }).status;
  }

  test('the segment that is there is 0, and what is proven absent is 1', () => {
    expect(restoreCommand(segment)).toBe(0);
    expect(restoreCommand('0000000100000FFF00000001')).toBe(1);
    expect(restoreCommand('00000002.history')).toBe(1);
  });

  test('a repository that is away is 126, and so is an empty mount point in its place', async () => {
    await rename(place, `${place}.away`);
    try {
      expect(restoreCommand(segment)).toBe(126);
      expect(restoreCommand('0000000100000FFF00000001')).toBe(126);
      await mkdir(place);
      expect(restoreCommand(segment)).toBe(126);
      expect(restoreCommand('0000000100000FFF00000001')).toBe(126);
      await rm(place, { recursive: true });
    } finally {
      await rename(`${place}.away`, place);
    }
  });

  test.each(['before', 'after'] as const)('without sh around it, and the options %s the command, it is so, too', async (where) => {
    const options = ['--config', config, '--cluster', 'main'];
    const words = (file: string): string[] => {
      const get = ['wal', 'get', file, path.join(directory, 'fetched')];
      return where === 'before' ? [...options, ...get] : [...get, ...options];
    };
    const status = (file: string): number | null =>
      spawnSync(process.execPath, [path.join(directory, 'installed', 'bin', 'dbadmin.cjs'), ...words(file)]).status;
    expect(status(segment)).toBe(0);
    expect(status('0000000100000FFF00000001')).toBe(1);
    await rename(place, `${place}.away`);
    try {
      expect(status(segment)).toBe(126);
      expect(status('0000000100000FFF00000001')).toBe(126);
    } finally {
      await rename(`${place}.away`, place);
    }
  });

  test('a hole in the WAL is 126', async () => {
    const files = path.join(place, (await inspectSystem()).systemIdentifier, 'wal', '00000001');
    await rename(path.join(files, segment), path.join(directory, 'taken'));
    try {
      expect(restoreCommand(segment)).toBe(126);
    } finally {
      await rename(path.join(directory, 'taken'), path.join(files, segment));
    }
  });

  test('a module that was deleted, a Node that is too old and wrong arguments are 126', async () => {
    const module = path.join(directory, 'installed', 'dist', 'wal-get.js');
    await rename(module, `${module}.away`);
    expect(restoreCommand(segment)).toBe(126);
    await rename(`${module}.away`, module);
    await rename(path.join(directory, 'installed', 'dist'), path.join(directory, 'installed', 'dist.away'));
    expect(restoreCommand(segment)).toBe(126);
    await rename(path.join(directory, 'installed', 'dist.away'), path.join(directory, 'installed', 'dist'));
    const old = `--import ${shellQuote('data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.19.0"}})')}`;
    expect(restoreCommand(segment, process.execPath, old)).toBe(126);
    expect(restoreCommand(segment, '/nonexistent/node')).toBe(126);
    expect(restoreCommand('--nonsense')).toBe(126);
    expect(restoreCommand(segment)).toBe(0);
  });

  test('PostgreSQL ends with FATAL, and is not promoted, when a spooled segment is missing', async () => {
    const into = path.join(directory, 'clone');
    const preflight = await preflightOf(repository, into);
    const programs = await embeddedPrograms(17);
    await applyRestore({
      preflight,
      port: await freePort(),
      clusterName: 'clone',
      action: 'promote',
      programs,
      owner: programs.runAs,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
    await rm(path.join(`${into}.wal`, 'absent'), { recursive: true });
    const log = path.join(into, 'server.log');
    // The start may succeed, when the clone is consistent for a moment before it asks for what is missing.
    await startCluster(programs, into, log).catch(() => undefined);
    for (let waited = 0; waited < 200 && (await serverPid(into)) !== undefined; waited += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await serverPid(into)).toBeUndefined();
    const text = await readFile(log, 'utf8');
    expect(text).toMatch(
      /FATAL: {2}could not restore file .* from archive: (child process exited with exit code 126|command not executable)/,
    );
    expect(text).not.toMatch(/selected new timeline ID|archive recovery complete|ready to accept connections/);
    await stopCluster(programs, into).catch(() => undefined);
  });

  async function inspectSystem(): Promise<{ systemIdentifier: string }> {
    const sql = postgres(cluster.url(), { max: 1 });
    const [row] = await sql<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`;
    await sql.end();
    return { systemIdentifier: row?.id ?? '' };
  }
});
