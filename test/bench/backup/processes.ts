import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';

export interface Ended {
  readonly seconds: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The most memory its process had, by the kernel's own count. Of the process started, not of its children. */
  readonly peakRssBytes: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

const SAMPLE_MS = 25;

/**
 * Starts a program in a process group of its own, so that Ctrl-C reaches it only through `signal`.
 *
 * `ended` rejects with the end of what it wrote to stderr when its status is not among `expect`.
 */
export function start(
  command: readonly string[],
  signal: AbortSignal,
  options: { readonly env?: NodeJS.ProcessEnv; readonly expect?: readonly number[]; readonly cwd?: string } = {},
): Running {
  const [program = '', ...args] = command;
  const startedAt = performance.now();
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const onAbort = (): void => endGroup(child, 'SIGTERM');
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const ended = finished(child, command, startedAt, options.expect ?? [0]).finally(() => signal.removeEventListener('abort', onAbort));
  // Whoever only wants the child need not look at its end.
  ended.catch(() => undefined);
  return { child, ended };
}

/** Runs a program to its end. @throws {Error} when it fails. */
export async function run(command: readonly string[], signal: AbortSignal, options: Parameters<typeof start>[2] = {}): Promise<Ended> {
  signal.throwIfAborted();
  const ended = await start(command, signal, options).ended;
  signal.throwIfAborted();
  return ended;
}

/** Sends `name` to the process and all that it started. */
export function endGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // It has just ended.
  }
}

async function finished(child: ChildProcess, command: readonly string[], startedAt: number, expect: readonly number[]): Promise<Ended> {
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  let peakRssBytes = 0;
  const sample = async (): Promise<void> => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    peakRssBytes = Math.max(peakRssBytes, 1024 * Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0));
  };
  const sampling = setInterval(() => void sample(), SAMPLE_MS);
  try {
    const exit = await new Promise<{ status: number | null; seconds: number }>((resolve, reject) => {
      let seconds = 0;
      child.once('error', reject);
      child.once('exit', () => (seconds = (performance.now() - startedAt) / 1000));
      child.once('close', (status) => resolve({ status, seconds }));
    });
    if (exit.status === null || !expect.includes(exit.status)) {
      throw new Error(
        `${command.join(' ')} ended with ${exit.status ?? child.signalCode}:\n${output.stderr.slice(-2000)}${output.stdout.slice(-1000)}`,
      );
    }
    return { seconds: exit.seconds, ...output, peakRssBytes };
  } finally {
    clearInterval(sampling);
  }
}
