import nodePath from 'node:path';
import { DbadminError } from '../../base/errors.ts';
import { Selection, type Listed } from '../../base/listed.ts';
import type { BackupSummary, FileEntry, ManifestEntry, SymlinkEntry } from '../../repository/manifest.ts';
import { isForeignLink, isLeftOut, isTablespaceLink } from './left-out.ts';

/** Where everything of a backup goes: pure, so that nothing unsafe is ever begun. */
export interface LayoutPlan {
  readonly dataDirectory: string;
  /** Where the WAL for its recovery is put, beside it. */
  readonly spoolDirectory: string;
  /** Parents before children, relative to the data directory; tablespace roots apart. */
  readonly directories: readonly { readonly path: string; readonly mode: number }[];
  /** In the order in which they are written; `global/pg_control` is not among them. */
  readonly files: Listed<FileToWrite>;
  /** Written when everything else is durable: with it the directory becomes a cluster. */
  readonly controlFile: FileToWrite;
  /** `original` is for people: bytes that are not UTF-8 are U+FFFD. */
  readonly tablespaces: readonly { readonly oid: string; readonly original: string; readonly directory: string }[];
  readonly totalBytes: number;
}

export type FileToWrite = FileEntry;

const CONTROL_FILE = 'global/pg_control';
/** Directories that the server leaves out of a base backup, or that may be missing when they were links. */
const EXPECTED_DIRECTORIES = ['pg_wal', 'pg_wal/archive_status', 'pg_tblspc'];

/**
 * What a restore of `entries` into `dataDirectory` would write.
 *
 * @throws {DbadminError} `restore-failed` when a name leads out of the directory, or there is no pg_control; `usage` when a mapping names no tablespace,
 * or a place where something else of the restore goes.
 */
export function planLayout(
  backup: BackupSummary,
  entries: Listed<ManifestEntry>,
  dataDirectory: string,
  mapping: ReadonlyMap<string, string>,
): LayoutPlan {
  const links: SymlinkEntry[] = [];
  const directories = new Map<string, number>();
  const order = new WritingOrder(entries.length);
  let controlFile: FileToWrite | undefined;
  let totalBytes = 0;
  let number = -1;
  for (const entry of entries) {
    number += 1;
    refuseOutside(entry);
    const { path } = entry;
    if (isLeftOut(path) || (entry.type === 'symlink' && isForeignLink(path))) continue;
    // As a command line has it, too: bytes that are not UTF-8 do not come through.
    if (entry.type === 'symlink') links.push({ ...entry, target: entry.target.toWellFormed() });
    else if (entry.type === 'directory') directories.set(path, entry.mode);
    else {
      const { sizeBytes } = entry;
      totalBytes += sizeBytes;
      if (controlFile === undefined && path === CONTROL_FILE) controlFile = entry;
      else order.add(number, sizeBytes);
    }
  }
  for (const original of mapping.keys()) {
    const named = links.filter(({ target }) => target === original);
    if (named.length > 1) {
      throw new DbadminError('usage', `backup ${backup.label} has ${named.length} tablespaces whose places read ${original}`, {
        detail: 'Their names are not UTF-8, and differ only in bytes that cannot be shown.',
      });
    }
    if (named.length === 0) {
      throw new DbadminError('usage', `backup ${backup.label} has no tablespace at ${original}`, {
        detail: links.length === 0 ? 'It has no tablespaces.' : `It has them at ${links.map(({ target }) => target).join(', ')}.`,
      });
    }
  }
  if (controlFile === undefined) throw new DbadminError('restore-failed', `backup ${backup.label} has no ${CONTROL_FILE}`);
  for (const expected of EXPECTED_DIRECTORIES) if (!directories.has(expected)) directories.set(expected, 0o700);
  directories.delete('');
  directories.delete('.');
  const spoolDirectory = `${dataDirectory}.wal`;
  const tablespaces = links.map(({ path, target }) => {
    const oid = path.slice('pg_tblspc/'.length);
    return { oid, original: target, directory: mapping.get(target) ?? `${dataDirectory}.tablespaces/${oid}` };
  });
  refuseSharedPlaces(tablespaces, dataDirectory, spoolDirectory);
  return {
    dataDirectory,
    spoolDirectory,
    directories: [...directories]
      .map(([path, mode]) => ({ path, mode }))
      .sort((a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1)),
    files: new Selection(entries, order.numbers()) as Listed<ManifestEntry> as Listed<FileToWrite>,
    controlFile,
    tablespaces,
    totalBytes,
  };
}

/** The server numbers files anew in each tablespace: two in one place may have the same. And what is among the WAL goes with it. */
function refuseSharedPlaces(tablespaces: LayoutPlan['tablespaces'], dataDirectory: string, spoolDirectory: string): void {
  const taken = new Map([[dataDirectory, 'the data directory']]);
  for (const { oid, directory } of tablespaces) {
    const place = nodePath.resolve(directory);
    const isInSpool = place === spoolDirectory || place.startsWith(`${spoolDirectory}/`);
    const other = isInSpool ? 'the WAL for the recovery' : taken.get(place);
    if (other !== undefined) {
      throw new DbadminError('usage', `tablespace ${oid} cannot go to ${directory}, where ${other} goes`, {
        hint: 'Give each tablespace a place of its own with --tablespace-map.',
      });
    }
    taken.set(place, `tablespace ${oid}`);
  }
}

const SMALL_BYTES = 1024 * 1024;

/**
 * Small files first, as each is synced by itself, which takes long and little else: that is done while the large ones are written.
 * Of those the largest come first.
 */
class WritingOrder {
  readonly #small: Uint32Array;
  readonly #large: { readonly number: number; readonly sizeBytes: number }[] = [];
  #smallCount = 0;

  constructor(most: number) {
    this.#small = new Uint32Array(most);
  }

  add(number: number, sizeBytes: number): void {
    if (sizeBytes > SMALL_BYTES) {
      this.#large.push({ number, sizeBytes });
      return;
    }
    this.#small[this.#smallCount] = number;
    this.#smallCount += 1;
  }

  numbers(): Uint32Array {
    const numbers = new Uint32Array(this.#smallCount + this.#large.length);
    numbers.set(this.#small.subarray(0, this.#smallCount));
    const large = this.#large.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
    numbers.set(
      large.map(({ number }) => number),
      this.#smallCount,
    );
    return numbers;
  }
}

function refuseOutside(entry: ManifestEntry): void {
  const parts = entry.path.split('/');
  const leads =
    entry.path.startsWith('/') || parts.some((part) => part === '..' || part === '.' || part === '') || entry.path.includes('\0');
  const isRoot = entry.type === 'directory' && (entry.path === '' || entry.path === '.');
  const strangeLink = entry.type === 'symlink' && !isTablespaceLink(entry.path) && !isForeignLink(entry.path);
  if (isRoot || !(leads || strangeLink)) return;
  throw new DbadminError('restore-failed', `the manifest holds an unsafe ${entry.type} ${JSON.stringify(entry.path)}`, {
    detail: 'A restore writes only below the directory it was given.',
  });
}
