import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRepository } from '../../../src/repository/repository.ts';
import { openDiskStore } from '../../../src/storage/disk.ts';
import { hashOfRows, takeByCommand } from '../../backup/by-command.ts';
import { writeConfig, type CommandEnd } from '../../backup/command.ts';
import { flipBit } from '../../backup/flip-bit.ts';
import { runInProcess } from '../../backup/in-process.ts';
import { makeDirectory, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const BLOCK = 12;

interface Listed {
  readonly label: string;
  readonly parent: string | null;
  readonly damage: string | null;
}

describe.each([...drawn(import.meta.filename, [14, 16]), 18])('PostgreSQL %i: a page that went bad on the source', (major) => {
  let cluster: TestCluster;
  let sql: postgres.Sql;
  let directory: string;
  let place: string;
  let config: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    place = path.join(directory, 'repository');
    const settings = { autovacuum: 'off', ...(major >= 17 ? { summarize_wal: 'on' } : {}) };
    cluster = await startTestCluster({ major, provider: 'embedded', checksums: true, settings });
    sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
    config = await writeConfig(directory, cluster, place);
    // One sound backup is all that the rules keep: one that counted as sound would let it go.
    const policy = '{ cluster: main, repositories: [local], base: { full: { cron: "0 2 * * *" } }, retention: { keep: { last: 1 } } }';
    await mkdir(path.join(directory, 'backups'));
    await writeFile(path.join(directory, 'backups', 'policies.yaml'), `version: 1\npolicies:\n  main: ${policy}\n`);
    await dbadmin('backup', 'init');
  });

  afterAll(async () => {
    await sql.end();
    await cluster.stop();
    await removeDirectory(directory);
  });

  const dbadmin = async (...args: readonly string[]): Promise<CommandEnd> =>
    await runInProcess([...args, '--config', config, '--yes'], { DBADMIN_SCRATCH: directory, XDG_STATE_HOME: directory });

  const listed = async (): Promise<readonly Listed[]> =>
    (JSON.parse((await dbadmin('backup', 'list', '--json')).stdout) as { readonly backups: readonly Listed[] }).backups;

  test('ends the run with 3 and names file and block; that backup counts for nothing, and nothing is built on it', async () => {
    const repository = await openRepository(await openDiskStore(place), { kind: 'none' });
    const receiver = startReceiver(cluster, repository);
    await sql`create table cold as select g, repeat(md5(g::text), 10) as t from generate_series(1, 5000) g`;
    await sql`create table warm as select g as n from generate_series(1, 5000) g`;
    await sql`vacuum freeze`;
    await sql`checkpoint`;
    const right = await hashOfRows(cluster.url(), 'cold');
    const sound = await takeByCommand(dbadmin, 'full');
    expect(sound.end.status, sound.end.stderr).toBe(0);

    const file = await flipBit(cluster, sql, 'cold', BLOCK);
    const bad = await takeByCommand(dbadmin, 'full');
    expect(bad.end.status, bad.end.stderr).toBe(3);
    expect(bad.end.stdout).toContain('page checksums FAILED');
    expect(bad.end.stderr).toContain(`checksum verification failed in file "./${file}", block ${BLOCK}`);
    expect(bad.end.stderr).toContain('The backup is kept as damaged');
    expect(bad.end.stdout).not.toContain('restorable on its own');
    expect(await listed()).toMatchObject([
      { label: sound.label, damage: null },
      { label: bad.label, damage: expect.stringContaining('checksum verification failure') },
    ]);
    expect((await dbadmin('backup', 'list')).stdout).toMatch(new RegExp(`${bad.label}.*damaged`));

    // While the page is bad: before 17 every page is read each time, and the next says the same.
    await sql`update warm set n = n + 1`;
    const next = await takeByCommand(dbadmin, 'incremental');
    expect(next.end.stdout).toContain(`incremental on ${sound.label}`);
    expect(next.end.status, next.end.stderr).toBe(major >= 17 ? 0 : 3);

    const newest = major >= 17 ? next : sound;
    const dry = await dbadmin('restore', '--into', path.join(directory, 'none'), '--to-latest', '--dry-run', '--json');
    expect(JSON.parse(dry.stdout)).toMatchObject({ preflight: { backup: newest.label } });
    const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, 'clone') });
    expect(clone.preflight.resolution.backup.label).toBe(newest.label);
    expect(await hashOfRows(clone.url, 'cold')).toBe(right);
    await clone.stop();

    await flipBit(cluster, sql, 'cold', BLOCK);
    const mended = await takeByCommand(dbadmin, 'incremental');
    expect(mended.end).toMatchObject({ status: 0, stdout: expect.stringContaining(`incremental on ${newest.label}`) });
    await receiver.stop();
    await repository.store.close();
  });
});
