import { DbadminError } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { TransactionEnd } from '../../postgres/wal-records.ts';
import type { Candidate } from './candidates.ts';
import { formatMoment } from './target.ts';

/** `validUntil` is where the WAL was found to end, when it was read. Candidates are newest first. */
export function unreachable(what: string, candidates: readonly Candidate[], validUntil?: bigint): DbadminError {
  const stretches = new Map<bigint, Candidate>();
  for (const candidate of candidates) stretches.set(candidate.reach, candidate);
  const lines = [...stretches.values()].reverse().map(({ backup, reach, stopLsn }) => {
    const end = validUntil !== undefined && reach === candidates[0]?.reach ? validUntil : reach;
    return `from ${formatMoment(new Date(backup.finishedAt))} at ${formatLsn(stopLsn)} (backup ${backup.label}) to ${formatLsn(end)}`;
  });
  return new DbadminError('target-unreachable', `recovery target ${what} is not recoverable`, {
    detail: lines.length === 0 ? 'No backup can be restored.' : `What can be reached is ${lines.join(', and ')}.`,
    hint: 'Restore to a moment in between, or see dbadmin backup info for gaps and other repositories.',
  });
}

/** Where WAL breaks off before a moment, and what is on either side. */
export interface WalEdge {
  readonly reach: bigint;
  /** The last moment it is known to cover. */
  readonly known: Date | undefined;
  /** The segment that is not there, when there is more WAL behind it. */
  readonly missing: string | undefined;
  /** The first moment after the gap. */
  readonly next: Date | undefined;
}

export function beyondTheWal(at: Date, { reach, known, missing, next }: WalEdge): DbadminError {
  const covers = known === undefined ? '' : `; the last moment it is known to cover is ${formatMoment(known)}`;
  const nearest = [known, next].flatMap((moment) => (moment === undefined ? [] : [`"${formatMoment(moment)}"`]));
  return new DbadminError(
    'target-unreachable',
    missing === undefined
      ? `recovery target ${formatMoment(at)} lies beyond the WAL in the repository`
      : `recovery target ${formatMoment(at)} lies in a gap: WAL segment ${missing} is not in the repository`,
    {
      detail: `The WAL ${missing === undefined ? 'ends' : 'breaks off'} at ${formatLsn(reach)}${covers}.`,
      hint: `Restore to ${[...nearest, 'the end of what is there with --to-latest'].join(' or ')}.`,
    },
  );
}

export function severalOfOneName(what: string, found: readonly TransactionEnd[]): DbadminError {
  return new DbadminError('target-unreachable', `there are ${found.length} of ${what} in the stored WAL`, {
    detail: found.map(({ lsn, time }) => `${formatMoment(new Date(Number(time / 1000n)))} at ${formatLsn(lsn)}`).join('\n'),
    hint: 'Name the one you mean by its position with --to-lsn.',
  });
}
