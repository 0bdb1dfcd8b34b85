import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { backUp, makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

describe('a place in which no server can be started is refused before anything is laid down', () => {
  let directory: string;
  let cluster: TestCluster;
  let config: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    await backUp(cluster, await makeRepository(path.join(directory, 'repository')));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });

  const restore = async (name: string, ...words: readonly string[]): Promise<string> => {
    const into = name === '' ? '' : path.join(directory, name);
    const { status, stdout, stderr } = await runCommand(['restore', '--to-latest', '--into', into, ...words, '--yes', '--config', config]);
    if (into !== '') expect(existsSync(into)).toBe(false);
    return `${status} ${stdout}${stderr}`;
  };

  test('a port that a server has, or that there is none of', async () => {
    const port = String(cluster.parameters().hosts[0]?.port);
    expect(await restore('busy', '--start', '--port', port)).toMatch(
      new RegExp(`^1 error: port ${port} of 127\\.0\\.0\\.1 is in use[^]*--port`),
    );
    expect(await restore('busy', '--port', '65536')).toMatch(/^64 error: --port takes a number from 1 to 65535/);
    expect(await restore('busy', '--port', port, '--dry-run')).toMatch(/^0 /);
  });

  test.each(['$HOME', 'a"b', 'a`id`', 'a\\'])('a directory that the shell of pg_ctl takes for something else: %j', async (name) => {
    expect(await restore(name, '--start')).toMatch(/^64 error: no server can be started in /);
    expect(await restore(name, '--dry-run')).toMatch(/^0 /);
  });

  test('a directory that its configuration cannot hold, and none', async () => {
    expect(await restore('a\nb')).toMatch(/^64 error: no cluster can be in "/);
    expect(await restore('')).toMatch(/^64 error: restore needs a directory/);
  });
});
