import { spawn, type ChildProcess } from 'node:child_process';
import { CLI, COMPILE_CACHE } from '../built-command.ts';

export interface ServedConsole {
  /** As printed, with the code of the start link where there is one. */
  readonly link: string;
  readonly url: string;
  /** Stops it as Ctrl-C does, and gives its exit status and what it said on stderr. */
  stop(): Promise<{ readonly status: number | null; readonly stderr: string }>;
}

/** Starts `dbadmin console` on a free port and waits until it has printed where it is. */
export async function serveConsole(
  cwd: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<ServedConsole> {
  const child = spawn(process.execPath, [CLI, 'console', '--listen', '127.0.0.1:0', ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: cwd, TZ: 'UTC', ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve));
  const link = await firstLink(child, () => stderr);
  return {
    link,
    url: new URL(link).origin,
    stop: async () => {
      child.kill('SIGTERM');
      return { status: await ended, stderr };
    },
  };
}

async function firstLink(child: ChildProcess, stderr: () => string): Promise<string> {
  return await new Promise((resolve, reject) => {
    let stdout = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      const link = /https?:\/\/\S+(?=\n)/.exec(stdout)?.[0];
      if (link !== undefined) resolve(link);
    });
    child.once('close', (status) => reject(new Error(`console ended with ${String(status)}: ${stderr()}`)));
  });
}
