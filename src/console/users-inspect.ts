import { readFile, stat } from 'node:fs/promises';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { parseUsers, type ConsoleUser } from './user.ts';

const OTHERS = 0o077;

/**
 * The users of a file; none when it is not there.
 *
 * @throws {DbadminError} `refused` when others can read or change it, `config-invalid`, `file-unreadable`.
 */
export async function readUsers(file: string): Promise<readonly ConsoleUser[]> {
  try {
    // What it is comes first: nobody shall be told to change the mode of some other file.
    const users = parseUsers(await readFile(file, 'utf8'), file);
    const { mode } = await stat(file);
    if ((mode & OTHERS) !== 0 && process.platform !== 'win32') {
      throw new DbadminError('refused', `${file} can be read or changed by others`, { hint: `chmod 600 ${file}` });
    }
    return users;
  } catch (error) {
    if (error instanceof DbadminError) throw error;
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: `${messageOf(error)}.`, cause: error });
  }
}
