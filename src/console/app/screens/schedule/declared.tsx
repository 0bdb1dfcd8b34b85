import { formatDuration } from '../../../../base/durations.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import { triggerWords } from './cron-words.ts';
import type { JobDocument } from './documents.ts';
import type { Common } from './selection.ts';
import { dependencyTree, type TreeLine } from './tree.ts';

/** What the file of policies says: each job under what it runs after, its window, its retries; and the WAL that is received always. */
export function Declared({ list, selection, select, shown }: Common) {
  const jobs = list.jobs.filter(({ cluster }) => selection.cluster === undefined || cluster === selection.cluster);
  if (list.jobs.length + list.receiving.length === 0) return null;
  return (
    <Panel
      id="declared"
      title="Declared"
      aside={
        <>
          <code>{list.file}</code>
          {list.pausesKnown ? '' : ' · who paused what is not known: no control database answers'}
        </>
      }
    >
      <div class="scroll">
        <table class="stackt">
          <thead>
            <tr>
              <th>Job</th>
              <th>When</th>
              <th>What</th>
              <th>In force</th>
              <th>Retries, catching up</th>
            </tr>
          </thead>
          <tbody>
            {dependencyTree(jobs).map((line) => (
              <tr key={line.job.name}>
                <th scope="row">
                  <Branch line={line} />
                  <button type="button" class="link" onClick={() => select({ job: line.job.name, day: undefined, run: undefined })}>
                    {line.job.name}
                  </button>
                </th>
                <td>
                  {triggerWords(line.job)}
                  {line.job.timeZone === null || line.job.timeZone === shown.timeZone ? null : (
                    <span class="meta"> {line.job.timeZone}</span>
                  )}
                </td>
                <td class="w">{line.job.description}</td>
                <td>
                  <InForce job={line.job} shown={shown} />
                </td>
                <td class="meta">{settingsOf(line.job)}</td>
              </tr>
            ))}
            {list.receiving
              .filter(({ cluster }) => selection.cluster === undefined || cluster === selection.cluster)
              .map(({ name, cluster, repositories, rpoMs }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>always</td>
                  <td class="w">
                    receive the WAL of {cluster} into {repositories.join(' and ')}
                  </td>
                  <td>
                    <Status kind="ok">always</Status>
                  </td>
                  <td class="meta">RPO {formatDuration(rpoMs)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

/** The line from what a job runs after to it; said in words, too, under When. */
function Branch({ line: { depth } }: { readonly line: TreeLine }) {
  if (depth === 0) return null;
  return <span class={`branch d${Math.min(depth, 4)}`} aria-hidden="true" />;
}

function InForce({
  job: { paused, pausedInFile, pause, inForce, from, endsAt, forMs },
  shown,
}: {
  readonly job: JobDocument;
  readonly shown: Shown;
}) {
  const span = [
    ...(from === null ? [] : [`from ${moment(from, shown)}`]),
    ...(endsAt === null ? [] : [`until ${moment(endsAt, shown)}`]),
    ...(forMs === null ? [] : [`(for ${formatDuration(forMs)})`]),
  ].join(' ');
  return (
    <>
      {paused ? (
        <Status kind="off">
          {pausedInFile ? 'paused in the file' : pause?.until == null ? 'paused' : `paused until ${moment(pause.until, shown)}`}
        </Status>
      ) : inForce ? (
        <Status kind="ok">{span === '' ? 'always' : 'now'}</Status>
      ) : (
        <Status kind="off">not now</Status>
      )}
      {span === '' ? null : <span class="meta"> {span}</span>}
    </>
  );
}

export function settingsOf({ retries, retryDelayMs, catchUp, labels }: JobDocument): string {
  return [
    retries === 0 ? 'no retry' : `${counted(retries, 'retry', 'retries')} after ${formatDuration(retryDelayMs)}`,
    catchUp === 'none' ? 'missed times are gone' : catchUp === 'once' ? 'catches up once' : 'catches up on every time',
    ...(labels.length === 0 ? [] : [`needs ${labels.join(', ')}`]),
  ].join(', ');
}
