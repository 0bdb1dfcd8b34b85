import { DbadminError } from '../../base/errors.ts';
import type { BackupSummary, ManifestEntry } from '../../repository/manifest.ts';

/** Where everything of a backup goes: pure, so that nothing unsafe is ever begun. */
export interface LayoutPlan {
  readonly dataDirectory: string;
  /** Where the WAL for its recovery is put, beside it. */
  readonly spoolDirectory: string;
  /** Parents before children, relative to the data directory; tablespace roots apart. */
  readonly directories: readonly { readonly path: string; readonly mode: number }[];
  /** Largest first; `global/pg_control` is not among them. */
  readonly files: readonly FileToWrite[];
  /** Written when everything else is durable: with it the directory becomes a cluster. */
  readonly controlFile: FileToWrite;
  readonly tablespaces: readonly { readonly oid: string; readonly original: string; readonly directory: string }[];
  readonly totalBytes: number;
}

export type FileToWrite = Extract<ManifestEntry, { readonly type: 'file' }>;

const CONTROL_FILE = 'global/pg_control';
/** Directories that the server leaves out of a base backup, or that may be missing when they were links. */
const EXPECTED_DIRECTORIES = ['pg_wal', 'pg_wal/archive_status', 'pg_tblspc'];

/**
 * What a restore of `entries` into `dataDirectory` would write.
 *
 * @throws {DbadminError} `restore-failed` when a name leads out of the directory, or there is no pg_control; `usage` when a mapping names no tablespace.
 */
export function planLayout(
  backup: BackupSummary,
  entries: readonly ManifestEntry[],
  dataDirectory: string,
  mapping: ReadonlyMap<string, string>,
): LayoutPlan {
  for (const entry of entries) refuseOutside(entry);
  const laid = entries.filter(({ path }) => !isApart(path));
  const links = laid.filter((entry) => entry.type === 'symlink');
  for (const original of mapping.keys()) {
    if (!links.some(({ target }) => target === original)) {
      throw new DbadminError('usage', `backup ${backup.label} has no tablespace at ${original}`, {
        detail: links.length === 0 ? 'It has no tablespaces.' : `It has them at ${links.map(({ target }) => target).join(', ')}.`,
      });
    }
  }
  const files = laid.filter((entry) => entry.type === 'file');
  const controlFile = files.find(({ path }) => path === CONTROL_FILE);
  if (controlFile === undefined) throw new DbadminError('restore-failed', `backup ${backup.label} has no ${CONTROL_FILE}`);
  const directories = new Map(laid.flatMap((entry) => (entry.type === 'directory' ? [[entry.path, entry.mode] as const] : [])));
  for (const expected of EXPECTED_DIRECTORIES) if (!directories.has(expected)) directories.set(expected, 0o700);
  directories.delete('');
  directories.delete('.');
  return {
    dataDirectory,
    spoolDirectory: `${dataDirectory}.wal`,
    directories: [...directories]
      .map(([path, mode]) => ({ path, mode }))
      .sort((a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1)),
    files: inWritingOrder(files.filter((file) => file !== controlFile)),
    controlFile,
    tablespaces: links.map(({ path, target }) => {
      const oid = path.slice('pg_tblspc/'.length);
      return { oid, original: target, directory: mapping.get(target) ?? `${dataDirectory}.tablespaces/${oid}` };
    }),
    totalBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  };
}

const SMALL_BYTES = 1024 * 1024;

/**
 * Small files first, as each is synced by itself, which takes long and little else: that is done while the large ones are written.
 * Of those the largest come first.
 */
function inWritingOrder<File extends { readonly sizeBytes: number }>(files: readonly File[]): readonly File[] {
  const large = files.filter(({ sizeBytes }) => sizeBytes > SMALL_BYTES);
  return [...files.filter(({ sizeBytes }) => sizeBytes <= SMALL_BYTES), ...large.sort((a, b) => b.sizeBytes - a.sizeBytes)];
}

/**
 * What a backup holds and a restore does not lay down: configuration from outside of the data directory, and signal files
 * of a standby that the backup was taken from, which would make a standby of it again.
 */
function isApart(path: string): boolean {
  return path === '.dbadmin' || path.startsWith('.dbadmin/') || path === 'standby.signal' || path === 'recovery.signal';
}

function refuseOutside(entry: ManifestEntry): void {
  const parts = entry.path.split('/');
  const leads =
    entry.path.startsWith('/') || parts.some((part) => part === '..' || part === '.' || part === '') || entry.path.includes('\0');
  const isRoot = entry.type === 'directory' && (entry.path === '' || entry.path === '.');
  const strangeLink = entry.type === 'symlink' && !/^pg_tblspc\/\d+$/.test(entry.path);
  if (isRoot || !(leads || strangeLink)) return;
  throw new DbadminError('restore-failed', `the manifest holds an unsafe ${entry.type} ${JSON.stringify(entry.path)}`, {
    detail: 'A restore writes only below the directory it was given.',
  });
}
