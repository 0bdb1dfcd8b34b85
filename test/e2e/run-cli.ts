import { spawn } from 'node:child_process';
import { CLI, COMPILE_CACHE } from '../built-command.ts';

export interface CliResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

export interface CliOptions {
  readonly cwd: string;
  /** Added to an environment that holds nothing but PATH and HOME (the working directory). */
  readonly env?: Readonly<Record<string, string>>;
  /** `unread`: its reader is gone before it begins. A number: this open file. */
  readonly stdout?: 'unread' | number;
}

/** Runs the built command with no terminal and nothing on stdin. */
export async function runCli(args: readonly string[], { cwd, env = {}, stdout }: CliOptions): Promise<CliResult> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, TZ: 'UTC', ...COMPILE_CACHE, ...env },
    stdio: ['ignore', typeof stdout === 'number' ? stdout : 'pipe', 'pipe'],
  });
  if (stdout === 'unread') child.stdout?.destroy();
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => (output[stream] += text));
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { status, ...output, tookMs: performance.now() - startedMs };
}
