import { formatLsn, parseLsn } from '../../postgres/lsn.ts';
import { isAncestorPosition, type TimelineHistory } from '../../postgres/timeline.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import { reachFrom, type WalCoverage } from '../../repository/wal-coverage.ts';

/** A timeline that can be recovered along, with the ancestors it comes from. */
export interface Lineage {
  readonly timeline: number;
  readonly history: TimelineHistory;
}

/** A timeline on which a segment may lie, and how far its copy says what a recovery along the lineage replays. */
export interface SegmentTimeline {
  readonly timeline: number;
  /** Where the timeline was left, when that is within the segment; else the segment's end. */
  readonly untilLsn: bigint;
}

/** The timelines of a lineage on which the segment at `startLsn` may lie, newest first. */
export function timelinesAt(lineage: Lineage, startLsn: bigint, segmentBytes: number): readonly SegmentTimeline[] {
  const endLsn = startLsn + BigInt(segmentBytes);
  const begun: SegmentTimeline[] = [];
  let beganAt = 0n;
  for (const { timeline, switchLsn } of [...lineage.history, { timeline: lineage.timeline, switchLsn: undefined }]) {
    // An ancestor left before this segment has nothing to say of it.
    if (beganAt < endLsn && (switchLsn === undefined || switchLsn > startLsn))
      begun.unshift({ timeline, untilLsn: switchLsn === undefined || switchLsn > endLsn ? endLsn : switchLsn });
    beganAt = switchLsn ?? beganAt;
  }
  return begun;
}

/**
 * How far WAL in the repository reaches without a hole from a backup's start, along a timeline: the byte after the last.
 * Undefined when the backup does not lead to that timeline, or its own WAL is not complete.
 *
 * Timelines are crossed at their switch points. The segment in which that is exists of both, with the same bytes up to there,
 * and the one of which more is stored counts.
 */
export function recoverableUntil(backup: BackupSummary, lineage: Lineage, coverage: WalCoverage): bigint | undefined {
  const startLsn = parseLsn(backup.startLsn);
  const stopLsn = parseLsn(backup.stopLsn);
  if (!isAncestorPosition(lineage.timeline, lineage.history, backup.stopTimeline, stopLsn)) return undefined;
  let reached = startLsn;
  for (let before: bigint | undefined; before !== reached;) {
    before = reached;
    reached = furthestFrom(before, lineage, coverage);
  }
  return reached >= stopLsn && reached > startLsn ? reached : undefined;
}

/** How far any timeline of the lineage goes on from `lsn` with what is replayed; `lsn` itself when none has it. */
function furthestFrom(lsn: bigint, lineage: Lineage, coverage: WalCoverage): bigint {
  let furthest = lsn;
  for (const { timeline } of timelinesAt(lineage, lsn - (lsn % BigInt(coverage.segmentBytes)), coverage.segmentBytes)) {
    const stored = reachFrom(coverage.timelines.get(timeline), lsn);
    if (stored === undefined) continue;
    const left = lineage.history.find((each) => each.timeline === timeline)?.switchLsn;
    const reach = left !== undefined && left < stored ? left : stored;
    if (reach > furthest) furthest = reach;
  }
  return furthest;
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
