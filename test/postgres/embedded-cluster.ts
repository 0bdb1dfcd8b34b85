import { appendFile, chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { Secret } from '../../src/base/secret.ts';
import { embeddedPrograms } from '../../src/postgres/embedded.ts';
import type { ConnectionParameters } from '../../src/postgres/parameters.ts';
import { initCluster, makeServerDirectory, serverPid, startCluster, stopCluster } from '../../src/postgres/server.ts';
import type { ClusterOptions, TestCluster } from './cluster.ts';

/** A cluster from the npm packages' programs. */
export async function startEmbeddedCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const major = options.major ?? 17;
  const programs = await embeddedPrograms(major);
  const root = await mkdtemp(path.join(os.tmpdir(), `dbadmin-test-${major}-`));
  await chmod(root, 0o755);
  await makeServerDirectory(programs, path.join(root, 'home'));
  const dataDirectory = path.join(root, 'home', 'data');
  await initCluster(programs, dataDirectory, {
    ...(options.checksums === undefined ? {} : { checksums: options.checksums }),
    ...(options.walSegmentMegabytes === undefined ? {} : { walSegmentMegabytes: options.walSegmentMegabytes }),
    ...(options.password === undefined ? {} : { password: options.password }),
  });
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: path.join(root, 'home'),
    max_connections: 60,
    shared_buffers: '32MB',
    fsync: 'off',
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'`);
  await appendFile(path.join(dataDirectory, 'postgresql.conf'), `\n${lines.join('\n')}\n`);
  if (options.hba !== undefined) await writeFile(path.join(dataDirectory, 'pg_hba.conf'), `${options.hba.join('\n')}\n`);
  const logFile = path.join(root, 'home', 'server.log');
  await startCluster(programs, dataDirectory, logFile);
  const parameters = (database = 'postgres', user = 'postgres', password = options.password): ConnectionParameters => ({
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
  });
  return {
    provider: 'embedded',
    major,
    host: '127.0.0.1',
    port,
    superuser: 'postgres',
    password: options.password,
    dataDirectory,
    programs,
    url: (database = 'postgres', user = 'postgres', password = options.password) =>
      `postgresql://${encodeURIComponent(user)}${password === undefined ? '' : `:${encodeURIComponent(password)}`}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    parameters,
    restart: async () => {
      await stopCluster(programs, dataDirectory);
      await startCluster(programs, dataDirectory, logFile);
    },
    crash: async () => await killServer(dataDirectory),
    stop: async () => {
      await stopCluster(programs, dataDirectory, 'immediate').catch(() => undefined);
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** SIGKILL to the postmaster, then to the children it leaves, which hold its shared memory. */
async function killServer(dataDirectory: string): Promise<void> {
  const pid = await serverPid(dataDirectory);
  if (pid === undefined) return;
  const children = await childrenOf(pid);
  for (const each of [pid, ...children]) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // already gone
    }
  }
  while ((await serverPid(dataDirectory)) !== undefined) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function childrenOf(pid: number): Promise<readonly number[]> {
  return await new Promise((resolve) => {
    const child = spawn('ps', ['-o', 'pid=', '--ppid', String(pid)], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (data: Buffer) => (text += data.toString()));
    child.on('error', () => resolve([]));
    child.on('exit', () =>
      resolve(
        text
          .split('\n')
          .map(Number)
          .filter((each) => each > 0),
      ),
    );
  });
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
