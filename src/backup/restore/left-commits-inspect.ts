import { isDbadminError } from '../../base/errors.ts';
import { timelineOfLsn } from '../../postgres/timeline.ts';
import { beginsTimeline, concernsTransactions, timelineBegunBy, TransactionEnds } from '../../postgres/wal-records.ts';
import type { WalArchive } from '../../repository/wal-archive.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import type { Candidate } from './candidates.ts';
import { isCommit, markOf, type CommitMark, type Surroundings } from './commits-inspect.ts';
import { partingLsn, recoverableUntil, type Lineage } from './recover-along.ts';
import { readStoredRecords } from './stored-records.ts';

/** Commits up to a moment that a lineage does not have: they lie on another one, behind the position where the two part. */
export interface LeftCommits {
  readonly lineage: Lineage;
  readonly partingLsn: bigint;
  readonly count: number;
  readonly first: CommitMark;
  readonly last: CommitMark;
}

export interface LeftCommitsRequest {
  readonly archive: WalArchive;
  readonly coverage: WalCoverage;
  readonly lineage: Lineage;
  /** The other lineages of which WAL is stored. */
  readonly others: () => Promise<readonly Lineage[]>;
  readonly candidate: Candidate;
  /** Commits up to here, microseconds since 1970. */
  readonly untilUs: bigint;
  readonly around: Pick<Surroundings, 'before' | 'after'>;
}

/**
 * Commits up to a moment on branches that the lineage left, newest last commit first; those of a branch whose last is older
 * than the lineage's own were given up before the moment, and are not among them.
 *
 * A cluster that was restored to noon at three goes on from noon: to the moment of two, its timeline has nothing between, and
 * all that was committed then lies on the timeline that it left. Reads WAL only where the lineage switches between the
 * commits around the moment.
 */
export async function inspectLeftCommits(request: LeftCommitsRequest): Promise<readonly LeftCommits[]> {
  if (lastSwitch(request) === undefined) return [];
  const { before } = request.around;
  const found: LeftCommits[] = [];
  for (const other of await request.others()) {
    const left = await readLeft(request, other);
    if (left !== undefined && (before === undefined || left.last.timeUs > before.timeUs)) found.push(left);
  }
  return found.sort((a, b) => Number(b.last.timeUs - a.last.timeUs) || a.lineage.timeline - b.lineage.timeline);
}

/** Whether the lineage had made its last switch before the moment by then: then it was the one that went on. False where the WAL does not tell. */
export async function hadSwitched(request: LeftCommitsRequest): Promise<boolean> {
  const { archive, lineage, candidate, untilUs, around } = request;
  const switchLsn = lastSwitch(request);
  if (switchLsn === undefined) return true;
  const timeline = timelineOfLsn(lineage.timeline, lineage.history, switchLsn);
  const untilLsn = around.after?.endLsn ?? candidate.reach;
  if (untilLsn <= switchLsn) return false;
  const stretch = { archive, lineage, major: majorOf(candidate), fromLsn: switchLsn, untilLsn };
  for await (const record of readStoredRecords(stretch, beginsTimeline)) {
    const begun = timelineBegunBy(record, stretch.major);
    if (begun?.timeline === timeline) return BigInt(begun.at.getTime()) * 1000n <= untilUs;
  }
  return false;
}

/** The last position between the commits around the moment where the lineage goes over to its next timeline. */
function lastSwitch({ lineage, candidate, around: { before, after } }: LeftCommitsRequest): bigint | undefined {
  const fromLsn = before?.lsn ?? candidate.startLsn;
  return lineage.history.findLast(({ switchLsn }) => switchLsn > fromLsn && (after === undefined || switchLsn <= after.lsn))?.switchLsn;
}

async function readLeft(request: LeftCommitsRequest, other: Lineage): Promise<LeftCommits | undefined> {
  const { archive, coverage, candidate, untilUs } = request;
  const fromLsn = partingLsn(request.lineage, other);
  const untilLsn = recoverableUntil(candidate.backup, other, coverage);
  if (fromLsn === undefined || untilLsn === undefined || untilLsn <= fromLsn) return undefined;
  const stretch = { archive, lineage: other, major: majorOf(candidate), fromLsn, untilLsn };
  const ends = new TransactionEnds(stretch.major);
  let [count, first, last]: [number, CommitMark | undefined, CommitMark | undefined] = [0, undefined, undefined];
  try {
    for await (const record of readStoredRecords(stretch, concernsTransactions)) {
      const end = ends.take(record);
      if (end === undefined || !isCommit(end)) continue;
      if (end.time > untilUs) break;
      count += 1;
      last = markOf(end);
      first ??= last;
    }
  } catch (error) {
    // Where a timeline was left its WAL may end anyhow; what was read is there.
    if (!isDbadminError(error, 'wal-invalid') && !isDbadminError(error, 'wal-missing')) throw error;
  }
  return first === undefined || last === undefined ? undefined : { lineage: other, partingLsn: fromLsn, count, first, last };
}

function majorOf({ backup }: Candidate): number {
  return Math.floor(backup.serverVersion / 10_000);
}
