/**
 * Where the content of a file lies: `length` bytes of the file from `offset` are the bytes of a blob from `from`.
 *
 * `blob` is a number in a {@link BlobTable}: 0 and more in the one being written, below 0 in the parent's (`~number`).
 * Lists are ascending and without overlap; what no extent covers is zeros.
 */
export interface ContentExtent {
  readonly offset: number;
  readonly length: number;
  readonly blob: number;
  readonly from: number;
}

/** The extents within `[start, end)`, cut at both ends. */
export function clipExtents(extents: readonly ContentExtent[], start: number, end: number): ContentExtent[] {
  const clipped: ContentExtent[] = [];
  for (let index = firstEndingAfter(extents, start); index < extents.length; index += 1) {
    const extent = extents[index];
    if (extent === undefined || extent.offset >= end) break;
    const from = Math.max(start, extent.offset);
    const to = Math.min(end, extent.offset + extent.length);
    clipped.push(
      from === extent.offset && to === extent.offset + extent.length
        ? extent
        : { offset: from, length: to - from, blob: extent.blob, from: extent.from + from - extent.offset },
    );
  }
  return clipped;
}

/**
 * Lays changed stretches over what was there: within each of `stretches` only what `over` says holds, outside of them what
 * `under` says. Stretches are ascending, without overlap; `over` lies within them and may leave zeros.
 */
export function overlayExtents(
  under: readonly ContentExtent[],
  over: readonly ContentExtent[],
  stretches: readonly Stretch[],
  lengthBytes: number,
): ContentExtent[] {
  const result: ContentExtent[] = [];
  let at = 0;
  let next = 0;
  for (const { start, end } of stretches) {
    for (const extent of clipExtents(under, at, Math.min(start, lengthBytes))) appendExtent(result, extent);
    for (; next < over.length; next += 1) {
      const extent = over[next];
      if (extent === undefined || extent.offset >= end) break;
      appendExtent(result, extent);
    }
    at = end;
  }
  for (const extent of clipExtents(under, at, lengthBytes)) appendExtent(result, extent);
  return result;
}

/** Bytes `[start, end)` of a file. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Puts an extent behind the others; what goes on where the last one ends, in file and blob, is joined to it. */
export function appendExtent(extents: ContentExtent[], extent: ContentExtent): void {
  if (extent.length === 0) return;
  const last = extents.at(-1);
  if (
    last !== undefined &&
    last.blob === extent.blob &&
    last.offset + last.length === extent.offset &&
    last.from + last.length === extent.from
  )
    extents[extents.length - 1] = { ...last, length: last.length + extent.length };
  else extents.push(extent);
}

/** Index of the first extent that ends after `position`. */
function firstEndingAfter(extents: readonly ContentExtent[], position: number): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    if (extent !== undefined && extent.offset + extent.length <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
