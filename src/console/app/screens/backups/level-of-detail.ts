import { momentAt, xOf, type View } from './time-scale.ts';

/** Marks that fall so close together that they are drawn as one; `from` and `until` are numbers of the sorted list, the last not included. */
export interface Heap {
  /** Where it is drawn. */
  readonly x: number;
  /** How far its marks reach. */
  readonly width: number;
  readonly from: number;
  readonly until: number;
}

/** The number of the first that is not before `atMs`. */
export function firstFrom(sorted: ArrayLike<number>, atMs: number, low = 0): number {
  let [from, until] = [low, sorted.length];
  while (from < until) {
    const middle = (from + until) >> 1;
    if ((sorted[middle] ?? Infinity) < atMs) from = middle + 1;
    else until = middle;
  }
  return from;
}

/**
 * What is drawn of many marks: at most one every `leastPx`. It costs as many steps as there are pixels, whatever the number of marks:
 * from one heap to the next it searches, it does not count.
 */
export function heapsOf(sorted: ArrayLike<number>, view: View, width: number, leastPx: number): readonly Heap[] {
  const heaps: Heap[] = [];
  const margin = ((view.toMs - view.fromMs) / Math.max(1, width)) * leastPx;
  const end = firstFrom(sorted, view.toMs + margin);
  let from = firstFrom(sorted, view.fromMs - margin);
  while (from < end) {
    const x = xOf(sorted[from] ?? 0, view, width);
    const until = Math.max(from + 1, Math.min(end, firstFrom(sorted, momentAt(x + leastPx, view, width), from)));
    const last = xOf(sorted[until - 1] ?? 0, view, width);
    heaps.push({ x, width: last - x, from, until });
    from = until;
  }
  return heaps;
}

/** The number of the mark nearest to a moment, if one is within `mostMs`. */
export function nearestTo(sorted: ArrayLike<number>, atMs: number, mostMs: number): number | undefined {
  const after = firstFrom(sorted, atMs);
  const distance = (index: number): number => Math.abs((sorted[index] ?? Infinity) - atMs);
  const nearest = distance(after - 1) < distance(after) ? after - 1 : after;
  return distance(nearest) <= mostMs ? nearest : undefined;
}

/** One path for all marks of a kind, whatever their number: `M` of each shape, relative from there. */
export function pathOf(heaps: readonly Heap[], y: number, shape: (heap: Heap) => string): string {
  return heaps.map((heap) => `M${heap.x.toFixed(1)} ${y}${shape(heap)}`).join('');
}
