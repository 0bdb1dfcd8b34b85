import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFile, chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { embeddedPrograms } from '../src/postgres/embedded.ts';
import { initCluster, makeServerDirectory, startCluster, stopCluster, type ServerPrograms } from '../src/postgres/server.ts';

const PROJECT = path.resolve(import.meta.dirname, '..');
const DATABASE = 'listening';

/** Where the demo plays: a directory of its own, a cluster in it, and the environment its commands run in. */
export interface Stage {
  readonly directory: string;
  /** Where the commands run: this repository, or a copy of its project that may be changed. */
  readonly project: string;
  readonly programs: ServerPrograms;
  readonly primary: string;
  readonly clone: string;
  /** The password of every role of the demo: made for this run. */
  readonly password: string;
  url(port: number, database?: string): string;
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  /** Runs `dbadmin …` as a user would, showing the command and what it prints. */
  dbadmin(args: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Starts a command that goes on until {@link Background.stop}. */
  background(args: readonly string[]): Background;
  /** Another cluster beside the primary, with these lines in its postgresql.conf; gives its port. */
  addCluster(name: string, settings: readonly string[]): Promise<number>;
  /** Stops all clusters and removes everything. */
  close(): Promise<void>;
}

export interface RunOptions {
  /** Nothing is shown but the command. */
  readonly quiet?: boolean;
  /** Exit statuses that are fine besides 0. */
  readonly expect?: readonly number[];
}

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
}

export interface Background {
  /** What it has printed so far. */
  printed(): string;
  /** Throws with what it said when it has ended by itself. */
  demandRunning(): void;
  stop(): Promise<void>;
}

export const DEMO_DATABASE = DATABASE;

/** A new cluster with a database for the demo, on a free loopback port, all in one temporary directory. */
export async function openStage(major: number, { ownProject = false } = {}): Promise<Stage> {
  const programs = await embeddedPrograms(major);
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-demo-'));
  await chmod(directory, 0o755);
  const home = path.join(directory, 'server');
  await makeServerDirectory(programs, home);
  const clone = path.join(directory, 'restored');
  const password = randomBytes(9).toString('base64url');
  const running = [clone];
  const addCluster = async (name: string, settings: readonly string[]): Promise<number> => {
    const place = path.join(home, name);
    await initCluster(programs, place, { password });
    const port = await freePort();
    const own = ["listen_addresses = '127.0.0.1'", `port = ${port}`, "unix_socket_directories = ''"];
    await appendFile(path.join(place, 'postgresql.conf'), `\n${[...own, ...settings].join('\n')}\n`);
    running.push(place);
    await startCluster(programs, place, path.join(home, `${name}.log`));
    return port;
  };
  const primary = path.join(home, 'primary');
  const port = await addCluster('primary', ["cluster_name = 'demo'"]);
  const project = ownProject ? await copyProject(directory) : PROJECT;
  const url = (at: number, database = DATABASE): string => `postgresql://postgres:${password}@127.0.0.1:${at}/${database}`;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    DATABASE_URL: `postgresql://postgres@127.0.0.1:${port}/${DATABASE}`,
    PGPASSWORD: password,
    DBADMIN_REPOSITORY: path.join(directory, 'repository'),
    NO_COLOR: '1',
    // What the commands keep about this project, they keep here.
    ...(ownProject ? { XDG_STATE_HOME: path.join(directory, 'state') } : {}),
  };
  const at = { project, env };
  return {
    directory,
    project,
    programs,
    primary,
    clone,
    password,
    url,
    port,
    env,
    dbadmin: async (args, options) => await runDbadmin(args, at, options ?? {}),
    background: (args) => startDbadmin(args, at),
    addCluster,
    close: async () => {
      for (const each of running) await stopCluster(programs, each, 'immediate').catch(() => undefined);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function show(args: readonly string[]): void {
  process.stdout.write(`\n$ dbadmin ${args.map((arg) => (/^[\w./:=@&-]+$/.test(arg) ? arg : `"${arg}"`)).join(' ')}\n`);
}

type Where = Pick<Stage, 'project' | 'env'>;

/** The files of this repository's project, in a place where a story may change them. */
async function copyProject(directory: string): Promise<string> {
  const project = path.join(directory, 'project');
  for (const name of ['dbadmin.yaml', 'sql', 'roles', 'backups'])
    await cp(path.join(PROJECT, name), path.join(project, name), { recursive: true });
  return project;
}

function spawnDbadmin(args: readonly string[], { project, env }: Where): ChildProcess {
  return spawn(process.execPath, [path.join(PROJECT, 'bin', 'dbadmin.cjs'), ...args], {
    cwd: project,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function runDbadmin(args: readonly string[], at: Where, options: RunOptions): Promise<CommandResult> {
  show(args);
  const child = spawnDbadmin(args, at);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data: Buffer) => {
    stdout += data.toString();
    if (options.quiet !== true) process.stdout.write(data);
  });
  child.stderr?.on('data', (data: Buffer) => {
    stderr += data.toString();
    if (options.quiet !== true) process.stdout.write(data);
  });
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  if (status !== 0 && options.expect?.includes(status) !== true) {
    throw new Error(`dbadmin ${args.join(' ')} ended with status ${status}${options.quiet === true ? `:\n${stderr}` : ''}`);
  }
  return { status, stdout };
}

function startDbadmin(args: readonly string[], at: Where): Background {
  show([...args, '&']);
  const child = spawnDbadmin(args, at);
  let stderr = '';
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  let stdout = '';
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 0)));
  return {
    printed: () => stdout,
    demandRunning: () => {
      if (child.exitCode !== null) throw new Error(`dbadmin ${args.join(' ')} ended with status ${child.exitCode}: ${stderr}`);
    },
    stop: async () => {
      child.kill('SIGTERM');
      const status = await ended;
      if (status !== 0) throw new Error(`dbadmin ${args.join(' ')} ended with status ${status}: ${stderr}`);
    },
  };
}

async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
