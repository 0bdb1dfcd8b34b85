import { formatBytes } from '../../../base/bytes.ts';
import { isUnknown, type Cluster, type Repository, type RepositoryState } from '../api.ts';
import { Panel, Status } from '../parts/panel.tsx';
import { Empty } from '../parts/states.tsx';
import { counted } from '../words.ts';

const DAY_MS = 86_400_000;

/** Each repository once, whatever number of clusters it serves: what it holds, and how long there is room. */
export function Repositories({ clusters }: { readonly clusters: readonly Cluster[] }) {
  const byName = new Map(clusters.flatMap(({ repositories }) => repositories.map((each) => [each.name, each] as const)));
  return (
    <Panel id="repositories" title="Repositories" wide="c4" aside={<a href="/repositories">Details</a>}>
      {byName.size === 0 ? (
        <Empty title="No repository yet">
          <p class="meta">Backups have nowhere to go: name a repository in dbadmin.yaml, then dbadmin backup init.</p>
        </Empty>
      ) : (
        <ul class="body stackv">
          {[...byName.values()].map((each) => (
            <RepositoryItem key={each.name} repository={each} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function RepositoryItem({ repository: { name, place, isOnHost, state } }: { readonly repository: Repository }) {
  if (isUnknown(state)) {
    return (
      <li>
        <p class="bar">
          <b>{name}</b>
          <Status kind="bad">cannot be read</Status>
        </p>
        <p class="meta">{state.unknown}</p>
      </li>
    );
  }
  return (
    <li>
      <p class="bar">
        <b>{name}</b>
        {state.writeProblem === null ? <Status kind="ok">reachable, writable</Status> : <Status kind="bad">{state.writeProblem}</Status>}
      </p>
      <Room state={state} />
      <p class="meta">
        <code>{place}</code>
        {isOnHost ? ' · on the host of the database: it may vanish with it' : ''}
      </p>
    </li>
  );
}

function Room({ state: { usedBytes, freeBytes, growthBytesPerDay } }: { readonly state: RepositoryState }) {
  if (usedBytes === null) return <p class="meta">{freeBytes === null ? 'its size was not measured' : `${formatBytes(freeBytes)} free`}</p>;
  const fullInDays = freeBytes === null || growthBytesPerDay === null || growthBytesPerDay <= 0 ? undefined : freeBytes / growthBytesPerDay;
  const words = [
    freeBytes === null ? formatBytes(usedBytes) : `${formatBytes(usedBytes)} kept, ${formatBytes(freeBytes)} free`,
    ...(growthBytesPerDay === null ? [] : [`${growthBytesPerDay < 0 ? '−' : '+'}${formatBytes(Math.abs(growthBytesPerDay))} a day`]),
    ...(fullInDays === undefined || fullInDays * DAY_MS > 3650 * DAY_MS ? [] : [`full in ${counted(Math.floor(fullInDays), 'day')}`]),
  ];
  return (
    <>
      {freeBytes === null ? null : (
        <meter class="meter" min={0} max={usedBytes + freeBytes} value={usedBytes} aria-label={words.join(', ')} />
      )}
      <p class="meta">{words.join(' · ')}</p>
    </>
  );
}
