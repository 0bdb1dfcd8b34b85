import { Twin } from '../../parts/figures.tsx';
import { formatBytes } from '../../../../base/bytes.ts';
import type { Shown } from '../../words.ts';
import type { CurvePoint } from './documents.ts';
import { growthLine } from './space.ts';

const HEIGHT = 66;
const TOP = 8;

/** What is kept of all that was stored until each day. What was removed since is not in it: the line tells of growth, not of size then. */
export function GrowthChart({ curve, shown }: { readonly curve: readonly CurvePoint[]; readonly shown: Shown }) {
  const line = growthLine(curve, shown.now.toISOString().slice(0, 10));
  const [first, last] = [curve[0], curve.at(-1)];
  if (line === undefined || first === undefined || last === undefined) return null;
  const label = `Kept, by when it was stored: ${formatBytes(first.keptBytes)} of ${line.from}, ${formatBytes(last.keptBytes)} by ${line.to}`;
  return (
    <figure class="c5">
      <h3>
        Kept, by when it was stored <span class="meta">up to 90 days, UTC</span>
      </h3>
      <svg class="fluid gutter" height={TOP + HEIGHT + 20} role="img" aria-label={label}>
        {[line.ticks[0], line.ticks.at(-1)].map((tick) =>
          tick === undefined ? null : (
            <g key={tick.bytes}>
              <line
                class={tick.bytes === 0 ? 'axis' : 'grid'}
                x1="0"
                x2="100%"
                y1={TOP + (tick.y / 100) * HEIGHT}
                y2={TOP + (tick.y / 100) * HEIGHT}
              />
              <text x="-6" y={TOP + (tick.y / 100) * HEIGHT + 4} text-anchor="end">
                {tick.bytes === 0 ? '0' : formatBytes(tick.bytes)}
              </text>
            </g>
          ),
        )}
        <svg y={TOP} width="100%" height={HEIGHT} viewBox="0 0 100 100" preserveAspectRatio="none">
          <polyline class="ln" points={line.points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(' ')} />
        </svg>
        <text x="0" y={TOP + HEIGHT + 16}>
          {line.from}
        </text>
        <text x="100%" y={TOP + HEIGHT + 16} text-anchor="end">
          {line.to}
        </text>
      </svg>
      <Twin
        title="Growth by day"
        columns={[{ head: 'Day (UTC)' }, { head: 'Kept of all stored until then', isNumber: true }]}
        rows={curve.toReversed().map(({ day, keptBytes }) => [day, formatBytes(keptBytes)])}
      />
    </figure>
  );
}
