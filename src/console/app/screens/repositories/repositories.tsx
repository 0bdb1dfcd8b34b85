import { useAnswer } from '../../answer.ts';
import { useLive } from '../../live.tsx';
import { AddressChoice } from '../../parts/address-choice.tsx';
import { OtherPlace } from '../../parts/other-place.tsx';
import { Command } from '../../parts/command.tsx';
import { Status } from '../../parts/panel.tsx';
import { Empty, Failed, ForOperators, Loading, Stale } from '../../parts/states.tsx';
import { useQuery } from '../../query.ts';
import type { ScreenProps } from '../../screen.ts';
import { counted, moment, type Shown } from '../../words.ts';
import type { RepositoriesDocument, Repository } from './documents.ts';
import { KeptPanels } from './kept-panels.tsx';
import { RepositoryActions } from './repository-actions.tsx';
import { FAR_DAYS, RepositoryPanel } from './repository-panel.tsx';
import '../../styles/review.css';
import '../../styles/repositories.css';

/** Listing a whole repository costs: seldom, and when somebody asks. */
const EVERY_MS = 60_000;

/** Where backups are kept: whether that can be used, how long it lasts, what stays and why, and who may open it. */
export function Repositories({ session }: ScreenProps) {
  const { answer: live } = useLive();
  const [query] = useQuery();
  const list = useAnswer<RepositoriesDocument>('repositories/list', {}, { everyMs: EVERY_MS });
  const { answer, failure } = list;
  const shown: Shown = { now: new Date(answer?.askedAt ?? Date.now()), timeZone: session.project.timeZone };
  if (answer === undefined) {
    const isNone = failure?.code === 'config-missing';
    return (
      <>
        <h1>Repositories</h1>
        {failure === undefined ? <Loading what="the repositories" /> : isNone ? <None /> : <Failed failure={failure} again={list.again} />}
      </>
    );
  }
  const { repositories } = answer.document;
  const clusters = (live?.status.clusters ?? []).filter((cluster) => cluster.repositories.length > 0);
  // A link to a repository alone means one of the clusters that it keeps.
  const cluster =
    clusters.find(({ name }) => name === query['cluster']) ??
    clusters.find((each) => each.repositories.some(({ name }) => name === query['repository'])) ??
    clusters[0];
  const ofCluster = (cluster?.repositories ?? []).map(({ name }) => name);
  const repository = ofCluster.find((name) => name === query['repository']) ?? ofCluster[0];
  return (
    <>
      <div class="page">
        <div>
          <h1>Repositories</h1>
          <p class="meta">
            {counted(repositories.length, 'repository', 'repositories')} · as of {moment(answer.askedAt, shown, true)}
          </p>
        </div>
        <div class="bar ends">
          <button type="button" class="btn" disabled={list.isLoading} onClick={list.again}>
            {list.isLoading ? 'Measuring' : 'Measure again'}
          </button>
          <ForOperators session={session}>{null}</ForOperators>
        </div>
      </div>
      {failure === undefined ? null : <Stale since={moment(answer.askedAt, shown, true)} why={failure.message} />}
      <div class="stackv">
        <section class="panel" aria-label="How long there is room">
          <p class="say">{saying(repositories)}</p>
        </section>
        {repositories.map((each) => (
          <RepositoryPanel key={each.name} repository={each} shown={shown} />
        ))}
        {cluster === undefined || repository === undefined ? null : (
          <>
            <OtherPlace cluster={cluster.name} repository={repository} />
            <div class="bar kept-of">
              <h2>
                What stays of {cluster.name} in {repository}
              </h2>
              <AddressChoice
                label="Cluster"
                name="cluster"
                options={clusters.map(({ name }) => name)}
                value={cluster.name}
                clears={['repository']}
              />
              <AddressChoice label="Repository" name="repository" options={ofCluster} value={repository} />
            </div>
            <KeptPanels key={`${cluster.name} ${repository}`} cluster={cluster.name} repository={repository} shown={shown} />
            <RepositoryActions
              session={session}
              cluster={cluster.name}
              repository={repository}
              others={ofCluster.filter((name) => name !== repository)}
              onEnd={list.again}
            />
          </>
        )}
      </div>
    </>
  );
}

function None() {
  return (
    <Empty title="No repository yet">
      <p class="meta">Backups have nowhere to go: name a repository in dbadmin.yaml under repositories, then</p>
      <Command text="dbadmin backup init" />
    </Empty>
  );
}

/** What is wrong first; else the one that is full first. */
function saying(repositories: readonly Repository[]) {
  const away = repositories.filter(({ reachable }) => !reachable);
  if (away.length > 0) {
    return (
      <>
        <Status kind="bad">{`${away.map(({ name }) => name).join(' and ')} cannot be reached`}</Status>: backups and WAL do not get there.
      </>
    );
  }
  const fixed = repositories.filter(({ writable }) => writable === false);
  if (fixed.length > 0) {
    return (
      <>
        <Status kind="bad">{`${fixed.map(({ name }) => name).join(' and ')} cannot be written`}</Status>: backups and WAL do not get there.
      </>
    );
  }
  const [first] = repositories
    .filter(({ daysUntilFull }) => daysUntilFull !== null && daysUntilFull <= FAR_DAYS)
    .toSorted((a, b) => (a.daysUntilFull ?? 0) - (b.daysUntilFull ?? 0));
  if (first?.daysUntilFull == null) return <>All repositories can be reached and written; none is known to fill up in years.</>;
  return (
    <>
      All repositories can be reached and written; as they grow now, {first.name} is full in <b>{counted(first.daysUntilFull, 'day')}</b>.
    </>
  );
}
