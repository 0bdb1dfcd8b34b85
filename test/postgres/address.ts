import net from 'node:net';
import { Secret } from '../../src/base/secret.ts';
import type { ClusterAddress } from './cluster.ts';

/** The address of a cluster on 127.0.0.1, in the forms that tests want it. */
export function clusterAddress(port: number, clusterPassword: string | undefined): ClusterAddress {
  return {
    host: '127.0.0.1',
    port,
    superuser: 'postgres',
    password: clusterPassword,
    url: (database = 'postgres', user = 'postgres', password = clusterPassword) => {
      const login = `${encodeURIComponent(user)}${password === undefined ? '' : `:${encodeURIComponent(password)}`}`;
      return `postgresql://${login}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
    },
    parameters: (database = 'postgres', user = 'postgres', password = clusterPassword) => ({
      hosts: [{ host: '127.0.0.1', port }],
      user,
      database,
      password: password === undefined ? undefined : new Secret(password),
      sslMode: 'disable',
      sslRootCert: undefined,
      sslCert: undefined,
      sslKey: undefined,
      targetSessionAttrs: 'any',
      connectTimeoutMs: 10_000,
      applicationName: 'dbadmin-test',
    }),
  };
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Lines of postgresql.conf for a test cluster: small, and not waiting for disks, before the test's own. */
export function settingsText(settings: Readonly<Record<string, string | number>>): string {
  const all = { max_connections: 60, shared_buffers: '32MB', fsync: 'off', ...settings };
  const lines = Object.entries(all).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'`);
  return `\n${lines.join('\n')}\n`;
}
