import { parseLsn } from '../../postgres/lsn.ts';
import type { KeepReason } from './retention.ts';
import type { Suspicions } from '../suspicion.ts';
import type { BrokenBackups } from '../broken.ts';
import { isSound, type StoredBackup, type Verdict } from './plan.ts';

/** A stored segment or part of one. */
export interface StoredWal {
  readonly key: string;
  readonly timeline: number;
  /** Of the whole segment: its first byte, and the byte after its last. */
  readonly startLsn: bigint;
  readonly endLsn: bigint;
  readonly sizeBytes: number;
  /** By the store's clock. */
  readonly storedAt: Date;
}

export interface WalState {
  readonly backups: readonly StoredBackup[];
  readonly suspicions: Suspicions;
  readonly broken: BrokenBackups;
  readonly verdicts: readonly Verdict[];
  readonly windowMs: number | undefined;
  /** What is younger stays, for a backup that runs now. */
  readonly graceMs: number;
  readonly storeNow: Date;
}

const CONTINUOUS: readonly KeepReason['kind'][] = ['window', 'pause', 'window-start', 'minimum', 'audit', 'no-rule'];

/**
 * The WAL that no backup needs. Backups of the window need all that follows them on their timeline and on those that come
 * of it; older ones that a rule or hold keeps need only their own, from start to stop. Without a window every backup that
 * stays can be recovered as far as WAL goes, and so does what a mismatch keeps: it may be all that is right. While no sound backup stays, no WAL goes.
 */
export function planWal(
  wal: Iterable<StoredWal>,
  { backups, suspicions, broken, verdicts, windowMs, graceMs, storeNow }: WalState,
): readonly StoredWal[] {
  const reasons = new Map(verdicts.map((verdict) => [verdict.label, verdict.reasons]));
  const kept = backups
    .filter(({ summary }) => (reasons.get(summary.label)?.length ?? 0) > 0)
    .map(({ summary, storedAt }) => ({
      startTimeline: summary.startTimeline,
      stopTimeline: summary.stopTimeline,
      startLsn: parseLsn(summary.startLsn),
      stopLsn: parseLsn(summary.stopLsn),
      isSound: isSound({ summary, storedAt }, { suspicions, broken }),
      isContinuous: windowMs === undefined || (reasons.get(summary.label) ?? []).some(({ kind }) => CONTINUOUS.includes(kind)),
    }));
  if (!kept.some(({ isSound }) => isSound)) return [];
  const youngMs = Math.max(windowMs ?? 0, graceMs);
  return [...wal].filter(({ timeline, startLsn, endLsn, storedAt }) => {
    if (storeNow.getTime() - storedAt.getTime() < youngMs) return false;
    return !kept.some(
      (backup) =>
        timeline >= backup.startTimeline &&
        endLsn > backup.startLsn &&
        (backup.isContinuous || (timeline <= backup.stopTimeline && startLsn <= backup.stopLsn)),
    );
  });
}
