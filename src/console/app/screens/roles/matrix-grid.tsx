import { Component, type VNode } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { MatrixDocument } from './documents.ts';
import { isSameWindow, moved, scrollTo, windowOf, type GridMeasures, type GridWindow } from './grid-window.ts';
import { cellLabel, Letters, type Showing } from './matrix-cell.tsx';
import { cellAt, type MatrixObject, type MatrixView } from './matrix-model.ts';

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
    const cell = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-row]') : null;
    if (cell === null) return undefined;
    return { row: Number(cell.dataset['row']), column: Number(cell.dataset['column']) };
  };
  const columnNumbers = rangeOf(shown.fromColumn, shown.toColumn);
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
      style={{ height: `${Math.min(MOST_HEIGHT_PX, measures.headPx + rows * measures.rowPx + SCROLL_BAR_PX)}px` }}
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
          <div class="mx-corner" role="columnheader" aria-colindex={1} style={{ width: `${measures.namePx}px` }}>
            Object
          </div>
          {columnNumbers.map((column) => (
            <ColumnHead key={column} view={view} column={column} measures={measures} />
          ))}
        </div>
        {rangeOf(shown.fromRow, shown.toRow).map((row) => (
          <Row
            key={row}
            document={document}
            view={view}
            showing={showing}
            row={row}
            shown={shown}
            topPx={measures.headPx + row * measures.rowPx}
            rowPx={measures.rowPx}
            columnPx={measures.columnPx}
            namePx={measures.namePx}
            activeColumn={row === active.row ? active.column : -1}
          />
        ))}
      </div>
    </div>
  );
}

function rangeOf(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);
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
      style={{ left: `${measures.namePx + column * measures.columnPx}px`, width: `${measures.columnPx}px`, height: `${measures.headPx}px` }}
    >
      <b>{role.name}</b>
      <small>{role.change === null ? kind : `${kind}, ${role.change}`}</small>
    </div>
  );
}

interface RowProps {
  readonly document: MatrixDocument;
  readonly view: MatrixView;
  readonly showing: Showing;
  readonly row: number;
  readonly shown: GridWindow;
  readonly topPx: number;
  readonly rowPx: number;
  readonly columnPx: number;
  readonly namePx: number;
  /** Of the cell that the keyboard is on; -1 when it is on another row. */
  readonly activeColumn: number;
}

/** A row that stays as it is while the page scrolls up and down past it. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { props } = this;
    return (
      next.document !== props.document ||
      next.view !== props.view ||
      next.showing !== props.showing ||
      next.row !== props.row ||
      next.activeColumn !== props.activeColumn ||
      next.columnPx !== props.columnPx ||
      next.namePx !== props.namePx ||
      next.shown.fromColumn !== props.shown.fromColumn ||
      next.shown.toColumn !== props.shown.toColumn
    );
  }

  override render({ document, view, showing, row, shown, topPx, rowPx, columnPx, namePx, activeColumn }: RowProps): VNode | null {
    const object = view.objects[row];
    if (object === undefined) return null;
    const letters = document.letters[object.kind] ?? '';
    return (
      <div
        class={object.kind === 'schema' ? 'mx-row mx-schema' : 'mx-row'}
        role="row"
        aria-rowindex={row + 2}
        style={{ top: `${topPx}px`, height: `${rowPx}px` }}
      >
        <Name object={object} namePx={namePx} />
        {rangeOf(shown.fromColumn, shown.toColumn).map((column) => {
          const place = view.roles[column]?.place ?? -1;
          const now = cellAt(document, object.row, place);
          const later = object.after === undefined ? now : cellAt(document, object.after, place);
          const after = later === now ? undefined : later;
          const look = `mx-cell${column === activeColumn ? ' active' : ''}${after === undefined ? '' : ' differs'}`;
          return (
            <div
              key={column}
              id={`mx-${row}-${column}`}
              class={look}
              role="gridcell"
              aria-colindex={column + 2}
              aria-selected={column === activeColumn}
              aria-label={cellLabel(letters, now, after, showing)}
              data-row={row}
              data-column={column}
              style={{ left: `${namePx + column * columnPx}px`, width: `${columnPx}px` }}
            >
              <Letters letters={letters} now={now} after={after} showing={showing} />
            </div>
          );
        })}
      </div>
    );
  }
}

function Name({ object, namePx }: { readonly object: MatrixObject; readonly namePx: number }) {
  const { kind, schema, name } = object;
  const prefix = kind === 'schema' || schema === undefined ? '' : `${schema}.`;
  return (
    <div
      class="mx-name"
      role="rowheader"
      aria-colindex={1}
      title={`${kind} ${prefix}${name}, owner ${object.owner}`}
      style={{ width: `${namePx}px` }}
    >
      <span>
        {prefix === '' ? null : <i>{prefix}</i>}
        {name}
      </span>
      <small>{object.rowSecurity ? `${kind}, rls` : kind}</small>
    </div>
  );
}

/** What is drawn now, and what looks again after scrolling: at most once a frame. */
function useGridWindow(
  box: { readonly current: HTMLDivElement | null },
  measures: GridMeasures,
  rows: number,
  columns: number,
): readonly [GridWindow, () => void] {
  const [shown, setShown] = useState<GridWindow>({ fromRow: 0, toRow: Math.min(rows, 24), fromColumn: 0, toColumn: Math.min(columns, 12) });
  const frame = useRef(0);
  const latest = useRef({ measures, rows, columns });
  latest.current = { measures, rows, columns };
  const look = (): void => {
    frame.current = 0;
    const { current } = box;
    if (current === null) return;
    const next = windowOf(current, latest.current.measures, latest.current.rows, latest.current.columns);
    setShown((before) => (isSameWindow(before, next) ? before : next));
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
