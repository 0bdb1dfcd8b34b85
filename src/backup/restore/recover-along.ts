import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { isAncestorPosition, timelineOfLsn, type TimelineHistory } from '../../postgres/timeline.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { reachFrom, type WalCoverage } from '../../repository/wal-coverage.ts';

/** A timeline that can be recovered along, with the ancestors it comes from. */
export interface Lineage {
  readonly timeline: number;
  readonly history: TimelineHistory;
}

/**
 * How far WAL in the repository reaches without a hole from a backup's start, along a timeline: the byte after the last.
 * Undefined when the backup does not lead to that timeline, or its own WAL is not complete.
 *
 * Timelines are crossed at their switch points, each of which must be reached on the older timeline first.
 */
export function recoverableUntil(backup: BackupSummary, lineage: Lineage, coverage: WalCoverage): bigint | undefined {
  const startLsn = parseLsn(backup.startLsn);
  const stopLsn = parseLsn(backup.stopLsn);
  if (!isAncestorPosition(lineage.timeline, lineage.history, backup.stopTimeline, stopLsn)) return undefined;
  let reached = startLsn;
  for (;;) {
    const timeline = timelineOfLsn(lineage.timeline, lineage.history, reached);
    const left = lineage.history.find((each) => each.timeline === timeline)?.switchLsn;
    const edge = reachFrom(coverage.timelines.get(timeline), reached);
    const crosses = left !== undefined && ((edge !== undefined && edge >= left) || isCopied(coverage, lineage, left, edge ?? reached));
    if (crosses && left > reached) reached = left;
    else {
      const end = edge === undefined || edge < reached ? reached : edge;
      return end >= stopLsn && end > startLsn ? end : undefined;
    }
  }
}

/**
 * Whether the timeline that begins at `switchLsn` has the segment it begins in: it holds the older timeline's bytes of
 * that segment too, so the older one need only reach into it.
 */
function isCopied(coverage: WalCoverage, lineage: Lineage, switchLsn: bigint, reached: bigint): boolean {
  const segmentStart = switchLsn - (switchLsn % BigInt(coverage.segmentBytes));
  const next = timelineOfLsn(lineage.timeline, lineage.history, switchLsn);
  return reached >= segmentStart && reachFrom(coverage.timelines.get(next), segmentStart) !== undefined;
}

/**
 * Up to where two lineages are one: WAL from there on belongs to one of them alone. Undefined when they begin on different
 * timelines, or are the same.
 */
export function partingLsn(one: Lineage, other: Lineage): bigint | undefined {
  let parted: bigint | undefined;
  for (let n = 0; ; n += 1) {
    const [here, there] = [one, other].map(
      ({ timeline, history }) => history[n] ?? (n === history.length ? { timeline, switchLsn: undefined } : undefined),
    );
    if (here === undefined || there === undefined || here.timeline !== there.timeline) return parted;
    if (here.switchLsn === undefined || there.switchLsn === undefined) return here.switchLsn ?? there.switchLsn;
    if (here.switchLsn !== there.switchLsn) return here.switchLsn < there.switchLsn ? here.switchLsn : there.switchLsn;
    parted = here.switchLsn;
  }
}

/** For messages: `timeline 2 (from 1 at 0/5000000)`. */
export function describeLineage({ timeline, history }: Lineage): string {
  const parent = history.at(-1);
  return parent === undefined ? `timeline ${timeline}` : `timeline ${timeline} (from ${parent.timeline} at ${formatLsn(parent.switchLsn)})`;
}
