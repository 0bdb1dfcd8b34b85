import { execFile } from 'node:child_process';
import { chmod, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('a restored production whose server does not start, for what its new machine lacks', () => {
  let directory: string;
  let sockets: string;
  let cluster: TestCluster;
  let config: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    sockets = path.join(directory, 'sockets');
    await makeSockets();
    cluster = await startTestCluster({ major: 16, provider: 'embedded', settings: { unix_socket_directories: sockets } });
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
    const sql = postgres(cluster.url(), { max: 1 });
    await sql.unsafe('create table sale as select 1 as n');
    await sql.end();
    await backUp(cluster, await makeRepository(path.join(directory, 'repository')));
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  async function makeSockets(): Promise<void> {
    await mkdir(sockets);
    await chmod(directory, 0o755);
    await chmod(sockets, 0o1777);
  }

  test('says how it goes on once that is there, and does', async () => {
    await cluster.crash();
    await rm(sockets, { recursive: true });
    const words = ['restore', '--to-latest', '--into', cluster.dataDirectory ?? '', '--as', 'production', '--delta', '--start', '--yes'];
    const { status, stderr } = await runCommand([...words, '--config', config]);
    expect(`${status} ${stderr}`).toMatch(/^1 [^]*did not start[^]*could not create lock file/);
    const way =
      /When what it says is mended, (.* start) goes on with its recovery, and opens it\. To begin anew: restore again, with --delta\./;
    const [, start = 'false'] = way.exec(stderr) ?? [stderr];
    await makeSockets();
    await promisify(execFile)('sh', ['-c', `${start} -w -l /dev/null`]);
    const sql = postgres(cluster.url(), { max: 1 });
    expect(await sql`select n from sale`).toEqual([{ n: 1 }]);
    await sql.end();
  });
});
