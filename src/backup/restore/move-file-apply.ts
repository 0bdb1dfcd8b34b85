import { chown, copyFile, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemCodeOf } from '../../base/errors.ts';
import type { SystemUser } from '../../postgres/server.ts';
import { syncDirectory } from './marker.ts';

/** Moves a file, also to another filesystem. It is whole at one of the two places at every moment; the caller syncs the directories of a renamed one. */
export async function moveFile(from: string, to: string, owner: SystemUser | undefined): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemCodeOf(error) !== 'EXDEV') throw error;
    await copyFile(from, to);
    if (owner !== undefined) await chown(to, owner.uid, owner.gid);
    const handle = await open(to, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncDirectory(path.dirname(to));
    await rm(from);
  }
}
