import { chmod, chown, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { SystemUser } from '../../postgres/server.ts';
import { writeFailure } from './lay-down-apply.ts';
import { syncDirectory } from './marker.ts';
import { moveFile } from './move-file-apply.ts';
import type { UnstoredAside } from './unstored-wal.ts';

/**
 * Moves WAL that is nowhere else out of the cluster, durably. Each file is at one place at the least at every moment, and
 * nothing else has been changed yet: what fails here leaves a cluster that is as it was, with its WAL in two directories at most.
 *
 * @throws {DbadminError} `storage-full`, `file-unwritable`.
 */
export async function moveAside({ directory, aside, files }: UnstoredAside, owner: SystemUser | undefined): Promise<void> {
  try {
    await mkdir(aside, { mode: 0o700 });
    await chmod(aside, 0o700);
    if (owner !== undefined) await chown(aside, owner.uid, owner.gid);
    await syncDirectory(path.dirname(aside));
    for (const name of files) await moveFile(path.join(directory, name), path.join(aside, name), owner);
    await syncDirectory(aside);
    await syncDirectory(directory);
  } catch (error) {
    throw writeFailure(aside, error, `Nothing else was changed: the cluster's WAL is in ${directory} and ${aside}.`);
  }
}
