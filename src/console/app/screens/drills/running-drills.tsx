import { formatDuration } from '../../../../base/durations.ts';
import { isUnknown } from '../../api.ts';
import { useLive } from '../../live.tsx';
import { Status } from '../../parts/panel.tsx';
import { useRunning } from '../../parts/running.ts';
import { isDrill, isRunning } from '../../side-counts.ts';
import { moment, type Shown } from '../../words.ts';

/** Drills of a cluster that run now: by the schedule, or started in this console. Nothing where none does. */
export function RunningDrills({ cluster, timeZone }: { readonly cluster: string; readonly timeZone: string }) {
  const { answer } = useLive();
  const now = new Date(answer?.status.at ?? 0);
  const started = useRunning(now.getTime()).filter((run) => run.action === 'drills/start' && run.cluster === cluster);
  const jobs = (answer?.status.jobs ?? []).filter((job) => job.cluster === cluster && isDrill(job) && isRunning(job));
  const shown: Shown = { now, timeZone };
  const since = (at: string): string =>
    `since ${moment(at, shown, true)}, ${formatDuration(Math.max(0, now.getTime() - Date.parse(at)))} so far`;
  if (started.length + jobs.length === 0) return null;
  return (
    <section class="panel" aria-label="Running now">
      <ul class="going">
        {jobs.map(({ name, last }) => (
          <li key={name} class="bar">
            <Status kind="run">running</Status>
            <b>{name}</b>
            <span class="meta">{last === null || isUnknown(last) ? '' : since(last.startedAt)}</span>
            <a href={`/schedule?job=${encodeURIComponent(name)}`}>Watch its log</a>
          </li>
        ))}
        {started.map(({ id, command, who, startedAt }) => (
          <li key={id} class="bar">
            <Status kind="run">running</Status>
            <code>{command}</code>
            <span class="meta">
              started here by {who} {since(startedAt)}
            </span>
            <a href="/audit">Watch its log</a>
          </li>
        ))}
      </ul>
    </section>
  );
}
