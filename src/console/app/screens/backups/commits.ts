/** How many commits fell into each of `bins` equal parts of the time from `fromMs` to `toMs`. */
export function binCommits(times: readonly number[], fromMs: number, toMs: number, bins: number): readonly number[] {
  const counts = Array.from({ length: bins }, () => 0);
  for (const at of times) {
    const bin = Math.floor(((at - fromMs) / (toMs - fromMs)) * bins);
    if (bin >= 0 && bin < bins) counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}
