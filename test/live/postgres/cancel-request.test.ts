import { createHook } from 'node:async_hooks';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestCancel } from '../../../src/postgres/cancel-request.ts';
import { addressOf, openClient } from '../../../src/postgres/client.ts';
import type { ConnectionParameters, HostAddress } from '../../../src/postgres/parameters.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';
import { makeAuthority, serverCertificate } from '../../postgres/certificates.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

let directory: string;
let sslRootCert: string;
let cluster: TestCluster;

beforeAll(async () => {
  directory = await makeDirectory();
  sslRootCert = await makeAuthority(directory, 'ca');
  cluster = await startTestCluster({ provider: 'embedded', ...(await serverCertificate(directory, 'ca', 'IP:127.0.0.1')) });
});
afterAll(async () => {
  await cluster.stop();
  await removeDirectory(directory);
});

const at = (changes: Partial<ConnectionParameters> = {}): ConnectionParameters => ({ ...cluster.parameters(), ...changes });
const KEY = { pid: 1, secret: 1 };
const soon = (): AbortSignal => AbortSignal.timeout(20_000);

const WAYS: Readonly<Record<string, () => Promise<Partial<ConnectionParameters>>>> = {
  'in clear text': async () => ({ sslMode: 'disable' }),
  'encrypted where the server can': async () => ({ sslMode: 'prefer' }),
  'encrypted to the server that the certificate names': async () => ({ sslMode: 'verify-full', sslRootCert }),
  'at a name that may have several addresses': async () => ({ hosts: [{ host: 'localhost', port: cluster.port }] }),
  'at a socket of the file system': async () => ({ hosts: [{ host: await socketDirectory(), port: cluster.port }] }),
};

async function socketDirectory(): Promise<string> {
  const sql = await openClient(at());
  const [row] = await sql<{ unix_socket_directories: string }[]>`show unix_socket_directories`;
  await sql.end();
  return row?.unix_socket_directories ?? '';
}

test.each(Object.entries(WAYS))('a statement is cancelled %s', async (_, changes) => {
  const parameters = at(await changes());
  const sql = await openClient(parameters);
  try {
    const { state } = await sql`select 1`;
    const asleep = sql`select pg_sleep(60)`.then(
      () => 'slept',
      (error: unknown) => error,
    );
    await expect
      .poll(async () => {
        await requestCancel(parameters, addressOf(sql), state, soon());
        return await Promise.race([asleep, new Promise((resolve) => setTimeout(resolve, 100))]);
      })
      .toMatchObject({ code: '57014' });
    expect(await sql`select 1 as goes_on`).toEqual([{ goes_on: 1 }]);
  } finally {
    await sql.end();
  }
});

test('a session that is not there is no failure, and nothing else is cancelled', async () => {
  const sql = await openClient(at());
  try {
    const { state } = await sql`select 1`;
    const asleep = sql`select pg_sleep(1)`.execute();
    await requestCancel(at(), addressOf(sql), { pid: state.pid, secret: (state.secret ^ 1) >>> 0 }, soon());
    expect(await asleep).toHaveLength(1);
  } finally {
    await sql.end();
  }
});

test('a certificate for another name gets no key', async () => {
  const elsewhere = { host: 'localhost', port: cluster.port };
  await expect(requestCancel(at({ sslMode: 'verify-full', sslRootCert }), elsewhere, KEY, soon())).rejects.toMatchObject({
    code: 'connection-failed',
    hint: expect.stringMatching(/^The certificate is for another name/) as string,
  });
});

test('a server that is not there fails the request alone', async () => {
  const nowhere = { host: '127.0.0.1', port: await freePort() };
  await expect(requestCancel(at(), nowhere, KEY, soon())).rejects.toMatchObject({ code: 'connection-failed' });
});

/** A server that answers the first bytes of each connection with `answer`, and notes all that it got. */
async function answering(answer: string): Promise<{ readonly server: Server; readonly address: HostAddress; readonly got: Buffer[] }> {
  const got: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(answer));
    socket.on('data', (data: Buffer) => void got.push(data));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, got };
}

test.each([
  ['N', 'the server does not support TLS'],
  ['Sx', 'the server answered more than it was asked before TLS began'],
])('where TLS is asked for and the answer is %s the key is not sent', async (answer, detail) => {
  const { server, address, got } = await answering(answer);
  try {
    await expect(requestCancel(at({ sslMode: 'require' }), address, KEY, soon())).rejects.toMatchObject({
      code: 'connection-failed',
      detail,
    });
    expect(Buffer.concat(got)).toHaveLength(8);
  } finally {
    server.close();
  }
});

test('a server that says nothing is waited for until the signal is aborted', async () => {
  const { server, address } = await answering('');
  try {
    for (const sslMode of ['disable', 'require'] as const)
      await expect(requestCancel(at({ sslMode }), address, KEY, AbortSignal.timeout(300))).rejects.toMatchObject({
        code: 'connection-failed',
      });
    await new Promise((resolve) => server.close(resolve));
  } finally {
    server.close();
  }
});

test('requests that are repeated look a name up once at a time', async () => {
  let lookups = 0;
  const hook = createHook({ init: (_id, type) => void (lookups += type === 'GETADDRINFOREQWRAP' ? 1 : 0) }).enable();
  const address = { host: 'localhost', port: cluster.port };
  const ask = async (): Promise<void> => await requestCancel(at({ hosts: [address] }), address, KEY, soon());
  try {
    await Promise.all([ask(), ask(), ask()]);
    expect(lookups).toBe(1);
    await ask();
    expect(lookups).toBe(2);
  } finally {
    hook.disable();
  }
});
