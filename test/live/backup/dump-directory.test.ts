import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { checkSpools } from '../../../src/backup/check/spools-inspect.ts';
import { inspectDumpSource, type DumpSource } from '../../../src/backup/dump/inspect.ts';
import type { LeftSpool } from '../../../src/backup/dump/left-spools-inspect.ts';
import { restoreFromFile } from '../../../src/backup/dump/pg-dump-restore.ts';
import { restoreDump } from '../../../src/backup/dump/restore-run.ts';
import { inspectSpoolRoom } from '../../../src/backup/dump/spool-room-inspect.ts';
import { takeDump, type DumpRequest } from '../../../src/backup/dump/run.ts';
import { readDumpManifest } from '../../../src/backup/dump/stored-dump.ts';
import { copyDumps } from '../../../src/backup/sync/dump-copy-run.ts';
import { UncopiedList } from '../../../src/backup/sync/uncopied-run.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { dumpRequest, findDumpPrograms, type DumpPrograms } from '../../backup/dump-request.ts';
import { makeMemoryRepository } from '../../backup/memory-repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const programs = await findDumpPrograms();
const QUERY = `select (select md5(string_agg(p::text, ',' order by id)) from play p) as play,
  (select md5(string_agg(m::text, ',' order by id)) from more m) as more, (select count(*)::int from pg_largeobject_metadata) as objects`;

describe.skipIf(programs === undefined)('a dump in the directory format', () => {
  const { pgDump, pgRestore } = programs as DumpPrograms;
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let source: DumpSource;
  let spoolDirectory: string;

  beforeAll(async () => {
    cluster = await startTestCluster({ major: Math.min(pgDump.major, 18) });
    const admin = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await admin`create database music`;
    await admin.end();
    sql = postgres(cluster.url('music'), { max: 3, onnotice: () => undefined });
    await sql.unsafe(`create table play (id int primary key, track text); create table more (id int primary key, track text);
      create table empty (id int);
      insert into play select i, md5(i::text) from generate_series(1, 20000) i; insert into more select i, md5(i::text) from generate_series(1, 500) i;
      select lo_from_bytea(0, 'one'), lo_from_bytea(0, 'two')`);
    source = await inspectDumpSource(cluster.parameters());
    spoolDirectory = await mkdtemp(path.join(os.tmpdir(), 'dump-directory-'));
  });

  afterAll(async () => {
    await sql.end({ timeout: 1 });
    await cluster.stop();
    await rm(spoolDirectory, { recursive: true, force: true });
  });

  function request(repository: Repository, changes: Partial<DumpRequest> = {}): DumpRequest {
    const parameters = cluster.parameters();
    const wanted = {
      repository,
      source,
      parameters,
      databases: ['music'],
      spoolDirectory,
      format: 'directory',
      jobs: 3,
      ...changes,
    } as const;
    return dumpRequest(programs as DumpPrograms, wanted);
  }

  async function contentOf(database: string): Promise<unknown> {
    const other = postgres(cluster.url(database), { max: 1 });
    try {
      return await other.unsafe(QUERY);
    } finally {
      await other.end();
    }
  }

  test.each([false, true])('comes back row by row, large objects too, under a new name (encrypted: %s)', async (encrypted) => {
    const repository = await makeMemoryRepository(encrypted);
    const { label } = await takeDump(request(repository));
    const manifest = await readDumpManifest(repository, '1/', label);
    const copy = await makeMemoryRepository(!encrypted);
    const { signal } = new AbortController();
    const uncopied = new UncopiedList(repository);
    expect(await copyDumps({ from: repository, to: copy, systemIdentifier: '1', uncopied, signal })).toEqual([label]);
    expect(manifest).toMatchObject({
      format: 3,
      databases: [{ database: 'music', format: 'directory', key: `1/dumps/${label}/music.tar` }],
    });
    const name = `again_${encrypted}`;
    const restore = {
      repository,
      manifest,
      databases: new Map([['music', name]]),
      globals: true,
      parameters: cluster.parameters(),
      program: pgRestore,
      jobs: 2,
      env: process.env,
      spoolDirectory,
      signal,
    };
    await restoreDump(restore);
    const copied = await readDumpManifest(copy, '1/', label);
    await restoreDump({ ...restore, repository: copy, manifest: copied, databases: new Map([['music', `${name}_copy`]]) });
    expect(await contentOf(`${name}_copy`)).toEqual(await contentOf('music'));
    expect(await contentOf(name)).toEqual(await contentOf('music'));
    expect(await readdir(spoolDirectory)).toEqual([]);
  });

  test('is an archive that tar and pg_restore read with nothing of ours', async () => {
    const repository = await makeMemoryRepository(false);
    const { databases } = await takeDump(request(repository));
    const file = path.join(spoolDirectory, 'music.tar');
    const directory = path.join(spoolDirectory, 'music');
    await writeFile(file, await repository.store.read(databases[0]?.key ?? ''));
    expect((await stat(file)).size).toBe(databases[0]?.sizeBytes);
    await mkdir(directory);
    const { stderr } = await promisify(execFile)('tar', ['-xf', file, '-C', directory]);
    expect(stderr).toBe('');
    expect(await readdir(directory)).toContain('toc.dat');
    await sql`create database by_hand`;
    await restoreFromFile({ program: pgRestore, parameters: cluster.parameters('by_hand'), env: process.env }, directory, {
      format: 'directory',
      exitOnError: true,
    });
    expect(await contentOf('by_hand')).toEqual(await contentOf('music'));
    for (const each of [file, directory]) await rm(each, { recursive: true });
  });

  /** Calls `during` while pg_dump, which has its snapshot by then, waits for a table. */
  async function whileItWaits(during: () => Promise<void>): Promise<void> {
    const holder = await sql.reserve();
    try {
      await holder.unsafe('begin; lock table empty in access exclusive mode');
      await expect
        .poll(async () => await sql`select 1 from pg_locks where not granted and relation = 'empty'::regclass`, { timeout: 30_000 })
        .toHaveLength(1);
      await during();
    } finally {
      await holder.unsafe('rollback');
      holder.release();
    }
  }

  test('is of one moment, though several connections read it', async () => {
    const repository = await makeMemoryRepository(false);
    const before = await contentOf('music');
    const waiting = whileItWaits(async () => {
      await sql.begin(async (change) => await change.unsafe('delete from play where id = 1; delete from more where id = 1'));
    });
    const [{ label }] = await Promise.all([takeDump(request(repository)), waiting]);
    await restoreDump({
      repository,
      manifest: await readDumpManifest(repository, '1/', label),
      databases: new Map([['music', 'one_moment']]),
      globals: false,
      parameters: cluster.parameters(),
      program: pgRestore,
      jobs: 1,
      env: process.env,
      spoolDirectory,
      signal: new AbortController().signal,
    });
    expect(await contentOf('music')).not.toEqual(before);
    expect(await contentOf('one_moment')).toEqual(before);
  });

  test.each(['directory', 'custom'] as const)(
    'that is interrupted leaves no pg_dump, nothing in the spool, and no object: %s',
    async (format) => {
      const repository = await makeMemoryRepository(false);
      const controller = new AbortController();
      const dumping = takeDump(
        request(repository, { signal: controller.signal, ...(format === 'custom' ? { format, jobs: 1 } : {}) }),
      ).catch((error: unknown) => error);
      await whileItWaits(async () => {
        controller.abort(new Error('stopped'));
        expect(await dumping).toMatchObject({ message: 'stopped' });
        expect(await readdir(spoolDirectory)).toEqual([]);
        await expect.poll(async () => await sql`select 1 from pg_locks where not granted`, { timeout: 10_000 }).toEqual([]);
      });
      const keys: string[] = [];
      for await (const { key } of repository.store.list('1/dumps/')) keys.push(key);
      expect(keys).toEqual([]);
    },
  );

  test('that fails says how many connections it takes', async () => {
    const repository = await makeMemoryRepository(false);
    await expect(takeDump(request(repository, { databases: ['gone'], jobs: 4 }))).rejects.toMatchObject({
      code: 'program-failed',
      detail: expect.stringContaining('database "gone" does not exist'),
      hint: expect.stringContaining('takes 5 connections at once'),
    });
    expect(await readdir(spoolDirectory)).toEqual([]);
  });

  test.skipIf(process.getuid?.() !== 0)('on a disk that is full says so, and where else it can lie', async () => {
    const full = await mkdtemp(path.join(spoolDirectory, 'full-'));
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', full]);
    try {
      await expect(takeDump(request(await makeMemoryRepository(false), { spoolDirectory: full }))).rejects.toMatchObject({
        code: 'storage-full',
        hint: expect.stringContaining('--spool'),
      });
      expect(await readdir(full)).toEqual([]);
    } finally {
      await promisify(execFile)('umount', [full]);
      await rm(full, { recursive: true });
    }
  });

  test('into a spool that is not there is refused by its name', async () => {
    const missing = path.join(spoolDirectory, 'missing');
    await expect(takeDump(request(await makeMemoryRepository(), { spoolDirectory: missing }))).rejects.toMatchObject({
      code: 'file-unwritable',
      message: `nothing can be laid down in ${missing}`,
    });
  });

  test('asks for the size of a database however long its role may ask', async () => {
    const admin = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await admin`create role hurried login superuser`;
    await admin`alter role hurried set statement_timeout = 1`;
    await admin.end();
    const room = await inspectSpoolRoom(cluster.parameters('postgres', 'hurried'), ['music'], spoolDirectory);
    expect(room).toMatchObject({ database: 'music' });
    expect(room.sizeBytes).toBeGreaterThan(1e6);
  });

  test('takes away what a killed one left in the spool, and nothing else; names what may be left', async () => {
    const parent = await mkdtemp(path.join(spoolDirectory, 'kill-'));
    const script = `const { makeSpool } = await import(${JSON.stringify(new URL('../../../src/backup/dump/spool-run.ts', import.meta.url).href)});
      console.log(await makeSpool(process.argv[1], 'dump')); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, parent], { stdio: ['ignore', 'pipe', 'ignore'] });
    const left = await new Promise<string>((resolve) => child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim())));
    onTestFinished(() => void child.kill('SIGKILL'));
    await writeFile(path.join(left, 'rows'), 'rows');
    // Of before the machine was started again, or of another container.
    const other = path.join(parent, 'dbadmin-dump-abcdef');
    await mkdir(other);
    await writeFile(path.join(other, 'owner'), (await readFile(path.join(left, 'owner'), 'utf8')).replace(/^[^/]+/, '0'.repeat(36)));
    await writeFile(path.join(other, 'rows'), randomBytes(100_000));
    const removed: string[] = [];
    const named: LeftSpool[] = [];
    const onLeft = (spools: readonly LeftSpool[]): unknown => named.push(...spools);
    const onRemoved = (spools: readonly string[]): unknown => removed.push(...spools);
    await takeDump(request(await makeMemoryRepository(false), { spoolDirectory: parent, onRemoved, onLeft }));
    expect(removed).toEqual([]);
    expect(named.splice(0)).toEqual([{ path: other, sizeBytes: expect.any(Number), ageMs: expect.any(Number), hasEnded: false }]);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    const checked = await checkSpools([parent, parent], new Date());
    expect(checked).toMatchObject([{ what: `spool ${parent}`, state: 'note', fix: expect.stringContaining(`rm -r ${other}\nthe next`) }]);
    for (const each of [left, `${other} (`]) expect(checked[0]?.detail).toContain(each);
    await takeDump(request(await makeMemoryRepository(false), { spoolDirectory: parent, onRemoved, onLeft }));
    expect(removed).toEqual([left]);
    expect(named.map((each) => each.path)).toEqual([other]);
    expect(named[0]?.sizeBytes).toBeGreaterThanOrEqual(100_000);
    expect(await readdir(parent)).toEqual(['dbadmin-dump-abcdef']);
    await rm(parent, { recursive: true });
  });
});
