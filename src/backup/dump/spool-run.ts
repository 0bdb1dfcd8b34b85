import { chmod, lstat, mkdtemp, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../../base/errors.ts';
import { hasEnded, processIdentity } from '../../repository/process-identity.ts';

/** Says in a spool whose it is. pg_dump and pg_restore never see it: what they have lies beside it. */
export const OWNER = 'owner';
export const SPOOL = /^dbadmin-(?:dump|restore)-[A-Za-z0-9]{6}$/;

/** A directory of this process's own within `parent`, where a dump lies until it is stored or restored. */
export async function makeSpool(parent: string, kind: 'dump' | 'restore'): Promise<string> {
  const spool = await makeDirectoryIn(parent, kind);
  try {
    await chmod(spool, 0o700);
    const identity = await processIdentity();
    if (identity !== undefined) await writeFile(path.join(spool, OWNER), identity, { mode: 0o600 });
    return spool;
  } catch (error) {
    const failure = spoolFailure(error, parent, kind);
    await removeSpool(spool);
    throw failure;
  }
}

async function makeDirectoryIn(parent: string, kind: 'dump' | 'restore'): Promise<string> {
  try {
    return await mkdtemp(path.join(parent, `dbadmin-${kind}-`));
  } catch (error) {
    const failure = spoolFailure(error, parent, kind);
    if (failure !== error || systemCodeOf(error) === undefined) throw failure;
    throw new DbadminError('file-unwritable', `nothing can be laid down in ${parent}`, {
      detail: `${messageOf(error)}.`,
      hint: 'The directory has to be there, and to be writable by this user: make it, or name another with --spool DIRECTORY.',
      cause: error,
    });
  }
}

/** Again and again for a while: a pg_dump that was interrupted may still begin a file in it. */
export async function removeSpool(spool: string): Promise<void> {
  await rm(spool, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/**
 * Removes what dumps and restores of the same user left in `parent` whose processes are proven to have ended, and gives their paths: a killed one
 * leaves the rows of a whole database. Of any other, and where the system does not say (anywhere but on Linux), nothing is touched.
 */
export async function removeLeftSpools(parent: string): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    if (!SPOOL.test(name)) continue;
    const spool = path.join(parent, name);
    try {
      const found = await lstat(spool);
      if (!found.isDirectory() || found.uid !== process.getuid?.() || !(await hasEnded(await readFile(path.join(spool, OWNER), 'utf8'))))
        continue;
      await removeSpool(spool);
      removed.push(spool);
    } catch {
      // Another dbadmin was there first, or it is not for us to remove.
    }
  }
  return removed;
}

/**
 * What went wrong while something was spooled; that there was no room for it is told as that, with the way out. How much is free says nothing
 * of it: some file systems (overlay, FUSE) say 0 at any time.
 */
export function spoolFailure(error: unknown, parent: string, kind: 'dump' | 'restore'): unknown {
  const code = systemCodeOf(error);
  const isFull = code === 'ENOSPC' || code === 'EDQUOT' || (isDbadminError(error, 'program-failed') && saysFull(error.detail ?? ''));
  if (!isFull) return error;
  return new DbadminError('storage-full', `there is no room for the dump in ${parent}`, {
    detail: isDbadminError(error) ? error.detail : `${messageOf(error)}.`,
    hint:
      kind === 'dump'
        ? 'It lies there until it is stored, in an encrypted repository twice. Make room, or name a directory with more: --spool DIRECTORY, in a policy dump: { spool: DIRECTORY }.'
        : 'It lies there until it is restored. Make room, or name a directory with more: --spool DIRECTORY.',
    cause: error,
  });
}

/** Of the program's own disk, that is: what the server says of its own it says as an error of its own. @see programEnvironment, for the language. */
function saysFull(said: string): boolean {
  return /No space left on device|Disk quota exceeded/.test(said) && !/\b(?:ERROR|FATAL|PANIC): /.test(said);
}

/** Room for who is not root; undefined where the directory cannot be asked, or its file system does not say. */
export async function freeBytesIn(directory: string): Promise<number | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return blocks === 0 ? undefined : bavail * bsize;
  } catch {
    return undefined;
  }
}
