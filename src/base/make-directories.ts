import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { systemPath } from './path-bytes.ts';
import { systemCodeOf } from './errors.ts';

/**
 * Makes a directory with all above it that is not there, each with `mode`. The first that was made, or undefined when it was there.
 *
 * What `mkdir` with `recursive` of Node does, but it ends: that one asks for ever where the system says "no such file" to a
 * directory whose parent is there, which /proc does.
 */
export async function makeDirectories(directory: string, mode = 0o777): Promise<string | undefined> {
  const given = path.resolve(directory);
  const made = async (): Promise<boolean> => {
    try {
      await mkdir(systemPath(given), { mode });
      return true;
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT' || !(await isDirectory(given))) throw error;
      return false;
    }
  };
  try {
    return (await made()) ? given : undefined;
  } catch (error) {
    const parent = path.dirname(given);
    if (systemCodeOf(error) !== 'ENOENT' || parent === given) throw error;
    const first = await makeDirectories(parent, mode);
    return (await made()) ? (first ?? given) : first;
  }
}

async function isDirectory(place: string): Promise<boolean> {
  return await stat(systemPath(place)).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
