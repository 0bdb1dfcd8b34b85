import { link, lstat, mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../base/errors.ts';
import { piecesOf } from './body.ts';
import { existingObject } from './failures.ts';
import { isAbsence } from './disk-failures.ts';
import { temporaryName } from './keys.ts';
import type { ObjectBody } from './store.ts';

/** Who may read what is made. */
export interface Modes {
  readonly file: number;
  readonly directory: number;
}

/** For the owner alone, unless the root directory was opened to its group: then the group may read. */
export function modesBelow(rootMode: number): Modes {
  const isShared = (rootMode & 0o050) === 0o050;
  return isShared ? { file: 0o640, directory: 0o750 } : { file: 0o600, directory: 0o700 };
}

/** Where objects are made, and what is known of it. */
export interface DiskTarget {
  readonly root: string;
  readonly modes: Modes;
  /** Directories whose own entry is known to be durable. */
  readonly syncedDirectories: Set<string>;
  /** Proves that the root is still the one that was opened. */
  readonly check: () => Promise<void>;
}

/**
 * Writes `body` as the file of `key` below `root`, durable and whole or not at all; never over another.
 *
 * The content goes into a temporary file beside it, is synced, and gets its name by link(2), which the kernel refuses
 * when the name is taken: rename(2) would replace it. Then the directory is synced.
 * A failed sync is a failure, and the content is thrown away: a second sync would call lost pages written. An object that is
 * found in the way is made durable before it is reported, for whoever made it may not have come to that.
 */
export async function createFile(target: DiskTarget, key: string, body: ObjectBody): Promise<void> {
  const { root } = target;
  const file = path.join(root, key);
  if (await exists(file)) {
    await syncDirectory(path.dirname(file));
    throw existingObject(root, key);
  }
  const temporary = temporaryName(file);
  const handle = await openTemporary(target, temporary);
  try {
    try {
      for await (const piece of piecesOf(body, root, key)) await append(handle, piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await linkOnce(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    if (isTaken(error)) await syncDirectory(path.dirname(file));
    throw linkFailure(root, key, error);
  }
  // Left behind it is seen by nobody, and removed with the other leftovers.
  await unlink(temporary).catch(() => undefined);
  // When this fails the object stays: another writer may have found it there, and relied on it.
  await syncDirectory(path.dirname(file));
}

/**
 * Longer writes make Linux take large folios for the page cache, which on some machines are memory that was never touched: in
 * pieces of 1 MiB the same bytes cost several times the system time.
 */
const WRITE_BYTES = 256 * 1024;

async function append(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  // writeFile goes on from the current position and repeats short writes.
  for (let at = 0; at < bytes.byteLength; at += WRITE_BYTES) await handle.writeFile(bytes.subarray(at, at + WRITE_BYTES));
}

/** Over NFS a link whose answer was lost is asked for again, and then says that the name is taken: by this very file. */
async function linkOnce(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file);
  } catch (error) {
    if (!isTaken(error)) throw error;
    const [ours, theirs] = await Promise.all([lstat(temporary), lstat(file)]);
    if (ours.ino !== theirs.ino || ours.dev !== theirs.dev) throw error;
  }
}

/** Whether a name could not be given because there is a file of it. */
function isTaken(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === 'link' && code === 'EEXIST';
}

function linkFailure(root: string, key: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== 'link') return error;
  if (isTaken(error)) return existingObject(root, key, error);
  if (code !== undefined && ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) {
    return new DbadminError('storage-unsupported', `the file system of ${root} has no hard links`, {
      detail: 'Without them two writers could replace the work of each other.',
      hint: 'Keep the repository on ext4, XFS, Btrfs, ZFS, APFS or NFS; FAT and exFAT cannot hold one.',
      cause: error,
    });
  }
  return error;
}

/** Opens the temporary file, after making the directories above it; again when they were removed in between. */
async function openTemporary(target: DiskTarget, temporary: string): Promise<FileHandle> {
  const directory = path.dirname(temporary);
  await makeDirectoriesBelow(target, directory);
  try {
    return await open(temporary, 'wx', target.modes.file);
  } catch (error) {
    if (!isAbsence(error)) throw error;
    target.syncedDirectories.clear();
    await makeDirectoriesBelow(target, directory);
    return await open(temporary, 'wx', target.modes.file);
  }
}

/**
 * Makes each missing directory between `root` and `directory`, and syncs the parent of each. A directory that was there
 * already is synced once too: whoever made it may not have come to that. The root itself is never made, and nothing in another:
 * what was there and is not is more often unmounted than removed.
 */
async function makeDirectoriesBelow(target: DiskTarget, directory: string): Promise<void> {
  const { root, modes, syncedDirectories } = target;
  if (directory === root || syncedDirectories.has(directory)) return;
  const parent = path.dirname(directory);
  await makeDirectoriesBelow(target, parent);
  await target.check();
  await mkdir(directory, { mode: modes.directory }).catch((error: unknown) => {
    if (systemCodeOf(error) !== 'EEXIST') throw error;
  });
  await syncDirectory(parent);
  syncedDirectories.add(directory);
}

async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw error;
  }
}

/** Makes the entries of a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
