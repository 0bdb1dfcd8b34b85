import { spawnSync, execFileSync } from 'node:child_process';
import { chown, mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectRestore } from '../../../src/backup/restore/inspect.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const ROWS = 2_000_000;

describe('room for a restore', () => {
  let directory: string;
  let cluster: TestCluster;
  let repository: Repository;
  let mounted: readonly string[] = [];
  const place = (name: string): string => path.join(directory, name);
  const onto = (into: string): ReadonlyMap<string, string> => new Map([[place('ts'), into]]);

  /** A filesystem of its own; false where none can be mounted. */
  async function disk(name: string, megabytes: number): Promise<boolean> {
    await mkdir(place(name));
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', place(name)]).status === 0;
    if (isMounted) mounted = [place(name), ...mounted];
    return isMounted;
  }

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 16, provider: 'embedded' });
    await mkdir(place('ts'));
    const runAs = cluster.programs?.runAs;
    if (runAs !== undefined) await chown(place('ts'), runAs.uid, runAs.gid);
    const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    await sql.unsafe(`create tablespace ts location '${place('ts')}'`);
    await sql.unsafe(`create table there tablespace ts as select g as id from generate_series(1, ${ROWS}) g`);
    await sql.end();
    repository = await makeRepository(place('repository'));
    await backUp(cluster, repository);
  });
  afterAll(async () => {
    await cluster?.stop();
    for (const each of mounted) execFileSync('umount', [each]);
    await removeDirectory(directory);
  });

  test('a tablespace that is mapped to another disk needs none where the data directory is', async (context) => {
    if (!(await disk('small', 115))) context.skip('a small tmpfs can only be mounted by root');
    const into = path.join(place('small'), 'data');
    await expect(inspectOf(into, new Map(), 'clone')).rejects.toMatchObject({
      code: 'storage-full',
      hint: expect.stringMatching(/--tablespace-map/),
    });
    // Drills, rehearsals and rescues of tables have no such option.
    await expect(inspectOf(into)).rejects.toMatchObject({ code: 'storage-full', hint: 'Free some space or restore elsewhere.' });
    const clone = await restore({ repository, target: { kind: 'immediate' }, into, tablespaces: onto(place('large')) });
    const sql = postgres(clone.url, { max: 1 });
    // Not all of them: hint bits are written as WAL, and the disk is small.
    expect(await sql`select id from there limit 1`).toEqual([{ id: 1 }]);
    await sql.end();
    await clone.stop();
    expect(clone.preflight.state.rooms).toMatchObject([{ directory: into }, { directory: place('large') }]);
  });

  test('the disk of a tablespace that is too small is found before anything is written', async (context) => {
    if (!(await disk('tiny', 10))) context.skip('a small tmpfs can only be mounted by root');
    const elsewhere = path.join(place('tiny'), 'ts');
    await expect(inspectOf(place('data'), onto(elsewhere))).rejects.toMatchObject({
      code: 'storage-full',
      message: `there is no room for the restore in ${elsewhere}`,
    });
  });

  test('the WAL for the recovery needs room beside a data directory that is a mount point', async (context) => {
    if (!(await disk('host', 10)) || !(await disk('host/data', 300))) context.skip('a small tmpfs can only be mounted by root');
    const into = place('host/data');
    await expect(inspectOf(into, onto(place('far')))).rejects.toMatchObject({
      code: 'storage-full',
      message: `there is no room for the restore in ${into}.wal`,
    });
    expect(await readdir(into)).toEqual([]);
  });

  async function inspectOf(
    dataDirectory: string,
    tablespaces: ReadonlyMap<string, string> = new Map(),
    purpose?: 'clone',
  ): Promise<unknown> {
    return await inspectRestore({
      repository,
      clusterName: 'main',
      systemIdentifier: undefined,
      target: { kind: 'immediate' },
      exclusive: false,
      backup: undefined,
      timeline: undefined,
      dataDirectory,
      tablespaces,
      ...(purpose === undefined ? {} : { purpose }),
    });
  }
});
