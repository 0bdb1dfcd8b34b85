import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DbadminError, systemCodeOf } from '../../base/errors.ts';
import { historyName } from '../../postgres/segment.ts';
import { parseTimelineHistory } from '../../postgres/timeline.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import { reachFrom, type TimelineCoverage, type WalCoverage } from '../../repository/wal-coverage.ts';
import { partingLsn, timelinesAt, type Lineage } from '../restore/recover-along.ts';

export interface KnownTimelines {
  /** Of the timelines of the files found, and of those stored. */
  readonly here: ReadonlyMap<number, Lineage>;
  readonly stored: readonly Lineage[];
}

export interface KnownRequest {
  readonly directory: string;
  readonly coverage: WalCoverage;
  readonly archive: Pick<WalArchive, 'readAncestorsOrNone'>;
}

/** Where each timeline comes from, as far as a history says so: of a file here the one beside it, of WAL in the repository the one there. */
export async function readKnownTimelines({ directory, coverage, archive }: KnownRequest, found: Iterable<number>): Promise<KnownTimelines> {
  const stored: Lineage[] = [];
  for (const timeline of coverage.timelines.keys()) {
    const history = timeline === 1 ? [] : await archive.readAncestorsOrNone(timeline);
    if (history !== undefined) stored.push({ timeline, history });
  }
  const here = new Map<number, Lineage>();
  for (const timeline of found) {
    const beside = timeline === 1 ? { timeline, history: [] } : await readHistoryBeside(directory, timeline);
    const lineage = beside ?? stored.find((each) => each.timeline === timeline);
    if (lineage !== undefined) here.set(timeline, lineage);
  }
  return { here, stored };
}

/** Undefined for one that is not there, or that says nothing that can be relied on. */
async function readHistoryBeside(directory: string, timeline: number): Promise<Lineage | undefined> {
  try {
    return { timeline, history: parseTimelineHistory(await readFile(path.join(directory, historyName(timeline)), 'utf8')) };
  } catch (error) {
    if (systemCodeOf(error) !== undefined || error instanceof DbadminError) return undefined;
    throw error;
  }
}

/** How far a segment is stored from its first byte on. */
export function storedOf(coverage: TimelineCoverage | undefined, startLsn: bigint, endLsn: bigint): bigint {
  const reach = reachFrom(coverage, startLsn) ?? startLsn;
  return reach < endLsn ? reach : endLsn;
}

/**
 * How far a recovery along `along` reads what a segment of the timeline `own` says. Up to where two timelines part their WAL is the
 * same, and the segment in which that is exists of both; but no recovery reads that of a timeline it does not go along.
 */
export function readAlong(own: Lineage, along: Lineage, coverage: WalCoverage, startLsn: bigint, endLsn: bigint): bigint {
  const parted = partingLsn(own, along);
  if (parted === undefined || parted <= startLsn) return startLsn;
  let until = startLsn;
  for (const { timeline, untilLsn } of timelinesAt(along, startLsn, Number(endLsn - startLsn))) {
    const stored = storedOf(coverage.timelines.get(timeline), startLsn, untilLsn);
    if (stored > until) until = stored;
  }
  return until < parted ? until : parted;
}
