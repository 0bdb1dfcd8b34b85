import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Waits until a byte of `file` was read, or it was seen that it cannot be, by a process of its own: a call of ours on a mount that hangs
 * cannot be given up, and Node does not end, by process.exit neither, before the last one returns. Where there is no head(1) it waits for nothing.
 *
 * @throws the reason of `signal`, when it is aborted before.
 */
export async function untilDiskAnswers(file: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const child = spawn('head', ['-c', '1', '--', file], { stdio: 'ignore' });
  try {
    await once(child, 'close', { signal });
  } catch {
    signal.throwIfAborted();
  } finally {
    // The system may hold it, too: it is not waited for.
    child.kill('SIGKILL');
    child.unref();
  }
}
