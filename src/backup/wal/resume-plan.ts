import { timelineOfLsn, type TimelineHistory } from '../../postgres/timeline.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';

/** Where reception may begin: the first byte of a segment, on a timeline of the server's history. */
export interface ResumePoint {
  readonly timeline: number;
  readonly lsn: bigint;
}

/** What the server's timeline is and where it comes from. */
export interface ServerLineage {
  readonly timeline: number;
  readonly history: TimelineHistory;
}

/**
 * Where the stored WAL ends on the way to `limitLsn`, rounded down to its segment; undefined when nothing of this history is stored.
 *
 * WAL stored of a timeline after the server's history left it does not count: the server goes on from the switch.
 */
export function frontier(coverage: WalCoverage, server: ServerLineage, limitLsn: bigint): ResumePoint | undefined {
  for (const { timeline, leftAt } of pathOf(server).reverse()) {
    const stored = coverage.timelines.get(timeline);
    if (stored === undefined) continue;
    const end = [...stored.runs, ...stored.open]
      .filter(({ startLsn }) => startLsn <= limitLsn && (leftAt === undefined || startLsn < leftAt))
      .reduce((last, { endLsn }) => (endLsn > last ? endLsn : last), 0n);
    if (end === 0n) continue;
    return pointAt(server, leftAt !== undefined && end > leftAt ? leftAt : end, coverage.segmentBytes);
  }
  return undefined;
}

/** How far the WAL behind a backup is stored without a hole, rounded down to its segment; undefined where the server's history does not hold its end. */
export function reachOfBackup(coverage: WalCoverage, server: ServerLineage, stop: ResumePoint): ResumePoint | undefined {
  const path = pathOf(server);
  const first = path.findIndex(({ timeline, leftAt }) => timeline === stop.timeline && (leftAt === undefined || stop.lsn <= leftAt));
  if (first === -1) return undefined;
  let reach = stop.lsn;
  for (const { timeline, leftAt } of path.slice(first)) {
    const { runs = [], open = [] } = coverage.timelines.get(timeline) ?? {};
    for (const { startLsn, endLsn } of [...runs, ...open].toSorted((a, b) => (a.startLsn < b.startLsn ? -1 : 1))) {
      if (startLsn <= reach && endLsn > reach) reach = endLsn;
    }
    if (leftAt === undefined || reach < leftAt) break;
    reach = leftAt;
  }
  return pointAt(server, reach, coverage.segmentBytes);
}

/** The timelines that the server came along, and where it left each. */
function pathOf({ timeline, history }: ServerLineage): { readonly timeline: number; readonly leftAt: bigint | undefined }[] {
  return [...history.map(({ timeline, switchLsn }) => ({ timeline, leftAt: switchLsn })), { timeline, leftAt: undefined }];
}

/** The segment that holds `lsn`, on the timeline that the byte at its beginning belongs to. */
export function pointAt(server: ServerLineage, lsn: bigint, segmentBytes: number): ResumePoint {
  const start = lsn - (lsn % BigInt(segmentBytes));
  return { timeline: timelineOfLsn(server.timeline, server.history, start), lsn: start };
}

/** `[from, to)` cut where the history changes timelines. */
export function splitByTimeline(
  server: ServerLineage,
  fromLsn: bigint,
  toLsn: bigint,
): readonly { readonly timeline: number; readonly fromLsn: bigint; readonly toLsn: bigint }[] {
  const cuts = server.history.map(({ switchLsn }) => switchLsn).filter((lsn) => fromLsn < lsn && lsn < toLsn);
  const edges = [fromLsn, ...cuts, toLsn];
  return edges.slice(1).flatMap((to, index) => {
    const from = edges[index] ?? to;
    return from < to ? [{ timeline: timelineOfLsn(server.timeline, server.history, from), fromLsn: from, toLsn: to }] : [];
  });
}

/**
 * The first of the segment starts after `missingLsn`, up to `presentLsn`, that can be had. WAL is removed from its old end, so half of
 * what is left can be ruled out with each question.
 */
export async function firstAvailable(
  missingLsn: bigint,
  presentLsn: bigint,
  segmentBytes: number,
  isThere: (lsn: bigint) => Promise<boolean>,
): Promise<bigint> {
  const size = BigInt(segmentBytes);
  let missing = missingLsn / size;
  let present = presentLsn / size;
  while (present - missing > 1n) {
    const middle = (missing + present) / 2n;
    if (await isThere(middle * size)) present = middle;
    else missing = middle;
  }
  return present * size;
}
