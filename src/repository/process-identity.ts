import { readFile, readlink } from 'node:fs/promises';
import { systemCodeOf } from '../base/errors.ts';

/**
 * This process, so that another on the same machine can tell whether it still lives: boot, PID namespace, PID and start
 * time. Undefined where the system does not say (anywhere but Linux): there only time tells.
 */
export async function processIdentity(): Promise<string | undefined> {
  try {
    return [await bootOf(), String(process.pid), (await statusOf(process.pid))?.startTime ?? ''].join(' ');
  } catch {
    return undefined;
  }
}

/** Whether the process of this identity is proven to have ended: it ran on this boot of this machine and is gone. */
export async function hasEnded(identity: string): Promise<boolean> {
  const [boot = '', pidText = '', startTime = ''] = identity.split(' ');
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0 || startTime === '') return false;
  try {
    if (boot !== (await bootOf())) return false;
    if (!isThere(pid)) return true;
    const found = await statusOf(pid);
    // Without its status (hidden from other users) nothing is proven. A zombie writes nothing any more.
    return found !== undefined && (found.startTime !== startTime || found.state === 'Z');
  } catch {
    return false;
  }
}

async function bootOf(): Promise<string> {
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return `${boot}/${(await readlink('/proc/self/ns/pid')).replaceAll(' ', '')}`;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) !== 'ESRCH';
  }
}

/** @see proc_pid_stat(5): the command in parentheses may hold anything, the fields behind it are counted from its end. */
async function statusOf(pid: number): Promise<{ readonly state: string; readonly startTime: string } | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
