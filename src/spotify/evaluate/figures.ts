/** How an answer is judged; of the `at` first items of it. */
export interface Metric {
  /** HR: whether anything wanted is among them; recall: how much of it; NDCG: how much, and how far up. */
  readonly kind: 'HR' | 'recall' | 'NDCG';
  readonly at: number;
}

/** A figure with its 95 % interval. */
export interface Figure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What one method reached. */
export interface MethodFigures {
  readonly method: string;
  /** By metric, such as `HR@10`. */
  readonly figures: Readonly<Record<string, Figure>>;
  /** How many different items it put among the first ten. */
  readonly itemsShown: number;
  /** Of the first ten of every answer, the share that whoever is asked about had before: what is no news to them. Null of a stored run that did not count it. */
  readonly knownShare: number | null;
  /** Its first figure against popularity's, over the same draws; undefined for popularity itself, and where that is 0. */
  readonly overPopularity: Figure | undefined;
}

/** One task, tried with several methods. */
export interface TaskFigures {
  readonly task: 'next track' | 'playlists' | 'interactions';
  readonly cases: number;
  /** Items ranked for each case: all there are. */
  readonly items: number;
  /** In words: how it was split, what was left out. */
  readonly notes: readonly string[];
  readonly methods: readonly MethodFigures[];
}

export function nameOf({ kind, at }: Metric): string {
  return `${kind}@${at}`;
}

/**
 * The metric of one answer, best first, against the items wanted. An answer may be shorter than `at`; what is missing is
 * wrong.
 */
export function judgeAnswer(metric: Metric, answer: readonly number[], wanted: ReadonlySet<number>): number {
  let hits = 0;
  let gain = 0;
  for (const [place, item] of answer.slice(0, metric.at).entries()) {
    if (!wanted.has(item)) continue;
    hits += 1;
    gain += 1 / Math.log2(place + 2);
  }
  switch (metric.kind) {
    case 'HR':
      return hits > 0 ? 1 : 0;
    case 'recall':
      return hits / wanted.size;
    case 'NDCG': {
      let ideal = 0;
      for (let place = 0; place < Math.min(metric.at, wanted.size); place += 1) ideal += 1 / Math.log2(place + 2);
      return gain / ideal;
    }
  }
}
