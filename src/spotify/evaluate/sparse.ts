/** Lists of numbers laid end to end: list `n` is `values[offsets[n] .. offsets[n + 1])`. */
export interface Lists {
  readonly offsets: Int32Array;
  readonly values: Int32Array;
}

export function listCount(lists: Lists): number {
  return lists.offsets.length - 1;
}

/** A view of list `n`, not a copy. */
export function listAt({ offsets, values }: Lists, n: number): Int32Array {
  return values.subarray(offsets[n] ?? 0, offsets[n + 1] ?? 0);
}

export function listsOf(arrays: Iterable<readonly number[] | Int32Array>): Lists {
  const parts = [...arrays];
  const offsets = new Int32Array(parts.length + 1);
  for (const [n, part] of parts.entries()) offsets[n + 1] = (offsets[n] ?? 0) + part.length;
  const values = new Int32Array(offsets.at(-1) ?? 0);
  for (const [n, part] of parts.entries()) values.set(part, offsets[n] ?? 0);
  return { offsets, values };
}

/** For each number below `size`, in which lists it stands, and at which place of {@link Lists.values}; a list may come twice. */
export function invert(lists: Lists, size: number): { readonly lists: Lists; readonly places: Int32Array } {
  const offsets = new Int32Array(size + 1);
  for (const value of lists.values) offsets[value + 1] = (offsets[value + 1] ?? 0) + 1;
  for (let n = 0; n < size; n += 1) offsets[n + 1] = (offsets[n + 1] ?? 0) + (offsets[n] ?? 0);
  const next = offsets.slice(0, size);
  const values = new Int32Array(lists.values.length);
  const places = new Int32Array(lists.values.length);
  for (let list = 0; list < listCount(lists); list += 1) {
    for (let place = lists.offsets[list] ?? 0; place < (lists.offsets[list + 1] ?? 0); place += 1) {
      const value = lists.values[place] ?? 0;
      const at = next[value] ?? 0;
      values[at] = list;
      places[at] = place;
      next[value] = at + 1;
    }
  }
  return { lists: { offsets, values }, places };
}
