/** A line of a diff, with its numbers in the old and the new text where they are known. */
export interface DiffRow {
  readonly kind: 'same' | 'removed' | 'added' | 'place' | 'note';
  readonly old: number | undefined;
  readonly new: number | undefined;
  readonly text: string;
}

/** Two columns: what stood there, and what stands there now. `across` is a line that concerns both. */
export type SplitRow =
  | { readonly kind: 'across'; readonly row: DiffRow }
  | { readonly kind: 'pair'; readonly left: DiffRow | undefined; readonly right: DiffRow | undefined };

/**
 * Reads the lines of a diff as the command line prints them: `- ` removed, `+ ` added, two spaces the same, `@ line N` where the next lines
 * stand in the old text. Where no line says so, lines have no numbers.
 */
export function diffRows(lines: readonly string[]): readonly DiffRow[] {
  let old: number | undefined;
  let shift = 0;
  return lines.map((line): DiffRow => {
    const place = /^@ line (\d+)$/.exec(line)?.[1];
    if (place !== undefined) {
      old = Number(place);
      return { kind: 'place', old: undefined, new: undefined, text: `line ${place}` };
    }
    const mark = line.charAt(0);
    const text = line.slice(2);
    if (mark === '-') {
      const row: DiffRow = { kind: 'removed', old, new: undefined, text };
      shift -= 1;
      old = next(old);
      return row;
    }
    if (mark === '+') {
      const row: DiffRow = { kind: 'added', old: undefined, new: sum(old, shift), text };
      shift += 1;
      return row;
    }
    // Behind the last sign of an empty line nothing is left of its two spaces.
    if (line !== '' && !line.startsWith('  ')) return { kind: 'note', old: undefined, new: undefined, text: line };
    const row: DiffRow = { kind: 'same', old, new: sum(old, shift), text };
    old = next(old);
    return row;
  });
}

/** The same side by side: what was removed stands left of what was added in its place. */
export function splitRows(rows: readonly DiffRow[]): readonly SplitRow[] {
  const split: SplitRow[] = [];
  for (let at = 0; at < rows.length;) {
    const row = rows[at];
    if (row === undefined) break;
    if (row.kind === 'place' || row.kind === 'note') split.push({ kind: 'across', row });
    if (row.kind === 'same') split.push({ kind: 'pair', left: row, right: row });
    if (row.kind !== 'removed' && row.kind !== 'added') {
      at += 1;
      continue;
    }
    const removed = runOf(rows, at, 'removed');
    const added = runOf(rows, at + removed.length, 'added');
    for (let n = 0; n < Math.max(removed.length, added.length); n += 1) split.push({ kind: 'pair', left: removed[n], right: added[n] });
    at += removed.length + added.length;
  }
  return split;
}

/** `+4 −2`. */
export function countOf(rows: readonly DiffRow[]): string {
  const count = (kind: DiffRow['kind']): number => rows.filter((row) => row.kind === kind).length;
  return `+${count('added')} −${count('removed')}`;
}

function runOf(rows: readonly DiffRow[], from: number, kind: DiffRow['kind']): readonly DiffRow[] {
  let to = from;
  while (rows[to]?.kind === kind) to += 1;
  return rows.slice(from, to);
}

function next(line: number | undefined): number | undefined {
  return sum(line, 1);
}

function sum(line: number | undefined, more: number): number | undefined {
  return line === undefined ? undefined : line + more;
}
