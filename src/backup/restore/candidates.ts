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
