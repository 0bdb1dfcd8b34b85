import { readFile, readlink } from 'node:fs/promises';
import { isRunning, processStatus } from '../base/processes.ts';

/**
 * This process, so that another on the same machine can tell whether it still lives: boot, PID namespace, PID and start
 * time. Undefined where the system does not say (anywhere but Linux): there only time tells.
 */
export async function processIdentity(): Promise<string | undefined> {
  try {
    return [await bootOf(), String(process.pid), (await processStatus(process.pid))?.startTime ?? ''].join(' ');
  } catch {
    return undefined;
  }
}

/** Whether the process of this identity is proven to have ended: it ran on this boot of this machine and is gone. */
export async function hasEnded(identity: string): Promise<boolean> {
  return (await stateOf(identity)) === 'ended';
}

/** What is proven of the process of this identity. Of one of another boot or container nothing is. */
export async function stateOf(identity: string): Promise<'running' | 'ended' | 'unknown'> {
  const [boot = '', pidText = '', startTime = ''] = identity.split(' ');
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0 || startTime === '') return 'unknown';
  try {
    if (boot !== (await bootOf())) return 'unknown';
    if (!(await isRunning(pid))) return 'ended';
    const found = await processStatus(pid);
    // Without its status (hidden from other users) nothing is proven.
    if (found === undefined) return 'unknown';
    return found.startTime === startTime ? 'running' : 'ended';
  } catch {
    return 'unknown';
  }
}

async function bootOf(): Promise<string> {
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return `${boot}/${(await readlink('/proc/self/ns/pid')).replaceAll(' ', '')}`;
}
