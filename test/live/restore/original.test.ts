import { writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refuseLivingOriginal } from '../../../src/backup/restore/original-inspect.ts';
import { embeddedPrograms } from '../../../src/postgres/embedded.ts';
import type { ConnectionParameters } from '../../../src/postgres/parameters.ts';
import { initCluster, startCluster, stopCluster, type ServerPrograms } from '../../../src/postgres/server.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

const OTHER = '1';

describe('refuseLivingOriginal', () => {
  let directory: string;
  let cluster: TestCluster;
  let identifier: string;
  let programs: ServerPrograms;

  beforeAll(async () => {
    directory = await makeDirectory();
    programs = await embeddedPrograms(17);
    cluster = await startTestCluster({ major: 17, provider: 'embedded' });
    const sql = postgres(cluster.url(), { max: 1 });
    await sql.unsafe('create role full_up login connection limit 0; create role kept_out login');
    await sql.unsafe('revoke connect on database postgres from public');
    const [row] = await sql<{ id: string }[]>`select system_identifier::text as id from pg_control_system()`;
    identifier = row?.id ?? '';
    await sql.end();
  });
  afterAll(async () => {
    await cluster?.stop();
    await removeDirectory(directory);
  });

  const as = (user: string, database = 'postgres'): ConnectionParameters => ({ ...cluster.parameters(), user, database });
  const at = (host: string, port: number): ConnectionParameters => ({ ...cluster.parameters(), hosts: [{ host, port }] });
  const unknown = {
    code: 'refused',
    message: expect.stringContaining('cannot be told'),
    hint: expect.stringContaining('--accept-unknown'),
  };

  test('the original is refused whatever is accepted, and another cluster is not', async () => {
    await expect(refuseLivingOriginal(cluster.parameters(), identifier, true)).rejects.toMatchObject({
      message: expect.stringContaining('still runs'),
    });
    await refuseLivingOriginal(cluster.parameters(), OTHER, false);
  });

  test('silence is a port that nobody listens on, an unknown host, a socket that is not there', async () => {
    const port = await freePort();
    for (const host of ['127.0.0.1', 'nowhere.invalid', directory]) await refuseLivingOriginal(at(host, port), identifier, false);
  });

  test.each([
    ['no connection free', 'full_up', 'postgres'],
    ['a role that is not let in', 'kept_out', 'postgres'],
    ['a role that is not there', 'nobody_knows', 'postgres'],
    ['a database that is not there', 'postgres', 'nowhere'],
  ])('an answer without an identity is refused, unless it is accepted: %s', async (_, user, database) => {
    await expect(refuseLivingOriginal(as(user, database), identifier, false)).rejects.toMatchObject(unknown);
    await refuseLivingOriginal(as(user, database), identifier, true);
  });

  test('a server that takes the connection and then says nothing, as one whose disk hangs, is an answer', async () => {
    const open = new Set<net.Socket>();
    const mute = net.createServer((socket) => void open.add(socket));
    const socket = path.join(directory, '.s.PGSQL.5999');
    const unixMute = net.createServer((each) => void open.add(each));
    const port = await freePort();
    await new Promise<void>((resolve) => void mute.listen(port, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => void unixMute.listen(socket, resolve));
    try {
      for (const each of [at('127.0.0.1', port), at(directory, 5999)]) {
        await expect(refuseLivingOriginal(each, identifier, false)).rejects.toMatchObject({
          ...unknown,
          detail: expect.stringContaining('says nothing'),
        });
      }
    } finally {
      for (const each of open) each.destroy();
      for (const each of [mute, unixMute]) each.close();
    }
  });

  test('of several hosts each is asked', async () => {
    const dead = { host: '127.0.0.1', port: await freePort() };
    const { hosts } = cluster.parameters();
    for (const order of [
      [dead, ...hosts],
      [...hosts, dead],
    ]) {
      await expect(refuseLivingOriginal({ ...as('full_up'), hosts: order }, identifier, false)).rejects.toMatchObject(unknown);
    }
  });

  test('a server in recovery that takes no connections is an answer', async () => {
    const dataDirectory = path.join(directory, 'recovering');
    const port = await freePort();
    await initCluster(programs, dataDirectory);
    const lines = [`port = ${port}`, "listen_addresses = '127.0.0.1'", "unix_socket_directories = ''", 'hot_standby = off'];
    await writeFile(path.join(dataDirectory, 'postgresql.auto.conf'), `${lines.join('\n')}\n`);
    await writeFile(path.join(dataDirectory, 'standby.signal'), '');
    await startCluster(programs, dataDirectory, path.join(directory, 'log'), 60);
    try {
      await expect(refuseLivingOriginal(at('127.0.0.1', port), identifier, false)).rejects.toMatchObject(unknown);
    } finally {
      await stopCluster(programs, dataDirectory, 'immediate');
    }
  });
});
