import { readFile } from 'node:fs/promises';
import { DbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import type { FoundFiles, MigrationDirectories } from '../inspect.ts';
import { compareLock, lockPath, lockShown, lockText, readLock } from './lock-file.ts';
import { writeWhole } from './write-apply.ts';

/** Writes the lock file for these files. Gives whether it changed anything. */
export async function writeLock(directories: MigrationDirectories, { migrations }: FoundFiles): Promise<boolean> {
  return await writeWhole(lockPath(directories), lockText(migrations));
}

/** What is wrong with the lock file; undefined when there is none. */
export async function checkLock(
  directories: MigrationDirectories,
  { migrations }: FoundFiles,
): Promise<readonly DbadminError[] | undefined> {
  const shown = lockShown(directories);
  let text: string;
  try {
    text = await readFile(lockPath(directories), 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw new DbadminError('file-unreadable', `cannot read ${shown}`, { detail: messageOf(error), cause: error });
  }
  try {
    return compareLock(readLock(text, shown), migrations, shown);
  } catch (error) {
    if (error instanceof DbadminError) return [error];
    throw error;
  }
}
