import path from 'node:path';
import type { SystemUser } from '../../postgres/server.ts';
import { makeDirectory, writeFailure } from './lay-down-apply.ts';
import { syncDirectory } from './marker.ts';
import { moveFile } from './move-file-apply.ts';
import type { StaleConfiguration } from './stale-configuration-inspect.ts';

/** Moves them out of the way, each under its old name: nobody can tell which of them somebody wrote by hand. */
export async function moveStaleConfiguration(
  { directory, files, aside }: StaleConfiguration,
  owner: SystemUser | undefined,
): Promise<void> {
  await makeDirectory(aside, 0o700, owner);
  try {
    for (const each of files) {
      const [from, to] = [path.join(directory, each), path.join(aside, each)];
      await makeDirectory(path.dirname(to), 0o700, owner);
      await moveFile(from, to, owner);
      await syncDirectory(path.dirname(to));
      await syncDirectory(path.dirname(from));
    }
    await syncDirectory(path.dirname(aside));
  } catch (error) {
    throw writeFailure(aside, error);
  }
}
