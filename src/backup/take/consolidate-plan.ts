import type { ContentExtent } from './extents.ts';

/** A blob of the parent that is mostly dead: what of it is still needed is to be taken again. */
export interface WornBlob {
  /** Its number in the parent's table. */
  readonly blob: number;
  readonly plainBytes: number;
  readonly liveBytes: number;
  /** In how many stretches of files they lie. */
  readonly pieces: number;
}

/** Below this share of a blob being needed, a restore reads too much for it. */
const WORN_BELOW = 0.33;
/** As much as an incremental backup may take again for each byte that changed, and at least. */
const TAKEN_PER_CHANGED = 0.5;
const TAKEN_AT_LEAST_BYTES = 32 * 1024 * 1024;
/** Each piece is held in memory until all are taken, some 200 bytes: 2 GiB of single pages. What is left is worn in the next backup, too. */
const MOST_PIECES = 256 * 1024;

/**
 * The blobs whose rest is taken again with this backup, the most worn first.
 *
 * Each incremental backup leaves blobs of earlier ones partly dead, yet a restore reads them whole. Taking the rest of the
 * worst again keeps a restore after any number of incremental backups near that of a full one, at a cost that is bounded
 * by what changed, and by {@link MOST_PIECES}.
 */
export function planConsolidation(blobs: Iterable<WornBlob>, changedBytes: number): readonly WornBlob[] {
  const worn = Iterator.from(blobs)
    .filter(({ liveBytes, plainBytes }) => liveBytes > 0 && liveBytes < plainBytes * WORN_BELOW)
    .toArray()
    .sort((a, b) => a.liveBytes / a.plainBytes - b.liveBytes / b.plainBytes || a.blob - b.blob);
  let left = Math.max(TAKEN_AT_LEAST_BYTES, changedBytes * TAKEN_PER_CHANGED);
  let piecesLeft = MOST_PIECES;
  return worn.filter(({ liveBytes, pieces }) => {
    left -= liveBytes;
    piecesLeft -= pieces;
    return left >= 0 && piecesLeft >= 0;
  });
}

/** A stretch of a file that lies in a worn blob. */
export interface WornExtent {
  readonly path: string;
  readonly extent: ContentExtent;
  /** Its rank in the order of files and offsets. */
  readonly rank: number;
}

/** Memory for what is taken again. */
const GROUP_BYTES = 16 * 1024 * 1024;

/** Some worn blobs, and what is needed of them. */
export interface WornGroup {
  readonly blobs: readonly number[];
  /** Of all of them. */
  readonly liveBytes: number;
}

/**
 * Cuts worn blobs into groups that are taken at once. `pieces` is what is needed of each; blobs come in the order of the files,
 * so that new blobs hold what lies near together: a restore opens a blob again when its pieces are far apart.
 */
export function* groupWorn(pieces: ReadonlyMap<number, readonly WornExtent[]>): Generator<WornGroup> {
  const inOrder = [...pieces].sort(([, [a]], [, [b]]) => (a?.rank ?? 0) - (b?.rank ?? 0));
  let blobs: number[] = [];
  let liveBytes = 0;
  for (const [blob, extents] of inOrder) {
    const bytes = extents.reduce((sum, { extent }) => sum + extent.length, 0);
    if (blobs.length > 0 && liveBytes + bytes > GROUP_BYTES) {
      yield { blobs, liveBytes };
      blobs = [];
      liveBytes = 0;
    }
    blobs.push(blob);
    liveBytes += bytes;
  }
  if (blobs.length > 0) yield { blobs, liveBytes };
}
