import type { Cluster, Problem } from '../../api.ts';

/** So many clusters are drawn in full; of more, only those that need somebody. */
export const MOST_FULL = 6;

export interface OrderedClusters {
  /** Drawn with their sentence and their window. */
  readonly full: readonly Cluster[];
  /** A line each. */
  readonly brief: readonly Cluster[];
}

/** A few clusters in the order of the file; of many, those with problems first and in full, the others a line each. */
export function orderClusters(clusters: readonly Cluster[], problems: readonly Problem[], chosen: string | undefined): OrderedClusters {
  if (clusters.length <= MOST_FULL) return { full: clusters, brief: [] };
  const weight = ({ name }: Cluster): number => {
    const own = problems.filter(({ cluster }) => cluster === name);
    if (name === chosen) return 3;
    return own.some(({ severity }) => severity === 'failed') ? 2 : own.length > 0 ? 1 : 0;
  };
  const sorted = clusters.toSorted((left, right) => weight(right) - weight(left));
  const count = Math.min(MOST_FULL, sorted.filter((cluster) => weight(cluster) > 0).length);
  return { full: sorted.slice(0, count), brief: sorted.slice(count) };
}
