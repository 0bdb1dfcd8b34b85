import { segmentPosition } from '../../postgres/segment.ts';
import type { TimelineCoverage, WalCoverage } from '../../repository/wal-coverage.ts';

/** The coverage as if these segments were not stored at all: what can be recovered when they cannot be read. */
export function coverageWithout(coverage: WalCoverage, segments: ReadonlySet<string>): WalCoverage {
  if (segments.size === 0) return coverage;
  const size = BigInt(coverage.segmentBytes);
  const lost = new Map<number, Set<bigint>>();
  for (const segment of segments) {
    const position = segmentPosition(segment, coverage.segmentBytes);
    // What is found under a name that is none covered nothing.
    if (position === undefined) continue;
    const { timeline, startLsn } = position;
    const starts = lost.get(timeline) ?? new Set<bigint>();
    lost.set(timeline, starts.add(startLsn));
  }
  const timelines = new Map<number, TimelineCoverage>();
  for (const [timeline, { runs, open, horizon }] of coverage.timelines) {
    const starts = lost.get(timeline) ?? new Set<bigint>();
    timelines.set(timeline, {
      runs: [...starts]
        .sort(order)
        .reduce<TimelineCoverage['runs']>((left, startLsn) => left.flatMap((run) => cut(run, startLsn, size)), runs),
      open: open.filter(({ startLsn }) => !starts.has(startLsn)),
      horizon,
    });
  }
  return { ...coverage, timelines };
}

type Run = TimelineCoverage['runs'][number];

function cut(run: Run, startLsn: bigint, size: bigint): readonly Run[] {
  if (startLsn < run.startLsn || startLsn >= run.endLsn) return [run];
  return [
    { startLsn: run.startLsn, endLsn: startLsn },
    { startLsn: startLsn + size, endLsn: run.endLsn },
  ].filter((each) => each.startLsn < each.endLsn);
}

function order(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
