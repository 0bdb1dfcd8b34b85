import { useState } from 'preact/hooks';
import type { Cluster, Problem } from '../../api.ts';
import { moment, type Shown } from '../../words.ts';
import { bestLineage, Standing } from '../cluster-row.tsx';

interface BriefClustersProps {
  readonly clusters: readonly Cluster[];
  readonly problems: readonly Problem[];
  readonly promises: Readonly<Record<string, string>>;
  readonly shown: Shown;
  readonly onChosen: (name: string) => void;
}

/** Many clusters, a line each: how each stands, and what would be lost. One is found by its name. */
export function BriefClusters({ clusters, problems, promises, shown, onChosen }: BriefClustersProps) {
  const [wanted, setWanted] = useState('');
  const found = clusters.filter(({ name }) => name.toLowerCase().includes(wanted.trim().toLowerCase()));
  return (
    <div class="briefs">
      <div class="bar filters">
        <label class="field">
          Find a cluster
          <input type="search" value={wanted} onInput={({ currentTarget }) => setWanted(currentTarget.value)} />
        </label>
        <span class="meta">
          {found.length} of {clusters.length}
        </span>
      </div>
      <table class="stackt">
        <thead>
          <tr>
            <th>Cluster</th>
            <th>Stands</th>
            <th>If its host vanished now</th>
            <th>Restorable until</th>
            <th>Last proven</th>
          </tr>
        </thead>
        <tbody>
          {found.map((cluster) => {
            const lineage = bestLineage(cluster);
            const until = cluster.limits.dumpsOnly ? lineage?.dumpAt : lineage?.stretches.at(-1)?.to;
            return (
              <tr key={cluster.name}>
                <th scope="row">
                  <button type="button" class="link" onClick={() => onChosen(cluster.name)}>
                    {cluster.name}
                  </button>
                </th>
                <td>
                  <Standing cluster={cluster} lineage={lineage} problems={problems.filter((problem) => problem.cluster === cluster.name)} />
                </td>
                <td class="w">{promises[cluster.name]}</td>
                <td class="nowrap">{until == null ? '–' : moment(until, shown, true)}</td>
                <td class="nowrap">{lineage?.drillPassedAt == null ? 'never' : moment(lineage.drillPassedAt, shown)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
