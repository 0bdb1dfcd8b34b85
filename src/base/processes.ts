import { readFile } from 'node:fs/promises';
import { systemCodeOf } from './errors.ts';

export interface ProcessStatus {
  /** One letter; `Z` is a zombie: ended, its parent has not asked for its status yet. */
  readonly state: string;
  /** In clock ticks since boot; with the PID it names one process. */
  readonly startTime: string;
}

/**
 * Whether a process of this PID runs. A zombie does not: it writes nothing any more, and where the first process of a
 * container never asks for the ends of orphans it stays for ever.
 */
export async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: there is one, of another user.
    if (systemCodeOf(error) === 'ESRCH') return false;
  }
  return (await processStatus(pid))?.state !== 'Z';
}

/**
 * Undefined where the system does not say (anywhere but Linux, or hidden from other users) and where there is no such
 * process.
 *
 * @see proc_pid_stat(5): the command in parentheses may hold anything, the fields behind it are counted from its end.
 */
export async function processStatus(pid: number): Promise<ProcessStatus | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
