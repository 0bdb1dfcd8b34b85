import { useEffect, useRef, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { axisLabel, moment, type Shown } from '../words.ts';
import { onThemeChange, paints, type Paint } from './paint.ts';

/** One line of a plot: a value for each time, null where nothing is known. */
export interface PlotLine {
  readonly label: string;
  readonly values: readonly (number | null)[];
  /** `line` unless stated; `area` is filled; `before` is what it is compared with, dashed. */
  readonly look?: 'line' | 'area' | 'before';
}

export interface PlotProps {
  /** What the plot finds, in a sentence: it is what a screen reader says. */
  readonly label: string;
  /** Milliseconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly lines: readonly PlotLine[];
  /** A value with its unit: `8.1 s`. */
  readonly format: (value: number) => string;
  readonly shown: Shown;
  /** A value that shall not be passed, drawn across. */
  readonly limit?: { readonly value: number; readonly label: string };
  readonly heightPx?: number;
}

/**
 * Lines over time on a canvas, for thousands of points; what is under the pointer stands below it. A {@link Twin} belongs
 * beside it. Its code is fetched when the first is shown.
 */
export function Plot(props: PlotProps) {
  const { label, times, lines, format, shown, limit } = props;
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const [at, setAt] = useState<number>();
  const [hasFailed, setFailed] = useState(false);
  // The points are compared by what they are: an answer that came anew with the same figures draws nothing anew.
  const key = JSON.stringify([times, lines, limit, shown.timeZone]);
  useEffect(() => {
    const gone = new AbortController();
    draw(box.current, latest, setAt, gone.signal).catch(() => setFailed(true));
    return () => gone.abort();
  }, [key]);
  return (
    <figure class="plot">
      <div ref={box} role="img" aria-label={label} />
      <figcaption class="legend">
        {hasFailed ? <span>The drawing could not be loaded; the numbers are in the table.</span> : null}
        {at === undefined ? null : <span class="nowrap">{moment(new Date(times[at] ?? 0).toISOString(), shown, true)}</span>}
        {lines.map(({ label: name, values, look = 'line' }, index) => (
          <span key={name}>
            <svg width="20" height="10" aria-hidden="true">
              <line class={look === 'before' ? 'ln2' : index === 0 ? 'ln' : 'ln b'} x1="0" x2="20" y1="5" y2="5" />
            </svg>
            {name} {at === undefined ? '' : valueText(values[at], format)}
          </span>
        ))}
        {limit === undefined ? null : (
          <span>
            <svg width="20" height="10" aria-hidden="true">
              <line class="lim" x1="0" x2="20" y1="5" y2="5" />
            </svg>
            {limit.label} {format(limit.value)}
          </span>
        )}
      </figcaption>
    </figure>
  );
}

function valueText(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value);
}

/** Draws until the signal; again when the colours change, larger or smaller with its place. */
async function draw(
  box: HTMLDivElement | null,
  latest: { readonly current: PlotProps },
  onPoint: (at: number | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  if (box === null) return;
  const [{ default: Plot }] = await Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]);
  if (signal.aborted) return;
  let plot: uPlot | undefined;
  const redraw = (): void => {
    plot?.destroy();
    const { times, lines, limit } = latest.current;
    const data: uPlot.AlignedData = [
      times.map((time) => time / 1000),
      ...lines.map(({ values }) => [...values]),
      ...(limit === undefined ? [] : [times.map(() => limit.value)]),
    ];
    plot = new Plot(
      optionsOf(latest.current, paints(box), box.clientWidth, onPoint, (seconds) =>
        Plot.tzDate(new Date(seconds * 1000), latest.current.shown.timeZone),
      ),
      data,
      box,
    );
  };
  redraw();
  const resized = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: plot.height }));
  resized.observe(box);
  const settled = onThemeChange(redraw);
  signal.addEventListener('abort', () => {
    resized.disconnect();
    settled();
    plot?.destroy();
  });
}

function optionsOf(
  { times, lines, limit, format, shown, heightPx = 160 }: PlotProps,
  paint: Paint,
  width: number,
  onPoint: (at: number | undefined) => void,
  tzDate: (seconds: number) => Date,
): uPlot.Options {
  const spanMs = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const axis = { stroke: paint.quiet, font: paint.font, grid: { stroke: paint.grid, width: 1 }, ticks: { show: false } };
  const looks = {
    line: (first: boolean) => ({ stroke: first ? paint.line : paint.other, width: 1.5 }),
    area: (first: boolean) => ({ stroke: first ? paint.line : paint.other, width: 1.5, fill: paint.area }),
    before: () => ({ stroke: paint.quiet, width: 1, dash: [3, 3] }),
  } as const;
  return {
    width,
    height: heightPx,
    tzDate,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(most, limit?.value ?? 0, Number.MIN_VALUE) * 1.05] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        values: (_plot, seconds) => seconds.map((at) => axisLabel(new Date(at * 1000), spanMs, shown.timeZone)),
      },
      { ...axis, size: 64, values: (_plot, values) => values.map((value) => (value === 0 ? '0' : format(value))) },
    ],
    series: [
      {},
      ...lines.map(({ label, look = 'line' }, index) => ({ label, points: { show: false }, spanGaps: false, ...looks[look](index === 0) })),
      ...(limit === undefined ? [] : [{ label: limit.label, points: { show: false }, stroke: paint.ink, width: 1.5, dash: [4, 3] }]),
    ],
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)] },
  };
}
