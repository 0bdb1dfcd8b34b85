import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';

/**
 * Gives `file` this text: written beside it, then renamed over it. Gives false, touching nothing, when it has it already.
 *
 * @throws {DbadminError} `file-unwritable`.
 */
export async function writeWhole(file: string, text: string): Promise<boolean> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return false;
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    await makeDirectories(path.dirname(file));
    await writeFile(beside, text);
    await rename(beside, file);
    return true;
  } catch (error) {
    await rm(beside, { force: true });
    throw new DbadminError('file-unwritable', `cannot write ${file}`, { detail: messageOf(error), cause: error });
  }
}
