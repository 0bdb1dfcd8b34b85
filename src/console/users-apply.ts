import path from 'node:path';
import { writeWholeFile } from '../base/whole-file.ts';
import { makeDirectories } from '../base/make-directories.ts';
import { formatUsers, type ConsoleUser } from './user.ts';

/**
 * Writes the users where only their owner can read them, the whole file or nothing.
 *
 * @throws {DbadminError} `file-unwritable`.
 */
export async function writeUsers(file: string, users: readonly ConsoleUser[]): Promise<void> {
  await makeDirectories(path.dirname(file), 0o700);
  await writeWholeFile(file, formatUsers(users), 0o600);
}
