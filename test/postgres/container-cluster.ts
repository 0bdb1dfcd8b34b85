import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Container } from 'dockerode';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer } from 'testcontainers';
import { clusterAddress, freePort, settingsText } from './address.ts';
import type { ClusterOptions, ProgramResult, TestCluster } from './cluster.ts';
import { ownerLabels } from './leftovers.ts';

const SERVER_PORT = 5432;
const START_TRIES = 3;

const PGDATA = '/var/lib/dbadmin/data';

/** As the embedded servers, which are built without it: compiling takes most tests longer than running. Whoever tests it, says so. */
const WITHOUT_JIT = { jit: 'off' };

/** A cluster in a container of its own, reached through a port of 127.0.0.1. */
export async function startContainerCluster(
  image: string,
  major: number,
  options: ClusterOptions,
  templates: string | undefined,
): Promise<TestCluster> {
  const { container, port } = await startContainer(image, major, options, templates);
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const handle = dockerode.getContainer(container.getId());
  return {
    provider: 'testcontainers',
    major,
    ...clusterAddress(port, options.password),
    dataDirectory: undefined,
    programs: undefined,
    exec: async (program, args) => {
      const result = await container.exec([program, ...args], { user: 'postgres', env: { PGDATA, PGUSER: 'postgres' } });
      return { status: result.exitCode, stdout: result.stdout, stderr: result.stderr };
    },
    log: async () => await containerLog(handle),
    restart: async () => {
      // 304 is Docker's answer for a container that is stopped already, after a crash.
      await handle.stop({ t: 60 }).catch((error: unknown) => {
        if (!(error instanceof Error && 'statusCode' in error && error.statusCode === 304)) throw error;
      });
      await handle.start();
      await readyToAccept.waitUntilReady(handle);
    },
    crash: async () => {
      const gone = handle.wait();
      await handle.kill({ signal: 'SIGKILL' });
      await gone;
    },
    stop: async () => {
      await handle.remove({ force: true, v: true });
    },
  };
}

/** What the public builder has no word for: the address that ports are bound on, and the signal of a clean stop. */
class PostgresContainer extends GenericContainer {
  constructor(image: string, port: number) {
    super(image);
    this.withExposedPorts({ container: SERVER_PORT, host: port });
    this.hostConfig.PortBindings = { [`${SERVER_PORT}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(port) }] };
    this.createOpts.StopSignal = 'SIGINT';
  }
}

async function startContainer(
  image: string,
  major: number,
  options: ClusterOptions,
  templates: string | undefined,
): Promise<{ readonly container: StartedTestContainer; readonly port: number }> {
  const entrypoint = await readFile(path.resolve(import.meta.dirname, '../images/entrypoint.sh'), 'utf8');
  const contents = [
    { target: '/dbadmin/entrypoint.sh', content: entrypoint, mode: 0o755 },
    { target: '/dbadmin/initdb.args', content: initdbArguments(major, options).join('\n') },
    { target: '/dbadmin/password', content: options.password ?? '', mode: 0o600 },
    {
      target: '/dbadmin/settings.conf',
      content: settingsText({ ...WITHOUT_JIT, ...options.settings, listen_addresses: '*', port: SERVER_PORT }),
    },
    { target: '/dbadmin/pg_hba.conf', content: `${hbaLines(options).join('\n')}\n` },
    ...Object.entries(options.files ?? {}).map(([name, content]) => ({ target: `/dbadmin/files/${name}`, content })),
  ];
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    try {
      const container = await new PostgresContainer(image, port)
        .withEntrypoint(['bash', '/dbadmin/entrypoint.sh'])
        .withCommand([])
        .withCopyContentToContainer(contents)
        .withBindMounts(templates === undefined ? [] : [{ source: templates, target: '/dbadmin/templates', mode: 'rw' }])
        .withEnvironment({ PG_MAJOR: String(major) })
        .withSharedMemorySize(256 * 1024 * 1024)
        .withLabels(await ownerLabels())
        .withWaitStrategy(readyToAccept)
        .start();
      return { container, port };
    } catch (error) {
      // Somebody took the port between our look and Docker's.
      const taken = error instanceof Error && /port is already allocated|address already in use/.test(error.message);
      if (!taken || attempt === START_TRIES) throw error;
    }
  }
}

function initdbArguments(major: number, options: ClusterOptions): readonly string[] {
  return [
    '--username=postgres',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    ...(options.checksums === false ? (major >= 18 ? ['--no-data-checksums'] : []) : ['--data-checksums']),
    ...(options.walSegmentMegabytes === undefined ? [] : [`--wal-segsize=${options.walSegmentMegabytes}`]),
  ];
}

/** From inside, the test comes from Docker's gateway and not from 127.0.0.1: `samenet` has both. */
function hbaLines(options: ClusterOptions): readonly string[] {
  const method = options.password === undefined ? 'trust' : 'scram-sha-256';
  const lines = options.hba ?? ['local all all trust', `host all all samenet ${method}`, `host replication all samenet ${method}`];
  return lines.map((line) => line.replaceAll(/(?<=\s)127\.0\.0\.1\/32(?=\s)/g, 'samenet'));
}

/** One program inside polls for us: a round trip through Docker for each try would take longer than the start. */
const readyToAccept = {
  waitUntilReady: async (handle: Container): Promise<void> => {
    const { container } = await getContainerRuntimeClient();
    const poll = 'for i in $(seq 1200); do pg_isready -q -h 127.0.0.1 && exit 0; sleep 0.05; done; exit 1';
    const path = '/usr/local/bin:/usr/bin:/bin';
    const { exitCode } = await container
      .exec(handle, ['bash', '-c', `PATH=/usr/lib/postgresql/$PG_MAJOR/bin:${path}; ${poll}`])
      .catch(() => ({ exitCode: 1 }));
    if (exitCode !== 0) throw new Error(`the server in the container did not start:\n${await containerLog(handle)}`);
  },
  withStartupTimeout: () => readyToAccept,
  isStartupTimeoutSet: () => false,
  getStartupTimeout: () => 60_000,
};

/** Runs one command in a container of its own, as its root, with `directories` of this machine to read, or to write. */
export async function runOnce(
  image: string,
  command: readonly string[],
  directories: readonly string[],
  access: 'ro' | 'rw' = 'ro',
): Promise<ProgramResult> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const handle = await dockerode.createContainer({
    Image: image,
    Entrypoint: command.slice(0, 1),
    Cmd: command.slice(1),
    Labels: { ...(await ownerLabels()) },
    HostConfig: { Binds: directories.map((directory) => `${directory}:${directory}:${access}`), NetworkMode: 'none' },
  });
  try {
    await handle.start();
    const { StatusCode: status } = (await handle.wait()) as { StatusCode: number };
    return {
      status,
      stdout: textOfFrames(await handle.logs({ stdout: true, stderr: false, follow: false })),
      stderr: textOfFrames(await handle.logs({ stdout: false, stderr: true, follow: false })),
    };
  } finally {
    await handle.remove({ force: true, v: true });
  }
}

async function containerLog(handle: Container): Promise<string> {
  return textOfFrames(await handle.logs({ stdout: true, stderr: true, follow: false }));
}

/** What a container printed: frames of an 8-byte head, whose last four bytes are the length, and text. */
function textOfFrames(frames: Buffer): string {
  let text = '';
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    text += frames.toString('utf8', at + 8, end);
    at = end;
  }
  return text;
}
