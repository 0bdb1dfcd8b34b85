import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { makeDirectories } from '../../base/make-directories.ts';

/**
 * Writes a file whole: beside it first, then renamed over what was there, so that a report sent every morning is never half.
 *
 * @throws {DbadminError} `file-unwritable`.
 */
export async function writeReport(file: string, text: string): Promise<void> {
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    await makeDirectories(path.dirname(file));
    await writeFile(beside, text);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw new DbadminError('file-unwritable', `cannot write ${file}`, { detail: messageOf(error), cause: error });
  }
}
