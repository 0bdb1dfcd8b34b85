import { formatBytes } from '../../../base/bytes.ts';
import { formatDuration } from '../../../base/durations.ts';
import { isUnknown, type Cluster, type Lineage, type Problem, type Session } from '../api.ts';
import { Act } from '../parts/act.tsx';
import { Status } from '../parts/panel.tsx';
import { sentence } from '../parts/states.tsx';
import { counted, moment, type Shown } from '../words.ts';
import { WindowChart } from './window-chart.tsx';

interface ClusterRowProps {
  readonly cluster: Cluster;
  /** The words of `dbadmin status`: what is lost with this host and when it is back. */
  readonly promise: string;
  readonly problems: readonly Problem[];
  readonly shown: Shown;
  readonly session: Session;
}

/** One cluster: which moments can be restored and when that was last proven, as a sentence and as a band. */
export function ClusterRow({ cluster, promise, problems, shown, session }: ClusterRowProps) {
  const lineage = bestLineage(cluster);
  const { server } = cluster;
  return (
    <article class="cl" aria-label={`Cluster ${cluster.name}`}>
      <div>
        <p class="bar">
          <b>
            <a href={`/backups?cluster=${encodeURIComponent(cluster.name)}`}>{cluster.name}</a>
          </b>
          <span class="meta">{describeServer(cluster, lineage)}</span>
          <Standing cluster={cluster} lineage={lineage} problems={problems} />
        </p>
        <p class="say">{saying(cluster, lineage, shown)}</p>
        <p class="line">
          <span>{sentence(promise)}</span>
          <RestoreLimit cluster={cluster} />
        </p>
        <p class="line">
          {lineage === undefined ? null : <span>{backups(lineage, shown)}</span>}
          {cluster.repositories.map(({ name, walLag }) =>
            walLag === null ? null : (
              <span key={name}>
                {name}: {walLag.bytes === 0 ? 'all WAL stored' : `${formatBytes(walLag.bytes)} of WAL behind`}
              </span>
            ),
          )}
        </p>
        {isUnknown(server) ? <p class="meta">The server does not answer: {server.unknown}</p> : null}
        {cluster.repositories.length === 0 || cluster.limits.dumpsOnly ? null : (
          <div class="acts">
            <Act
              session={session}
              action="backups/run"
              parameters={{ cluster: cluster.name }}
              label="Back up now"
              note="Incremental where there is a backup to build on; what the server serves meanwhile is not kept waiting."
            />
          </div>
        )}
      </div>
      {lineage === undefined || cluster.limits.dumpsOnly ? null : <WindowChart cluster={cluster.name} lineage={lineage} shown={shown} />}
    </article>
  );
}

/** What the policies promise about the time of a restore (`limits.rto`), and whether the last drill lets one believe it. */
function RestoreLimit({ cluster: { limits, restore } }: Pick<ClusterRowProps, 'cluster'>) {
  if (limits.rtoMs == null || limits.dumpsOnly) return null;
  const promised = `promised: back within ${formatDuration(limits.rtoMs)}`;
  if (restore === null) return <Status kind="unproven">{`${promised}, no drill has measured it`}</Status>;
  return restore.restoreMs > limits.rtoMs ? (
    <Status kind="bad">{`${promised}, broken: about ${formatDuration(restore.restoreMs)}`}</Status>
  ) : (
    <Status kind="ok">{`${promised}, kept: about ${formatDuration(restore.restoreMs)}`}</Status>
  );
}

/** Of the repositories that can be read, the one from which the latest moment can be restored. */
export function bestLineage({ repositories }: Cluster): Lineage | undefined {
  const lineages = repositories.flatMap(({ state }) => (isUnknown(state) || state.lineage === null ? [] : [state.lineage]));
  const end = ({ stretches }: Lineage): string => stretches.at(-1)?.to ?? '';
  return lineages.toSorted((left, right) => (end(left) > end(right) ? -1 : 1))[0];
}

function describeServer({ server, place }: Cluster, lineage: Lineage | undefined): string {
  const timeline = lineage === undefined ? [] : [`timeline ${lineage.timeline}`];
  if (isUnknown(server)) return [place, ...timeline].join(' · ');
  const size = server.sizeBytes === null ? [] : [formatBytes(server.sizeBytes)];
  return [`PostgreSQL ${server.version}${server.isStandby ? ', standby' : ''}`, place, ...size, ...timeline].join(' · ');
}

export function Standing({
  cluster,
  lineage,
  problems,
}: Pick<ClusterRowProps, 'cluster' | 'problems'> & { readonly lineage: Lineage | undefined }) {
  const failed = problems.filter(({ severity }) => severity === 'failed').length;
  const isProven = lineage?.drill?.verdict === 'passed';
  return (
    <>
      {isUnknown(cluster.server) ? <Status kind="bad">does not answer</Status> : null}
      {cluster.limits.dumpsOnly ? <Status kind="off">dumps only</Status> : null}
      {lineage === undefined || (lineage.stretches.length === 0 && lineage.dumpAt === null) ? (
        <Status kind="bad">not restorable</Status>
      ) : isProven ? (
        <Status kind="ok">restorable, proven</Status>
      ) : (
        <Status kind="unproven">restorable, unproven</Status>
      )}
      {lineage === undefined || lineage.gaps.length === 0 ? null : <Status kind="warn">{counted(lineage.gaps.length, 'gap')}</Status>}
      {failed === 0 ? null : <Status kind="bad">{counted(failed, 'failure')}</Status>}
    </>
  );
}

function saying({ repositories, limits }: Cluster, lineage: Lineage | undefined, shown: Shown) {
  if (lineage === undefined) {
    const [away] = repositories.flatMap(({ name, state }) => (isUnknown(state) ? [{ name, why: state.unknown }] : []));
    if (repositories.length === 0) return 'No repository keeps it: nothing can be restored.';
    return away === undefined
      ? 'There is no backup of it yet: nothing can be restored.'
      : `What can be restored is not known: ${away.why}.`;
  }
  const first = lineage.stretches[0];
  const last = lineage.stretches.at(-1);
  const proven =
    lineage.drillPassedAt === null ? <b>no drill has passed yet</b> : <>last proven {bold(moment(lineage.drillPassedAt, shown))}</>;
  if (limits.dumpsOnly) {
    if (lineage.dumpAt === null) return 'Dumps only, and there is none yet: nothing can be restored.';
    return (
      <>
        No point-in-time recovery, dumps only. Last dump {bold(moment(lineage.dumpAt, shown))}; {proven}.
      </>
    );
  }
  if (first === undefined || last === undefined) return 'No backup has its WAL complete: nothing can be restored.';
  const holes = lineage.stretches.length - 1;
  return (
    <>
      {last.to === null ? (
        <>Restorable from {bold(moment(first.from, shown, true))} to the end of its stored WAL, whose time nothing tells</>
      ) : (
        <>
          Restorable between {bold(moment(first.from, shown, true))} and {bold(moment(last.to, shown, true))}
        </>
      )}
      {holes === 0 ? null : <>, except {bold(counted(holes, 'stretch', 'stretches'))} between</>}; {proven}.
    </>
  );
}

function bold(text: string) {
  return <b class="nowrap">{text}</b>;
}

function backups({ backups: count, newest, gaps }: Lineage, shown: Shown): string {
  const latest = newest === null ? '' : `, newest ${newest.kind} ${moment(newest.startedAt, shown)}`;
  return `${counted(count, 'backup')}${latest}${gaps.length === 0 ? ', no gaps' : ''}`;
}
