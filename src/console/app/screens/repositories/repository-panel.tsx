import { formatBytes } from '../../../../base/bytes.ts';
import { formatDuration } from '../../../../base/durations.ts';
import { Panel, Status } from '../../parts/panel.tsx';
import { counted, moment, type Shown } from '../../words.ts';
import type { ListedCluster, Repository } from './documents.ts';
import { GrowthChart } from './growth-chart.tsx';
import { savingOf, spaceParts, type SpacePart } from './space.ts';

/** What is further away than ten years is no forecast. */
export const FAR_DAYS = 3650;

/** One repository: whether it can be used, what its space goes to and how long it lasts, and what it holds. */
export function RepositoryPanel({ repository, shown }: { readonly repository: Repository; readonly shown: Shown }) {
  const { name, reachable, writable, problem } = repository;
  const state = !reachable ? (
    <Status kind="bad">cannot be reached</Status>
  ) : writable === true ? (
    <Status kind="ok">reachable, writable</Status>
  ) : (
    <Status kind="bad">read only</Status>
  );
  return (
    <Panel id={`repository-${name}`} title={`Repository ${name}`} aside={state} wide="repository">
      <div class="body stackv">
        {problem === null ? null : (
          <p>
            <Status kind="bad">{problem}</Status>
          </p>
        )}
        {repository.kinds === null ? null : <Space parts={spaceParts(repository)} />}
        <div class="cols">
          <Facts repository={repository} shown={shown} />
          {repository.curve === null ? null : <GrowthChart curve={repository.curve} shown={shown} />}
        </div>
      </div>
      {(repository.clusters ?? []).length === 0 ? null : <Clusters clusters={repository.clusters ?? []} shown={shown} />}
    </Panel>
  );
}

function Space({ parts }: { readonly parts: readonly SpacePart[] }) {
  const all = Math.max(
    1,
    parts.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  let at = 0;
  const placed = parts.map((part) => {
    const from = at;
    at += (part.bytes / all) * 100;
    return { ...part, from, width: (part.bytes / all) * 100 };
  });
  return (
    <div>
      <svg
        class="fluid space"
        height="12"
        role="img"
        aria-label={parts.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(', ')}
      >
        {placed.map(({ name, bytes, from, width }) =>
          bytes === 0 ? null : (
            <rect key={name} class={`part ${name}`} x={`${from}%`} width={`${Math.max(0.3, width)}%`} y="1" height="10" />
          ),
        )}
      </svg>
      <p class="legend">
        {parts.map(({ name, bytes }) => (
          <span key={name}>
            <i class={`key part ${name}`} /> {name} {formatBytes(bytes)}
          </span>
        ))}
        {parts.some(({ name }) => name === 'free') ? null : <span>the store tells no limit</span>}
      </p>
    </div>
  );
}

function Facts({ repository, shown }: { readonly repository: Repository; readonly shown: Shown }) {
  const { type, place, format, objects, usedBytes, freeBytes, encryption, objectLockDays, conditionalCreate, createdAt } = repository;
  return (
    <dl class="facts c7">
      <dt>Place</dt>
      <dd>
        {type}, <code>{place}</code>
      </dd>
      {usedBytes === null ? null : (
        <>
          <dt>Used</dt>
          <dd>
            <b>{formatBytes(usedBytes)}</b>
            {freeBytes === null ? '' : ` of ${formatBytes(usedBytes + freeBytes)}`} in {counted(objects ?? 0, 'object')}
          </dd>
          <dt>Growth</dt>
          <dd>{growthWords(repository)}</dd>
        </>
      )}
      <dt>Holds</dt>
      <dd>{backupWords(repository, shown)}</dd>
      {encryption === null ? null : (
        <>
          <dt>Encryption</dt>
          <dd>{encryption === 'none' ? <Status kind="warn">none: whoever reads it reads the databases</Status> : encryption}</dd>
        </>
      )}
      <dt>Object Lock</dt>
      <dd>{objectLockDays === null ? 'none' : `${counted(objectLockDays, 'day')} for what is to be kept`}</dd>
      {format === null ? null : (
        <>
          <dt>Format</dt>
          <dd>
            {format}
            {createdAt === null ? '' : `, made ${moment(createdAt, shown)}`}
          </dd>
        </>
      )}
      {conditionalCreate === false ? (
        <>
          <dt>Writers</dt>
          <dd>
            <Status kind="warn">one at a time: the store does not refuse a second</Status>
          </dd>
        </>
      ) : null}
    </dl>
  );
}

function growthWords({ growthBytesPerDay, daysUntilFull, freeBytes }: Repository) {
  if (growthBytesPerDay === null) return 'not known yet: that is told two days after the first backup';
  const perDay = `${formatBytes(growthBytesPerDay)} a day`;
  if (daysUntilFull === null || daysUntilFull > FAR_DAYS)
    return freeBytes === null ? `${perDay}, no limit known` : `${perDay}: no end in sight`;
  return (
    <>
      {perDay}, full in <b>{counted(daysUntilFull, 'day')}</b>
    </>
  );
}

function backupWords({ backups, oldestBackup, newestBackup, clusters }: Repository, shown: Shown): string {
  if (backups === null) return 'not known';
  if (backups === 0 || oldestBackup === null || newestBackup === null) return 'none yet';
  return `${counted(backups, 'backup')} of ${counted((clusters ?? []).length, 'cluster')}, ${moment(oldestBackup, shown)} to ${moment(newestBackup, shown)}`;
}

const EXTENTS = { structure: 'structure only', sample: 'a sample read', everything: 'all content read' } as const;

function Clusters({ clusters, shown }: { readonly clusters: readonly ListedCluster[]; readonly shown: Shown }) {
  return (
    <table class="stackt kept">
      <thead>
        <tr>
          <th>Cluster</th>
          <th class="num">Kept</th>
          <th class="num">Databases in backups</th>
          <th class="num">Reduction</th>
          <th>Last check</th>
          <th>Collection</th>
          <th>Leases</th>
        </tr>
      </thead>
      <tbody>
        {clusters.map((cluster) => (
          <ClusterLine key={cluster.systemIdentifier} cluster={cluster} shown={shown} />
        ))}
      </tbody>
    </table>
  );
}

function ClusterLine({ cluster, shown }: { readonly cluster: ListedCluster; readonly shown: Shown }) {
  const { name, systemIdentifier, usedBytes, plainBytes, backups, verified, marked, leases } = cluster;
  const saving = savingOf(cluster);
  return (
    <tr>
      <th scope="row">{name ?? `not known (${systemIdentifier})`}</th>
      <td class="num" data-l="kept">
        {formatBytes(usedBytes)}
      </td>
      <td class="num" data-l="databases">
        {formatBytes(plainBytes)} in {counted(backups, 'backup')}
      </td>
      <td class="num" data-l="reduction">
        {saving === undefined ? '–' : `${saving < 10 ? saving.toFixed(1) : Math.round(saving)} : 1`}
      </td>
      <td data-l="last check">
        {verified === null ? (
          <Status kind="unproven">never verified</Status>
        ) : (
          <Status kind={verified.isSound ? 'ok' : 'bad'}>
            {`${moment(verified.finishedAt, shown)}, ${EXTENTS[verified.extent]}: ${verified.isSound ? 'sound' : counted(verified.faults, 'fault')}`}
          </Status>
        )}
      </td>
      <td data-l="collection">
        {marked === null ? 'nothing waits' : `${counted(marked.packs, 'pack')} marked, the last ${moment(marked.lastAt, shown)}`}
      </td>
      <td data-l="leases">
        {leases.length === 0
          ? 'none held'
          : leases.map(({ lease, owner, since, isLate, lastSignAt }) => (
              <p key={lease}>
                <Status kind={isLate ? 'warn' : 'run'}>{lease}</Status> {owner.command}, process {owner.pid} on {owner.host}, for{' '}
                {formatDuration(Math.max(0, shown.now.getTime() - new Date(since).getTime()))}
                {isLate ? `; no sign of life since ${moment(lastSignAt, shown, true)}` : ''}
              </p>
            ))}
      </td>
    </tr>
  );
}
