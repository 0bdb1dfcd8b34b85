import { Component, type VNode } from 'preact';
import type { MatrixDocument } from './documents.ts';
import type { Slot } from './grid-slots.ts';
import type { GridMeasures } from './grid-window.ts';
import { cellLook, drawn, type Showing } from './matrix-cell.tsx';
import { cellAt, type MatrixObject, type MatrixView } from './matrix-model.ts';

interface MatrixRowProps {
  readonly document: MatrixDocument;
  readonly view: MatrixView;
  readonly showing: Showing;
  readonly row: number;
  readonly columns: readonly Slot[];
  readonly topPx: number;
  readonly measures: GridMeasures;
  /** Of the cell that the keyboard is on; -1 when it is on another row. */
  readonly activeColumn: number;
}

/** A row that stays as it is while the page scrolls up and down past it. */
export class MatrixRow extends Component<MatrixRowProps> {
  override shouldComponentUpdate(next: MatrixRowProps): boolean {
    const { props } = this;
    return (
      next.row !== props.row ||
      next.document !== props.document ||
      next.view !== props.view ||
      next.showing !== props.showing ||
      next.activeColumn !== props.activeColumn ||
      next.topPx !== props.topPx ||
      next.measures.columnPx !== props.measures.columnPx ||
      next.measures.namePx !== props.measures.namePx ||
      next.columns !== props.columns
    );
  }

  override render({ document, view, showing, row, columns, topPx, measures, activeColumn }: MatrixRowProps): VNode | null {
    const object = view.objects[row];
    if (object === undefined) return null;
    const letters = document.letters[object.kind] ?? '';
    return (
      <div class={object.kind === 'schema' ? 'mx-row mx-schema' : 'mx-row'} role="row" aria-rowindex={row + 2} style={`top:${topPx}px`}>
        <Name object={object} />
        {columns.map(({ slot, index: column }) => {
          const place = view.roles[column]?.place ?? -1;
          const now = cellAt(document, object.row, place);
          const later = object.after === undefined ? now : cellAt(document, object.after, place);
          const after = later === now ? undefined : later;
          const look = cellLook(letters, now, after, showing);
          const isActive = column === activeColumn;
          // Few attributes, and those that tell where it is on the row: each is paid for some hundred times a frame.
          return (
            <div
              key={slot}
              id={isActive ? `mx-${row}-${column}` : undefined}
              class={classOf(look.dots !== undefined, isActive, after !== undefined)}
              role="gridcell"
              aria-colindex={column + 2}
              aria-selected={isActive ? true : undefined}
              aria-label={look.label}
              data-dots={look.dots}
              style={`left:${measures.namePx + column * measures.columnPx}px;width:${measures.columnPx}px`}
            >
              {drawn(look)}
            </div>
          );
        })}
      </div>
    );
  }
}

function classOf(isEmpty: boolean, isActive: boolean, differs: boolean): string {
  return `mx-cell${isEmpty ? ' m-none' : ''}${isActive ? ' active' : ''}${differs ? ' differs' : ''}`;
}

function Name({ object }: { readonly object: MatrixObject }) {
  const { kind, schema, name } = object;
  const prefix = kind === 'schema' || schema === undefined ? '' : `${schema}.`;
  return (
    <div class="mx-name" role="rowheader" aria-colindex={1} title={`${kind} ${prefix}${name}, owner ${object.owner}`}>
      <span>
        {prefix === '' ? null : <i>{prefix}</i>}
        {name}
      </span>
      <small>{object.rowSecurity ? `${kind}, rls` : kind}</small>
    </div>
  );
}
