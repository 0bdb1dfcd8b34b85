import { existsSync } from 'node:fs';
import { chown, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireFreeProductionPort } from '../../../src/backup/restore/start-run.ts';
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
    expect(await restore('busy', '--port', '65536')).toMatch(/^64 error: --port takes a whole number from 1 to 65535/);
    expect(await restore('busy', '--port', port, '--dry-run')).toMatch(/^0 /);
  });

  test('the port of a production, where another server has it', async () => {
    const port = cluster.parameters().hosts[0]?.port;
    await expect(requireFreeProductionPort(Number(port), 'localhost')).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(`port ${port} of 127.0.0.1 is in use`) as unknown,
    });
    await expect(requireFreeProductionPort(Number(port), '192.0.2.1, *')).rejects.toMatchObject({ code: 'refused' });
    // On sockets alone, or at an address of another machine.
    await requireFreeProductionPort(Number(port), '');
    await requireFreeProductionPort(Number(port), '192.0.2.1');
  });

  test.runIf(process.getuid?.() === 0)('a directory of another user, who would not have it any more, is told', async () => {
    const into = path.join(directory, 'theirs');
    await mkdir(into);
    const plan = async (): Promise<string> => {
      const { status, stderr } = await runCommand(['restore', '--to-latest', '--into', into, '--dry-run', '--config', config]);
      return `${status} ${stderr}`;
    };
    expect(await plan()).not.toContain('belongs to');
    await chown(into, 54_321, 54_321);
    expect(await plan()).toMatch(
      new RegExp(`^0 [^]*warning: ${into} belongs to user id 54321, and what is restored there will belong to \\w+[^]*as that user`),
    );
    await rm(into, { recursive: true });
  });

  test('the same by the command, whose original cannot be reached and is somebody else', async () => {
    // The address of the configuration is nobody's, the port is that of the backup's configuration.
    const elsewhere = await makeDirectory();
    const url = { ...cluster, url: () => 'postgresql://nobody@127.0.0.1:1/x' };
    const away = await writeConfig(elsewhere, url, path.join(directory, 'repository'));
    const into = path.join(directory, 'production');
    const words = ['restore', '--as', 'production', '--accept-unknown-original', '--to-latest', '--into', into, '--yes', '--config', away];
    const end = await runCommand([...words, '--start']);
    expect(`${end.status} ${end.stderr}`).toMatch(/^1 [^]*error: port \d+ of [\d.]+ is in use on this machine[^]*without --start/);
    expect(existsSync(into)).toBe(false);
    await removeDirectory(elsewhere);
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
