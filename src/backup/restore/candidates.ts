import { parseLsn } from '../../postgres/lsn.ts';
import type { BackupSummary } from '../../repository/manifest.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';
import { recoverableUntil, type Lineage } from './recover-along.ts';

/** A backup that can be recovered along a timeline, and how far. */
export interface Candidate {
  readonly backup: BackupSummary;
  readonly startLsn: bigint;
  readonly stopLsn: bigint;
  /** The byte after the last that WAL reaches from it without a hole. */
  readonly reach: bigint;
}

/** Backups that can serve, newest first. */
export function candidatesOf(backups: readonly BackupSummary[], lineage: Lineage, coverage: WalCoverage): readonly Candidate[] {
  return backups
    .filter(({ damage }) => damage === null)
    .flatMap((backup) => {
      const reach = recoverableUntil(backup, lineage, coverage);
      return reach === undefined ? [] : [{ backup, reach, startLsn: parseLsn(backup.startLsn), stopLsn: parseLsn(backup.stopLsn) }];
    })
    .sort((a, b) => (a.stopLsn < b.stopLsn ? 1 : -1));
}

/**
 * The backups to read from so that all stored WAL that any of them reaches is read once: for each stretch without a hole
 * the oldest, newest stretch first.
 */
export function oldestOfStretches(candidates: readonly Candidate[]): readonly Candidate[] {
  const oldest = new Map<bigint, Candidate>();
  for (const candidate of candidates) oldest.set(candidate.reach, candidate);
  return [...oldest.values()];
}

/**
 * The backups to read from, oldest first, for what was written after `sinceMs`: of each stretch the oldest, but the newest
 * that ended by then where there is one, and nothing before that. Candidates are newest first.
 */
export function stretchesSince(candidates: readonly Candidate[], sinceMs: number): readonly Candidate[] {
  const first = candidates.find(({ backup }) => Date.parse(backup.finishedAt) <= sinceMs);
  const oldest = oldestOfStretches(candidates);
  const later = first === undefined ? oldest : [...oldest.filter(({ reach }) => reach > first.reach), first];
  return [...later].sort((a, b) => (a.stopLsn < b.stopLsn ? -1 : 1));
}
