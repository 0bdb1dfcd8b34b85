import { chmod, lstat, mkdtemp, readdir, readFile, readlink, realpath, rm, stat } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { isRunning } from '../../base/processes.ts';
import { freeBytesFor } from '../restore/lay-down-apply.ts';

/** A directory for one drill, with everything that it makes. */
export interface Scratch {
  readonly directory: string;
  /** Removes it; the server in it must have ended. */
  remove(): Promise<void>;
}

const PREFIX = 'dbadmin-drill-';
const OWNER = 'owner.sock';
/** A directory this young may be one whose owner has not listened yet. */
const YOUNG_MS = 60_000;
/** Paths of sockets are short: 104 bytes on some systems, the terminating zero among them. */
const SOCKET_PATH_BYTES = 100;
const STOP_TRIES = 100;

/**
 * Makes a scratch directory in the first of `places` with `neededBytes` free, or else in that with most room, where the
 * restore's own check will refuse.
 *
 * Its owner marker is a listening socket: the system closes it when its owner dies, however it dies, and a process id that
 * is used again deceives nobody. `option` is that by which people name the place.
 *
 * @throws {DbadminError} `file-unwritable`, `refused` when a socket's path would be too long.
 */
export async function makeScratch(places: readonly string[], neededBytes: number, option = '--scratch'): Promise<Scratch> {
  const place = await choosePlace(places, neededBytes);
  let directory: string;
  try {
    directory = await mkdtemp(path.join(place, PREFIX));
    // The server runs as another user when we are root, and has to get through.
    await chmod(directory, 0o711);
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot make a directory for a throw-away cluster in ${place}`, {
      detail: messageOf(error),
      hint: `The directory has to be there, and to be writable by this user: make it, or name another place with ${option}.`,
      cause: error,
    });
  }
  const marker = path.join(directory, OWNER);
  if (Buffer.byteLength(marker) > SOCKET_PATH_BYTES) {
    await rm(directory, { recursive: true, force: true });
    throw new DbadminError('refused', `the path of ${place} is too long for a throw-away cluster`, {
      detail: 'The sockets in it could not be reached.',
      hint: `Name a shorter one with ${option}.`,
    });
  }
  const server = net.createServer((socket) => void socket.destroy());
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(marker, () => resolve()));
  server.unref();
  return {
    directory,
    remove: async () => {
      await new Promise((resolve) => server.close(resolve));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function choosePlace(places: readonly string[], neededBytes: number): Promise<string> {
  const [first] = places;
  if (first === undefined) throw new DbadminError('internal', 'a drill needs a place');
  let roomiest = { place: first, free: -1 };
  for (const place of places) {
    const free = await freeBytesFor(place);
    if (free >= neededBytes) return place;
    if (free > roomiest.free) roomiest = { place, free };
  }
  return roomiest.place;
}

/** Removes what killed drills left in `places`, their servers first; gives the directories removed. */
export async function sweepScratch(places: readonly string[], now: Date): Promise<readonly string[]> {
  const swept: string[] = [];
  for (const place of places) {
    const names = await readdir(place).catch(() => []);
    for (const name of names.filter((each) => each.startsWith(PREFIX))) {
      const directory = path.join(place, name);
      if (!(await isOurs(directory)) || !(await isAbandoned(directory, now))) continue;
      await stopServerIn(path.join(directory, 'data'));
      await rm(directory, { recursive: true, force: true });
      swept.push(directory);
    }
  }
  return swept;
}

/** A real directory of this user: in a place that all may write to, others may lay names of the same form. */
async function isOurs(directory: string): Promise<boolean> {
  const info = await lstat(directory).catch(() => undefined);
  return info?.isDirectory() === true && info.uid === process.getuid?.();
}

async function isAbandoned(directory: string, now: Date): Promise<boolean> {
  const answer = await new Promise<'alive' | 'dead' | 'absent'>((resolve) => {
    const socket = net.createConnection(path.join(directory, OWNER), () => {
      socket.destroy();
      resolve('alive');
    });
    socket.once('error', (error) => resolve(systemCodeOf(error) === 'ECONNREFUSED' ? 'dead' : 'absent'));
  });
  if (answer !== 'absent') return answer === 'dead';
  const info = await stat(directory).catch(() => undefined);
  return info !== undefined && now.getTime() - info.mtimeMs > YOUNG_MS;
}

/** Ends the server that a killed drill left running, if it is that server and no other process of the same id. */
async function stopServerIn(dataDirectory: string): Promise<void> {
  const pid = Number((await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n', 1)[0]);
  if (!Number.isInteger(pid) || pid <= 1) return;
  for (let tries = 0; tries < STOP_TRIES; tries += 1) {
    if (!(await isServerOf(pid, dataDirectory))) return;
    // What `pg_ctl stop -m immediate` sends; nothing of it is to be kept.
    process.kill(pid, 'SIGQUIT');
    await sleep(100);
  }
  throw new DbadminError('refused', `the server of a killed drill in ${dataDirectory} does not end`, {
    hint: `End process ${pid} and remove ${path.dirname(dataDirectory)}.`,
  });
}

/** A postmaster's working directory is its data directory. Where the system does not tell, the file is believed. */
async function isServerOf(pid: number, dataDirectory: string): Promise<boolean> {
  if (!(await isRunning(pid))) return false;
  if (process.platform !== 'linux') return true;
  return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === (await realpath(dataDirectory));
}
