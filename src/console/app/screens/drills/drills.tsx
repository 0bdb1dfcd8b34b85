import { formatDuration } from '../../../../base/durations.ts';
import { useAnswer } from '../../answer.ts';
import { isUnknown } from '../../api.ts';
import { useLive } from '../../live.tsx';
import { AddressChoice } from '../../parts/address-choice.tsx';
import { OtherPlace } from '../../parts/other-place.tsx';
import { Command } from '../../parts/command.tsx';
import { Panel, Status } from '../../parts/panel.tsx';
import { Empty, Failed, ForOperators, Loading, Stale } from '../../parts/states.tsx';
import { useQuery } from '../../query.ts';
import type { ScreenProps } from '../../screen.ts';
import { counted, moment, type Shown } from '../../words.ts';
import { CoveragePanel } from './coverage-panel.tsx';
import type { BackupsDocument, Drill, DrillsDocument } from './documents.ts';
import { DrillsTable } from './drills-table.tsx';
import { trendOf } from './phases.ts';
import { ReportPanel } from './report-panel.tsx';
import { RunningDrills } from './running-drills.tsx';
import { StartDrill } from './start-drill.tsx';
import { TrendChart } from './trend-chart.tsx';
import '../../styles/review.css';
import '../../styles/drills.css';

const EVERY_MS = 15_000;

/** Whether what is kept can be restored, when that was last proven, and how long it took. */
export function Drills({ session }: ScreenProps) {
  const { answer: live, failure } = useLive();
  const [query] = useQuery();
  if (live === undefined) {
    return (
      <>
        <h1>Drills</h1>
        {failure === undefined ? <Loading what="clusters" /> : <Failed failure={failure} />}
      </>
    );
  }
  const shown: Shown = { now: new Date(live.status.at), timeZone: session.project.timeZone };
  const clusters = live.status.clusters.filter(({ repositories }) => repositories.length > 0);
  const cluster = clusters.find(({ name }) => name === query['cluster']) ?? clusters[0];
  if (cluster === undefined) {
    return (
      <>
        <h1>Drills</h1>
        <Empty title="No repository yet">
          <p class="meta">There is nothing to restore from: name a repository of the cluster in dbadmin.yaml, then</p>
          <Command text="dbadmin backup init" />
        </Empty>
      </>
    );
  }
  const repositories = cluster.repositories.map(({ name }) => name);
  const repository = repositories.find((name) => name === query['repository']) ?? repositories[0] ?? '';
  const ageLimit = cluster.repositories.map(({ state }) => (isUnknown(state) ? null : (state.lineage?.drillPassedAt ?? null)));
  return (
    <OfRepository
      key={`${cluster.name} ${repository}`}
      session={session}
      clusters={clusters.map(({ name }) => name)}
      cluster={cluster.name}
      repositories={repositories}
      repository={repository}
      passedAt={ageLimit[repositories.indexOf(repository)] ?? null}
      shown={shown}
    />
  );
}

interface OfRepositoryProps extends ScreenProps {
  readonly clusters: readonly string[];
  readonly cluster: string;
  readonly repositories: readonly string[];
  readonly repository: string;
  /** As the overview has it. */
  readonly passedAt: string | null;
  readonly shown: Shown;
}

function OfRepository({ session, clusters, cluster, repositories, repository, passedAt, shown }: OfRepositoryProps) {
  const [query] = useQuery();
  const drills = useAnswer<DrillsDocument>('drills/list', { cluster, repository }, { everyMs: EVERY_MS });
  const backups = useAnswer<BackupsDocument>('backups/list', { cluster, repository }, { everyMs: EVERY_MS });
  const document = drills.answer?.document;
  const chosen = query['drill'];
  const lookAgain = (): void => {
    drills.again();
    backups.again();
  };
  return (
    <>
      <div class="page">
        <div>
          <h1>Drills</h1>
          <p class="meta">
            {cluster} from {repository}
            {drills.answer === undefined ? '' : ` · as of ${moment(drills.answer.askedAt, shown, true)}`}
          </p>
        </div>
        <div class="bar ends">
          <AddressChoice label="Cluster" name="cluster" options={clusters} value={cluster} clears={['repository', 'drill']} />
          <AddressChoice label="Repository" name="repository" options={repositories} value={repository} clears={['drill']} />
          <StartDrill session={session} cluster={cluster} repository={repository} onEnd={lookAgain} />
          <ForOperators session={session}>{null}</ForOperators>
        </div>
      </div>
      <OtherPlace cluster={cluster} repository={repository} />
      {document !== undefined && drills.failure !== undefined ? (
        <Stale since={moment(drills.answer?.askedAt ?? '', shown, true)} why={drills.failure.message} />
      ) : null}
      {document === undefined ? (
        drills.failure === undefined ? (
          <Loading what="the drills" />
        ) : (
          <Failed failure={drills.failure} again={drills.again} />
        )
      ) : (
        <div class="stackv">
          <RunningDrills cluster={cluster} timeZone={shown.timeZone} />
          {document.total === 0 ? (
            <NoDrill cluster={cluster} repository={repository} />
          ) : (
            <Held document={document} passedAt={passedAt} chosen={chosen} shown={shown} />
          )}
          {chosen === undefined ? null : (
            <ReportPanel key={chosen} cluster={cluster} repository={repository} label={chosen} shown={shown} />
          )}
          {backups.answer === undefined ? (
            backups.failure === undefined ? null : (
              <Failed failure={backups.failure} again={backups.again} />
            )
          ) : (
            <CoveragePanel cluster={cluster} backups={backups.answer.document.backups} shown={shown} />
          )}
        </div>
      )}
    </>
  );
}

function NoDrill({ cluster, repository }: { readonly cluster: string; readonly repository: string }) {
  return (
    <Panel id="drills" title="Drills">
      <Empty title="No drill yet">
        <p class="meta">Nothing here has ever been restored to see whether it can be. A backup that has never been restored is unproven.</p>
        <Command text={`dbadmin backup drill --cluster ${cluster} --repository ${repository}`} />
      </Empty>
    </Panel>
  );
}

function Held({
  document: { drills, total },
  passedAt,
  chosen,
  shown,
}: {
  readonly document: DrillsDocument;
  readonly passedAt: string | null;
  readonly chosen: string | undefined;
  readonly shown: Shown;
}) {
  const trend = trendOf(drills);
  return (
    <>
      <section class="panel" aria-label="Last proof">
        <p class="say">{saying(drills, passedAt, shown)}</p>
      </section>
      {trend === undefined ? null : (
        <Panel id="trend" title="Time to be back" aside="from the beginning of a drill until the clone took writes">
          <TrendChart trend={trend} shown={shown} />
        </Panel>
      )}
      <Panel
        id="drills"
        title="Drills"
        aside={total === drills.length ? counted(total, 'drill') : `the newest ${drills.length} of ${total}`}
      >
        <DrillsTable drills={drills} chosen={chosen} shown={shown} />
      </Panel>
    </>
  );
}

/** When it was last proven and how long that took; and what came after. */
function saying(drills: readonly Drill[], passedAt: string | null, shown: Shown) {
  const passed = drills.find(({ verdict }) => verdict === 'passed');
  const [newest] = drills;
  const at = passed?.finishedAt ?? passedAt;
  if (at === null) {
    return (
      <>
        <Status kind="bad">No drill has passed yet</Status>: whether anything can be restored is not proven.
      </>
    );
  }
  const back = passed?.times?.rtoMs == null ? '' : `, back in ${formatDuration(passed.times.rtoMs)}`;
  const since = newest === undefined || newest === passed ? null : drills.indexOf(passed ?? newest);
  return (
    <>
      Last proven {moment(at, shown, true)}
      {back}.
      {since === null || since <= 0 ? null : (
        <>
          {' '}
          <Status kind="bad">{`${counted(since, 'drill')} since did not pass`}</Status>
        </>
      )}
    </>
  );
}
