import type { BlobIndex } from './blob-index.ts';
import { SCATTER_LIMITS, type GroupExtents, type GroupPlan, type ScatterLimits, type Stretch } from './scatter-plan.ts';

/** What of the packs a scatter reads, and when. */

/** Windows of a group whose blobs are read together, each blob once. */
export interface Batch {
  readonly windows: Stretch;
  /** Numbers of the blobs, as they lie in the packs. */
  readonly blobs: Uint32Array;
}

/** Cuts the windows of a group into batches; the first has `firstBytes` of stored bytes at most where its first window has no more. */
export function* planBatches(
  { extents, windows, order, starts }: GroupPlan,
  index: BlobIndex,
  { storedBytes: roomBytes }: ScatterLimits = SCATTER_LIMITS,
  firstBytes = roomBytes,
): Generator<Batch> {
  const storedBytesOf = (blobs: Iterable<number>): number =>
    Iterator.from(blobs).reduce((sum, blob) => sum + index.measureOf(extents.entries[blob] ?? 0).storedBytes, 0);
  let from = 0;
  let blobs = new Set<number>();
  let storedBytes = 0;
  for (let window = 0; window < windows.length; window += 1) {
    const needed = new Set(
      order
        .subarray(starts[window], starts[window + 1])
        .values()
        .map((n) => extents.blob[n] ?? 0),
    );
    const addedBytes = storedBytesOf([...needed].filter((blob) => !blobs.has(blob)));
    if (window > from && storedBytes + addedBytes > (from === 0 ? firstBytes : roomBytes)) {
      yield { windows: { from, to: window }, blobs: asTheyLie(blobs, extents, index) };
      from = window;
      blobs = needed;
      storedBytes = storedBytesOf(needed);
    } else {
      for (const blob of needed) blobs.add(blob);
      storedBytes += addedBytes;
    }
  }
  if (from < windows.length) yield { windows: { from, to: windows.length }, blobs: asTheyLie(blobs, extents, index) };
}

function asTheyLie(blobs: ReadonlySet<number>, { entries }: GroupExtents, index: BlobIndex): Uint32Array {
  const positions = new Map(Iterator.from(blobs).map((blob) => [blob, index.positionOf(entries[blob] ?? 0)]));
  return Uint32Array.from([...blobs].sort((a, b) => (positions.get(a) ?? 0) - (positions.get(b) ?? 0)));
}

/** Blobs of a pack are fetched with one read up to this size, with what lies between them if that is little. */
export const READ_BYTES = 2 * 1024 * 1024;
const GAP_BYTES = 256 * 1024;

/** One read: blobs of one pack that lie near one another. */
export interface Unit {
  /** Its number in the index. */
  readonly pack: number;
  /** Bytes of the pack. */
  readonly from: number;
  readonly to: number;
  readonly blobs: readonly number[];
}

/** The reads of a batch. */
export function* planUnits(blobs: Iterable<number>, entries: Uint32Array, index: BlobIndex): Generator<Unit> {
  let unit: { readonly pack: number; readonly from: number; to: number; readonly blobs: number[] } | undefined;
  for (const blob of blobs) {
    const { pack, offset, storedBytes } = index.measureOf(entries[blob] ?? 0);
    const end = offset + storedBytes;
    if (unit !== undefined && unit.pack === pack && offset - unit.to <= GAP_BYTES && end - unit.from <= READ_BYTES) {
      unit.to = Math.max(unit.to, end);
      unit.blobs.push(blob);
      continue;
    }
    if (unit !== undefined) yield unit;
    unit = { pack, from: offset, to: end, blobs: [blob] };
  }
  if (unit !== undefined) yield unit;
}
