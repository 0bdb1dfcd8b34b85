import { appendFile, readFile } from 'node:fs/promises';
import { messageOf } from '../../base/errors.ts';
import type { CommandContext } from '../command.ts';

// Where jobs run one after the other and only a status of 0 lets the next one begin, as in a pod of Kubernetes: what did not expire goes
// by a file to the last one, which ends with 4 for all. An option and no shell around us: as the first process of a container a shell
// hears no SIGTERM and hands none on.

/** False where there is no file, or it cannot be written: then our own status has to say it. */
export async function noteNotExpired({ log }: CommandContext, file: string | undefined, warning: string): Promise<boolean> {
  if (file === undefined) return false;
  try {
    await appendFile(file, `${warning}\n`);
    return true;
  } catch (error) {
    log.warn(`what is to be told at the end is not noted in ${file}: ${messageOf(error)}`);
    return false;
  }
}

/** What the jobs before left there, a line each. */
export async function readNotExpired(file: string | undefined): Promise<readonly string[]> {
  if (file === undefined) return [];
  try {
    return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    return [`what the jobs before have left in ${file} cannot be read: ${messageOf(error)}`];
  }
}
