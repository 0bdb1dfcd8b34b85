import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, inject, test, vi } from 'vitest';
import { connectionOfUrl } from '../../../src/config/load.ts';
import { openClient } from '../../../src/postgres/client.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

test('a client that asks for it has its statements not compiled, whatever the server does for others', async () => {
  const cluster = await startTestCluster({ major: 17, settings: { jit: 'on' } });
  try {
    for (const [options, expected] of [
      [{}, 'on'],
      [{ jit: false } as const, 'off'],
    ] as const) {
      const sql = await openClient(cluster.parameters(), options);
      expect(await sql`show jit`).toEqual([{ jit: expected }]);
      await sql.end();
    }
  } finally {
    await cluster.stop();
  }
});

test('bytes come as they are, in whichever form the server, the database or the role has them written', async () => {
  const cluster = await startTestCluster({ major: 17, settings: { bytea_output: 'escape' } });
  const bytes = Buffer.concat([
    Buffer.from('\\x41 \\366 # no backslash is lost\n'),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  ]);
  const sql = await openClient(cluster.parameters());
  try {
    for (const form of ['escape', 'hex']) {
      await sql.unsafe(`set bytea_output = '${form}'`);
      expect(await sql`select ${bytes}::bytea as bytes, octet_length(${bytes}::bytea) as length, ''::bytea as none`).toEqual([
        { bytes, length: bytes.byteLength, none: Buffer.alloc(0) },
      ]);
    }
  } finally {
    await sql.end();
    await cluster.stop();
  }
});

test('a session stays the same however long it is used: what was set, locked and made in it is not lost', async () => {
  const cluster = await startTestCluster({ major: 17 });
  // The library's own limit, shortened as it can be from outside: it ends a connection between two statements, and opens another.
  vi.stubEnv('PGMAX_LIFETIME', '1');
  const sql = await openClient(cluster.parameters());
  try {
    await sql`set search_path = ''`;
    await sql`create temporary table kept as select 1 as id`;
    await sql`select pg_advisory_lock(7)`;
    const [before] = await sql`select pg_backend_pid() as pid`;
    await sleep(1500);
    expect(await sql`select pg_backend_pid() as pid, current_setting('search_path') as path`).toEqual([
      { pid: before?.['pid'], path: '""' },
    ]);
    expect(await sql`select id from pg_temp.kept`).toEqual([{ id: 1 }]);
    expect(await sql`select pid from pg_locks where locktype = 'advisory'`).toEqual([{ pid: before?.['pid'] }]);
  } finally {
    vi.unstubAllEnvs();
    await sql.end();
    await cluster.stop();
  }
});

test('what closes each connection without a word, as a proxy without a server does, is told when the time to connect is over', async () => {
  let connections = 0;
  const proxy = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined).destroy();
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  try {
    const { port } = proxy.address() as AddressInfo;
    const parameters = connectionOfUrl({ env: {}, cwd: '/' }, `postgresql://ada@127.0.0.1:${port}/music?connect_timeout=2`);
    await expect(openClient(parameters)).rejects.toMatchObject({
      code: 'connection-failed',
      detail: 'connections were closed before a PostgreSQL server answered, for 2.0 s',
    });
    // Nobody tries on, but for the one that was on its way.
    await sleep(300);
    const tried = connections;
    await sleep(300);
    expect(connections).toBe(tried);
  } finally {
    proxy.close();
  }
});

/** Those of this process to `port`, as Node knows them: there is no public list of open sockets. */
function socketsTo(port: number): number {
  const { _getActiveHandles: handles } = process as unknown as { readonly _getActiveHandles: () => readonly Partial<Socket>[] };
  return handles.call(process).filter(({ remotePort }) => remotePort === port).length;
}

test.each([{}, { noDelay: true }] as const)('a client that was ended lets go of a server that does not answer: %o', async (options) => {
  const shared = new URL(inject('sharedClusterUrl'));
  let isCut = false;
  const held: Socket[] = [];
  // A network that is cut: what the client says of its end comes nowhere, and nobody ends the other side.
  const way = createServer({ allowHalfOpen: true }, (socket) => {
    const server = connect(Number(shared.port), shared.hostname);
    held.push(socket, server);
    socket.on('data', (bytes) => isCut || server.write(bytes)).on('error', () => undefined);
    server.on('data', (bytes) => isCut || socket.write(bytes)).on('error', () => undefined);
  });
  try {
    way.listen(0, '127.0.0.1');
    await once(way, 'listening');
    const { port } = way.address() as AddressInfo;
    const url = new URL(shared);
    url.host = `127.0.0.1:${port}`;
    const sql = await openClient(connectionOfUrl({ env: {}, cwd: '/' }, url.href), options);
    isCut = true;
    await sql.end({ timeout: 1 });
    expect(socketsTo(port)).toBe(1);
    await expect.poll(() => socketsTo(port), { timeout: 10_000 }).toBe(0);
  } finally {
    for (const socket of held) socket.destroy();
    way.close();
  }
});

test.each(['255.255.255.255', '[ff02::1]', `/${'x'.repeat(150)}`])(
  'an address that no connection is begun to fails as any other: %s',
  async (host) => {
    const sockets = host.startsWith('/') ? `/music?host=${host}&` : `${host}:5432/music?`;
    const parameters = connectionOfUrl({ env: {}, cwd: '/' }, `postgresql://ada@${sockets}sslmode=disable&connect_timeout=5`);
    const shared = connectionOfUrl({ env: {}, cwd: '/' }, inject('sharedClusterUrl'));
    await expect(openClient(parameters)).rejects.toMatchObject({
      code: 'connection-failed',
      detail: expect.stringMatching(/^connect E/) as string,
    });
    // The next host is asked.
    await (await openClient({ ...shared, hosts: [...parameters.hosts, ...shared.hosts] })).end();
  },
);
