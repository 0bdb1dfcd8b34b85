import { Twin } from '../../parts/figures.tsx';
import { formatDuration } from '../../../../base/durations.ts';
import { axisLabel, moment, type Shown } from '../../words.ts';
import type { Trend, TrendPoint } from './phases.ts';
import { VERDICTS } from './drills-table.tsx';

const HEIGHT = 130;
const TOP = 10;

/** How long a restore took, drill by drill: whether the cluster comes back as fast as it did. */
export function TrendChart({ trend, shown }: { readonly trend: Trend; readonly shown: Shown }) {
  const { points, ticks } = trend;
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  const label = `Back in ${formatDuration(first.rtoMs)} at first, ${formatDuration(last.rtoMs)} in the last of ${points.length} drills`;
  const spanMs = new Date(last.drill.finishedAt).getTime() - new Date(first.drill.finishedAt).getTime();
  const down = (y: number): number => TOP + (1 - y / 100) * HEIGHT;
  return (
    <figure class="body">
      <svg class="fluid gutter" height={HEIGHT + TOP + 20} role="img" aria-label={label}>
        {ticks.map(({ ms, y }) => (
          <g key={ms}>
            <line class={ms === 0 ? 'axis' : 'grid'} x1="0" x2="100%" y1={down(y)} y2={down(y)} />
            <text x="-6" y={down(y) + 4} text-anchor="end">
              {ms === 0 ? '0' : formatDuration(ms)}
            </text>
          </g>
        ))}
        {points.slice(1).map((point, at) => {
          const before = points[at];
          return before === undefined ? null : (
            <line key={point.drill.label} class="ln" x1={`${before.x}%`} x2={`${point.x}%`} y1={down(before.y)} y2={down(point.y)} />
          );
        })}
        {points.map((point) => (
          <Mark key={point.drill.label} point={point} y={down(point.y)} shown={shown} />
        ))}
        <text x="0" y={HEIGHT + TOP + 16}>
          {axisLabel(new Date(first.drill.finishedAt), spanMs, shown.timeZone)}
        </text>
        <text x="100%" y={HEIGHT + TOP + 16} text-anchor="end">
          {axisLabel(new Date(last.drill.finishedAt), spanMs, shown.timeZone)}
        </text>
      </svg>
      <Twin
        title="Time to be back, by drill"
        columns={[{ head: 'Drill' }, { head: 'Verdict' }, { head: 'Back in', isNumber: true }]}
        rows={points
          .toReversed()
          .map(({ drill, rtoMs }) => [moment(drill.finishedAt, shown), VERDICTS[drill.verdict][1], formatDuration(rtoMs)])}
      />
    </figure>
  );
}

function Mark({ point: { drill, rtoMs, x }, y, shown }: { readonly point: TrendPoint; readonly y: number; readonly shown: Shown }) {
  return (
    <svg x={`${x}%`} y={y} overflow="visible">
      <title>{`${moment(drill.finishedAt, shown)}: ${VERDICTS[drill.verdict][1]}, back in ${formatDuration(rtoMs)}`}</title>
      {drill.verdict === 'passed' ? (
        <circle class="m-ok" r="5" />
      ) : (
        <path class={drill.verdict === 'failed' ? 'm-bad' : 'm-warn'} d="M0-6 6 0 0 6-6 0Z" />
      )}
    </svg>
  );
}
