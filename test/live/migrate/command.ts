import { spawn, type ChildProcess } from 'node:child_process';
import { CLI, COMPILE_CACHE } from '../../built-command.ts';

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly process: ChildProcess;
  readonly ended: Promise<CommandResult>;
}

/** `dbadmin …` in a process of its own. */
export function startCommand(directory: string, args: readonly string[]): RunningCommand {
  const { DATABASE_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, [CLI, ...args], { cwd: directory, env: { ...env, ...COMPILE_CACHE } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<CommandResult>((resolve) => child.on('close', (status) => resolve({ status, stdout, stderr })));
  return { process: child, ended };
}

export async function runCommand(directory: string, args: readonly string[]): Promise<CommandResult> {
  return await startCommand(directory, args).ended;
}
