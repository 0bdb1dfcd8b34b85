import { chmod, chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { SystemUser } from '../../postgres/server.ts';
import { writeFailure, writeText } from './lay-down-apply.ts';
import { syncDirectory } from './marker.ts';
import { moveFile } from './move-file-apply.ts';
import type { UnstoredAside } from './unstored-wal.ts';
import { shellWord } from '../../base/shell-word.ts';

const NOTE_NAME = 'README.txt';

/**
 * Makes the directory that WAL of a cluster is moved to, with a note of where it comes from. Changes nothing of the cluster.
 *
 * @throws {DbadminError} `storage-full`, `file-unwritable`.
 */
export async function makeAside({ dataDirectory, aside, isBegun }: UnstoredAside, owner: SystemUser | undefined): Promise<void> {
  try {
    await mkdir(aside, { mode: 0o700, recursive: isBegun });
    await chmod(aside, 0o700);
    if (owner !== undefined) await chown(aside, owner.uid, owner.gid);
  } catch (error) {
    throw writeFailure(aside, error, 'Nothing of the cluster was changed.');
  }
  await writeText(path.join(aside, NOTE_NAME), noteOf(dataDirectory, aside), owner);
  await syncDirectory(aside);
  await syncDirectory(path.dirname(aside));
}

function noteOf(dataDirectory: string, aside: string): string {
  return `WAL of the cluster that was in ${dataDirectory}, moved here by dbadmin restore before it wrote over that cluster.
No repository had it to its end then. To store it: dbadmin wal salvage ${shellWord(aside)}
If that restore was interrupted, the rest may be in pg_wal still. Finish the restore first, with the same command and --delta, which moves it
here; or put the files of both into one directory, and salvage that. One after the other they may end in a segment that nothing follows.
`;
}

/**
 * Moves WAL that is nowhere else out of the cluster, durably. Each file is at one place at the least at every moment. The
 * cluster must not start any more: on what is left of its WAL it would recover, end early, and say nothing.
 *
 * @throws {DbadminError} `storage-full`, `file-unwritable`.
 */
export async function moveAside({ directory, aside, files }: UnstoredAside, owner: SystemUser | undefined): Promise<void> {
  try {
    for (const name of files) await moveFile(path.join(directory, name), path.join(aside, name), owner);
    await syncDirectory(aside);
    await syncDirectory(directory);
  } catch (error) {
    throw writeFailure(
      aside,
      error,
      `The cluster does not start until the restore is finished, with the same command and --delta. Its WAL is whole, in ${directory} and ${aside}, and the restore, once finished, has it in the latter. To store it before, put copies of the files of both into one directory and name that to dbadmin wal salvage: each alone may end in a segment that nothing follows.`,
    );
  }
}
