import { chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { Secret } from '../../../src/base/secret.ts';
import { inspectLineage, readLineage } from '../../../src/backup/lineage-inspect.ts';
import { recoverableWindows } from '../../../src/backup/windows.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory, restore, startReceiver } from '../../backup/repository.ts';
import { waitUntilAllStored } from '../../backup/stored.ts';
import { runClientProgram } from '../../postgres/client-program.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { drawn } from '../../postgres/drawn.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

/** A directory on the server's machine for a tablespace. */
async function tablespaceDirectory(cluster: TestCluster, directory: string): Promise<string> {
  if (cluster.dataDirectory === undefined) {
    expect((await cluster.exec('sh', ['-c', 'mkdir -p /tmp/space']))?.status).toBe(0);
    return '/tmp/space';
  }
  const place = path.join(directory, 'space');
  await mkdir(place);
  if (cluster.programs?.runAs !== undefined) await chown(place, cluster.programs.runAs.uid, cluster.programs.runAs.gid);
  return place;
}

test.each([...drawn(import.meta.filename, [15, 16]), ...drawn(import.meta.filename, [17, 18])])(
  'PostgreSQL %i: a restored cluster with a tablespace passes pg_verifybackup, and its rows are there',
  async (major) => {
    const directory = await makeDirectory();
    const cluster = await startTestCluster({ major });
    try {
      const repository = await makeRepository(path.join(directory, 'repository'));
      const location = await tablespaceDirectory(cluster, directory);
      const sql = postgres(cluster.url(), { max: 1, onnotice: () => undefined });
      await sql.unsafe(`create tablespace space location '${location}'`);
      for (const statement of [
        'create table elsewhere tablespace space as select g from generate_series(1, 50000) g',
        'create database "Ünïcode name"',
        'create table big as select g, repeat(md5(g::text), 20) as t from generate_series(1, 5000) g',
      ]) {
        await sql.unsafe(statement);
      }
      await sql.end();
      await backUp(cluster, repository);
      const into = path.join(directory, 'clone');
      let verified: string | undefined;
      const clone = await restore({
        repository,
        target: { kind: 'latest' },
        into,
        tablespaces: new Map([[location, path.join(directory, 'moved')]]),
        beforeStart: async () => {
          const result = await runClientProgram(major, 'pg_verifybackup', ['-n', into], [directory]);
          if (result !== undefined) expect(result.status, result.stderr).toBe(0);
          verified = result === undefined ? 'no pg_verifybackup of this major on this machine' : result.stdout.trim();
        },
      });
      process.stderr.write(`pg_verifybackup ${major}: ${verified}\n`);
      const reader = postgres(clone.url, { max: 1 });
      const [row] = await reader<{ count: number; place: string; big: number }[]>`
      select (select count(*)::int from elsewhere) as count, pg_tablespace_location(oid) as place, (select count(*)::int from big) as big
      from pg_tablespace where spcname = 'space'`;
      expect(row).toEqual({ count: 50_000, place: path.join(directory, 'moved'), big: 5000 });
      await reader.end();
      await clone.stop();
    } finally {
      await cluster.stop();
      await removeDirectory(directory);
    }
  },
);

test('a promoted clone goes on on its own timeline, and both timelines can be restored', async () => {
  const directory = await makeDirectory();
  const cluster = await startTestCluster({ major: 17 });
  try {
    const repository = await makeRepository(path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1 });
    await sql`create table step (n int)`;
    const receiver = startReceiver(cluster, repository);
    await backUp(cluster, repository);
    await sql`insert into step values (1)`;
    await waitUntilAllStored(repository, sql);
    const second = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, 'second') });
    expect(second.started.timeline).toBe(2);
    await sql`insert into step values (-1)`;
    await waitUntilAllStored(repository, sql);
    await sql.end();
    await receiver.stop();

    const port = Number(new URL(second.url).port);
    const parameters: ConnectionParameters = {
      ...cluster.parameters(),
      hosts: [{ host: '127.0.0.1', port }],
      password: cluster.password === undefined ? undefined : new Secret(cluster.password),
    };
    const promoted = { ...cluster, parameters: () => parameters };
    const onward = startReceiver(promoted, repository);
    const writer = postgres(second.url, { max: 1 });
    await writer`insert into step values (2)`;
    await waitUntilAllStored(repository, writer);
    await onward.stop();
    await writer.end();

    const contents = await inspectLineage(repository, 'main');
    expect(recoverableWindows(contents, await readLineage(contents), contents.coverage)).toHaveLength(1);
    for (const [timeline, expected] of [
      [2, [1, 2]],
      [1, [-1, 1]],
    ] as const) {
      const clone = await restore({ repository, target: { kind: 'latest' }, into: path.join(directory, `timeline-${timeline}`), timeline });
      const reader = postgres(clone.url, { max: 1 });
      expect((await reader<{ n: number }[]>`select n from step order by n`).map(({ n }) => n)).toEqual(expected);
      expect(clone.started.timeline).toBe(3);
      await reader.end();
      await clone.stop();
    }
    await second.stop();
  } finally {
    await cluster.stop();
    await removeDirectory(directory);
  }
});
