import '../../styles/roles.css';
import { useAnswer } from '../../answer.ts';
import { isUnknown, type Cluster as LiveCluster } from '../../api.ts';
import { useLive } from '../../live.tsx';
import { Select } from '../../parts/choices.tsx';
import { Empty } from '../../parts/states.tsx';
import { useQuery } from '../../query.ts';
import type { ScreenProps } from '../../screen.ts';
import { moment, type Shown } from '../../words.ts';
import type { AuditDocument, CheckDocument, GraphDocument, HistoryDocument, MatrixDocument } from './documents.ts';
import { Drift } from './drift.tsx';
import { Expiring } from './expiring.tsx';
import { Explorer } from './explorer.tsx';
import { Findings } from './findings.tsx';
import { History } from './history.tsx';
import { MatrixPanel } from './matrix-panel.tsx';
import type { RolesPage } from './page.ts';
import { Summary } from './summary.tsx';

/** Who may do what in a cluster, by which path, where that is not as roles.yaml says, and what is dangerous in it. */
export function Roles({ session }: ScreenProps) {
  const { answer: live } = useLive();
  const [query, change] = useQuery();
  const clusters = live?.status.clusters.filter(({ roles }) => roles !== null);
  if (clusters?.length === 0) return <NoRoles />;
  const shown: Shown = { now: new Date(live?.status.at ?? Date.now()), timeZone: session.project.timeZone };
  // Without one, that of the project: the answers say which it is, before the status of all clusters has come.
  const place = { cluster: query['cluster'], database: query['database'] };
  return (
    <RolesOf
      // Another cluster is another page: nothing of the one before may stay.
      key={`${query['cluster'] ?? ''} ${query['database'] ?? ''}`}
      page={{ session, shown, query, change, place }}
      clusters={clusters ?? []}
    />
  );
}

function NoRoles() {
  return (
    <>
      <h1>Roles</h1>
      <Empty title="This project keeps no roles yet">
        <p>
          Roles and privileges are described in roles/roles.yaml. <code>dbadmin roles import</code> writes one that says just what a cluster
          is.
        </p>
      </Empty>
    </>
  );
}

function named(name: string): readonly [string, string] {
  return [name, name];
}

interface ClusterProps {
  readonly page: RolesPage;
  /** Those with roles; none while it is not known. */
  readonly clusters: readonly LiveCluster[];
}

function RolesOf({ page, clusters }: ClusterProps) {
  const { place, query, change, shown } = page;
  const { cluster } = place;
  const check = useAnswer<CheckDocument>('roles/check', { cluster });
  const audit = useAnswer<AuditDocument>('roles/audit', { cluster });
  const graph = useAnswer<GraphDocument>('roles/graph', { cluster });
  // Here also for the names of roles, objects and databases.
  const matrix = useAnswer<MatrixDocument>('roles/matrix', place);
  const history = useAnswer<HistoryDocument>('roles/history', { cluster }, { everyMs: 30_000 });
  const again = (): void => {
    check.again();
    audit.again();
    graph.again();
    matrix.again();
    history.again();
  };
  const name = check.answer?.document.cluster ?? matrix.answer?.document.cluster ?? cluster;
  const server = clusters.find((each) => each.name === name)?.server;
  const version = server === undefined || isUnknown(server) ? undefined : server.version;
  const databases = matrix.answer?.document.databases ?? [];
  const looked = check.answer?.askedAt ?? audit.answer?.askedAt;
  return (
    <>
      <div class="page">
        <div>
          <h1>Roles</h1>
          <p class="meta">
            {name ?? 'looking'}
            {version === undefined ? '' : ` · PostgreSQL ${version}`}
            {looked === undefined ? '' : ` · inspected ${moment(looked, shown, true)}`}
          </p>
        </div>
        <div class="controls">
          {clusters.length < 2 ? null : (
            <Select
              label="Cluster"
              value={name ?? ''}
              choices={clusters.map((each) => named(each.name))}
              onChoose={(value) => change({ cluster: value, database: undefined })}
            />
          )}
          {databases.length < 2 ? null : (
            <Select
              label="Database"
              value={query['database'] ?? matrix.answer?.document.database ?? ''}
              choices={databases.map(named)}
              onChoose={(value) => change({ database: value, schema: undefined, on: undefined })}
            />
          )}
          <button type="button" class="btn" onClick={again} disabled={check.isLoading || audit.isLoading}>
            {check.isLoading || audit.isLoading ? 'Looking' : 'Inspect again'}
          </button>
        </div>
      </div>
      <div class="stackv">
        <Summary page={page} check={check} audit={audit} graph={graph} />
        <Explorer page={page} matrix={matrix.answer?.document} />
        <MatrixPanel page={page} matrix={matrix} />
        <div class="cols">
          <Findings page={page} audit={audit} />
          <Drift page={page} check={check} onApplied={again} />
        </div>
        <div class="cols">
          <History page={page} history={history} />
          <Expiring page={page} graph={graph} />
        </div>
      </div>
    </>
  );
}
