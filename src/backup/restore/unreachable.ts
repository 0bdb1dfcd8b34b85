import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { TransactionEnd } from '../../postgres/wal-records.ts';
import { restorableFrom } from '../restorable-from.ts';
import type { Candidate } from './candidates.ts';
import type { CommitMark } from './commits-inspect.ts';
import type { LeftCommits } from './left-commits-inspect.ts';
import { describeLineage, type Lineage } from './recover-along.ts';
import { formatMoment, formatMomentUs } from './target.ts';

/** `validUntil` is where the WAL was found to end, when it was read. Candidates are newest first. */
export function unreachable(what: string, candidates: readonly Candidate[], validUntil?: bigint): DbadminError {
  const stretches = new Map<bigint, Candidate>();
  for (const candidate of candidates) stretches.set(candidate.reach, candidate);
  const lines = [...stretches.values()].reverse().map(({ backup, reach, stopLsn }) => {
    const end = validUntil !== undefined && reach === candidates[0]?.reach ? validUntil : reach;
    return `from ${formatMoment(restorableFrom(backup))} at ${formatLsn(stopLsn)} (backup ${backup.label}) to ${formatLsn(end)}`;
  });
  return new DbadminError('target-unreachable', `recovery target ${what} is not recoverable`, {
    detail: lines.length === 0 ? 'No backup can be restored.' : `What can be reached is ${lines.join(', and ')}.`,
    hint: 'Restore to a moment in between, or see dbadmin backup info for gaps and other repositories.',
  });
}

/** What lies only behind the positions where other timelines and the lineage part. */
export function onAnotherTimeline(what: string, lineage: Lineage, found: readonly [Lineage, ...Lineage[]]): DbadminError {
  const timelines = found.map(({ timeline }) => timeline);
  const on = `timeline${timelines.length === 1 ? '' : 's'} ${timelines.join(' and ')}`;
  return new DbadminError(
    'target-unreachable',
    `recovery target ${what} lies on ${on}, which ${describeLineage(lineage)} does not go along`,
    {
      hint: `Give --timeline ${timelines.join(' or ')}.`,
    },
  );
}

/** Where WAL breaks off before a moment, and what is on either side. */
export interface WalEdge {
  readonly reach: bigint;
  /** The last moment it is known to cover, microseconds since 1970. */
  readonly knownUs: bigint | undefined;
  /** The last moment that an earlier version says it covers, without a proof. */
  readonly claimed: Date | undefined;
  /** The segment that is not there, when there is more WAL behind it. */
  readonly missing: string | undefined;
  /** The first moment after the gap. */
  readonly next: Date | undefined;
}

export function beyondTheWal(at: string, { reach, knownUs, claimed, missing, next }: WalEdge): DbadminError {
  const known = knownUs === undefined ? undefined : formatMomentUs(knownUs);
  const covers = known === undefined ? '' : `; the last moment it is known to cover is ${known}`;
  const doubt =
    claimed === undefined
      ? ''
      : ` An earlier version of dbadmin noted that it covers until ${formatMoment(claimed)}; it noted that also while its reception lagged behind the server, so it proves nothing.`;
  const nearest = [known, next && formatMoment(next)].flatMap((moment) => (moment === undefined ? [] : [`"${moment}"`]));
  return new DbadminError(
    'target-unreachable',
    missing === undefined
      ? `recovery target ${at} lies beyond the WAL in the repository`
      : `recovery target ${at} lies in a gap: WAL segment ${missing} is not in the repository`,
    {
      detail: `The WAL ${missing === undefined ? 'ends' : 'breaks off'} at ${formatLsn(reach)}${covers}.${doubt}`,
      hint: `Restore to ${[...nearest, 'the end of what is there with --to-latest'].join(' or ')}.`,
    },
  );
}

export function severalOfOneName(what: string, found: readonly TransactionEnd[]): DbadminError {
  return new DbadminError('target-unreachable', `there are ${found.length} of ${what} in the stored WAL`, {
    detail: found.map(({ lsn, time }) => `${formatMomentUs(time)} at ${formatLsn(lsn)}`).join('\n'),
    hint: 'Name the one you mean by its position with --to-lsn.',
  });
}

/** The moment lies on a branch that the lineage left: restored along it, commits that were acknowledged by then would be missing. */
export class LeftBehind extends DbadminError {
  /** Of the branch with the newest commit up to the moment. */
  readonly newest: LeftCommits;

  constructor(at: string, lineage: Lineage, before: CommitMark | undefined, left: readonly [LeftCommits, ...LeftCommits[]]) {
    const [newest] = left;
    const { timeline } = newest.lineage;
    const until = before === undefined ? 'the backup' : `the commit of ${formatMomentUs(before.timeUs)}`;
    super('target-unreachable', `recovery target ${at} lies on timeline ${timeline}, which ${describeLineage(lineage)} does not go along`, {
      detail: [
        `Of what was committed up to that moment, timeline ${lineage.timeline} has nothing after ${until}.`,
        ...left.map(describeLeft),
      ].join('\n'),
      hint: `Give --timeline ${timeline} for the moment as it was then${before === undefined ? '' : `, or --to "${formatMomentUs(before.timeUs)}" for the last commit that both have`}; --timeline ${lineage.timeline} leaves those commits out.`,
    });
    this.newest = newest;
  }
}

/** For people: `Timeline 1 has 12 commits up to then behind 0/5000000, from … to …`. */
export function describeLeft({ lineage, partingLsn, count, first, last }: LeftCommits): string {
  const commits =
    count === 1
      ? `1 commit up to then behind ${formatLsn(partingLsn)}, of`
      : `${count} commits up to then behind ${formatLsn(partingLsn)}, from`;
  return `Timeline ${lineage.timeline} has ${commits} ${formatMomentUs(first.timeUs)}${count === 1 ? '' : ` to ${formatMomentUs(last.timeUs)}`}.`;
}
