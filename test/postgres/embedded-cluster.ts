import { spawn } from 'node:child_process';
import { appendFile, chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { isRunning, processStatus } from '../../src/base/processes.ts';
import { embeddedPrograms } from '../../src/postgres/embedded.ts';
import { makeServerDirectory, serverPid, startCluster, stopCluster } from '../../src/postgres/server.ts';
import { clusterAddress, freePort, settingsText } from './address.ts';
import type { ClusterOptions, TestCluster } from './cluster.ts';
import { endServer } from './end-server.ts';
import { ownDirectory, serverDirectoryPrefix } from './leftovers.ts';
import { layCluster } from './template.ts';

/** A cluster from the npm packages' programs. */
export async function startEmbeddedCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const major = options.major ?? 17;
  const programs = await embeddedPrograms(major);
  const root = await mkdtemp(serverDirectoryPrefix(major));
  await ownDirectory(root);
  await chmod(root, 0o755);
  await makeServerDirectory(programs, path.join(root, 'home'));
  const dataDirectory = path.join(root, 'home', 'data');
  await layCluster(programs, dataDirectory, {
    ...(options.checksums === undefined ? {} : { checksums: options.checksums }),
    ...(options.walSegmentMegabytes === undefined ? {} : { walSegmentMegabytes: options.walSegmentMegabytes }),
    ...(options.password === undefined ? {} : { password: options.password }),
  });
  const port = await freePort();
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: path.join(root, 'home'), ...options.settings };
  await appendFile(path.join(dataDirectory, 'postgresql.conf'), settingsText(settings));
  if (options.hba !== undefined) await writeFile(path.join(dataDirectory, 'pg_hba.conf'), `${options.hba.join('\n')}\n`);
  for (const [name, content] of Object.entries(options.files ?? {})) {
    const file = path.join(dataDirectory, name);
    await writeFile(file, content, { mode: 0o600 });
    if (programs.runAs !== undefined) await chown(file, programs.runAs.uid, programs.runAs.gid);
  }
  const logFile = path.join(root, 'home', 'server.log');
  await startCluster(programs, dataDirectory, logFile);
  return {
    provider: 'embedded',
    major,
    ...clusterAddress(port, options.password),
    dataDirectory,
    programs,
    exec: async () => await Promise.resolve(undefined),
    log: async () => await readFile(logFile, 'utf8'),
    restart: async () => {
      await stopCluster(programs, dataDirectory);
      await startCluster(programs, dataDirectory, logFile);
    },
    crash: async () => await killServer(dataDirectory),
    stop: async () => {
      await endServer(programs, dataDirectory).catch(() => undefined);
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
  // Until the system has let go of it: PostgreSQL takes what is left of a process for one that runs, and would not start again.
  while ((await isRunning(pid)) || (await processStatus(pid)) !== undefined) await new Promise((resolve) => setTimeout(resolve, 20));
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
