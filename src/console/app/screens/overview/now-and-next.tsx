import { formatDuration } from '../../../../base/durations.ts';
import { isUnknown, type Job } from '../../api.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { useRunning } from '../../parts/running.ts';
import { Empty } from '../../parts/states.tsx';
import { isRunning } from '../../side-counts.ts';
import { moment, type Shown } from '../../words.ts';

const MOST_JOBS = 8;

/** What runs at this moment, jobs and what was started in this console; then what comes next. */
export function NowAndNext({ jobs, shown }: { readonly jobs: readonly Job[]; readonly shown: Shown }) {
  const runs = useRunning(shown.now.getTime());
  const running = jobs.filter(isRunning);
  const due = jobs
    .flatMap((job) => (job.nextAt === null || job.isPaused ? [] : [{ ...job, nextAt: job.nextAt }]))
    .toSorted((left, right) => (left.nextAt < right.nextAt ? -1 : 1));
  const forMs = (since: string): string => `for ${formatDuration(Math.max(0, shown.now.getTime() - Date.parse(since)))}`;
  return (
    <Panel id="next" title="Now and next" wide="c5" aside={<a href="/schedule">Schedule</a>}>
      <table class="due">
        <thead class="vh">
          <tr>
            <th>When</th>
            <th>Job</th>
            <th>How long</th>
          </tr>
        </thead>
        <tbody>
          {running.map(({ name, last }) => (
            <tr key={name}>
              <td>
                <Status kind="run">now</Status>
              </td>
              <th scope="row">
                <a href={`/schedule?job=${encodeURIComponent(name)}`}>{name}</a>
              </th>
              <td class="num">{last === null || isUnknown(last) ? '' : forMs(last.startedAt)}</td>
            </tr>
          ))}
          {runs.map(({ id, command, who, startedAt }) => (
            <tr key={id}>
              <td>
                <Status kind="run">now</Status>
              </td>
              <th scope="row">
                <a href="/audit">
                  <code>{command}</code>
                </a>
                <small class="sub">started here by {who}</small>
              </th>
              <td class="num">{forMs(startedAt)}</td>
            </tr>
          ))}
          {running.length + runs.length > 0 ? null : (
            <tr>
              <td>
                <Status kind="off">now</Status>
              </td>
              <td colSpan={2} class="idle">
                nothing runs
              </td>
            </tr>
          )}
          {due.slice(0, MOST_JOBS).map((job) => (
            <tr key={job.name}>
              <td class="nowrap">{moment(job.nextAt, shown)}</td>
              <th scope="row">
                <a href={`/schedule?job=${encodeURIComponent(job.name)}`}>{job.name}</a>
              </th>
              <td class="num">in {formatDuration(Math.max(0, new Date(job.nextAt).getTime() - shown.now.getTime()))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {due.length <= MOST_JOBS ? null : <p class="note">and {due.length - MOST_JOBS} more</p>}
      {jobs.length > 0 ? null : (
        <Empty title="Nothing is scheduled">
          <p class="meta">Backups, drills and jobs with their times are written in the file of policies.</p>
        </Empty>
      )}
    </Panel>
  );
}
