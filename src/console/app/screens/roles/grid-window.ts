/** The measures of the matrix, in pixels. */
export interface GridMeasures {
  readonly rowPx: number;
  readonly columnPx: number;
  /** The headings at the top and at the left, which stay. */
  readonly headPx: number;
  readonly namePx: number;
}

/** What of the matrix stands in the page: half-open ranges. */
export interface GridWindow {
  readonly fromRow: number;
  readonly toRow: number;
  readonly fromColumn: number;
  readonly toColumn: number;
}

/** Drawn beyond what is seen, so that a turn of the wheel seldom draws. */
const MARGIN_ROWS = 2;
const MARGIN_COLUMNS = 1;
/** The window moves in steps, so that most scrolling draws nothing at all. */
const STEP_ROWS = 2;
const STEP_COLUMNS = 1;

interface Seen {
  readonly scrollTop: number;
  readonly scrollLeft: number;
  readonly clientHeight: number;
  readonly clientWidth: number;
}

export function windowOf(seen: Seen, measures: GridMeasures, rows: number, columns: number): GridWindow {
  const [fromRow, toRow] = range(seen.scrollTop, seen.clientHeight - measures.headPx, measures.rowPx, rows, MARGIN_ROWS, STEP_ROWS);
  const [fromColumn, toColumn] = range(
    seen.scrollLeft,
    seen.clientWidth - measures.namePx,
    measures.columnPx,
    columns,
    MARGIN_COLUMNS,
    STEP_COLUMNS,
  );
  return { fromRow, toRow, fromColumn, toColumn };
}

function range(startPx: number, seenPx: number, eachPx: number, count: number, margin: number, step: number): readonly [number, number] {
  const first = Math.floor(startPx / eachPx) - margin;
  const last = Math.ceil((startPx + Math.max(seenPx, eachPx)) / eachPx) + margin;
  const from = Math.max(0, Math.min(Math.floor(first / step) * step, count - 1));
  return [from, Math.min(count, Math.ceil(last / step) * step)];
}

export function isSameWindow(left: GridWindow, right: GridWindow): boolean {
  return (
    left.fromRow === right.fromRow && left.toRow === right.toRow && left.fromColumn === right.fromColumn && left.toColumn === right.toColumn
  );
}

/** Where to scroll to so that the cell is seen beside the headings. */
export function scrollTo(
  cell: { readonly row: number; readonly column: number },
  seen: Seen,
  measures: GridMeasures,
): { readonly top: number; readonly left: number } {
  return {
    top: along(cell.row * measures.rowPx, measures.rowPx, seen.scrollTop, seen.clientHeight - measures.headPx),
    left: along(cell.column * measures.columnPx, measures.columnPx, seen.scrollLeft, seen.clientWidth - measures.namePx),
  };
}

function along(atPx: number, eachPx: number, startPx: number, seenPx: number): number {
  if (atPx < startPx) return atPx;
  return atPx + eachPx > startPx + seenPx ? atPx + eachPx - seenPx : startPx;
}

/** The cell that a key leads to; undefined for keys that mean nothing here. */
export function moved(
  key: string,
  withControl: boolean,
  { row, column }: { readonly row: number; readonly column: number },
  { rows, columns, page }: { readonly rows: number; readonly columns: number; readonly page: number },
): { readonly row: number; readonly column: number } | undefined {
  const at = (nextRow: number, nextColumn: number): { readonly row: number; readonly column: number } => ({
    row: Math.max(0, Math.min(rows - 1, nextRow)),
    column: Math.max(0, Math.min(columns - 1, nextColumn)),
  });
  switch (key) {
    case 'ArrowUp':
      return at(row - 1, column);
    case 'ArrowDown':
      return at(row + 1, column);
    case 'ArrowLeft':
      return at(row, column - 1);
    case 'ArrowRight':
      return at(row, column + 1);
    case 'PageUp':
      return at(row - page, column);
    case 'PageDown':
      return at(row + page, column);
    case 'Home':
      return at(withControl ? 0 : row, 0);
    case 'End':
      return at(withControl ? rows - 1 : row, columns - 1);
    default:
      return undefined;
  }
}
