import { chmod, lstat, open, unlink } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { fetchFromAny, type FetchOptions } from './fetch-any.ts';
import { Prefetcher } from './prefetch.ts';
import { momentOf, pushWalBytes, readAtOnce, type PushOptions } from './push-run.ts';
import { SocketReader } from './socket-connection.ts';
import { failLine, parseRequest, type SocketRequest } from './socket-protocol.ts';

export interface SocketOptions {
  /** Where the socket is made: in a directory that only its owner may write to. */
  readonly socketPath: string;
  readonly push: PushOptions;
  /** Where `get` looks; the cluster is that of `push`. */
  readonly fetch: FetchOptions;
}

export interface ServedSocket {
  close(): Promise<void>;
}

/** Memory of the last push, for the next one: new memory costs as much as the reading. */
interface SpareMemory {
  buffer: Buffer | undefined;
}

const AHEAD_BYTES = 64 * 1024 * 1024;
const SILENCE_MS = 120_000;
const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;

/**
 * Answers `wal push` and `wal get` of this machine on a local socket, so that they need not start a process of their own.
 *
 * Only the user who serves may connect: the socket has mode 0600 and its directory must not be writable by others. Node cannot
 * ask the kernel who is at the other end. A file is pushed by its path when it is the same file here as there, else it is sent.
 *
 * @throws {DbadminError} `locked` when somebody serves there already, `refused` when the place is not safe, `file-unwritable`.
 */
export async function serveSocket(options: SocketOptions): Promise<ServedSocket> {
  await refuseUnsafePlace(options.socketPath);
  await removeStale(options.socketPath);
  const prefetcher = new Prefetcher(async (name) => await fetchFromAny(name, options.fetch), AHEAD_BYTES);
  const open = new Set<net.Socket>();
  const memory: SpareMemory = { buffer: undefined };
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.setTimeout(SILENCE_MS, () => socket.destroy());
    socket.on('error', () => undefined);
    void answer(socket, options, prefetcher, memory).finally(() => {
      open.delete(socket);
      socket.end();
    });
  });
  await listen(server, options.socketPath);
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of open) socket.destroySoon();
      await closed;
    },
  };
}

async function answer(socket: net.Socket, options: SocketOptions, prefetcher: Prefetcher, memory: SpareMemory): Promise<void> {
  const reader = new SocketReader(socket);
  try {
    const line = await reader.line();
    if (line === undefined) return;
    const request = parseRequest(line);
    if (request.cluster !== options.push.clusterName) {
      throw new DbadminError('refused', `this socket serves cluster ${options.push.clusterName}, not ${request.cluster}`);
    }
    if (request.kind === 'push') await answerPush(socket, reader, request, options.push, memory);
    else await answerGet(socket, request.name, prefetcher);
  } catch (error) {
    const detail = error instanceof DbadminError && error.detail !== undefined ? `: ${error.detail.replaceAll('\n', ' ')}` : '';
    if (!socket.destroyed) socket.write(failLine(`${messageOf(error)}${detail}`));
  }
}

async function answerPush(
  socket: net.Socket,
  reader: SocketReader,
  request: Extract<SocketRequest, { kind: 'push' }>,
  options: PushOptions,
  memory: SpareMemory,
): Promise<void> {
  // Taken away, so that another push at the same time takes memory of its own.
  const spare = memory.buffer;
  memory.buffer = undefined;
  const same = await readSame(request, spare);
  if (same === undefined) socket.write('send\n');
  const bytes = same?.bytes ?? (await reader.bytes(request.sizeBytes));
  const coveredUntil = same === undefined ? undefined : await momentOf(request.path, same.modifiedAt, options.clock);
  await pushWalBytes(path.basename(request.path), bytes, options, coveredUntil);
  keepLarger(memory, Buffer.from(bytes.buffer));
  socket.write('ok\n');
}

function keepLarger(memory: SpareMemory, buffer: Buffer): void {
  if (buffer.byteLength >= (memory.buffer?.byteLength ?? 0)) memory.buffer = buffer;
}

async function answerGet(socket: net.Socket, name: string, prefetcher: Prefetcher): Promise<void> {
  const found = await prefetcher.get(name);
  if (found === undefined) {
    socket.write('absent\n');
    return;
  }
  socket.write(`file ${found.bytes.byteLength}\n`);
  socket.write(found.bytes);
}

/** The file, when it is the one that the client sees: a client in another container may mean another by the same path. */
async function readSame(
  request: Extract<SocketRequest, { kind: 'push' }>,
  memory: Buffer | undefined,
): Promise<{ readonly bytes: Buffer; readonly modifiedAt: Date } | undefined> {
  try {
    const handle = await open(request.path, 'r');
    try {
      const { dev, ino, size, mtime: modifiedAt } = await handle.stat({ bigint: true });
      const isSame = dev.toString() === request.device && ino.toString() === request.inode && size === BigInt(request.sizeBytes);
      return isSame ? { bytes: await readAtOnce(handle, request.sizeBytes, memory), modifiedAt } : undefined;
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

async function refuseUnsafePlace(socketPath: string): Promise<void> {
  const directory = path.dirname(socketPath);
  const place = await lstat(directory).catch((error: unknown) => {
    throw new DbadminError('file-unwritable', `there is no directory ${directory} for the socket`, {
      detail: messageOf(error),
      cause: error,
    });
  });
  const isOpenToOthers = (place.mode & OTHERS_MAY_WRITE) !== 0 && (place.mode & STICKY) === 0;
  if (place.isDirectory() && !isOpenToOthers) return;
  throw new DbadminError('refused', `${directory} is not safe for the socket of wal receive`, {
    detail: place.isDirectory() ? 'Others may put a socket of their own into its place.' : 'It is not a directory.',
    hint: 'Give a path in a directory that only its owner may write to, such as /run/dbadmin/wal.sock.',
  });
}

/** What a process that was killed left behind goes; a socket that somebody answers on stays. */
async function removeStale(socketPath: string): Promise<void> {
  const there = await lstat(socketPath).catch(() => undefined);
  if (there === undefined) return;
  if (!there.isSocket()) throw new DbadminError('refused', `${socketPath} is there and is not a socket`);
  const answers = await new Promise<boolean>((resolve) => {
    const probe = net.connect(socketPath, () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', (error) => resolve(systemCodeOf(error) !== 'ECONNREFUSED'));
  });
  if (answers) throw new DbadminError('locked', `somebody serves ${socketPath} already`);
  await unlink(socketPath);
}

async function listen(server: net.Server, socketPath: string): Promise<void> {
  // The socket is made inside of listen(), at once: nobody can connect before it has its mode.
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(new DbadminError('file-unwritable', `cannot serve ${socketPath}`, { detail: messageOf(error), cause: error }));
      });
      server.listen(socketPath, resolve);
      process.umask(before);
    });
  } finally {
    process.umask(before);
  }
  await chmod(socketPath, 0o600);
}
