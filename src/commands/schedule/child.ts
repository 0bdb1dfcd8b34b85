import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { programFile } from './job-commands.ts';

/** Between asking a command to stop and ending it: time to cancel a query, to give up a lease, to remove what is half done. */
const LAST_WORDS_MS = 15_000;

/** Gets what a command prints, in pieces of any size. */
export type Take = (text: string, stream: 'stdout' | 'stderr') => void;

export interface ChildOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /**
   * Gets everything it prints; `inherit` lets it print where we do, `errors` only what went wrong. `beside`: it prints where we
   * do and that is told, too, unless it prints on a terminal, which it is left to itself.
   */
  readonly output: Take | 'inherit' | 'errors' | { readonly beside: Take };
}

/** How a command of ours ended. */
export interface ChildEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last that it told us beside what it prints. */
  readonly told: unknown;
}

/**
 * Runs a command of ours in a process of its own: its memory goes back to the system when it is done, a defect of it ends
 * nothing else, and it can be ended. It ends by itself when we do, however that happens, since its channel to us closes.
 *
 * It leads a process group of its own: Ctrl+C in a terminal reaches whoever runs it, who decides.
 */
export async function runChild(words: readonly string[], { cwd, env, signal, output }: ChildOptions): Promise<ChildEnd> {
  const isBeside = typeof output === 'object' && !process.stdout.isTTY && !process.stderr.isTTY;
  const isTaken = typeof output === 'function' || isBeside;
  const shown = isTaken ? 'pipe' : output === 'errors' ? 'ignore' : 'inherit';
  const child = spawn(process.execPath, [programFile(), ...words], {
    cwd,
    env: { ...env },
    stdio: ['ignore', shown, isTaken ? 'pipe' : 'inherit', 'ipc'],
    detached: true,
  });
  const taken = typeof output === 'function' ? output : typeof output === 'object' ? output.beside : undefined;
  if (isTaken && taken !== undefined) {
    for (const name of ['stdout', 'stderr'] as const) child[name]?.setEncoding('utf8').on('data', (text: string) => taken(text, name));
    if (isBeside)
      for (const [from, to] of [
        [child.stdout, process.stdout],
        [child.stderr, process.stderr],
      ] as const)
        from?.pipe(to, { end: false });
  }
  let told: unknown;
  child.on('message', (message) => (told = message));
  let last: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    last = setTimeout(() => child.kill('SIGKILL'), LAST_WORDS_MS);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    const [status, by] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { status, signal: by, told };
  } finally {
    clearTimeout(last);
    signal.removeEventListener('abort', stop);
  }
}
