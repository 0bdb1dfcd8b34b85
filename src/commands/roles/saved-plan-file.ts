import { readFile, rename, writeFile } from 'node:fs/promises';
import { DbadminError, messageOf } from '../../base/errors.ts';
import { parseSavedPlan, type SavedPlan } from '../../roles/saved-plan.ts';

/** @throws {DbadminError} `file-unreadable`, and what `parseSavedPlan` throws. */
export async function readRolesPlan(file: string): Promise<SavedPlan> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new DbadminError('file-unreadable', `cannot read the plan ${file}`, { detail: messageOf(error), cause: error });
  }
  return parseSavedPlan(text, file);
}

/** Writes beside and renames, so that a plan is whole or not there. @throws {DbadminError} `file-unwritable`. */
export async function writeRolesPlan(file: string, text: string): Promise<void> {
  const beside = `${file}.${process.pid}`;
  try {
    await writeFile(beside, text);
    await rename(beside, file);
  } catch (error) {
    throw new DbadminError('file-unwritable', `cannot write the plan ${file}`, { detail: messageOf(error), cause: error });
  }
}
