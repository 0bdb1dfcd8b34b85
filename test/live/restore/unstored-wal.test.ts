import { mkdir, readdir, readFile, rename, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { inspectRunning } from '../../../src/backup/adopt/inspect.ts';
import { applyRestore } from '../../../src/backup/restore/apply.ts';
import { placeAside } from '../../../src/backup/restore/unstored-wal-inspect.ts';
import { makeAside, moveAside } from '../../../src/backup/restore/unstored-wal-apply.ts';
import { parseLsn } from '../../../src/postgres/lsn.ts';
import { isSegmentName, segmentName } from '../../../src/postgres/segment.ts';
import { stopCluster } from '../../../src/postgres/server.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { preflightOf } from '../../backup/preflight.ts';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, startReceiver } from '../../backup/repository.ts';
import { waitUntilStored } from '../../backup/stored.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('a cluster goes on while its repository is away, and crashes', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;
  let repository: Repository;
  const dataDirectory = (): string => cluster.dataDirectory ?? '';
  const dbadmin = async (...args: string[]): Promise<{ status: number | null; output: string; stdout: string }> => {
    const { status, stdout, stderr } = await runCommand([...args, '--config', config]);
    return { status, stdout, output: `${stdout}${stderr}` };
  };
  const over = ['--as', 'production', '--delta', '--start', '--yes'];
  const restoreOver = async (...words: string[]): ReturnType<typeof dbadmin> =>
    await dbadmin('restore', ...(words.includes('--to') ? [] : ['--to-latest']), '--into', dataDirectory(), ...over, ...words);
  const sales = async (): Promise<unknown> => {
    const sql = postgres(cluster.url(), { max: 1 });
    const [row] = await sql`select array_agg(n order by n) as sales from sale`;
    await sql.end();
    return row?.['sales'];
  };
  const asides = async (): Promise<readonly string[]> => {
    const parent = path.dirname(dataDirectory());
    return (await readdir(parent))
      .filter((name) => name.startsWith(`${path.basename(dataDirectory())}.pg_wal-`))
      .map((name) => path.join(parent, name));
  };
  /** The moment of the last commit that is stored. */
  let storedAt: string;

  beforeEach(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded', settings: { archive_mode: 'on', archive_command: 'true' } });
    repository = await makeRepository(path.join(directory, 'repository'));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe('create table sale (n int); insert into sale values (1)');
    const receiver = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    await sql.unsafe('insert into sale values (2)');
    const [at] = await sql<{ lsn: string; now: Date }[]>`select pg_current_wal_lsn()::text as lsn, clock_timestamp() as now`;
    storedAt = at?.now.toISOString() ?? '';
    await waitUntilStored(repository, parseLsn(at?.lsn ?? ''));
    await sql.unsafe('insert into sale values (3)');
    const [next] = await sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`;
    await waitUntilStored(repository, parseLsn(next?.lsn ?? ''));
    await receiver.stop();
    await sql.unsafe('insert into sale values (4); select pg_switch_wal();');
    await sql.unsafe('insert into sale values (5)');
    await sql.unsafe('select pg_switch_wal()');
    await sql.unsafe('checkpoint');
    await sql.unsafe('insert into sale values (6)');
    await sql.end();
  });
  afterEach(async () => {
    for (const each of cluster === undefined ? [] : await asides()) await removeDirectory(each);
    await cluster?.stop();
    await removeDirectory(directory);
  });

  test('a restore over it of everything is refused until its WAL is stored, and then nothing is lost', async () => {
    await cluster.crash();
    const segments = (await readdir(path.join(dataDirectory(), 'pg_wal'))).sort();
    const refused = await restoreOver();
    expect(`${refused.status} ${refused.output}`).toMatch(/^1 /);
    expect(refused.output).toContain('holds commits that the repository does not have');
    expect(refused.output).toMatch(
      /has 3 segments that the repository has not to the end: 0\/\w+ → 0\/\w+ on timeline 1, with commits from \d{4}-/,
    );
    expect(refused.output).toContain(`dbadmin wal salvage ${dataDirectory()}`);
    expect((await readdir(path.join(dataDirectory(), 'pg_wal'))).sort()).toEqual(segments);
    // In a container the postmaster that crashed was the first process, and so is who looks after it.
    await writeFile(path.join(dataDirectory(), 'postmaster.pid'), '1\n');
    const salvaged = await dbadmin('wal', 'salvage', dataDirectory());
    expect(`${salvaged.status} ${salvaged.output}`).toMatch(/^0 local: WAL of timeline 1 stored from 0\/\w+ to 0\/\w+, 3 segments/);
    const again = await dbadmin('wal', 'salvage', dataDirectory());
    expect(`${again.status} ${again.output}`).toMatch(/^0 local: nothing to store/);
    const aside = await dbadmin('wal', 'salvage', path.dirname(dataDirectory()));
    expect(`${aside.status} ${aside.output}`).toMatch(/^1 error: there is no WAL in /);
    const restored = await restoreOver();
    expect(`${restored.status} ${restored.output}`).toMatch(/^0 /);
    expect(await sales()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await asides()).toEqual([]);
  });

  test('what was salvaged of its open segment does not stand in the way when it is started and goes on after all', async () => {
    await cluster.crash();
    expect((await dbadmin('wal', 'salvage', dataDirectory())).status).toBe(0);
    await cluster.restart();
    expect((await dbadmin('wal', 'salvage', dataDirectory())).output).toContain('a server runs in');
    const sql = postgres(cluster.url(), { max: 1 });
    await sql.unsafe('insert into sale values (7)');
    const [open] = await sql<{ name: string }[]>`select pg_walfile_name(pg_current_wal_lsn()) as name`;
    await sql.unsafe('select pg_switch_wal()');
    await sql.end();
    const pushed = await dbadmin('wal', 'push', path.join(dataDirectory(), 'pg_wal', open?.name ?? ''), '--json');
    expect(JSON.parse(pushed.stdout)).toMatchObject({ result: 'stored' });
  });

  test('without it, and to a moment before, it is moved aside and can be stored later', async () => {
    await cluster.crash();
    const planned = await restoreOver('--without-unstored-wal', '--dry-run', '--json');
    expect(JSON.parse(planned.stdout)).toMatchObject({
      preflight: {
        unstoredWal: {
          stretches: [{ timeline: 1, segments: 3 }],
          holdsCommits: true,
          commitsFrom: expect.stringMatching(/^\d{4}-/),
          movedTo: expect.stringContaining(`${dataDirectory()}.pg_wal-`),
        },
      },
    });
    expect(await asides()).toEqual([]);
    const without = await restoreOver('--without-unstored-wal');
    expect(`${without.status} ${without.output}`).toMatch(/^0 /);
    expect(without.output).toMatch(/kept {7}that WAL \(.*\) is moved to .*\.pg_wal-\d{8}T\d{6}Z, not deleted/);
    expect(await sales()).toEqual([1, 2, 3]);
    const [aside = '', ...others] = await asides();
    expect(others).toEqual([]);
    expect((await readdir(aside)).filter((name) => name.startsWith('0000000100'))).toHaveLength(3);
    const salvaged = await dbadmin('wal', 'salvage', aside);
    expect(`${salvaged.status} ${salvaged.output}`).toMatch(/^0 local: WAL of timeline 1 stored from/);
    const clone = await dbadmin(
      'restore',
      '--to-latest',
      '--timeline',
      '1',
      '--into',
      path.join(directory, 'clone'),
      '--start',
      '--json',
      '--yes',
    );
    expect(clone.status, clone.output).toBe(0);
    const port = (JSON.parse(clone.stdout) as { restored: { port: number } }).restored.port;
    const sql = postgres({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres', max: 1 });
    const [row] = await sql`select array_agg(n order by n) as sales from sale`;
    expect(row?.['sales']).toEqual([1, 2, 3, 4, 5, 6]);
    await sql.unsafe('insert into sale values (100)');
    await sql.end();
    // A clone's own commits are nobody's data: it is made anew without a word.
    if (cluster.programs !== undefined) await stopCluster(cluster.programs, path.join(directory, 'clone'), 'immediate');
    const anew = ['restore', '--to-latest', '--timeline', '1', '--into', path.join(directory, 'clone'), '--delta', '--dry-run', '--json'];
    expect(JSON.parse((await dbadmin(...anew)).stdout)).toMatchObject({ preflight: { unstoredWal: null } });
  });

  test('a clone that somebody goes on with, and whose WAL is received, is a cluster like any other', async () => {
    await cluster.crash();
    const clone = path.join(directory, 'clone');
    const restoreClone = async (...words: string[]): ReturnType<typeof dbadmin> =>
      await dbadmin('restore', '--to-latest', '--into', clone, '--start', '--json', '--yes', ...words);
    const portOf = (stdout: string): number => (JSON.parse(stdout) as { restored: { port: number } }).restored.port;
    const made = await restoreClone();
    expect(made.status, made.output).toBe(0);
    const at = { hosts: [{ host: '127.0.0.1', port: portOf(made.stdout) }] };
    const receiver = startReceiver({ ...cluster, parameters: () => ({ ...cluster.parameters(), ...at }) }, repository);
    const sql = postgres({ host: '127.0.0.1', port: portOf(made.stdout), user: 'postgres', database: 'postgres', max: 1 });
    await sql.unsafe('insert into sale values (100)');
    const [row] = await sql<{ lsn: string }[]>`select pg_current_wal_lsn()::text as lsn`;
    await waitUntilStored(repository, parseLsn(row?.lsn ?? ''));
    await receiver.stop();
    const running = { ...cluster.parameters(), ...at };
    expect(await inspectRunning(running, running, 'dbadmin')).toMatchObject({ timeline: 2, isClone: true });
    await sql.unsafe('insert into sale values (101)');
    await sql.end();
    if (cluster.programs !== undefined) await stopCluster(cluster.programs, clone, 'immediate');
    const refused = await restoreClone('--delta');
    expect(`${refused.status} ${refused.output}`).toMatch(/^1 [^]*clone holds commits that the repository does not have/);
    const salvaged = await dbadmin('wal', 'salvage', clone);
    expect(`${salvaged.status} ${salvaged.output}`).toMatch(/^0 local: WAL of timeline 2 stored from/);
    const again = await restoreClone('--delta');
    expect(again.status, again.output).toBe(0);
    const restored = postgres({ host: '127.0.0.1', port: portOf(again.stdout), user: 'postgres', database: 'postgres', max: 1 });
    expect(await restored`select array_agg(n order by n) as sales from sale`).toEqual([{ sales: [1, 2, 3, 100, 101] }]);
    await restored.unsafe('insert into sale values (102)');
    await restored.end();
    if (cluster.programs !== undefined) await stopCluster(cluster.programs, clone, 'immediate');
    // Nobody went on with this one: what is stored of its pg_wal is the original's.
    const anew = await dbadmin('restore', '--to-latest', '--into', clone, '--delta', '--dry-run', '--json');
    expect(JSON.parse(anew.stdout)).toMatchObject({ preflight: { unstoredWal: null } });
    expect((await dbadmin('wal', 'salvage', clone)).output).toContain('is a restored clone');
  });

  test('what a new timeline has from the one before counts as stored, and only what was committed on it is asked for', async () => {
    await cluster.crash();
    const early = await restoreOver('--to', storedAt);
    expect(`${early.status} ${early.output}`).toMatch(/^0 /);
    expect(await sales()).toEqual([1, 2]);
    await cluster.crash();
    const latest = await restoreOver();
    expect(`${latest.status} ${latest.output}`).toMatch(/^0 /);
    expect(await sales()).toEqual([1, 2, 3]);
    const sql = postgres(cluster.url(), { max: 1 });
    await sql.unsafe('insert into sale values (7)');
    await sql.end();
    await cluster.crash();
    const refused = await restoreOver();
    expect(`${refused.status} ${refused.output}`).toMatch(/^1 [^]*with --timeline 1 [^]* or --timeline 2 /);
    expect((await dbadmin('wal', 'salvage', dataDirectory())).status).toBe(0);
    const along = await restoreOver('--timeline', '2');
    expect(`${along.status} ${along.output}`).toMatch(/^0 /);
    expect(await sales()).toEqual([1, 2, 3, 7]);
  });

  test('a restore that is interrupted while it moves WAL leaves no cluster that starts on a part of it, and is finished', async () => {
    await cluster.crash();
    const preflight = await preflightOf(repository, dataDirectory(), { delta: true, withoutUnstoredWal: true });
    const { state } = preflight;
    if (state.kind === 'empty' || state.unstored === undefined) throw new Error('the cluster has WAL that is nowhere else');
    const [first = '', second = ''] = state.unstored.files;
    const broken = { ...preflight, state: { ...state, unstored: { ...state.unstored, files: [first, 'not there'] } } };
    const options = {
      port: 1,
      clusterName: 'main',
      action: 'promote',
      programs: cluster.programs,
      owner: cluster.programs?.runAs,
    } as const;
    const signal = new AbortController().signal;
    const applied = applyRestore({ ...options, preflight: broken, signal, onProgress: () => undefined });
    await expect(applied).rejects.toMatchObject({ code: 'file-unwritable', hint: expect.stringContaining('does not start until') });
    expect(await readdir(path.join(dataDirectory(), 'global'))).not.toContain('pg_control');
    expect(await readdir(path.join(dataDirectory(), 'pg_wal'))).toContain(second);
    expect(await readdir(state.unstored.aside)).toContain(first);
    // What a restore moved aside within pg_wal, since that is a mount point, is not another one's to take away.
    const inner = path.join(dataDirectory(), 'pg_wal', 'dbadmin-unstored-20261122T100000Z');
    await mkdir(inner);
    await writeFile(path.join(inner, second), 'WAL');
    const finished = await restoreOver('--without-unstored-wal');
    expect(`${finished.status} ${finished.output}`).toMatch(/^0 /);
    expect(await sales()).toEqual([1, 2, 3]);
    expect(await readFile(path.join(inner, second), 'utf8')).toBe('WAL');
    expect(await asides()).toEqual([state.unstored.aside]);
    expect(await readdir(state.unstored.aside)).toEqual(expect.arrayContaining([...state.unstored.files]));
    expect(await placeAside('/dev/shm', '/dev/shm')).toMatch(/^\/dev\/shm\/dbadmin-unstored-\d/);
  });

  test('a segment that the disk does not give is moved as one that may hold commits, and ends no restore', async () => {
    await cluster.crash();
    const wal = path.join(dataDirectory(), 'pg_wal');
    const preflight = await dbadmin(
      'restore',
      '--to-latest',
      '--into',
      dataDirectory(),
      ...over,
      '--dry-run',
      '--without-unstored-wal',
      '--json',
    );
    const { unstoredWal } = (JSON.parse(preflight.stdout) as { preflight: { unstoredWal: { stretches: { fromLsn: string }[] } } })
      .preflight;
    const bytes = 16 * 1024 * 1024;
    const third = segmentName(1, parseLsn(unstoredWal.stretches[0]?.fromLsn ?? '') + 2n * BigInt(bytes), bytes);
    // A link that leads to itself: reading it fails, as of a bad sector.
    await rm(path.join(wal, third));
    await symlink(third, path.join(wal, third));
    const salvaged = await dbadmin('wal', 'salvage', dataDirectory());
    expect(`${salvaged.status} ${salvaged.output}`).toMatch(/^3 [^]*2 segments; it cannot be read from there on, and 1 more/);
    expect((await restoreOver()).output).toMatch(/has 1 segment that the repository has not to the end: .*, with commits;/);
    const without = await restoreOver('--without-unstored-wal');
    expect(`${without.status} ${without.output}`).toMatch(/^0 /);
    expect(await sales()).toEqual([1, 2, 3, 4, 5]);
    const [aside = ''] = await asides();
    expect(await readdir(aside)).toContain(third);
  });

  test('where pg_wal is a link, it is moved beside what the link leads to', async () => {
    await cluster.crash();
    const outside = path.join(path.dirname(dataDirectory()), 'outside');
    await mkdir(outside);
    await rename(path.join(dataDirectory(), 'pg_wal'), path.join(outside, 'pg_wal'));
    await symlink(path.join(outside, 'pg_wal'), path.join(dataDirectory(), 'pg_wal'));
    await rename(path.join(outside, 'pg_wal'), path.join(outside, 'away'));
    await mkdir(path.join(outside, 'pg_wal'));
    const away = await restoreOver('--dry-run');
    expect(`${away.status} ${away.output}`).toMatch(/^0 [^]*its last checkpoint is at 0\/\w+, and neither its pg_wal nor the repository/);
    await rmdir(path.join(outside, 'pg_wal'));
    await rename(path.join(outside, 'away'), path.join(outside, 'pg_wal'));
    const before = await restoreOver('--to', storedAt);
    expect(before.output).not.toContain('neither its pg_wal');
    expect(`${before.status} ${before.output}`).toMatch(/^0 /);
    expect(before.output).toContain('not deleted');
    expect(await sales()).toEqual([1, 2]);
    const aside = (await readdir(outside)).find((name) => name.startsWith('pg_wal-')) ?? '';
    const moved = (await readdir(path.join(outside, aside))).filter(isSegmentName).sort();
    expect(await readFile(path.join(outside, aside, 'README.txt'), 'utf8')).toContain(`the cluster that was in ${dataDirectory()}`);
    expect(moved).toHaveLength(3);
    // A place on another filesystem (which the one of the tests' repositories mostly is) gets them byte by byte.
    const first = await readFile(path.join(outside, aside, moved[0] ?? ''));
    const elsewhere = {
      dataDirectory: '',
      directory: path.join(outside, aside),
      aside: path.join(directory, 'aside'),
      isBegun: false,
      files: moved,
    };
    const unstored = { ...elsewhere, stretches: [] as never, histories: [], acknowledged: undefined, sizeBytes: 0, storedLsn: undefined };
    await makeAside(unstored, undefined);
    await moveAside(unstored, undefined);
    expect((await readdir(elsewhere.aside)).filter(isSegmentName).sort()).toEqual(moved);
    expect((await readFile(path.join(elsewhere.aside, moved[0] ?? ''))).equals(first)).toBe(true);
    expect((await readdir(elsewhere.directory)).filter(isSegmentName)).toEqual([]);
  });
});
