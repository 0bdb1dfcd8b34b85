import { html, type Markup } from '../../../base/html.ts';
import { short } from './scale.ts';

export interface HeatCell {
  /** From the top, 0. */
  readonly row: number;
  /** From the left, 0. */
  readonly column: number;
  readonly value: number;
  readonly title: string;
}

const CELL = 24;
const FOOT = 20;

/** Cells shaded by value in six even steps; the highest is framed. */
export function heatMap(
  cells: readonly HeatCell[],
  { finding, rows, columns }: { readonly finding: string; readonly rows: readonly string[]; readonly columns: readonly string[] },
): Markup {
  const highest = Math.max(0, ...cells.map(({ value }) => value));
  const peak = cells.find(({ value }) => value === highest && value > 0);
  const width = 100 / columns.length;
  const height = rows.length * CELL;
  return html`<svg class="chart heat" height="${height + FOOT}" role="img" aria-label="${finding}">
    ${rows.map((label, at) => html`<text x="-8" y="${at * CELL + 16}" text-anchor="end">${label}</text>`)}
    ${cells.map(
      (cell) =>
        html`<rect
          class="q${shadeOf(cell.value, highest)}${cell === peak ? ' peak' : ''}"
          x="${short(cell.column * width + width * 0.04)}%"
          width="${short(width * 0.92)}%"
          y="${cell.row * CELL + 1}"
          height="${CELL - 2}"
          rx="2"
          ><title>${cell.title}</title></rect
        >`,
    )}
    ${columns.map((label, at) =>
      label === '' ? undefined : html`<text x="${short((at + 0.5) * width)}%" y="${height + 14}" text-anchor="middle">${label}</text>`,
    )}
  </svg>`;
}

/** 0 for none, then 1 to 5 up to the highest. */
export function shadeOf(value: number, highest: number): number {
  return value <= 0 ? 0 : Math.max(1, Math.ceil((value / highest) * 5));
}
