import { useEffect, useState } from 'preact/hooks';
import { formatDuration } from '../../../base/durations.ts';
import { ask, type Cluster } from '../api.ts';
import { Twin } from '../parts/figures.tsx';
import { Panel } from '../parts/panel.tsx';
import { Plot } from '../parts/plot.tsx';
import { moment, type Shown } from '../words.ts';

interface Series {
  readonly cluster: string;
  readonly repository: string;
  readonly points: readonly (readonly [at: number, lagMs: number | null])[];
}

const EVERY_MS = 30_000;
/** A line needs two points; and a table of thousands helps nobody. */
const LEAST_POINTS = 2;
const MOST_ROWS = 60;

/** How far the stored WAL was behind each cluster, as far as the console looked: what would have been lost. */
export function LagPanel({ clusters, shown }: { readonly clusters: readonly Cluster[]; readonly shown: Shown }) {
  const [series, setSeries] = useState<readonly Series[]>([]);
  const turn = Math.floor(shown.now.getTime() / EVERY_MS);
  useEffect(() => {
    void ask<{ readonly series: readonly Series[] }>('/api/lags').then(
      (answer) => setSeries(answer.series),
      () => undefined,
    );
  }, [turn]);
  const known = series.filter(({ points }) => points.filter(([, lagMs]) => lagMs !== null).length >= LEAST_POINTS);
  const drawn = clusters.filter(({ name }) => known.some(({ cluster }) => cluster === name));
  if (drawn.length === 0) return null;
  return (
    <Panel id="lag" title="WAL lag" aside="since this console looks, at most 6 h">
      <div class="body lags">
        {drawn.map((cluster) => (
          <ClusterLag key={cluster.name} cluster={cluster} series={known.filter((each) => each.cluster === cluster.name)} shown={shown} />
        ))}
      </div>
    </Panel>
  );
}

function ClusterLag({ cluster, series, shown }: { readonly cluster: Cluster; readonly series: readonly Series[]; readonly shown: Shown }) {
  const times = [...new Set(series.flatMap(({ points }) => points.map(([at]) => at)))].toSorted((left, right) => left - right);
  const lines = series.map(({ repository, points }) => {
    const lags = new Map(points);
    return { label: repository, values: times.map((time) => lags.get(time) ?? null) };
  });
  const most = Math.max(0, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const now = lines.map(({ label, values }) => `${label} ${spanText(values.findLast((value) => value !== null))}`).join(', ');
  const finding = `now ${now}; at most ${spanText(most)}`;
  const { walLagMs } = cluster.limits;
  return (
    <div>
      <h3>
        {cluster.name} <span class="unit">{finding}</span>
      </h3>
      <Plot
        label={`WAL lag of ${cluster.name}: ${finding}`}
        times={times}
        lines={lines}
        format={spanText}
        shown={shown}
        heightPx={120}
        {...(typeof walLagMs === 'number' ? { limit: { value: walLagMs, label: 'limit' } } : {})}
      />
      <Twin
        title={`WAL lag of ${cluster.name}`}
        columns={[{ head: 'Time' }, ...lines.map(({ label }) => ({ head: label, isNumber: true }))]}
        rows={times
          .slice(-MOST_ROWS)
          .toReversed()
          .map((time) => [
            moment(new Date(time).toISOString(), shown, true),
            ...lines.map(({ values }) => spanText(values[times.indexOf(time)])),
          ])}
      />
    </div>
  );
}

function spanText(spanMs: number | null | undefined): string {
  return spanMs === null || spanMs === undefined ? '–' : formatDuration(spanMs);
}
