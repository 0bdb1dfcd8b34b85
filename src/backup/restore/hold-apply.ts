import { open, rm } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { writeFailure } from './lay-down-apply.ts';
import { HOLD_NAME } from './left-out.ts';

/** Paths of sockets are short: 104 bytes on some systems, the terminating zero among them. */
const SOCKET_PATH_BYTES = 100;
const TRIES = 5;
/** The directory may not be or cannot be entered, which whoever looks into it next says better. */
const UNENTERED: readonly (string | undefined)[] = ['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'];
/** Nobody listens there. */
const UNANSWERED: readonly (string | undefined)[] = ['ECONNREFUSED', 'ENOTSOCK', 'EPROTOTYPE', ...UNENTERED];
/** Of filesystems that have no sockets. */
const SOCKETLESS: readonly (string | undefined)[] = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS'];

/**
 * Holds a directory for the one restore that is at work in it, until the function it gives is called or this process dies,
 * however it dies.
 *
 * The hold is a listening socket in the directory: the system closes it with its process, a process id that is used again deceives
 * nobody, and it is seen from another container with the same volume. It is not seen from another host. Where the filesystem has no
 * sockets nothing is held. For both there is the id in the restore's mark.
 *
 * @throws {DbadminError} `locked` when another restore holds it; `file-unwritable`.
 */
export async function holdDirectory(directory: string): Promise<() => Promise<void>> {
  const socket = await socketIn(directory);
  if (socket === undefined) return async () => await Promise.resolve();
  try {
    const server = await listen(directory, socket.address);
    return async () => {
      if (server !== undefined) await new Promise((resolve) => server.close(resolve));
      await socket.close();
    };
  } catch (error) {
    await socket.close();
    throw error;
  }
}

/** @throws {DbadminError} `locked` when a restore is at work in a directory, which need not exist. */
export async function refuseHeld(directory: string): Promise<void> {
  const socket = await socketIn(directory).catch((error: unknown) => {
    if (UNANSWERED.includes(systemCodeOf(error))) return undefined;
    throw error;
  });
  if (socket === undefined) return;
  try {
    if (await isAnswered(socket.address)) throw held(directory);
  } finally {
    await socket.close();
  }
}

async function listen(directory: string, address: string): Promise<net.Server | undefined> {
  for (let tries = 1; ; tries += 1) {
    const server = net.createServer((socket) => void socket.destroy());
    try {
      // The user who runs the next restore may be another; whoever else there is cannot enter the directory.
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen({ path: address, readableAll: true, writableAll: true }, () => resolve());
      });
      server.unref();
      return server;
    } catch (error) {
      const code = systemCodeOf(error);
      if (SOCKETLESS.includes(code)) return undefined;
      if (code !== 'EADDRINUSE') throw writeFailure(path.join(directory, HOLD_NAME), error);
      if (tries === TRIES || (await isAnswered(address))) throw held(directory);
      await rm(path.join(directory, HOLD_NAME), { force: true });
    }
  }
}

function held(directory: string): DbadminError {
  return new DbadminError('locked', `another restore is at work in ${directory}`, {
    detail: `It listens on ${HOLD_NAME} there, so its process lives.`,
    hint: 'Wait for its end, or end it; what it leaves can be finished with --delta.',
  });
}

async function isAnswered(address: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = net.createConnection(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!UNANSWERED.includes(systemCodeOf(error))));
  });
}

/** How the socket of a directory is reached; where its path is too long, by way of an open directory. Undefined where that does not go. */
async function socketIn(directory: string): Promise<{ readonly address: string; close(): Promise<void> } | undefined> {
  const address = path.join(directory, HOLD_NAME);
  if (Buffer.byteLength(address) <= SOCKET_PATH_BYTES) return { address, close: async () => await Promise.resolve() };
  if (process.platform !== 'linux') return undefined;
  const handle = await open(directory, 'r');
  return { address: `/proc/self/fd/${handle.fd}/${HOLD_NAME}`, close: async () => await handle.close() };
}
