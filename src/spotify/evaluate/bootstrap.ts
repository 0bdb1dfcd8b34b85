import type { SeededRandom } from '../generate/random.ts';
import type { Figure } from './figures.ts';

const RESAMPLES = 1000;
const FEWEST_RESAMPLES = 200;
/** Draws in all: with very many clusters fewer resamples say as much. */
const DRAWS = 20_000_000;

/** A mean of `columns[column]`, or the mean of one column over that of another. */
export type Wanted = { readonly column: number } | { readonly column: number; readonly over: number };

/**
 * Means of columns of cases, and ratios of means, each with the 95 % interval of the bootstrap: cases of one cluster (a
 * listener, a session) are alike, so whole clusters are drawn. All figures see the same draws.
 *
 * `clusters` holds the cluster of each case, from 0 on without gaps.
 *
 * @see Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13, for the percentile interval
 */
export function bootstrap(
  columns: readonly Float64Array[],
  clusters: Int32Array,
  wanted: readonly Wanted[],
  random: SeededRandom,
): readonly Figure[] {
  const count = clusters.reduce((most, cluster) => Math.max(most, cluster + 1), 0);
  const sizes = new Float64Array(count);
  for (const cluster of clusters) sizes[cluster] = (sizes[cluster] ?? 0) + 1;
  const sums = columns.map((column) => {
    const sum = new Float64Array(count);
    for (const [at, value] of column.entries()) sum[clusters[at] ?? 0] = (sum[clusters[at] ?? 0] ?? 0) + value;
    return sum;
  });
  const resamples = Math.max(FEWEST_RESAMPLES, Math.min(RESAMPLES, Math.floor(DRAWS / Math.max(1, count))));
  const drawn = wanted.map(() => new Float64Array(resamples));
  const draws = new Int32Array(count);
  for (let resample = 0; resample < resamples; resample += 1) {
    for (let at = 0; at < count; at += 1) draws[at] = Math.floor(random.next() * count);
    const means = meansOf(sums, sizes, draws);
    for (const [at, each] of wanted.entries()) (drawn[at] ?? new Float64Array())[resample] = pick(means, each);
  }
  const all = meansOf(
    sums,
    sizes,
    Int32Array.from({ length: count }, (_, at) => at),
  );
  return wanted.map((each, at) => {
    const sorted = (drawn[at] ?? new Float64Array()).filter(Number.isFinite).sort();
    const quantile = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
    return { value: pick(all, each), low: quantile(0.025), high: quantile(0.975) };
  });
}

function meansOf(sums: readonly Float64Array[], sizes: Float64Array, draws: Int32Array): readonly number[] {
  let cases = 0;
  for (const cluster of draws) cases += sizes[cluster] ?? 0;
  return sums.map((sum) => {
    let total = 0;
    for (const cluster of draws) total += sum[cluster] ?? 0;
    return cases === 0 ? 0 : total / cases;
  });
}

function pick(means: readonly number[], wanted: Wanted): number {
  const value = means[wanted.column] ?? 0;
  return 'over' in wanted ? value / (means[wanted.over] ?? 0) : value;
}
