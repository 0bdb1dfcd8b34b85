import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, messageOf } from '../../base/errors.ts';
import type { CommandContext } from '../command.ts';

/** The text of an exported emergency key. @throws {DbadminError} `file-unreadable` */
export async function readEmergencyFile(context: CommandContext, name: string): Promise<string> {
  const file = path.resolve(context.cwd, name);
  return await readFile(file, 'utf8').catch((error: unknown) => {
    throw new DbadminError('file-unreadable', `cannot read ${file}`, { detail: `${messageOf(error)}.`, cause: error });
  });
}
