/** How far one repository was behind its cluster, moment by moment. */
export interface LagSeries {
  readonly cluster: string;
  readonly repository: string;
  /** Milliseconds since 1970, ascending; and how many milliseconds the stored WAL was behind, null where nothing told. */
  readonly points: readonly (readonly [at: number, lagMs: number | null])[];
}

export interface Lag {
  readonly cluster: string;
  readonly repository: string;
  readonly lagMs: number | null;
}

const KEEP_MS = 6 * 3_600_000;
const APART_MS = 15_000;

/** The lags of the last hours, in memory, from the looks that were taken for somebody anyway: what nobody watched is a hole. */
export class LagHistory {
  readonly #series = new Map<
    string,
    { readonly cluster: string; readonly repository: string; points: (readonly [number, number | null])[] }
  >();

  add(at: Date, lags: readonly Lag[]): void {
    const now = at.getTime();
    for (const { cluster, repository, lagMs } of lags) {
      const key = `${cluster}\n${repository}`;
      const series = this.#series.get(key) ?? { cluster, repository, points: [] };
      this.#series.set(key, series);
      const last = series.points.at(-1);
      if (last !== undefined && now - last[0] < APART_MS) {
        // The worst of the looks in between counts, or a peak between two points would not be seen.
        if (lagMs !== null && (last[1] === null || lagMs > last[1])) series.points[series.points.length - 1] = [last[0], lagMs];
        continue;
      }
      // A line over a time in which nobody looked would be made up.
      if (last !== undefined && now - last[0] > 4 * APART_MS) series.points.push([last[0] + APART_MS, null]);
      series.points.push([now, lagMs]);
      series.points = series.points.filter(([time]) => time > now - KEEP_MS);
    }
  }

  series(): readonly LagSeries[] {
    return [...this.#series.values()].map(({ cluster, repository, points }) => ({ cluster, repository, points }));
  }
}
