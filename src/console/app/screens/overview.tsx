import type { Cluster, Problem, Status as StatusDocument } from '../api.ts';
import { isUnknown } from '../api.ts';
import { useLive } from '../live.tsx';
import { NextStep } from '../parts/next-step.tsx';
import { Panel, Status } from '../parts/panel.tsx';
import { Failed, Loading, sentence, Stale } from '../parts/states.tsx';
import { useQuery } from '../query.ts';
import type { ScreenProps } from '../screen.ts';
import { counted, moment, type Shown } from '../words.ts';
import { bestLineage, ClusterRow } from './cluster-row.tsx';
import { DrillShape } from './window-chart.tsx';
import { LagPanel } from './lag-panel.tsx';
import { BriefClusters } from './overview/brief-clusters.tsx';
import { orderClusters } from './overview/cluster-order.ts';
import { LastEntries } from './overview/last-entries.tsx';
import { NowAndNext } from './overview/now-and-next.tsx';
import { problemLink } from './overview/problem-link.ts';
import { Repositories } from './repositories-panel.tsx';

/** What would be lost now and when it is back, for each cluster; then what needs somebody, and what comes next. */
export function Overview({ session }: ScreenProps) {
  const { answer, failure, isStale } = useLive();
  const [query, setQuery] = useQuery();
  if (answer === undefined) {
    return (
      <>
        <h1>Overview</h1>
        {failure === undefined ? <Loading what="clusters and repositories" /> : <Failed failure={failure} />}
      </>
    );
  }
  const { status, promises } = answer;
  const shown: Shown = { now: new Date(status.at), timeZone: session.project.timeZone };
  const { full, brief } = orderClusters(status.clusters, status.problems, query['cluster']);
  const repositories = new Set(status.clusters.flatMap((cluster) => cluster.repositories.map(({ name }) => name)));
  return (
    <>
      <div class="page">
        <div>
          <h1>Overview</h1>
          <p class="meta">
            {counted(status.clusters.length, 'cluster')} · {counted(repositories.size, 'repository', 'repositories')} · as of{' '}
            {moment(status.at, shown, true)}
          </p>
        </div>
        <nav class="bar ways" aria-label="What to do">
          <a class="btn" href="/drills">
            Drills
          </a>
          <a class="btn primary" href="/backups">
            Restore to a moment
          </a>
        </nav>
      </div>
      {isStale ? <Stale since={moment(status.at, shown, true)} why={failure?.message} /> : null}
      <div class="stackv">
        <Panel id="clusters" title="Clusters" aside="If this host vanished now: what would be lost, and how long until it is back">
          {full.map((cluster) => (
            <ClusterRow
              key={cluster.name}
              cluster={cluster}
              promise={promises[cluster.name] ?? ''}
              problems={status.problems.filter((problem) => problem.cluster === cluster.name)}
              shown={shown}
              session={session}
            />
          ))}
          {brief.length === 0 ? null : (
            <BriefClusters
              clusters={brief}
              problems={status.problems}
              promises={promises}
              shown={shown}
              onChosen={(cluster) => setQuery({ cluster })}
            />
          )}
          {full.some((cluster) => bestLineage(cluster) !== undefined) ? <Legend /> : null}
        </Panel>
        <NeedsYou problems={status.problems} unknown={status.unknown.length} />
        <LagPanel clusters={status.clusters} shown={shown} />
        <div class="cols">
          <NowAndNext jobs={status.jobs} shown={shown} />
          <Repositories clusters={status.clusters} />
          <Project status={status} />
        </div>
        <LastEntries shown={shown} />
      </div>
    </>
  );
}

function Legend() {
  return (
    <div class="note legend">
      <span>
        <i class="key cover" /> restorable
      </span>
      <span>
        <i class="key cover un" /> restorable, no drill since
      </span>
      <span>
        <i class="key gap" /> not restorable
      </span>
      {[true, false].map((passed) => (
        <span key={String(passed)}>
          <svg class="drill-key" viewBox="-8 -8 16 16" aria-hidden="true">
            <DrillShape passed={passed} />
          </svg>
          drill {passed ? 'passed' : 'failed'}
        </span>
      ))}
    </div>
  );
}

function NeedsYou({ problems, unknown }: { readonly problems: readonly Problem[]; readonly unknown: number }) {
  const aside = problems.length === 0 ? undefined : `${problems.length}, most urgent first`;
  return (
    <Panel id="needs" title="Needs you" aside={aside}>
      {problems.length === 0 ? (
        <p class="body">
          <Status kind="ok">Nothing is wrong</Status>
          {unknown === 0 ? null : <span class="meta"> · {counted(unknown, 'thing')} could not be judged</span>}
        </p>
      ) : (
        <ul class="todo">
          {problems.map((problem) => (
            <li key={`${problem.kind} ${problem.cluster ?? ''} ${problem.subject ?? ''}`}>
              <Status kind={problem.severity === 'failed' ? 'bad' : 'warn'}>{problem.severity}</Status>
              <div>
                <p>
                  {problem.cluster === null ? null : <b>{problem.cluster} · </b>}
                  {sentence(problem.what)}
                </p>
                <NextStep text={problem.next} />
              </div>
              <ProblemLink problem={problem} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function ProblemLink({ problem }: { readonly problem: Problem }) {
  const link = problemLink(problem);
  if (link === undefined) return null;
  const [path, label] = link;
  return (
    <a class="to" href={path}>
      {label}
    </a>
  );
}

function Project({ status }: { readonly status: StatusDocument }) {
  const own = status.clusters.filter(({ migrations, roles }) => migrations !== null || roles !== null);
  return (
    <Panel id="project" title="Migrations and roles" wide="c3">
      {own.length === 0 ? (
        <p class="body meta">This project keeps neither.</p>
      ) : (
        own.map((cluster) => (
          <div key={cluster.name} class="body">
            {own.length === 1 && status.clusters.length === 1 ? null : <h3>{cluster.name}</h3>}
            <dl class="facts">
              <dt>
                <a href={`/migrations?cluster=${encodeURIComponent(cluster.name)}`}>Migrations</a>
              </dt>
              <dd>{migrationsOf(cluster)}</dd>
              <dt>
                <a href={`/roles?cluster=${encodeURIComponent(cluster.name)}`}>Roles</a>
              </dt>
              <dd>{rolesOf(cluster)}</dd>
            </dl>
          </div>
        ))
      )}
    </Panel>
  );
}

function migrationsOf({ migrations }: Cluster) {
  if (migrations === null) return 'none in this project';
  if (isUnknown(migrations)) return <Status kind="unproven">not known: {migrations.unknown}</Status>;
  const { applied, pending, problems } = migrations;
  return (
    <>
      {applied} applied,{' '}
      {problems > 0 ? (
        <Status kind="bad">{counted(problems, 'problem')}</Status>
      ) : pending > 0 ? (
        <Status kind="warn">{pending} pending</Status>
      ) : (
        <Status kind="ok">none pending</Status>
      )}
    </>
  );
}

function rolesOf({ roles }: Cluster) {
  if (roles === null) return 'no roles file in this project';
  if (isUnknown(roles)) return <Status kind="unproven">not known: {roles.unknown}</Status>;
  if (roles.drift === 0) return <Status kind="ok">in sync</Status>;
  return (
    <>
      <Status kind="warn">{counted(roles.drift, 'difference')}</Status>
      {roles.destructive === 0 ? null : `, ${roles.destructive} destructive`}
    </>
  );
}
