import { html, type Markup } from '../../../base/html.ts';
import { labelEvery, short, ticks } from './scale.ts';

/** One column: its parts from the bottom up. */
export interface ChartColumn {
  readonly label: string;
  /** Told when pointed at. */
  readonly title: string;
  readonly parts: readonly { readonly value: number; readonly shade: number }[];
}

const HEIGHT = 150;
const FOOT = 22;

/**
 * Columns on one scale. x is in percent and marks are in pixels, so that the drawing takes any width without stretching
 * its letters. `finding` is what someone who cannot see it hears; `full` is the top of the scale where that is known.
 */
export function columnsChart(
  columns: readonly ChartColumn[],
  { finding, full, labels = 12 }: { readonly finding: string; readonly full?: number; readonly labels?: number },
): Markup {
  const sums = columns.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0));
  const scale = full === undefined ? ticks(Math.max(0, ...sums)) : [0, full / 2, full];
  const top = scale.at(-1) ?? 1;
  const plot = HEIGHT - FOOT - 8;
  const y = (value: number): number => 8 + plot - (value / top) * plot;
  const width = 100 / Math.max(1, columns.length);
  const every = labelEvery(columns.length, labels);
  return html`<svg class="chart" height="${HEIGHT}" role="img" aria-label="${finding}">
    ${scale.map((tick) => grid(tick, y(tick), full === 100 ? ' %' : ''))}
    ${columns.map((column, at) => drawn(column, { left: at * width, width, y }))}
    ${columns.map(({ label }, at) =>
      at % every === 0
        ? html`<text
            x="${short((at + 0.5) * width)}%"
            y="${HEIGHT - 6}"
            text-anchor="middle"
            ${every === 1 || at % (2 * every) === 0 ? '' : html` class="wide"`}
            >${label}</text
          >`
        : undefined,
    )}
  </svg>`;
}

function drawn(
  { title, parts }: ChartColumn,
  { left, width, y }: { readonly left: number; readonly width: number; readonly y: (value: number) => number },
): Markup {
  let below = 0;
  const pad = width * 0.14;
  const rects = parts.map(({ value, shade }) => {
    const from = y(below);
    below += value;
    const height = from - y(below);
    // A hairline between parts tells them apart where their shades are near.
    const gap = parts.length > 1 && height > 2 ? 1 : 0;
    return value === 0
      ? undefined
      : html`<rect
          class="s${shade}"
          x="${short(left + pad)}%"
          width="${short(width - 2 * pad)}%"
          y="${short(y(below) + gap)}"
          height="${short(Math.max(1, height - gap))}"
        />`;
  });
  return html`<g
    ><title>${title}</title>${rects}<rect class="hit" x="${short(left)}%" width="${short(width)}%" y="0" height="${HEIGHT - FOOT}"
  /></g>`;
}

/** A line of the scale with its number hanging left of the plot. */
export function grid(tick: number, y: number, unit = ''): Markup {
  return html`<line class="${tick === 0 ? 'axis' : 'grid'}" x1="0" x2="100%" y1="${short(y)}" y2="${short(y)}" /><text
      class="tick"
      x="-8"
      y="${short(y + 4)}"
      text-anchor="end"
      >${compact(tick)}${unit}</text
    >`;
}

function compact(value: number): string {
  return value.toLocaleString('en', { notation: 'compact', maximumFractionDigits: 1 });
}
