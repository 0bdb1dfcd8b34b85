import { chown, copyFile, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemCodeOf } from '../../base/errors.ts';
import type { SystemUser } from '../../postgres/server.ts';
import { syncDirectory } from './marker.ts';

/** Moves a file, also to another filesystem. Under its name it is whole at both places, and at one of them at every moment; the caller syncs the directories of a renamed one. */
export async function moveFile(from: string, to: string, owner: SystemUser | undefined): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (systemCodeOf(error) !== 'EXDEV') throw error;
    const unfinished = `${to}.tmp`;
    await copyFile(from, unfinished);
    if (owner !== undefined) await chown(unfinished, owner.uid, owner.gid);
    const handle = await open(unfinished, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(unfinished, to);
    await syncDirectory(path.dirname(to));
    await rm(from);
  }
}
