import type { FileToWrite, LayoutPlan } from './plan.ts';

/** What lies at a path below a data directory; the path is relative, and links are not followed but for pg_wal's. */
export interface FoundEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly sizeBytes: number;
}

/** What a restore over an existing directory does with what is there. */
export interface DeltaPlan {
  /** Gone first: files and links that do not belong, children before their directories. */
  readonly removed: readonly FoundEntry[];
  /** There as files: compared extent by extent, and written where they differ. */
  readonly compared: readonly FileToWrite[];
  /** Not there. */
  readonly written: readonly FileToWrite[];
  readonly comparedBytes: number;
  readonly removedBytes: number;
  /** Bytes of files that are there now and stay or go: room that the restore has again. */
  readonly foundBytes: number;
}

/**
 * What a restore of `layout` does with `found`. `kept` are names that it leaves alone (its own marker); pg_control is not
 * among what is compared: it goes first and comes last.
 *
 * Links of tablespaces go always: they are made anew and may have led to another cluster's.
 */
export function planDelta(layout: LayoutPlan, found: readonly FoundEntry[], kept: readonly string[] = []): DeltaPlan {
  const files = new Map(layout.files.map((file) => [file.path, file]));
  const directories = new Set(layout.directories.map(({ path }) => path));
  const removed: FoundEntry[] = [];
  const compared: FileToWrite[] = [];
  for (const entry of found) {
    if (kept.includes(entry.path)) continue;
    const file = entry.type === 'file' ? files.get(entry.path) : undefined;
    const isDirectory = entry.type === 'directory' && directories.has(entry.path);
    if (file !== undefined) compared.push(file);
    else if (!isDirectory) removed.push(entry);
  }
  const there = new Set(compared.map(({ path }) => path));
  const sum = (sizes: readonly { readonly sizeBytes: number }[]): number => sizes.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  return {
    removed: removed.sort((a, b) => depth(b.path) - depth(a.path) || (a.path < b.path ? -1 : 1)),
    compared,
    written: layout.files.filter(({ path }) => !there.has(path)),
    comparedBytes: sum(compared),
    removedBytes: sum(removed),
    foundBytes: sum(found.filter(({ type }) => type === 'file')),
  };
}

function depth(path: string): number {
  return path.split('/').length;
}
