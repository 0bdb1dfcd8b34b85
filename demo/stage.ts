import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { appendFile } from 'node:fs/promises';
import { embeddedPrograms } from '../src/postgres/embedded.ts';
import { initCluster, makeServerDirectory, startCluster, stopCluster, type ServerPrograms } from '../src/postgres/server.ts';

const PROJECT = path.resolve(import.meta.dirname, '..');
const DATABASE = 'listening';

/** Where the demo plays: a directory of its own, a cluster in it, and the environment its commands run in. */
export interface Stage {
  readonly directory: string;
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
  /** Stops both clusters and removes everything. */
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
  stop(): Promise<void>;
}

export const DEMO_DATABASE = DATABASE;

/** A new cluster with a database for the demo, on a free loopback port, all in one temporary directory. */
export async function openStage(major: number): Promise<Stage> {
  const programs = await embeddedPrograms(major);
  const directory = await mkdtemp(path.join(os.tmpdir(), 'dbadmin-demo-'));
  await chmod(directory, 0o755);
  const home = path.join(directory, 'server');
  await makeServerDirectory(programs, home);
  const primary = path.join(home, 'primary');
  const clone = path.join(directory, 'restored');
  const password = randomBytes(9).toString('base64url');
  await initCluster(programs, primary, { password });
  const port = await freePort();
  await appendFile(
    path.join(primary, 'postgresql.conf'),
    `\nlisten_addresses = '127.0.0.1'\nport = ${port}\nunix_socket_directories = ''\ncluster_name = 'demo'\n`,
  );
  await startCluster(programs, primary, path.join(home, 'server.log'));
  const url = (at: number, database = DATABASE): string => `postgresql://postgres:${password}@127.0.0.1:${at}/${database}`;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    DATABASE_URL: `postgresql://postgres@127.0.0.1:${port}/${DATABASE}`,
    PGPASSWORD: password,
    DBADMIN_REPOSITORY: path.join(directory, 'repository'),
    NO_COLOR: '1',
  };
  return {
    directory,
    programs,
    primary,
    clone,
    password,
    url,
    port,
    env,
    dbadmin: async (args, options) => await runDbadmin(args, env, options ?? {}),
    background: (args) => startDbadmin(args, env),
    close: async () => {
      for (const each of [primary, clone]) await stopCluster(programs, each, 'immediate').catch(() => undefined);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function show(args: readonly string[]): void {
  process.stdout.write(`\n$ dbadmin ${args.map((arg) => (/^[\w./:=@&-]+$/.test(arg) ? arg : `"${arg}"`)).join(' ')}\n`);
}

function spawnDbadmin(args: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, [path.join(PROJECT, 'bin', 'dbadmin.cjs'), ...args], {
    cwd: PROJECT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function runDbadmin(args: readonly string[], env: NodeJS.ProcessEnv, options: RunOptions): Promise<CommandResult> {
  show(args);
  const child = spawnDbadmin(args, env);
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

function startDbadmin(args: readonly string[], env: NodeJS.ProcessEnv): Background {
  show([...args, '&']);
  const child = spawnDbadmin(args, env);
  let stderr = '';
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  child.stdout?.resume();
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 0)));
  return {
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
