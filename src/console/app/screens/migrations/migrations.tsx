import { useRef } from 'preact/hooks';
import { useAnswer } from '../../answer.ts';
import { useLive } from '../../live.tsx';
import { AddressChoice } from '../../parts/address-choice.tsx';
import { OtherPlace } from '../../parts/other-place.tsx';
import { Command } from '../../parts/command.tsx';
import { Empty, Failed, ForOperators, Loading, Stale } from '../../parts/states.tsx';
import { useQuery } from '../../query.ts';
import type { ScreenProps } from '../../screen.ts';
import { moment, type Shown } from '../../words.ts';
import type { HistoryDocument, PlanDocument, RehearsalDocument, StatusDocument } from './documents.ts';
import { DriftPanel } from './drift-panel.tsx';
import { Figures } from './figures.tsx';
import { HistoryPanel } from './history-panel.tsx';
import { PlanPanels } from './plan-panels.tsx';
import { ProblemsPanel } from './problems-panel.tsx';
import { RehearseAction, UpAction } from './actions.tsx';
import { WaysBack } from './ways-back.tsx';
import { LIMITS, limitOf, limitWords } from './limits.ts';
import '../../styles/review.css';
import '../../styles/migrations.css';

const STATUS_MS = 10_000;
const PLAN_MS = 30_000;

/** What the pending files will block and for how long; then the files themselves, what was measured, and what was applied before. */
export function Migrations({ session }: ScreenProps) {
  const { answer: live, failure } = useLive();
  const [query] = useQuery();
  if (live === undefined) {
    return (
      <>
        <h1>Migrations</h1>
        {failure === undefined ? <Loading what="clusters" /> : <Failed failure={failure} />}
      </>
    );
  }
  const names = live.status.clusters.filter(({ migrations }) => migrations !== null).map(({ name }) => name);
  const cluster = names.find((name) => name === query['cluster']) ?? names[0];
  const shown: Shown = { now: new Date(live.status.at), timeZone: session.project.timeZone };
  if (cluster === undefined) {
    return (
      <>
        <h1>Migrations</h1>
        <Empty title="This project keeps no migrations">
          <p class="meta">Versioned SQL files lie in sql/migrations. The first one:</p>
          <Command text="dbadmin migrate new first_table" />
        </Empty>
      </>
    );
  }
  return <OfCluster key={cluster} session={session} names={names} cluster={cluster} shown={shown} />;
}

interface OfClusterProps extends ScreenProps {
  readonly names: readonly string[];
  readonly cluster: string;
  readonly shown: Shown;
}

function OfCluster({ session, names, cluster, shown }: OfClusterProps) {
  const [query] = useQuery();
  const limit = limitOf(query['limit']);
  const status = useAnswer<StatusDocument>('migrations/status', { cluster }, { everyMs: STATUS_MS });
  const document = status.answer?.document;
  const isPending = document !== undefined && document.counts.pending + document.counts.routines > 0;
  // While something is in disagreement there is no plan: up would refuse, and the problems say why.
  const isPlanned = isPending && document.problems.length === 0;
  const plan = useAnswer<PlanDocument>(isPlanned ? 'migrations/plan' : undefined, { cluster }, { everyMs: PLAN_MS });
  const planned = isPlanned ? plan.answer?.document : undefined;
  const rehearsal = useAnswer<RehearsalDocument>(planned?.rehearsal == null ? undefined : 'migrations/rehearsal', {
    cluster,
    limit: limit.text,
  });
  const history = useAnswer<HistoryDocument>('migrations/history', { cluster }, { everyMs: PLAN_MS });
  // Once it was there the action stays: the log of a run is in it, and when the run is over nothing is pending any more.
  const counts = useRef<StatusDocument['counts'] | undefined>(undefined);
  if (isPlanned) counts.current = document.counts;
  const lookAgain = (): void => {
    for (const each of [status, plan, rehearsal, history]) each.again();
  };
  const acting = { session, cluster, limit: limit.text, onEnd: lookAgain };
  return (
    <>
      <div class="page">
        <div>
          <h1>Migrations</h1>
          <p class="meta">
            {cluster}
            {document === undefined ? '' : ` · database ${document.database}`}
            {status.answer === undefined ? '' : ` · as of ${moment(status.answer.askedAt, shown, true)}`}
          </p>
        </div>
        <div class="bar ends">
          <AddressChoice label="Cluster" name="cluster" options={names} value={cluster} clears={['back']} />
          {isPending ? (
            <AddressChoice label="Longest wait allowed" name="limit" options={LIMITS} value={limit.text} wordsOf={limitWords} />
          ) : null}
          {isPlanned ? <RehearseAction {...acting} /> : null}
          {counts.current === undefined ? null : <UpAction {...acting} counts={counts.current} isPending={isPlanned} />}
          <ForOperators session={session}>{null}</ForOperators>
        </div>
      </div>
      <OtherPlace cluster={cluster} />
      {document !== undefined && status.failure !== undefined ? (
        <Stale since={moment(status.answer?.askedAt ?? '', shown, true)} why={status.failure.message} />
      ) : null}
      {document === undefined ? (
        status.failure === undefined ? (
          <Loading what={`the migrations of ${cluster}`} />
        ) : (
          <Failed failure={status.failure} again={status.again} />
        )
      ) : (
        <div class="stackv">
          <section class="panel" aria-label="What is pending">
            <Say status={document} plan={planned} isPlanning={isPlanned && plan.isLoading} />
            <Figures status={document} plan={planned} limitMs={limit.ms} shown={shown} />
          </section>
          {isPlanned && planned === undefined && plan.failure !== undefined ? <Failed failure={plan.failure} again={plan.again} /> : null}
          {document.problems.length === 0 ? null : <ProblemsPanel problems={document.problems} />}
          {planned === undefined ? null : (
            <PlanPanels plan={planned} madeAt={plan.answer?.askedAt ?? ''} rehearsal={rehearsal} limitMs={limit.ms} shown={shown} />
          )}
          {history.answer === undefined ? (
            history.failure === undefined ? null : (
              <Failed failure={history.failure} again={history.again} />
            )
          ) : (
            <HistoryPanel history={history.answer.document} shown={shown} />
          )}
          <WaysBack session={session} cluster={cluster} status={document} shown={shown} onDone={lookAgain} />
          <DriftPanel session={session} cluster={cluster} shown={shown} />
        </div>
      )}
    </>
  );
}

/** The answer first: what waits, for how long, and what that rests on. */
function Say({
  status,
  plan,
  isPlanning,
}: {
  readonly status: StatusDocument;
  readonly plan: PlanDocument | undefined;
  readonly isPlanning: boolean;
}) {
  const { counts, problems, database } = status;
  if (problems.length > 0) return <p class="say">Nothing can be applied to {database}: files and history disagree.</p>;
  if (counts.pending + counts.routines === 0) return <p class="say">{database} is up to date: nothing is pending.</p>;
  if (plan?.forecast == null)
    return (
      <p class="say">
        {isPlanning ? 'Looking at what the pending files would block.' : 'What the pending files would block is not known.'}
      </p>
    );
  return <p class="say">{plan.forecast.sentence}</p>;
}
