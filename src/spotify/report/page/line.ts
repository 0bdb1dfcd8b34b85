import { html, type Markup } from '../../../base/html.ts';
import { grid } from './columns.ts';
import { dayText, monthText, short, ticks } from './scale.ts';

export interface Point {
  /** `2025-10-03` */
  readonly day: string;
  readonly value: number;
}

const HEIGHT = 170;
const FOOT = 22;

/** Values over time as a line on an area. The line stretches with the page and keeps its width; the letters do not. */
export function lineChart(points: readonly Point[], { finding, mean }: { readonly finding: string; readonly mean?: number }): Markup {
  const scale = ticks(Math.max(0, ...points.map(({ value }) => value)));
  const top = scale.at(-1) ?? 1;
  const plot = HEIGHT - FOOT - 8;
  const y = (value: number): number => 8 + plot - (value / top) * plot;
  const x = (at: number): number => (points.length < 2 ? 500 : (at / (points.length - 1)) * 1000);
  const line = (values: readonly number[]): string => values.map((value, at) => `${short(x(at))},${short(y(value) - 8)}`).join(' ');
  const values = points.map(({ value }) => value);
  const floor = short(plot);
  const smooth = mean === undefined || points.length < 2 * mean ? undefined : rollingMean(values, mean);
  return html`<svg class="chart" height="${HEIGHT}" role="img" aria-label="${finding}">
    ${scale.map((tick) => grid(tick, y(tick)))}
    <svg y="8" width="100%" height="${plot}" viewBox="0 0 1000 ${plot}" preserveAspectRatio="none">
      <polygon class="area" points="0,${floor} ${line(values)} 1000,${floor}" />
      <polyline class="${smooth === undefined ? 'line' : 'line thin'}" points="${line(values)}" />
      ${smooth === undefined ? undefined : html`<polyline class="line mean" points="${line(smooth)}" />`}
    </svg>
    ${dateLabels(points)}
  </svg>`;
}

/** The mean of a value and those before it, `span` in all; of fewer at the start. */
export function rollingMean(values: readonly number[], span: number): readonly number[] {
  return values.map((_, at) => {
    const window = values.slice(Math.max(0, at - span + 1), at + 1);
    return window.reduce((sum, value) => sum + value, 0) / window.length;
  });
}

/** The beginnings of months where there are several, else the first and the last day; six labels at most. */
function dateLabels(points: readonly Point[]): readonly Markup[] {
  const starts = points.flatMap(({ day }, at) => (day.endsWith('-01') ? [{ at, label: monthText(day) }] : []));
  const last = points.length - 1;
  const ends = [0, last].flatMap((at) => {
    const point = points[at];
    return point === undefined ? [] : [{ at, label: dayText(point.day) }];
  });
  const every = Math.ceil(starts.length / 6);
  const chosen = starts.length >= 3 ? starts.filter((_, nth) => nth % every === 0) : ends;
  return chosen.map(({ at, label }, nth) => {
    const percent = last <= 0 ? 50 : (at / last) * 100;
    const anchor = percent < 6 ? 'start' : percent > 94 ? 'end' : 'middle';
    return html`<text
      x="${short(percent)}%"
      y="${HEIGHT - 6}"
      text-anchor="${anchor}"
      ${nth % 2 === 1 && chosen.length > 3 ? html` class="wide"` : ''}
      >${label}</text
    >`;
  });
}
