import { Selection, selected, type Listed } from '../../base/listed.ts';
import { PathTable } from '../../base/path-table.ts';
import type { FileToWrite, LayoutPlan } from './plan.ts';
import { placeWithin } from './place-within.ts';

/** What lies at a path below a data directory; the path is relative, and links are not followed but for pg_wal's. */
export interface FoundEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly sizeBytes: number;
  /** Room that it gives back, at most its size: a file that an interrupted restore has only made long gives nothing. */
  readonly heldBytes: number;
}

/** What a restore over an existing directory does with what is there. */
export interface DeltaPlan {
  /** Gone first: files and links that do not belong, children before their directories. */
  readonly removed: readonly FoundEntry[];
  /** There as files: compared extent by extent, and written where they differ. */
  readonly compared: Listed<FileToWrite>;
  /** Not there. */
  readonly written: Listed<FileToWrite>;
  readonly comparedBytes: number;
  readonly removedBytes: number;
  /** Bytes of files that are there now and stay or go: room that the restore has again. */
  readonly foundBytes: number;
  /** The same by the places of {@link placeWithin}. */
  readonly foundBytesIn: ReadonlyMap<string, number>;
}

/**
 * What a restore of `layout` does with `found`. `kept` are names that it leaves alone (its own marker); pg_control is not
 * among what is compared: it goes first and comes last.
 *
 * Links of tablespaces go always: they are made anew and may have led to another cluster's.
 */
export function planDelta(layout: LayoutPlan, found: Listed<FoundEntry>, kept: Iterable<string> = []): DeltaPlan {
  const staying = new Set(kept);
  const files = new PathTable();
  for (const { path } of layout.files) files.add(path);
  const directories = new Set(layout.directories.map(({ path }) => path));
  const removed: FoundEntry[] = [];
  const compared = new Uint32Array(layout.files.length);
  const isThere = new Uint8Array(layout.files.length);
  const foundBytesIn = new Map<string, number>();
  let [comparedCount, comparedBytes] = [0, 0];
  for (const entry of found) {
    const { path, type, heldBytes } = entry;
    if (staying.has(path)) continue;
    if (type === 'file') foundBytesIn.set(placeWithin(path), (foundBytesIn.get(placeWithin(path)) ?? 0) + heldBytes);
    const file = type === 'file' ? files.find(path) : -1;
    const isDirectory = type === 'directory' && directories.has(path);
    if (file >= 0 && isThere[file] === 0) {
      isThere[file] = 1;
      compared[comparedCount] = file;
      comparedCount += 1;
      comparedBytes += layout.files.at(file)?.sizeBytes ?? 0;
    } else if (file < 0 && !isDirectory) removed.push(entry);
  }
  return {
    removed: removed.sort((a, b) => depth(b.path) - depth(a.path) || (a.path < b.path ? -1 : 1)),
    compared: new Selection(layout.files, compared.slice(0, comparedCount)),
    written: selected(layout.files, (_, file) => isThere[file] === 0),
    comparedBytes,
    removedBytes: removed.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
    foundBytes: Iterator.from(foundBytesIn.values()).reduce((total, bytes) => total + bytes, 0),
    foundBytesIn,
  };
}

function depth(path: string): number {
  return path.split('/').length;
}
