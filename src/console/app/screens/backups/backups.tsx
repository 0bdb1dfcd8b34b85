import type { Session } from '../../api.ts';
import { useAnswer } from '../../answer.ts';
import { useLive } from '../../live.tsx';
import { Act } from '../../parts/act.tsx';
import { Command } from '../../parts/command.tsx';
import { OtherPlace } from '../../parts/other-place.tsx';
import { Empty, Failed, Loading, Stale } from '../../parts/states.tsx';
import { useQuery } from '../../query.ts';
import type { ScreenProps } from '../../screen.ts';
import '../../styles/backups.css';
import { moment, type Shown } from '../../words.ts';
import type { BackupList, Expiry, ExpiryOf, Info } from './documents.ts';
import { ExpiryReview } from './expiry-review.tsx';
import { Window } from './window.tsx';

const INFO_EVERY_MS = 5000;
const LIST_EVERY_MS = 15_000;

/** One cluster in one repository: which moments can be restored, what one of them would take, and the backups themselves. */
export function Backups({ session }: ScreenProps) {
  const { answer: live, failure } = useLive();
  const [query, setQuery] = useQuery();
  const clusters = live?.status.clusters ?? [];
  const cluster = clusters.find(({ name }) => name === query['cluster']) ?? clusters[0];
  const repository = cluster?.repositories.find(({ name }) => name === query['repository']) ?? cluster?.repositories[0];
  if (cluster === undefined) {
    return (
      <>
        <h1>Backups</h1>
        {failure === undefined ? <Loading what="clusters and repositories" /> : <Failed failure={failure} />}
      </>
    );
  }
  return (
    <>
      <div class="page">
        <div class="grow">
          <h1>Backups</h1>
          <p class="meta">Which moments can be restored, and what one of them would take · {session.project.timeZone}</p>
        </div>
        <div class="bar">
          <label class="field">
            Cluster
            <select value={cluster.name} onChange={({ currentTarget }) => setQuery({ ...NOTHING_CHOSEN, cluster: currentTarget.value })}>
              {clusters.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label class="field">
            Repository
            <select
              value={repository?.name ?? ''}
              disabled={cluster.repositories.length < 2}
              onChange={({ currentTarget }) => setQuery({ ...NOTHING_CHOSEN, cluster: cluster.name, repository: currentTarget.value })}
            >
              {cluster.repositories.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        </div>
      </div>
      <OtherPlace cluster={cluster.name} repository={repository?.name} />
      {repository === undefined ? (
        <Empty title={`No repository keeps ${cluster.name}`}>
          <p class="meta">Name one under clusters, {cluster.name}, repositories in dbadmin.yaml, then make it ready:</p>
          <Command text="dbadmin backup init" />
        </Empty>
      ) : (
        <OfCluster key={`${cluster.name} ${repository.name}`} session={session} cluster={cluster.name} repository={repository.name} />
      )}
    </>
  );
}

const NOTHING_CHOSEN = { repository: undefined, at: undefined, from: undefined, to: undefined, timeline: undefined, into: undefined };

interface OfClusterProps {
  readonly session: Session;
  readonly cluster: string;
  readonly repository: string;
}

function OfCluster({ session, cluster, repository }: OfClusterProps) {
  const place = { cluster, repository };
  const info = useAnswer<Info>('backups/info', place, { everyMs: INFO_EVERY_MS });
  const list = useAnswer<BackupList>('backups/list', place, { everyMs: LIST_EVERY_MS });
  const shown = { now: new Date(info.answer?.askedAt ?? Date.now()), timeZone: session.project.timeZone };
  const failure = info.failure ?? list.failure;
  const isNew = info.failure?.code === 'backup-missing';
  const onChanged = (): void => {
    info.again();
    list.again();
  };
  const actions = <Actions session={session} cluster={cluster} repository={repository} shown={shown} onChanged={onChanged} />;
  if (isNew) {
    return (
      <Empty title={`There is no backup of ${cluster} in ${repository} yet`}>
        <p class="meta">Nothing can be restored. The first one reads everything:</p>
        <Command text={`dbadmin backup run --cluster ${cluster} --repository ${repository}`} />
        {actions}
      </Empty>
    );
  }
  if (info.answer === undefined || list.answer === undefined) {
    return failure === undefined ? (
      <Loading what={`the backups of ${cluster} in ${repository}`} />
    ) : (
      <Failed failure={failure} again={info.failure === undefined ? list.again : info.again} />
    );
  }
  return (
    <>
      {failure === undefined ? null : <Stale since={moment(info.answer.askedAt, shown, true)} why={failure.message} />}
      {actions}
      <Window
        session={session}
        cluster={cluster}
        repository={repository}
        info={info.answer.document}
        askedAt={info.answer.askedAt}
        backups={list.answer.document.backups}
        onChanged={onChanged}
      />
    </>
  );
}

interface ActionsProps extends OfClusterProps {
  readonly shown: Shown;
  readonly onChanged: () => void;
}

/** What can be done to the whole of it. */
function Actions({ session, cluster, repository, shown, onChanged }: ActionsProps) {
  const place = { cluster, repository };
  return (
    <div class="bar acts-bar">
      <Act session={session} action="backups/run" parameters={{ ...place, type: 'incremental' }} label="Back up now" onEnd={onChanged} />
      <Act
        session={session}
        action="backups/run"
        parameters={{ ...place, type: 'full' }}
        label="Full backup"
        note="Reads everything, and compares it page by page with what the repository pieced together."
        onEnd={onChanged}
      />
      <Act
        session={session}
        action="backups/verify"
        parameters={place}
        label="Verify"
        note="Looks whether everything is there. Content is not read."
        onEnd={onChanged}
      />
      <Act
        session={session}
        action="backups/verify"
        parameters={{ ...place, everything: 'yes' }}
        label="Verify all data"
        note="Reads every byte of the repository."
        onEnd={onChanged}
      />
      <Act<Expiry>
        session={session}
        action="backups/expire"
        parameters={place}
        label="Expire"
        review={({ repositories }) => <ExpiryReview repositories={repositories} shown={shown} />}
        isNeeded={({ repositories }) => repositories.some(goes)}
        note="What goes cannot be restored any more."
        onEnd={onChanged}
      />
    </div>
  );
}

function goes({ backups = [], dumps = [], wal }: ExpiryOf): boolean {
  return [...backups, ...dumps].some(({ stays, lockedUntil }) => !stays && lockedUntil === null) || (wal?.objects ?? 0) > 0;
}
