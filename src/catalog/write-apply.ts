import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf, systemCodeOf } from '../base/errors.ts';

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
 * Writes a file whole: beside it first, then renamed over what was there.
 *
 * @throws {DbadminError} `file-unwritable`.
 */
export async function writeDictionary(file: string, text: string): Promise<void> {
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(beside, text);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw new DbadminError('file-unwritable', `cannot write ${file}`, { detail: messageOf(error), cause: error });
  }
}
