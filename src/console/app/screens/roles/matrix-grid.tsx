import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { MatrixDocument } from './documents.ts';
import { keptSlots, type Slot } from './grid-slots.ts';
import { isSameWindow, moved, scrollTo, windowOf, type GridMeasures, type GridWindow } from './grid-window.ts';
import type { Showing } from './matrix-cell.tsx';
import type { MatrixView } from './matrix-model.ts';
import { MatrixRow } from './matrix-row.tsx';

export interface GridCell {
  readonly row: number;
  readonly column: number;
}

interface MatrixGridProps {
  readonly document: MatrixDocument;
  readonly view: MatrixView;
  readonly showing: Showing;
  readonly isPhone: boolean;
  readonly active: GridCell;
  readonly onMove: (cell: GridCell) => void;
  readonly onExplain: (cell: GridCell) => void;
}

const WIDE = { rowPx: 26, columnPx: 88, headPx: 52, namePx: 290 };
const PHONE_CELL_PX = 106;
const MOST_HEIGHT_PX = 620;
/** So that the bar of a wide matrix hides no row of a low one. */
const SCROLL_BAR_PX = 18;

/**
 * The matrix as a grid of which only what is seen stands in the page. The keyboard stays on the grid itself, which names the
 * cell that is meant: cells come and go.
 */
export function MatrixGrid(props: MatrixGridProps) {
  const { document, view, showing, isPhone, active, onMove, onExplain } = props;
  const box = useRef<HTMLDivElement>(null);
  const [widthPx, setWidthPx] = useState(0);
  const measures: GridMeasures = isPhone
    ? { ...WIDE, rowPx: 40, headPx: 40, columnPx: PHONE_CELL_PX, namePx: Math.max(150, widthPx - PHONE_CELL_PX) }
    : WIDE;
  const [rows, columns] = [view.objects.length, view.roles.length];
  const [shown, refresh] = useGridWindow(box, measures, rows, columns);
  useEffect(() => {
    const { current } = box;
    if (current === null) return undefined;
    const observer = new ResizeObserver(() => {
      setWidthPx(current.clientWidth);
      refresh();
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  const move = (event: KeyboardEvent): void => {
    const { current } = box;
    if (current === null || event.altKey) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      onExplain(active);
      return;
    }
    const page = Math.max(1, Math.floor((current.clientHeight - measures.headPx) / measures.rowPx) - 1);
    const next = moved(event.key, event.ctrlKey || event.metaKey, active, { rows, columns, page });
    if (next === undefined) return;
    event.preventDefault();
    const { top, left } = scrollTo(next, current, measures);
    current.scrollTo(left, top);
    refresh();
    onMove(next);
  };
  const placeOf = (event: MouseEvent): GridCell | undefined => {
    const cell = event.target instanceof Element ? event.target.closest('[role=gridcell]') : null;
    if (cell === null) return undefined;
    // Both count from one, and the headings, too.
    return { row: Number(cell.parentElement?.ariaRowIndex) - 2, column: Number(cell.ariaColIndex) - 2 };
  };
  return (
    <div
      class="mx"
      ref={box}
      role="grid"
      tabIndex={0}
      aria-label="Objects and what each role may do with them"
      aria-describedby="matrix-cell"
      aria-rowcount={rows + 1}
      aria-colcount={columns + 1}
      aria-activedescendant={`mx-${active.row}-${active.column}`}
      style={{
        height: `${Math.min(MOST_HEIGHT_PX, measures.headPx + rows * measures.rowPx + SCROLL_BAR_PX)}px`,
        '--mx-row': `${measures.rowPx}px`,
        '--mx-column': `${measures.columnPx}px`,
        '--mx-name': `${measures.namePx}px`,
      }}
      onScroll={refresh}
      onKeyDown={move}
      onClick={(event) => {
        const cell = placeOf(event);
        if (cell !== undefined) onMove(cell);
      }}
      onDblClick={(event) => {
        const cell = placeOf(event);
        if (cell !== undefined) onExplain(cell);
      }}
    >
      <div
        class="mx-all"
        style={{ width: `${measures.namePx + columns * measures.columnPx}px`, height: `${measures.headPx + rows * measures.rowPx}px` }}
      >
        <div class="mx-head" role="row" aria-rowindex={1} style={{ height: `${measures.headPx}px` }}>
          <div class="mx-corner" role="columnheader" aria-colindex={1}>
            Object
          </div>
          {shown.columns.map(({ slot, index }) => (
            <ColumnHead key={slot} view={view} column={index} measures={measures} />
          ))}
        </div>
        {shown.rows.map(({ slot, index }) => (
          <MatrixRow
            key={slot}
            document={document}
            view={view}
            showing={showing}
            row={index}
            columns={shown.columns}
            topPx={measures.headPx + index * measures.rowPx}
            measures={measures}
            activeColumn={index === active.row ? active.column : -1}
          />
        ))}
      </div>
    </div>
  );
}

function ColumnHead({ view, column, measures }: { readonly view: MatrixView; readonly column: number; readonly measures: GridMeasures }) {
  const found = view.roles[column];
  if (found === undefined) return null;
  const { role } = found;
  const kind = role.superuser ? 'superuser' : role.kind;
  return (
    <div
      class="mx-role"
      role="columnheader"
      aria-colindex={column + 2}
      title={role.name}
      style={`left:${measures.namePx + column * measures.columnPx}px`}
    >
      <b>{role.name}</b>
      <small>{role.change === null ? kind : `${kind}, ${role.change}`}</small>
    </div>
  );
}

/** What is drawn: a part of the matrix, each row and column of it in an element that is used again and again. */
interface Drawn extends GridWindow {
  readonly rows: readonly Slot[];
  readonly columns: readonly Slot[];
}

function drawnIn(window: GridWindow, before: Pick<Drawn, 'rows' | 'columns'>): Drawn {
  return {
    ...window,
    rows: keptSlots(before.rows, window.fromRow, window.toRow),
    columns:
      before.columns[0]?.index === window.fromColumn && before.columns.at(-1)?.index === window.toColumn - 1
        ? before.columns
        : keptSlots(before.columns, window.fromColumn, window.toColumn),
  };
}

/** What is drawn now, and what looks again after scrolling: at most once a frame. */
function useGridWindow(
  box: { readonly current: HTMLDivElement | null },
  measures: GridMeasures,
  rows: number,
  columns: number,
): readonly [Drawn, () => void] {
  const [shown, setShown] = useState<Drawn>(() =>
    drawnIn({ fromRow: 0, toRow: Math.min(rows, 24), fromColumn: 0, toColumn: Math.min(columns, 12) }, { rows: [], columns: [] }),
  );
  const frame = useRef(0);
  const latest = useRef({ measures, rows, columns });
  latest.current = { measures, rows, columns };
  const look = (): void => {
    frame.current = 0;
    const { current } = box;
    if (current === null) return;
    const next = windowOf(current, latest.current.measures, latest.current.rows, latest.current.columns);
    setShown((before) => (isSameWindow(before, next) ? before : drawnIn(next, before)));
  };
  useLayoutEffect(look, [rows, columns, measures.columnPx, measures.namePx]);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  return [
    shown,
    () => {
      if (frame.current === 0) frame.current = requestAnimationFrame(look);
    },
  ];
}
