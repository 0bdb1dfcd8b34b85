/** The file that a restore keeps in a data directory while it is at work there. */
export const MARKER_NAME = 'dbadmin_restore.json';
/** The same while it is written. */
export const UNFINISHED_MARKER = `${MARKER_NAME}.tmp`;

/** The socket that a restore listens on there. No backup holds it: servers send files only. */
export const HOLD_NAME = 'dbadmin_restore.sock';

/**
 * What makes a directory a filled one, of the names in it: a restore that was killed after it took hold of an empty directory, and
 * before its mark was there, leaves the socket and the beginning of the mark. Whether it lives is asked first.
 */
export function withoutLeavings(names: readonly string[]): readonly string[] {
  return names.filter((name) => name !== HOLD_NAME && name !== UNFINISHED_MARKER);
}

/**
 * Whether a path of a data directory is the mark of a restore. One that was killed just before its end leaves it in a cluster
 * that starts and runs, and the server sends it with every backup.
 */
export function isMarker(path: string): boolean {
  return path === MARKER_NAME || path === UNFINISHED_MARKER;
}

/**
 * What a backup holds and a restore does not lay down: configuration from outside of the data directory; signal files of a standby
 * that the backup was taken from, which would make a standby of it again; and the mark of an earlier restore, in whose place the
 * restore has its own.
 */
export function isLeftOut(path: string): boolean {
  return path === '.dbadmin' || path.startsWith('.dbadmin/') || path === 'standby.signal' || path === 'recovery.signal' || isMarker(path);
}

/**
 * Whether a link is none of a tablespace, though among theirs. The server passes over such a one, and yet sends it with a base backup;
 * it would lead a restored cluster to wherever the original's leads.
 */
export function isForeignLink(path: string): boolean {
  return /^pg_tblspc\/[^/]+$/.test(path) && !isTablespaceLink(path);
}

/** Whether a path is that of a tablespace's link. */
export function isTablespaceLink(path: string): boolean {
  return /^pg_tblspc\/\d+$/.test(path);
}
