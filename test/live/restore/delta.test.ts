import { execFileSync, spawnSync } from 'node:child_process';
import { appendFile, chown, mkdir, open, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { applyRestore, type Restored } from '../../../src/backup/restore/apply.ts';
import { inspectRestore, type Preflight } from '../../../src/backup/restore/inspect.ts';
import { startRestored } from '../../../src/backup/restore/start-run.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import { stopCluster, type ServerPrograms } from '../../../src/postgres/server.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import { treeOf } from '../../backup/tree.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { freePort } from '../../postgres/address.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('restore --delta', () => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;
  let programs: ServerPrograms;
  let digest: string;
  let first: string;
  /** What a restore into nothing gives. */
  let fresh: ReadonlyMap<string, string>;
  const place = (name: string): string => path.join(directory, name);

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded', settings: { summarize_wal: 'on' } });
    programs = await embeddedPrograms(17);
    repository = await makeRepository(place('repository'));
    await mkdir(place('ts'));
    if (programs.runAs !== undefined) await chown(place('ts'), programs.runAs.uid, programs.runAs.gid);
    // Not UTF-8: a restore has to bring it back by its bytes.
    await mkdir(oddPath(cluster.dataDirectory ?? ''));
    await writeFile(Buffer.concat([oddPath(cluster.dataDirectory ?? ''), Buffer.from('/\xfe', 'latin1')]), 'odd');
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe(`create tablespace ts location '${place('ts')}'`);
    await sql.unsafe('create table play as select g as id, md5(g::text) as t from generate_series(1, 60000) g');
    await sql.unsafe('create table there tablespace ts as select g as id from generate_series(1, 20000) g');
    const [row] = await sql<{ digest: string }[]>`select sum(hashtextextended(t, id))::text as digest from play`;
    digest = row?.digest ?? '';
    await sql.end();
    first = (await backUp(cluster, repository)).label;
    await layDown('fresh');
    fresh = await contentOf('fresh');
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  async function preflight(
    name: string,
    delta: boolean,
    tablespaces: ReadonlyMap<string, string> = new Map(),
    backup = first,
  ): Promise<Preflight> {
    return await inspectRestore({
      repository,
      clusterName: 'main',
      systemIdentifier: undefined,
      target: { kind: 'immediate' },
      exclusive: false,
      backup,
      timeline: undefined,
      dataDirectory: place(name),
      tablespaces,
      delta,
    });
  }

  async function layDown(name: string, delta = false, signal = new AbortController().signal, backup = first): Promise<Restored> {
    const options = {
      port: await freePort(),
      clusterName: 'restored',
      action: 'promote',
      programs,
      owner: programs.runAs,
      signal,
    } as const;
    return await applyRestore({ ...options, preflight: await preflight(name, delta, new Map(), backup), onProgress: () => undefined });
  }

  /** Everything that is restored but the settings that name the place itself, and the list that has their checksum. */
  async function contentOf(name: string): Promise<ReadonlyMap<string, string>> {
    const content = await treeOf(place(name), ['postgresql.auto.conf', 'pg_tblspc', 'backup_manifest']);
    const tablespaces = await treeOf(place(`${name}.tablespaces`));
    return new Map([...content, ...[...tablespaces].map(([file, what]) => [`tablespace ${file}`, what] as const)]);
  }

  async function startsWithEverything(restored: Restored): Promise<void> {
    const signal = new AbortController().signal;
    await startRestored({ restored, programs, action: 'promote', timeoutSeconds: 60, clock: systemClock, signal });
    const sql = postgres({ host: '127.0.0.1', port: restored.port, user: 'postgres', database: 'postgres', max: 1 });
    const [row] =
      await sql`select (select sum(hashtextextended(t, id))::text from play) as digest, (select count(*)::int from there) as there`;
    expect(row).toEqual({ digest, there: 20_000 });
    await sql.end();
  }

  const oddPath = (base: string): Buffer => Buffer.concat([Buffer.from(`${base}/`), Buffer.from('\xe9t\xe9', 'latin1')]);

  async function tableFile(name: string): Promise<string> {
    const files = await readdir(path.join(place(name), 'base'), { recursive: true, withFileTypes: true });
    const sizes = await Promise.all(
      files
        .filter((each) => each.isFile())
        .map(async (each) => ({
          file: path.join(each.parentPath, each.name),
          size: (await readFile(path.join(each.parentPath, each.name))).length,
        })),
    );
    return sizes.sort((a, b) => b.size - a.size)[0]?.file ?? '';
  }

  test('mends what differs, brings what is missing, deletes what does not belong, and keeps the rest', async () => {
    await layDown('over');
    const table = await tableFile('over');
    const handle = await open(table, 'r+');
    await handle.write(Buffer.from('damage'), 0, 6, 8192 * 5 + 100);
    await handle.close();
    const large = (await readFile(table)).length;
    await truncate(path.join(place('over'), 'global', '1262'), 100);
    await appendFile(path.join(place('over'), 'pg_xact', '0000'), Buffer.alloc(9000, 7));
    await rm(path.join(place('over'), 'PG_VERSION'));
    await rm(path.join(place('over'), 'base', '1'), { recursive: true });
    await mkdir(path.join(place('over'), 'base', '99999'));
    await writeFile(path.join(place('over'), 'base', '99999', '1'), 'not of this backup');
    await writeFile(path.join(place('over'), 'pg_wal', '000000010000000000000042'), 'old WAL');
    await writeFile(path.join(place('over'), 'standby.signal'), '');
    await writeFile(path.join(place('over'), 'postmaster.pid'), '99999999\n');
    await writeFile(Buffer.concat([oddPath(place('over')), Buffer.from('/\xff', 'latin1')]), 'odd and foreign');
    await writeFile(Buffer.concat([oddPath(place('over')), Buffer.from('/\xfe', 'latin1')]), 'not');
    const restored = await layDown('over', true);
    expect(await contentOf('over')).toEqual(fresh);
    expect(await readdir(oddPath(place('over')), { encoding: 'buffer' })).toEqual([Buffer.from([0xfe])]);
    expect(await readFile(Buffer.concat([oddPath(place('over')), Buffer.from('/\xfe', 'latin1')]), 'utf8')).toBe('odd');
    const verified = await runClientProgram(17, 'pg_verifybackup', ['-n', place('over')], [directory]);
    if (verified !== undefined) expect(verified.status, verified.stderr).toBe(0);
    expect(restored.delta?.reusedBytes).toBeGreaterThan(10_000_000);
    expect(restored.delta?.rewrittenBytes).toBeLessThan(Math.min(large, 3_000_000));
    await startsWithEverything(restored);
    await stopCluster(programs, place('over'));
    const again = await layDown('over', true);
    expect((await contentOf('over')).get('global/pg_control')).toEqual(fresh.get('global/pg_control'));
    await startsWithEverything(again);
    await expect(preflight('over', true)).rejects.toMatchObject({ code: 'refused', message: expect.stringMatching(/^a server runs in/) });
    await stopCluster(programs, place('over'), 'immediate');
  });

  test('brings an older copy up to an incremental backup, whose files lie in pieces of several', async () => {
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe("update play set t = 'changed' where id % 5000 = 0");
    await sql.unsafe('create table newer as select 1 as n; drop table there');
    await sql.end();
    const { label, kind } = await backUp(cluster, repository);
    expect(kind).toBe('incremental');
    const { signal } = new AbortController();
    await layDown('newest', false, signal, label);
    await layDown('older');
    const { delta } = await layDown('older', true, signal, label);
    expect(await contentOf('older')).toEqual(await contentOf('newest'));
    expect(delta?.reusedBytes).toBeGreaterThan(10_000_000);
    expect(delta?.rewrittenBytes).toBeLessThan(8_000_000);
  });

  test('keeps pg_wal where a link leads it', async () => {
    await layDown('linked');
    await rename(path.join(place('linked'), 'pg_wal'), place('linked-wal'));
    await symlink(place('linked-wal'), path.join(place('linked'), 'pg_wal'));
    await writeFile(path.join(place('linked-wal'), '000000010000000000000042'), 'old WAL');
    await startsWithEverything(await layDown('linked', true));
    expect(await readdir(place('linked-wal'))).not.toContain('000000010000000000000042');
    expect((await readdir(place('linked-wal'))).filter((name) => /^0000000\d0/.test(name)).length).toBeGreaterThan(0);
    await stopCluster(programs, place('linked'), 'immediate');
  });

  test('goes only over its own: another cluster, any other directory, a foreign tablespace are refused and untouched', async () => {
    await mkdir(place('home'));
    await writeFile(path.join(place('home'), 'thesis.txt'), 'years of work');
    await expect(preflight('home', true)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('neither a cluster nor'),
    });
    const other = await startTestCluster({ major: 17, provider: 'embedded' });
    const control = await readFile(path.join(other.dataDirectory ?? '', 'global', 'pg_control'));
    await other.stop();
    await mkdir(path.join(place('home'), 'global'));
    await writeFile(path.join(place('home'), 'global', 'pg_control'), control);
    await expect(preflight('home', true)).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('holds another cluster'),
    });
    expect(await readFile(path.join(place('home'), 'thesis.txt'), 'utf8')).toBe('years of work');
    await expect(preflight('fresh', true, new Map([[place('ts'), place('home')]]))).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('where tablespace'),
    });
    await expect(preflight('fresh', false)).rejects.toMatchObject({ code: 'refused', hint: expect.stringContaining('--delta') });
  });

  test('a repository or another cluster that lies in the directory is never deleted with it', async () => {
    await layDown('holder');
    for (const inside of ['holder/pg_wal/backups', 'holder/dbadmin-repository']) {
      await makeRepository(place(inside));
      await expect(preflight('holder', true)).rejects.toMatchObject({
        code: 'refused',
        message: `${place('holder')} has a repository in it: ${place(inside)}`,
      });
      await rm(place(inside), { recursive: true });
    }
    await layDown('holder/clones/one');
    await expect(preflight('holder', true)).rejects.toMatchObject({
      code: 'refused',
      message: `${place('holder')} has the data directory of another cluster in it: ${place('holder/clones/one')}`,
    });
    await rename(place('holder/clones/one'), place('one'));
    await layDown('holder', true);
  });

  test('what cannot be looked into or taken away is told, with the way on; a mount point stays', async () => {
    await layDown('mounted');
    await mkdir(place('mounted/log/all/here'), { recursive: true });
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place('mounted/log/all/here')]).status === 0;
    await writeFile(place('mounted/log/all/here/old'), 'old');
    await writeFile(place('mounted/log/old'), 'old');
    try {
      await layDown('mounted', true);
      if (isMounted) expect(await readdir(place('mounted/log'), { recursive: true })).toEqual(['all', 'all/here']);
      if (!isMounted) return;
      await mkdir(place('mounted/base/7'));
      await writeFile(place('mounted/base/7/1'), 'not of this backup');
      execFileSync('mount', ['--bind', '-o', 'ro', place('mounted/base/7'), place('mounted/base/7')]);
      try {
        await expect(layDown('mounted', true)).rejects.toMatchObject({ code: 'file-unwritable', hint: expect.stringContaining('--delta') });
      } finally {
        execFileSync('umount', [place('mounted/base/7')]);
      }
      await startsWithEverything(await layDown('mounted', true));
      await stopCluster(programs, place('mounted'), 'immediate');
    } finally {
      if (isMounted) execFileSync('umount', [place('mounted/log/all/here')]);
    }
  });

  test('a restore that was interrupted leaves no cluster that starts, says how to go on, and is finished', async () => {
    const abort = new AbortController();
    const starting = layDown('interrupted', false, abort.signal);
    setTimeout(() => abort.abort(new Error('stopped')), 30);
    await expect(starting).rejects.toThrow('stopped');
    expect(await readdir(place('interrupted'))).not.toContain('global/pg_control');
    await expect(preflight('interrupted', false)).rejects.toMatchObject({ code: 'refused', hint: expect.stringContaining('--delta') });
    expect((await preflight('interrupted', true)).state).toMatchObject({ kind: 'over', target: { kind: 'unfinished' } });
    await layDown('interrupted', true);
    expect(await contentOf('interrupted')).toEqual(fresh);
  });

  test('a cluster whose files take less room than they are long, as on a filesystem that compresses, is all room regained', async () => {
    const foundBytes = async (): Promise<number> => {
      const { state } = await preflight('compressed', true);
      return state.kind === 'over' ? state.delta.foundBytes : 0;
    };
    const abort = new AbortController();
    const interrupt = async (delta: boolean): Promise<void> => {
      const known = await preflight('compressed', delta);
      const options = { port: 1, clusterName: 'r', action: 'promote', programs, owner: programs.runAs, signal: abort.signal } as const;
      const ending = applyRestore({ ...options, preflight: known, onProgress: () => abort.abort(new Error('stopped')) });
      await expect(ending).rejects.toThrow('stopped');
    };
    await layDown('compressed');
    const bytes = await foundBytes();
    const table = await tableFile('compressed');
    const { length } = await readFile(table);
    await truncate(table, 0);
    await truncate(table, length);
    expect(await foundBytes()).toBe(bytes);
    // Nor do they shrink when a restore over them is interrupted: only one that began with nothing leaves files that are merely long.
    await interrupt(true);
    const { size } = await stat(path.join(place('fresh'), 'global', 'pg_control'));
    expect(await foundBytes()).toBeGreaterThanOrEqual(bytes - size);
    await interrupt(true);
    expect(await foundBytes()).toBeGreaterThanOrEqual(bytes - size);
  });

  test('a pg_control is there whole or not at all, and what a power cut left of one does not stand in the way', async () => {
    const known = await preflight('half', false);
    // More than its blob has: the write fails with the file open.
    const extents = Array.from(known.layout.controlFile.extents, ([offset, length, hash]) => [offset, length * 2, hash] as const);
    const { type, path: at, mode, sizeBytes, modifiedAt } = known.layout.controlFile;
    const controlFile = { type, path: at, mode, sizeBytes, modifiedAt, extents };
    const options = { port: 1, clusterName: 'r', action: 'promote', programs, owner: programs.runAs } as const;
    const broken = { ...known, layout: { ...known.layout, controlFile } };
    const { signal } = new AbortController();
    await expect(applyRestore({ ...options, preflight: broken, signal, onProgress: () => undefined })).rejects.toMatchObject({
      code: 'file-unwritable',
    });
    expect(await readdir(path.join(place('half'), 'global'))).not.toContain('pg_control');
    const control = await readFile(path.join(place('fresh'), 'global', 'pg_control'));
    for (const left of [Buffer.alloc(0), control.subarray(0, 200), Buffer.alloc(8192)]) {
      await writeFile(path.join(place('half'), 'global', 'pg_control'), left);
      expect((await preflight('half', true)).state).toMatchObject({ kind: 'over', target: { kind: 'unfinished' } });
    }
    await layDown('half', true);
    expect(await contentOf('half')).toEqual(fresh);
    await truncate(path.join(place('half'), 'global', 'pg_control'), 200);
    await expect(preflight('half', true)).rejects.toMatchObject({ code: 'file-unreadable' });
  });

  test.skipIf(process.getuid?.() !== 0)('on a disk that is full it says so and leaves no cluster; with room it is finished', async () => {
    const mount = place('small');
    await mkdir(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m', 'tmpfs', mount]);
    try {
      const known = await preflight('small/data', false);
      execFileSync('mount', ['-o', 'remount,size=16m', mount]);
      const options = {
        port: 1,
        clusterName: 'r',
        action: 'promote',
        programs,
        owner: programs.runAs,
        signal: new AbortController().signal,
      } as const;
      await expect(applyRestore({ ...options, preflight: known, onProgress: () => undefined })).rejects.toMatchObject({
        code: 'storage-full',
        hint: expect.stringContaining('finish it with --delta'),
      });
      expect(await readdir(path.join(mount, 'data', 'global'))).not.toContain('pg_control');
      await expect(preflight('small/data', true)).rejects.toMatchObject({ code: 'storage-full' });
      // Files that are only as long as they are to be are no room regained.
      for (const { path: each, sizeBytes } of known.layout.files) {
        const file = path.join(mount, 'data', each);
        await mkdir(path.dirname(file), { recursive: true });
        await appendFile(file, '').then(async () => await truncate(file, sizeBytes));
      }
      execFileSync('mount', ['-o', `remount,size=${20 * 1024 * 1024 + known.walBytes}`, mount]);
      await expect(preflight('small/data', true)).rejects.toMatchObject({ code: 'storage-full' });
      execFileSync('mount', ['-o', 'remount,size=200m', mount]);
      await layDown('small/data', true);
      expect((await contentOf('small/data')).get('global/pg_control')).toEqual(fresh.get('global/pg_control'));
    } finally {
      execFileSync('umount', [mount]);
    }
  });
});
