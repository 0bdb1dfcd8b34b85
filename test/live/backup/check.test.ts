import { once } from 'node:events';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectServerDirectories } from '../../../src/backup/check/place-inspect.ts';
import { runCommand, writeConfig } from '../../backup/command.ts';
import { makeDirectory, makeRepository, removeDirectory } from '../../backup/repository.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

interface Found {
  readonly findings: readonly { readonly what: string; readonly state: string; readonly detail: string; readonly fix?: string }[];
}

describe('backup check', () => {
  let cluster: TestCluster;
  let directory: string;
  let config: string;

  beforeAll(async () => {
    directory = await makeDirectory();
    // Ordinary connections are let in, replication is not.
    cluster = await startTestCluster({ major: 17, hba: ['local all all trust', 'host all all 127.0.0.1/32 trust'] });
    await makeRepository(path.join(directory, 'repository'));
    await mkdir(path.join(directory, 'backups'));
    config = await writeConfig(directory, cluster, path.join(directory, 'repository'));
  });
  afterAll(async () => {
    await cluster.stop();
    await removeDirectory(directory);
  });

  async function check(policy: string): Promise<{ readonly status: number | null; readonly found: Found['findings'] }> {
    const text = `version: 1\npolicies:\n  app:\n    cluster: main\n    repositories: [local]\n${policy}`;
    await writeFile(path.join(directory, 'backups', 'policies.yaml'), text);
    const end = await runCommand(['backup', 'check', '--json', '--config', config]);
    return { status: end.status, found: (JSON.parse(end.stdout) as Found).findings };
  }

  test('E3: where replication is refused, says the line that would allow it, and that dumps would do without', async () => {
    const { status, found } = await check('    base: { full: { cron: "@weekly" } }\n');
    expect(status).toBe(1);
    const refused = found.find(({ what }) => what === 'replication');
    expect(refused).toMatchObject({
      state: 'problem',
      fix: expect.stringMatching(/replication postgres .* scram-sha-256[\s\S]*ALTER ROLE postgres REPLICATION;[\s\S]*base: none/),
    });
    expect(found.find(({ what }) => what === 'summarize_wal')).toMatchObject({
      state: 'note',
      fix: expect.stringContaining('summarize_wal = on'),
    });
    expect(found.find(({ what }) => what === "the server's clock")).toMatchObject({ state: 'ok' });
  });

  test('names what killed dumps left where those of a policy lie, with its size and how it goes', async () => {
    const left = path.join(directory, 'dbadmin-dump-abcdef');
    await mkdir(left);
    await writeFile(path.join(left, 'owner'), 'another-boot/pid:[1] 4711 12');
    await writeFile(path.join(left, 'dump'), Buffer.alloc(1_000_000, 'x'));
    const { found } = await check(`    base: none\n    dump: { cron: "@daily", spool: ${directory} }\n`);
    expect(found.find(({ what }) => what === `spool ${directory}`)).toMatchObject({
      state: 'note',
      detail: expect.stringMatching(/dbadmin-dump-abcdef \([\d.]+ \w+, last written .* ago\)/),
      fix: expect.stringContaining(`rm -r ${left}`),
    });
    await rm(left, { recursive: true });
  });

  test('E3: a repository is tried before a run: there, writable, with room, encrypted or not; one that is away is named', async () => {
    const policy = '    base: { full: { cron: "@weekly" } }\n';
    const { found } = await check(policy);
    expect(found).toContainEqual(
      expect.objectContaining({
        what: 'repository local',
        state: 'ok',
        detail: expect.stringMatching(/repository: there, readable, writable, [\d.]+ .B free$/),
      }),
    );
    expect(found.find(({ what }) => what === 'repository local encryption')).toMatchObject({
      state: 'note',
      detail: expect.stringMatching(/^none: /),
    });
    await rename(path.join(directory, 'repository'), path.join(directory, 'away'));
    const away = await check(policy);
    await rename(path.join(directory, 'away'), path.join(directory, 'repository'));
    expect(away.status).toBe(1);
    expect(away.found.filter(({ state }) => state === 'problem').map(({ what }) => what)).toContain('repository local');
  });

  test('where the policy keeps to dumps, replication is not asked for, and what a dump cannot do is said', async () => {
    const { status, found } = await check('    base: none\n    dump: { cron: "@daily" }\n');
    expect(found.map(({ what }) => what)).not.toContain('replication');
    expect(found.find(({ what }) => what === 'repository local dumps only')?.detail).toContain('PITR');
    expect(found.find(({ what }) => what === 'repository local dumps')).toMatchObject({ state: 'problem', fix: 'dbadmin backup dump' });
    expect(status).toBe(1);
  });

  test('a server that goes away when it is asked where it lies does not end the check', async () => {
    let isCut = false;
    const way = net.createServer((client) => {
      const server = net.connect(cluster.port, '127.0.0.1');
      client.on('data', (data) => {
        if (data.includes('data_directory')) isCut = client.destroy().destroyed;
        else server.write(data);
      });
      server.pipe(client);
      for (const socket of [client, server]) socket.on('error', () => undefined);
      client.on('close', () => server.destroy());
    });
    await once(way.listen(0, '127.0.0.1'), 'listening');
    try {
      const { port } = way.address() as net.AddressInfo;
      expect(await inspectServerDirectories({ ...cluster.parameters(), hosts: [{ host: '127.0.0.1', port }] })).toEqual([]);
      expect(isCut).toBe(true);
    } finally {
      way.close();
    }
  });

  test('says where the repository is on the disk of the cluster, and that it may not lie inside the cluster', async () => {
    const here = await startTestCluster({ major: 16, provider: 'embedded' });
    try {
      const { dataDirectory = expect.unreachable('an embedded cluster lies here') } = here;
      const found = async (repository: string): Promise<Found['findings']> => {
        await makeRepository(repository);
        const { stdout } = await runCommand(['backup', 'check', '--json', '--config', await writeConfig(directory, here, repository)]);
        return (JSON.parse(stdout) as Found).findings.filter(({ what }) => what === 'repository local place');
      };
      expect(await found(path.join(dataDirectory, 'backups'))).toMatchObject([
        { state: 'problem', detail: expect.stringContaining('lies inside the cluster'), fix: expect.stringContaining('another disk') },
      ]);
      expect(await found(`${dataDirectory}-backups`)).toMatchObject([
        { state: 'note', detail: expect.stringContaining('on the same file system as') },
      ]);
      await removeDirectory(`${dataDirectory}-backups`);
    } finally {
      await here.stop();
    }
  });
});
