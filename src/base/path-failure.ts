import { DbadminError, messageOf, systemCodeOf } from './errors.ts';

/** What the system says of a place that somebody named: nothing of ours is broken. ENOENT is left out, since a file of ours may be missing. */
const OF_PLACES: Readonly<Record<string, string>> = {
  ENOTDIR: 'a part of this path is a file, not a directory',
  ELOOP: 'a link on this path leads back to itself',
  ENAMETOOLONG: 'this path, or a name in it, is too long',
  EISDIR: 'this is a directory, not a file',
  EACCES: 'permission denied',
  EPERM: 'the system does not permit this',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
  EDQUOT: 'the quota is used up',
};

/**
 * What the system said of a path, as ours, when nobody below could say it better: such an error is of the place, never a defect.
 * Undefined for every other error.
 */
export function pathFailure(error: unknown): DbadminError | undefined {
  const code = systemCodeOf(error);
  const what = code === undefined ? undefined : OF_PLACES[code];
  if (what === undefined || error instanceof DbadminError || !(error instanceof Error) || !('path' in error)) return undefined;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return new DbadminError(isFull ? 'storage-full' : 'file-unwritable', `${String(error.path)} cannot be used: ${what}`, {
    detail: `${messageOf(error)}.`,
    cause: error,
  });
}
