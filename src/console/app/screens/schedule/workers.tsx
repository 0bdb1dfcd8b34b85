import { formatDuration } from '../../../../base/durations.ts';
import type { Answered } from '../../answer.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { Empty, Failed, Loading } from '../../parts/states.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { WorkersDocument } from './documents.ts';

/** Who is at work, since when, what they hold, and what waits for one. */
export function Workers({ workers, shown }: { readonly workers: Answered<WorkersDocument>; readonly shown: Shown }) {
  const document = workers.answer?.document;
  if (document === undefined) {
    return (
      <Panel id="workers" title="Workers">
        {workers.failure === undefined ? <Loading what="the workers" /> : <Failed failure={workers.failure} again={workers.again} />}
      </Panel>
    );
  }
  const { workers: all, others, waiting, unreachable } = document;
  const ago = (at: string): string => `${formatDuration(Math.max(0, shown.now.getTime() - Date.parse(at)))} ago`;
  const alive = all.filter(({ isAlive }) => isAlive).length;
  return (
    <Panel id="workers" title="Workers" aside={counted(alive, 'worker')}>
      {all.length === 0 ? (
        <Empty title="No worker runs">
          <p class="meta">
            Jobs run at their times while <code>dbadmin worker</code> runs somewhere, or by cron, systemd, Kubernetes: see Export below.
          </p>
        </Empty>
      ) : (
        <table class="stackt">
          <thead>
            <tr>
              <th>Worker</th>
              <th>Seen</th>
              <th>Since</th>
              <th>Holds</th>
            </tr>
          </thead>
          <tbody>
            {all.map(({ name, host, version, labels, slots, startedAt, seenAt, isAlive, runs }) => (
              <tr key={name}>
                <th scope="row">
                  {name}
                  <small class="sub">
                    {host} · {version}
                    {labels.length === 0 ? '' : ` · ${labels.join(', ')}`}
                  </small>
                </th>
                <td>{isAlive ? <Status kind="ok">{ago(seenAt)}</Status> : <Status kind="bad">{`gone, ${ago(seenAt)}`}</Status>}</td>
                <td class="nowrap" data-l="since">
                  {moment(startedAt, shown)}
                </td>
                <td class="w" data-l="holds">
                  {runs.length} of {slots}
                  {runs.length === 0 ? '' : `: ${runs.map(({ job }) => job).join(', ')}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {others.map(({ runId, job, worker }) => (
        <p key={runId} class="note">
          <b>{job}</b> runs without a worker: {worker}
        </p>
      ))}
      {waiting.map(({ runId, job, state, due }) => (
        <p key={runId} class="note">
          <b>{job}</b>, due {moment(due, shown)}, is {state}
        </p>
      ))}
      {alive === 0 || unreachable === null || unreachable.length === 0 ? null : (
        <p class="note">
          <Status kind="warn">Nobody can run</Status> {unreachable.join(', ')}: no worker has the labels.
        </p>
      )}
    </Panel>
  );
}
