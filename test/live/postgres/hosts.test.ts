import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openSession } from '../../../src/migrate/session/session.ts';
import { openClient } from '../../../src/postgres/client.ts';
import type { ConnectionParameters, HostAddress } from '../../../src/postgres/parameters.ts';
import { openPool } from '../../../src/postgres/pool.ts';
import { ReplicationConnection } from '../../../src/postgres/replication.ts';
import { makeDirectory, removeDirectory } from '../../backup/repository.ts';
import { freePort } from '../../postgres/address.ts';
import { makeAuthority, serverCertificate } from '../../postgres/certificates.ts';
import type { TestCluster } from '../../postgres/cluster.ts';
import { startTestCluster } from '../../postgres/fixture.ts';

type Close = () => Promise<void>;

const KINDS: Readonly<Record<string, (parameters: ConnectionParameters) => Promise<Close>>> = {
  'an ordinary connection': async (parameters) => {
    const sql = await openClient(parameters);
    return async () => await sql.end();
  },
  'one without delay': async (parameters) => {
    const sql = await openClient(parameters, { noDelay: true });
    return async () => await sql.end();
  },
  'a pool': async (parameters) => {
    const pool = await openPool(parameters, { applicationName: 'test', max: 1, queryTimeoutMs: 10_000 });
    return async () => await pool.close();
  },
  "a migration's session": async (parameters) => {
    const session = await openSession(parameters, { applicationName: 'test' });
    return async () => await session.close();
  },
  'a replication connection': async (parameters) => {
    const connection = await ReplicationConnection.open(parameters);
    return async () => await connection.close();
  },
};

let directory: string;
let sslRootCert: string;

beforeAll(async () => {
  directory = await makeDirectory();
  sslRootCert = await makeAuthority(directory, 'ca');
});
afterAll(async () => await removeDirectory(directory));

/** A server whose certificate is for one of the two names that it is reached by, and not for the other. */
describe.each([
  ['IP:127.0.0.1', '127.0.0.1', 'localhost'],
  ['DNS:localhost', 'localhost', '127.0.0.1'],
])('with a certificate for %s', (names, right, wrong) => {
  let cluster: TestCluster;
  const at = (...hosts: readonly HostAddress[]): ConnectionParameters => ({
    ...cluster.parameters(),
    hosts,
    sslMode: 'verify-full',
    sslRootCert,
  });

  beforeAll(async () => {
    cluster = await startTestCluster({ provider: 'embedded', ...(await serverCertificate(directory, 'ca', names)) });
  });
  afterAll(async () => await cluster.stop());

  test.each(Object.entries(KINDS))('%s takes the server for that one alone', async (_, open) => {
    const { port } = cluster;
    await (
      await open(at({ host: right, port }))
    )();
    await expect(open(at({ host: wrong, port }))).rejects.toMatchObject({
      code: 'connection-failed',
      detail: expect.stringContaining(wrong) as string,
      hint: expect.stringMatching(/^The certificate is for another name/) as string,
    });
  });

  test.each(Object.entries(KINDS))('%s checks the name of the host that answers, and not of the first in the list', async (_, open) => {
    const { port } = cluster;
    const dead = await freePort();
    await (
      await open(at({ host: wrong, port: dead }, { host: right, port }))
    )();
    await expect(open(at({ host: right, port: dead }, { host: wrong, port }))).rejects.toMatchObject({ code: 'connection-failed' });
  });
});

describe('of several hosts, or of one that is something else', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startTestCluster({ provider: 'embedded' });
  });
  afterAll(async () => await cluster.stop());
  afterEach(() => vi.unstubAllEnvs());

  const at = (changes: Partial<ConnectionParameters>): ConnectionParameters => ({ ...cluster.parameters(), ...changes });
  const dead = async (): Promise<HostAddress> => ({ host: '127.0.0.1', port: await freePort() });

  test.skipIf(process.platform !== 'linux').each(Object.entries(KINDS))(
    '%s finds a server gone that is silent for minutes',
    async (_, open) => {
      const close = await open(cluster.parameters());
      try {
        // Now and then another timer stands in its place: that of an acknowledgement, or of sending once more.
        await expect
          .poll(async () => (await keepAliveSeconds(cluster.port)).map((seconds) => seconds <= 300), { timeout: 10_000 })
          .toEqual([true]);
      } finally {
        await close();
      }
    },
  );

  test('where none answers, an ordinary connection fails, and says why of each', async () => {
    const hosts = [await dead(), await dead()];
    await expect(openClient(at({ hosts }))).rejects.toMatchObject({
      code: 'connection-failed',
      detail: expect.stringMatching(new RegExp(`:${hosts[0]?.port}[\\s\\S]*:${hosts[1]?.port}`)) as string,
    });
  });

  test('a socket may stand among addresses', async () => {
    const hosts = [
      { host: directory, port: 5432 },
      { host: cluster.host, port: cluster.port },
    ];
    await (await openClient(at({ hosts }))).end();
  });

  test.each(['standby', 'read-only'] as const)('an ordinary connection to a %s alone refuses a primary', async (targetSessionAttrs) => {
    await expect(openClient(at({ targetSessionAttrs }))).rejects.toMatchObject({
      code: 'connection-failed',
      message: `${cluster.host}:${cluster.port} is not ${targetSessionAttrs}`,
    });
  });

  test.each(['any', 'primary', 'read-write', 'prefer-standby'] as const)(
    '%s takes a primary, also to look only',
    async (targetSessionAttrs) => {
      const hosts = [await dead(), { host: cluster.host, port: cluster.port }];
      for (const isReadOnly of [false, true]) {
        const sql = await openClient(at({ hosts, targetSessionAttrs, isReadOnly }));
        expect(await sql`show transaction_read_only`).toEqual([{ transaction_read_only: isReadOnly ? 'on' : 'off' }]);
        await sql.end();
      }
    },
  );

  test.each(['any', 'standby'])(
    'what the environment says (%s) counts for the connection that is read from it, and no other',
    async (word) => {
      vi.stubEnv('PGTARGETSESSIONATTRS', word);
      await (await openClient(cluster.parameters())).end();
      expect(process.env['PGTARGETSESSIONATTRS']).toBe(word);
    },
  );
});

/** In how many seconds the system asks the other side of each connection to this port whether it is there. */
async function keepAliveSeconds(port: number): Promise<readonly number[]> {
  const [established, keepAlive, ticksPerSecond] = ['01', '02', 100];
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, , remote, state, , timer] = line.trim().split(/\s+/);
    const [kind, ticks] = timer?.split(':') ?? [];
    const isOurs = state === established && kind === keepAlive && Number.parseInt(remote?.split(':')[1] ?? '', 16) === port;
    return isOurs ? [Number.parseInt(ticks ?? '', 16) / ticksPerSecond] : [];
  });
}
