import { DbadminError, isDbadminError, messageOf, systemCodeOf } from '../base/errors.ts';

/**
 * What the system said about a file below `root`, as ours. ENOENT is not decided here: whether an object or the whole root
 * is missing takes a look, see {@link DiskRoot.check}.
 */
export function diskFailure(root: string, what: string, error: unknown): unknown {
  const code = systemCodeOf(error);
  if (isDbadminError(error) || code === undefined) return error;
  const parts = { detail: `${messageOf(error)}.`, cause: error };
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DbadminError('storage-full', `no room in ${root}: ${what}`, {
        ...parts,
        hint: code === 'EDQUOT' ? 'Raise the quota, or expire old backups.' : 'Make room (free inodes count too), or expire old backups.',
      });
    case 'EACCES':
    case 'EPERM':
      return new DbadminError('storage-denied', `permission denied in ${root}: ${what}`, {
        ...parts,
        hint: 'Run as the user that owns the directory, or give this user access to it.',
      });
    case 'EROFS':
      return new DbadminError('storage-read-only', `the file system of ${root} is read-only: ${what}`, {
        ...parts,
        hint: 'Mount it for writing; a file system that turned read-only by itself has damage to look at first.',
      });
    default:
      return new DbadminError('storage-failed', `${root} failed: ${what}`, parts);
  }
}

/** Whether the system said that there is no such file: the name, or a directory on its way, is not there. */
export function isAbsence(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
