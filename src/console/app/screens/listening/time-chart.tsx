import { grouped } from './report.ts';
import { rollingMean, ticksTo, type Point } from './scale.ts';

interface TimeChartProps {
  readonly points: readonly Point[];
  /** What the drawing says, for who does not see it. */
  readonly label: string;
  /** A mean over so many points is drawn as a line. */
  readonly meanOver?: number;
  readonly unit?: string;
  /** Labels of the axis: index and text. */
  readonly marks: readonly (readonly [number, string])[];
}

const TOP = 14;
const HEIGHT = 92;
/** More than these are drawn as an area: bars would be thinner than a line. */
const MOST_BARS = 370;

/** Values in the order of time as bars from 0. */
export function TimeChart({ points, label, meanOver, unit = 'plays', marks }: TimeChartProps) {
  const most = points.reduce((highest, { value }) => Math.max(highest, value), 0);
  const scale = ticksTo(most);
  const top = scale.at(-1) ?? 1;
  const y = (value: number): number => TOP + HEIGHT - (value / top) * HEIGHT;
  const width = 100 / Math.max(1, points.length);
  const means = meanOver === undefined ? [] : rollingMean(points, meanOver);
  return (
    <svg class="fluid gut" height={TOP + HEIGHT + 22} role="img" aria-label={label}>
      {scale.map((tick) => (
        <g key={tick}>
          <line class={tick === 0 ? 'axis' : 'grid'} x1="0" x2="100%" y1={y(tick)} y2={y(tick)} />
          <text x="-6" y={y(tick) + 4} text-anchor="end">
            {short(tick)}
          </text>
        </g>
      ))}
      {points.length <= MOST_BARS ? (
        points.map(({ name, value }, at) => (
          <rect
            key={at}
            class="day"
            x={`${(at * width).toFixed(3)}%`}
            width={`${(width * 0.82).toFixed(3)}%`}
            y={y(value)}
            height={(value / top) * HEIGHT}
          >
            <title>{`${name}: ${grouped(value)} ${unit}`}</title>
          </rect>
        ))
      ) : (
        <svg y={TOP} width="100%" height={HEIGHT} viewBox={`0 0 ${points.length} 100`} preserveAspectRatio="none">
          <path class="area" d={areaOf(points, top)} />
        </svg>
      )}
      {means.length === 0 ? null : (
        <svg y={TOP} width="100%" height={HEIGHT} viewBox={`0 0 ${points.length} 100`} preserveAspectRatio="none">
          <polyline class="ln" points={means.map((mean, at) => `${at + 0.4},${(100 - (mean / top) * 100).toFixed(1)}`).join(' ')} />
        </svg>
      )}
      {marks.map(([at, text], nth) => (
        <text
          key={`${at} ${text}`}
          x={`${((at + 0.4) * width).toFixed(2)}%`}
          y={TOP + HEIGHT + 17}
          text-anchor={nth === 0 && at === 0 ? 'start' : at >= points.length - 1 ? 'end' : 'middle'}
        >
          {text}
        </text>
      ))}
    </svg>
  );
}

function areaOf(points: readonly Point[], top: number): string {
  const line = points.map(
    ({ value }, at) => `${at},${(100 - (value / top) * 100).toFixed(1)} ${at + 1},${(100 - (value / top) * 100).toFixed(1)}`,
  );
  return `M0,100 L${line.join(' ')} L${points.length},100 Z`;
}

function short(value: number): string {
  return value >= 10_000 ? `${(value / 1000).toLocaleString('en', { maximumFractionDigits: 1 })}k` : grouped(value);
}
