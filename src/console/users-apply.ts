import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeWholeFile } from '../base/whole-file.ts';
import { formatUsers, type ConsoleUser } from './user.ts';

/**
 * Writes the users where only their owner can read them, the whole file or nothing.
 *
 * @throws {DbadminError} `file-unwritable`.
 */
export async function writeUsers(file: string, users: readonly ConsoleUser[]): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  await writeWholeFile(file, formatUsers(users), 0o600);
}
