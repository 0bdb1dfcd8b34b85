import { spawn, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CLI, COMPILE_CACHE } from '../built-command.ts';
import type { TestCluster } from '../postgres/cluster.ts';

/** A dbadmin.yaml for a cluster and a repository on disk, in `directory`. */
export async function writeConfig(directory: string, cluster: TestCluster, repository: string): Promise<string> {
  const file = path.join(directory, 'dbadmin.yaml');
  await writeFile(
    file,
    `version: 1\nclusters:\n  main:\n    url: ${JSON.stringify(cluster.url())}\n    repositories: [local]\nrepositories:\n  local: { type: disk, path: ${JSON.stringify(repository)} }\n`,
    { mode: 0o600 },
  );
  return file;
}

/** Starts `dbadmin …`, as users have it, as a process of its own. */
export function startCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ...COMPILE_CACHE, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

export interface CommandEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a started command printed and how it ended. */
export async function commandEnd(child: ChildProcess): Promise<CommandEnd> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}

export async function runCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandEnd> {
  return await commandEnd(startCommand(args, env));
}
