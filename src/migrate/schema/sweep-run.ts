import { lstat, readdir, readlink, realpath, rm } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemCodeOf } from '../../base/errors.ts';
import { serverPid } from '../../postgres/server.ts';

const OWNER = 'owner.sock';
/** The owner of a directory this young may not have marked it yet. */
const YOUNG_MS = 60_000;
const STOP_TRIES = 50;

/**
 * Marks a scratch directory as in use until the function it gives is called, or this process dies, however it dies. The mark is
 * a listening socket: the system closes it with its process, and a process id that is used again deceives nobody.
 */
export async function markInUse(directory: string): Promise<() => Promise<void>> {
  const server = net.createServer((socket) => void socket.destroy());
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path.join(directory, OWNER), () => resolve()));
  server.unref();
  return async () => {
    await new Promise((resolve) => server.close(resolve));
  };
}

/** Ends the servers and removes the directories `<parent>/<prefix>*` that killed processes left. `owners` are the users who make some. */
export async function sweepAbandoned(parent: string, prefix: string, owners: readonly number[]): Promise<void> {
  const names = await readdir(parent).catch(() => []);
  for (const directory of names.filter((name) => name.startsWith(prefix)).map((name) => path.join(parent, name))) {
    if (!(await isAbandoned(directory, owners))) continue;
    // What cannot be removed now is tried again by the next one; the caller's work does not depend on it.
    if (await stopServer(path.join(directory, 'data'))) await rm(directory, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function isAbandoned(directory: string, owners: readonly number[]): Promise<boolean> {
  // In a place that all may write to, others may lay names of the same form.
  const info = await lstat(directory).catch(() => undefined);
  if (info?.isDirectory() !== true || !owners.includes(info.uid)) return false;
  const answer = await new Promise<'alive' | 'dead' | 'absent'>((resolve) => {
    const socket = net.createConnection(path.join(directory, OWNER), () => {
      socket.destroy();
      resolve('alive');
    });
    socket.once('error', (error) => resolve(systemCodeOf(error) === 'ECONNREFUSED' ? 'dead' : 'absent'));
  });
  return answer === 'dead' || (answer === 'absent' && Date.now() - info.mtimeMs > YOUNG_MS);
}

/** Whether no server runs in `dataDirectory` any more. */
async function stopServer(dataDirectory: string): Promise<boolean> {
  for (let tries = 0; tries < STOP_TRIES; tries += 1) {
    const pid = await serverPid(dataDirectory);
    if (pid === undefined || !(await isServerOf(pid, dataDirectory))) return true;
    // What `pg_ctl stop -m immediate` sends.
    process.kill(pid, 'SIGQUIT');
    await sleep(100);
  }
  return false;
}

/** A postmaster's working directory is its data directory. Where the system does not tell, the file is believed. */
async function isServerOf(pid: number, dataDirectory: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === (await realpath(dataDirectory));
}
