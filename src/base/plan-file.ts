import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { DbadminError, messageOf } from './errors.ts';

/** The text of a saved plan. @throws {DbadminError} `file-unreadable`. */
export async function readPlanFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read the plan ${file}`, { detail: messageOf(error), cause: error });
  }
}

/** Writes beside and renames, so that a plan is whole or not there. @throws {DbadminError} `file-unwritable`; nothing is left. */
export async function writePlanFile(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}`;
  try {
    await writeFile(beside, text);
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw new DbadminError('file-unwritable', `cannot write the plan ${file}`, { detail: messageOf(error), cause: error });
  }
}
