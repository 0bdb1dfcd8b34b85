import { randomBytes } from 'node:crypto';
import { link, lstat, mkdir, open, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../base/errors.ts';
import { piecesOf } from './body.ts';
import { existingObject } from './failures.ts';
import { isAbsence } from './disk-failures.ts';
import { TEMPORARY_SUFFIX } from './keys.ts';
import type { ObjectBody } from './store.ts';

const FILE_MODE = 0o640;
const DIRECTORY_MODE = 0o750;

/**
 * Writes `body` as the file of `key` below `root`, durable and whole or not at all; never over another.
 *
 * The content goes into a temporary file beside it, is synced, and gets its name by link(2), which the kernel refuses
 * when the name is taken: rename(2) would replace it. Then the directory is synced.
 * `syncedDirectories` remembers the directories whose own entry is known to be durable.
 */
export async function createFile(root: string, key: string, body: ObjectBody, syncedDirectories: Set<string>): Promise<void> {
  const file = path.join(root, key);
  if (await exists(file)) throw existingObject(root, key);
  const temporary = `${file}.${randomBytes(8).toString('hex')}${TEMPORARY_SUFFIX}`;
  const handle = await openTemporary(root, temporary, syncedDirectories);
  try {
    try {
      // writeFile goes on from the current position and repeats short writes.
      for await (const piece of piecesOf(body, root, key)) await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw linkFailure(root, key, error);
  }
  await unlink(temporary);
  await syncDirectory(path.dirname(file));
}

function linkFailure(root: string, key: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== 'link') return error;
  if (code === 'EEXIST') return existingObject(root, key, error);
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
async function openTemporary(root: string, temporary: string, syncedDirectories: Set<string>): Promise<FileHandle> {
  const directory = path.dirname(temporary);
  await makeDirectories(root, directory, syncedDirectories);
  try {
    return await open(temporary, 'wx', FILE_MODE);
  } catch (error) {
    if (!isAbsence(error)) throw error;
    syncedDirectories.clear();
    await makeDirectories(root, directory, syncedDirectories);
    return await open(temporary, 'wx', FILE_MODE);
  }
}

/**
 * Makes each missing directory between `root` and `directory`, and syncs the parent of each. A directory that was there
 * already is synced once too: whoever made it may not have come to that. The root itself is never made.
 */
async function makeDirectories(root: string, directory: string, syncedDirectories: Set<string>): Promise<void> {
  if (directory === root || syncedDirectories.has(directory)) return;
  const parent = path.dirname(directory);
  await makeDirectories(root, parent, syncedDirectories);
  await mkdir(directory, { mode: DIRECTORY_MODE }).catch((error: unknown) => {
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
