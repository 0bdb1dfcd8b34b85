const CONTEXT = 2;
const MOST_EDITS = 400;

interface Line {
  readonly mark: ' ' | '-' | '+';
  readonly text: string;
}

/**
 * The lines in which two texts differ, `- ` only in `before`, `+ ` only in `after`, with two lines around each place.
 * Empty for equal texts. Texts with more than 400 differing lines get the place where they part.
 *
 * @see https://doi.org/10.1007/BF01840446 Myers, "An O(ND) difference algorithm and its variations", 1986
 */
export function diffLines(before: string, after: string): readonly string[] {
  if (before === after) return [];
  const [left, right] = [before.split('\n'), after.split('\n')];
  let head = 0;
  while (head < left.length && head < right.length && left[head] === right[head]) head += 1;
  let tail = 0;
  while (tail < left.length - head && tail < right.length - head && left.at(-1 - tail) === right.at(-1 - tail)) tail += 1;
  const middle = shortestEdit(left.slice(head, left.length - tail), right.slice(head, right.length - tail));
  if (middle === undefined) return [`the texts part at line ${head + 1}`];
  const keep = (text: string): Line => ({ mark: ' ', text });
  const lines = [...left.slice(0, head).map(keep), ...middle, ...left.slice(left.length - tail).map(keep)];
  return aroundChanges(lines);
}

/** How many lines were taken out and put in. */
export function countChanges(diff: readonly string[]): number {
  return diff.filter((line) => line.startsWith('-') || line.startsWith('+')).length;
}

function aroundChanges(lines: readonly Line[]): readonly string[] {
  const wanted = new Set<number>();
  for (const [index, { mark }] of lines.entries()) {
    if (mark !== ' ') for (let near = index - CONTEXT; near <= index + CONTEXT; near += 1) wanted.add(near);
  }
  const shown: string[] = [];
  let oldLine = 0;
  let previous = -1;
  for (const [index, { mark, text }] of lines.entries()) {
    if (mark !== '+') oldLine += 1;
    if (!wanted.has(index)) continue;
    if (index !== previous + 1 || shown.length === 0) shown.push(`@ line ${Math.max(1, oldLine)}`);
    shown.push(`${mark} ${text}`.trimEnd());
    previous = index;
  }
  return shown;
}

/** Myers' greedy walk, remembering the furthest reach of every number of edits. */
function shortestEdit(left: readonly string[], right: readonly string[]): readonly Line[] | undefined {
  const reach: Map<number, number>[] = [];
  let current = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(MOST_EDITS, left.length + right.length); edits += 1) {
    reach.push(new Map(current));
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = stepsDown(current, diagonal, edits) ? (current.get(diagonal + 1) ?? 0) : (current.get(diagonal - 1) ?? 0) + 1;
      while (x < left.length && x - diagonal < right.length && left[x] === right[x - diagonal]) x += 1;
      current.set(diagonal, x);
      if (x >= left.length && x - diagonal >= right.length) return walkBack(reach, left, right);
    }
    current = new Map(current);
  }
  return undefined;
}

function stepsDown(reach: ReadonlyMap<number, number>, diagonal: number, edits: number): boolean {
  return diagonal === -edits || (diagonal !== edits && (reach.get(diagonal - 1) ?? -1) < (reach.get(diagonal + 1) ?? -1));
}

function walkBack(reach: readonly ReadonlyMap<number, number>[], left: readonly string[], right: readonly string[]): readonly Line[] {
  const lines: Line[] = [];
  let [x, y] = [left.length, right.length];
  for (let edits = reach.length - 1; edits >= 0; edits -= 1) {
    const before = reach[edits] ?? new Map<number, number>();
    const diagonal = x - y;
    const from = stepsDown(before, diagonal, edits) ? diagonal + 1 : diagonal - 1;
    const fromX = edits === 0 ? 0 : (before.get(from) ?? 0);
    const fromY = edits === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY) {
      x -= 1;
      y -= 1;
      lines.push({ mark: ' ', text: left[x] ?? '' });
    }
    if (edits === 0) break;
    if (y > fromY) lines.push({ mark: '+', text: right[fromY] ?? '' });
    else lines.push({ mark: '-', text: left[fromX] ?? '' });
    [x, y] = [fromX, fromY];
  }
  return lines.reverse();
}
