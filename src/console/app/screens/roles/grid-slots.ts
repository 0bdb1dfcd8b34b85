/** An element of the grid that is used again and again, and which row or column stands in it. */
export interface Slot {
  readonly slot: number;
  readonly index: number;
}

/**
 * The slots of the rows (or columns) `from` to `to`, half open, in their order. What was shown before keeps its slot, and what
 * is new takes one that became free, in the order in which those stood: elements are neither made nor moved where all of them
 * are new, as when somebody turns a whole page.
 */
export function keptSlots(before: readonly Slot[], from: number, to: number): readonly Slot[] {
  const kept = new Map<number, Slot>();
  const free: number[] = [];
  let next = 0;
  for (const each of before) {
    if (each.index >= from && each.index < to) kept.set(each.index, each);
    else free.push(each.slot);
    next = Math.max(next, each.slot + 1);
  }
  free.reverse();
  return Array.from({ length: Math.max(0, to - from) }, (_, place): Slot => {
    const index = from + place;
    const stays = kept.get(index);
    if (stays !== undefined) return stays;
    return { slot: free.pop() ?? next++, index };
  });
}
