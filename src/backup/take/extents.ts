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

/** Takes extents one after the other, as numbers: a large file has a hundred thousand, and an object for each costs more than all that is done with it. */
export type PutExtent = (offset: number, length: number, blob: number, from: number) => void;

/** Takes extents likewise, until it says false. */
export type VisitExtent = (offset: number, length: number, blob: number, from: number) => boolean | void;

/** Extents that are read by their place in the list. */
export interface ExtentList {
  readonly count: number;
  offset(n: number): number;
  length(n: number): number;
  blob(n: number): number;
  from(n: number): number;
  /** Visits them from the `n`th on; gives the place of the one that `visit` said false of, or the end. */
  visit(n: number, visit: VisitExtent): number;
}

/** An array as a list. */
export function listOf(extents: readonly ContentExtent[]): ExtentList {
  return {
    count: extents.length,
    offset: (n) => extents[n]?.offset ?? 0,
    length: (n) => extents[n]?.length ?? 0,
    blob: (n) => extents[n]?.blob ?? 0,
    from: (n) => extents[n]?.from ?? 0,
    visit: (first, visit) => {
      const stopped = extents.findIndex(({ offset, length, blob, from }, n) => n >= first && visit(offset, length, blob, from) === false);
      return stopped < 0 ? extents.length : stopped;
    },
  };
}

/** A list, or what {@link overlayExtents} puts, as an array. */
export function arrayOf(give: (put: PutExtent) => void): ContentExtent[] {
  const extents: ContentExtent[] = [];
  give((offset, length, blob, from) => void extents.push({ offset, length, blob, from }));
  return extents;
}

/** Puts the extents within `[start, end)`, cut at both ends. */
export function clipExtents(extents: ExtentList, start: number, end: number, put: PutExtent): void {
  clipFrom(extents, firstEndingAfter(extents, start), start, end, put);
}

/** The same where the first that ends after `start` is `first`; gives the one that goes on at `end`, or the next. */
function clipFrom(extents: ExtentList, first: number, start: number, end: number, put: PutExtent): number {
  if (start >= end) return first;
  return extents.visit(first, (offset, length, blob, blobOffset) => {
    if (offset >= end) return false;
    const from = Math.max(start, offset);
    put(from, Math.min(end, offset + length) - from, blob, blobOffset + from - offset);
    return offset + length <= end;
  });
}

/**
 * Lays changed stretches over what was there: within each of `stretches` only what `over` says holds, outside of them what
 * `under` says. Stretches are ascending, without overlap; `over` lies within them and may leave zeros. What goes on where the
 * last one ends, in file and blob, is put as one.
 */
export function overlayExtents(
  under: ExtentList,
  over: readonly ContentExtent[],
  stretches: readonly Stretch[],
  lengthBytes: number,
  put: PutExtent,
): void {
  const joined = new Joined(put);
  const add = joined.add.bind(joined);
  let at = 0;
  let next = 0;
  // Both lists ascend, so that no place in them is looked for twice: there may be a hundred thousand of each.
  let first = 0;
  for (const { start, end } of stretches) {
    first = clipFrom(under, first, at, Math.min(start, lengthBytes), add);
    while (first < under.count && under.offset(first) + under.length(first) <= end) first += 1;
    for (; next < over.length; next += 1) {
      const extent = over[next];
      if (extent === undefined || extent.offset >= end) break;
      add(extent.offset, extent.length, extent.blob, extent.from);
    }
    at = end;
  }
  clipFrom(under, first, at, lengthBytes, add);
  joined.end();
}

/** Holds back the last extent, for what goes on where it ends. */
class Joined {
  readonly #put: PutExtent;
  #offset = 0;
  #length = 0;
  #blob = 0;
  #from = 0;

  constructor(put: PutExtent) {
    this.#put = put;
  }

  add(offset: number, length: number, blob: number, from: number): void {
    if (length === 0) return;
    if (this.#length > 0 && this.#blob === blob && this.#offset + this.#length === offset && this.#from + this.#length === from) {
      this.#length += length;
      return;
    }
    this.end();
    this.#offset = offset;
    this.#length = length;
    this.#blob = blob;
    this.#from = from;
  }

  end(): void {
    if (this.#length > 0) this.#put(this.#offset, this.#length, this.#blob, this.#from);
    this.#length = 0;
  }
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

/** Number of the first extent that ends after `position`. */
function firstEndingAfter(extents: ExtentList, position: number): number {
  let low = 0;
  let high = extents.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (extents.offset(middle) + extents.length(middle) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
