import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';
import { writeWholeFile } from '../base/whole-file.ts';
import { makeDirectories } from '../base/make-directories.ts';

/** For everybody who may enter the directory: a dictionary is meant to be read. */
const MODE = 0o644;

/** A written dictionary, or undefined where there is none. */
export async function readWritten(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: messageOf(error), cause: error });
  }
}

/**
 * Writes a file whole, in a directory that is made where there is none.
 *
 * @throws {DbadminError} `file-unwritable`.
 */
export async function writeDictionary(file: string, text: string): Promise<void> {
  try {
    await makeDirectories(path.dirname(file));
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write ${file}`, { detail: messageOf(error), cause: error });
  }
  await writeWholeFile(file, text, MODE);
}
