import { createHash } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../base/errors.ts';

/**
 * Keeps a job from running twice at once on this machine, until the returned function is called or the process dies.
 *
 * The claim is a listening socket, because the system gives it up when its owner dies however it dies; a file with a process
 * id would outlive a power cut and name a stranger. `schedule` tells apart projects with a job of one name: the absolute path
 * of the policies.
 *
 * @throws {DbadminError} `locked` when the job is running.
 */
export async function claimJob(schedule: string, job: string): Promise<() => Promise<void>> {
  const address = claimAddress(schedule, job);
  const server = (await listen(address)) ?? (await takeOver(address));
  if (server === undefined) {
    throw new DbadminError('locked', `job ${job} is still running`, {
      detail: 'A job never overlaps itself.',
      hint: 'Wait for it, or end the process that runs it.',
    });
  }
  // The claim alone must not keep the process alive.
  server.unref();
  return async () => {
    await new Promise((resolve) => server.close(resolve));
  };
}

/** Linux has names for sockets that are no files and vanish with their owner; elsewhere it is a file in the temporary directory. */
function claimAddress(schedule: string, job: string): string {
  const name = `dbadmin-${createHash('sha256').update(`${schedule}\n${job}`).digest('hex').slice(0, 24)}`;
  return process.platform === 'linux' ? `\0${name}` : path.join(os.tmpdir(), `${name}.sock`);
}

async function listen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => void socket.destroy());
  return await new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (systemCodeOf(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => resolve(server));
  });
}

/** The socket file of a process that died is taken over; one that answers is not. */
async function takeOver(address: string): Promise<Server | undefined> {
  if (address.startsWith('\0') || (await answers(address))) return undefined;
  await unlink(address);
  return await listen(address);
}

async function answers(address: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
