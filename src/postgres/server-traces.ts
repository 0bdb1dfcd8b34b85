import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { isRunning, processStatus } from '../base/processes.ts';

/** What shows that a server, or a part of one, still has a data directory open. */
export type ServerTrace =
  | { readonly kind: 'postmaster'; readonly pid: number }
  /** Their working directory is the data directory: a server in another container, or what outlived its postmaster. */
  | { readonly kind: 'processes'; readonly pids: readonly number[] }
  | { readonly kind: 'shared-memory'; readonly id: number; readonly attached: number };

/** What postmaster.pid says: the postmaster's process, and key and id of its shared memory once it has some. */
export interface PidFile {
  readonly pid: number;
  readonly sharedMemory: { readonly key: number; readonly id: number } | undefined;
}

/**
 * Undefined when the file is absent or no server wrote it.
 *
 * @see https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/utils/pidfile.h
 */
export async function readPidFile(dataDirectory: string): Promise<PidFile | undefined> {
  const lines = (await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  // Negative: a single-user server.
  const pid = Math.abs(Number(lines[0]));
  if (!Number.isSafeInteger(pid) || pid === 0) return undefined;
  const [, key, id] = /^\s*(\d+)\s+(\d+)\s*$/.exec(lines[6] ?? '') ?? [];
  return { pid, sharedMemory: key === undefined || id === undefined ? undefined : { key: Number(key), id: Number(id) } };
}

/**
 * Looks for a server in a data directory, as PostgreSQL does before it starts one, and for backends that outlived their
 * postmaster: they write to its files.
 *
 * A server on another host leaves no trace here, nor does one in another container, unless its processes can be seen from here.
 */
export async function findServer(dataDirectory: string): Promise<ServerTrace | undefined> {
  const file = await readPidFile(dataDirectory);
  if (file !== undefined && (await mayBePostmaster(file.pid, dataDirectory))) return { kind: 'postmaster', pid: file.pid };
  const pids = await processesIn(dataDirectory);
  if (pids.length > 0) return { kind: 'processes', pids };
  if (file?.sharedMemory === undefined) return undefined;
  const { key, id } = file.sharedMemory;
  const attached = attachedTo(await readFile('/proc/sysvipc/shm', 'utf8').catch(() => ''), key, id);
  return attached > 0 ? { kind: 'shared-memory', id, attached } : undefined;
}

/** How many processes have a segment of System V shared memory attached. `table` is `/proc/sysvipc/shm`, whose first line names its columns. */
export function attachedTo(table: string, key: number, id: number): number {
  const [head = '', ...rows] = table.split('\n').map((line) => line.trim().split(/\s+/));
  const [keyAt, idAt, attachedAt] = ['key', 'shmid', 'nattch'].map((name) => head.indexOf(name));
  const row = rows.find((fields) => Number(fields[keyAt ?? -1]) === key && Number(fields[idAt ?? -1]) === id);
  return Number(row?.[attachedAt ?? -1] ?? 0);
}

/** What the command of a server is called, also where it is wrapped or built under a longer name. */
const SERVER_COMMAND = /postgres|postmaster/;

/**
 * Whether the process with the number in postmaster.pid may be that postmaster. After a crash the number is soon another's: of the first
 * process of a container, which had it before as well, or of anything once the machine was started anew. Where the system does
 * not tell what a process is, it may.
 */
async function mayBePostmaster(pid: number, dataDirectory: string): Promise<boolean> {
  if (pid === process.pid || !(await isRunning(pid))) return false;
  const command = await commandOf(pid);
  // Before our parent is let off: a live postmaster that is the first process of its container is the parent of all orphans there.
  if (command !== undefined && SERVER_COMMAND.test(command)) return true;
  if (pid === process.ppid) return false;
  return command === undefined || (await isAtWorkIn(pid, await stat(dataDirectory).catch(() => undefined)));
}

/** Processes of PostgreSQL at work in a directory, whatever its name is to them. None where the system does not tell. */
async function processesIn(dataDirectory: string): Promise<readonly number[]> {
  const here = await stat(dataDirectory).catch(() => undefined);
  if (here === undefined) return [];
  const found: number[] = [];
  for (const name of await readdir('/proc').catch(() => [])) {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid) || !(await isAtWorkIn(pid, here))) continue;
    // Somebody's shell may stand there, too.
    if (SERVER_COMMAND.test((await commandOf(pid)) ?? '') && (await processStatus(pid))?.state !== 'Z') found.push(pid);
  }
  return found;
}

async function isAtWorkIn(pid: number, here: Stats | undefined): Promise<boolean> {
  const directory = await stat(`/proc/${pid}/cwd`).catch(() => undefined);
  return directory !== undefined && directory.ino === here?.ino && directory.dev === here.dev;
}

async function commandOf(pid: number): Promise<string | undefined> {
  return await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => undefined);
}
