import { formatLsn, parseLsn } from '../postgres/lsn.ts';
import type { TimelineHistory } from '../postgres/timeline.ts';
import type { RecordedGap } from '../repository/gap-record.ts';
import type { LetGo } from '../repository/let-go.ts';
import type { BackupSummary } from '../repository/manifest.ts';
import type { WalCoverage } from '../repository/wal-coverage.ts';
import { restorableFrom } from './restorable-from.ts';
import { recoverableUntil, type Lineage } from './restore/recover-along.ts';
import { mayServe, type Suspicions } from './suspicion.ts';
import { openGaps, type WalGap } from './gaps.ts';

/** Everything that decides what can be restored, from one repository and one cluster. */
export interface RecoveryFacts {
  readonly backups: readonly BackupSummary[];
  readonly suspicions: Suspicions;
  readonly coverage: WalCoverage;
  /** The history of each timeline whose history file is stored. */
  readonly histories: ReadonlyMap<number, TimelineHistory>;
  /** WAL known to be lost. */
  readonly recordedGaps: readonly RecordedGap[];
  /** WAL that retention has no use for. */
  readonly letGo: LetGo;
  /** Beside the horizons: moments of which the WAL itself tells. */
  readonly moments: readonly CoveredMoment[];
}

/** All that the server had written at `at`, by its own clock, lies before `lsn` on that timeline, and was here. */
export interface CoveredMoment {
  readonly timeline: number;
  readonly lsn: bigint;
  readonly at: Date;
}

/** What one backup can be recovered to along a lineage. */
export interface RecoverableWindow {
  readonly backup: string;
  readonly timeline: number;
  readonly fromLsn: string;
  readonly toLsn: string;
  /** When the backup ended, ISO 8601: by the tool's clock, or where that was behind by the server's. @see restorable-from.ts */
  readonly from: string;
  /** The last moment that the WAL is known to cover without a hole, by the server's clock; null when nothing tells. */
  readonly to: string | null;
}

/** A stretch of moments, each of which can be restored: from the oldest backup in it to where its WAL ends. */
export interface RecoverableStretch {
  readonly from: string;
  readonly to: string | null;
  readonly toLsn: string;
}

/** What can be restored along one timeline and the ancestors that lead to it. */
export interface TimelineRecovery {
  readonly lineage: Lineage;
  /** One per backup that serves, oldest first by position. */
  readonly windows: readonly RecoverableWindow[];
  /** The windows joined: between two of them lies something that cannot be restored. */
  readonly stretches: readonly RecoverableStretch[];
}

/** What can be restored of a cluster: what info shows, retention keeps, a restore checks and the RPO is read from. */
export interface RecoveryModel {
  /** Of every timeline that anything is stored of, ascending; the last is the one that goes on. */
  readonly timelines: readonly TimelineRecovery[];
  /** Holes in the stored WAL, but for what retention let go, and WAL recorded as lost, as far as nothing has filled them since. */
  readonly gaps: readonly WalGap[];
}

/** Computes the model. Pure: the same facts give the same model, whatever the clock says. */
export function recoveryModel(facts: RecoveryFacts): RecoveryModel {
  const { coverage, histories, backups } = facts;
  const numbers = new Set([...coverage.timelines.keys(), ...coverage.histories, ...backups.map(({ stopTimeline }) => stopTimeline)]);
  const moments = allMoments(facts);
  return {
    timelines: [...numbers]
      .sort((a, b) => a - b)
      .map((timeline) => {
        const lineage = { timeline, history: histories.get(timeline) ?? [] };
        const windows = windowsAlong(facts, lineage, coverage, moments);
        return { lineage, windows, stretches: recoverableStretches(windows) };
      }),
    gaps: openGaps(coverage, facts.recordedGaps, facts),
  };
}

/** What can be restored along the timeline that goes on; undefined when nothing is stored at all. */
export function newestRecovery(model: RecoveryModel): TimelineRecovery | undefined {
  return model.timelines.at(-1);
}

/** The windows along one lineage. Backups that are damaged or known to be wrong give none. */
export function recoverableWindows(
  kept: Pick<RecoveryFacts, 'backups' | 'suspicions'>,
  lineage: Lineage,
  coverage: WalCoverage,
): readonly RecoverableWindow[] {
  return windowsAlong(kept, lineage, coverage, horizonMoments(coverage));
}

function windowsAlong(
  { backups, suspicions }: Pick<RecoveryFacts, 'backups' | 'suspicions'>,
  lineage: Lineage,
  coverage: WalCoverage,
  moments: readonly CoveredMoment[],
): readonly RecoverableWindow[] {
  return backups
    .flatMap((backup) => {
      const reach = mayServe(backup, suspicions) ? recoverableUntil(backup, lineage, coverage) : undefined;
      return reach === undefined ? [] : [{ backup, reach, stopLsn: parseLsn(backup.stopLsn) }];
    })
    .sort((a, b) => (a.stopLsn < b.stopLsn ? -1 : a.stopLsn > b.stopLsn ? 1 : 0))
    .map(({ backup, reach, stopLsn }) => {
      const from = restorableFrom(backup);
      const until = lastMoment(from, stopLsn, reach, lineage, moments);
      return {
        backup: backup.label,
        timeline: lineage.timeline,
        fromLsn: backup.stopLsn,
        toLsn: formatLsn(reach),
        from: from.toISOString(),
        to: until?.toISOString() ?? (reach === stopLsn ? from.toISOString() : null),
      };
    });
}

/** The latest moment whose WAL lies wholly between the backup's end and its reach, on the way that recovery takes. */
function lastMoment(from: Date, stopLsn: bigint, reach: bigint, lineage: Lineage, moments: readonly CoveredMoment[]): Date | undefined {
  let last: Date | undefined;
  for (const { timeline, lsn, at } of moments) {
    if (lsn < stopLsn || lsn > reach || at <= from || !liesOn(lineage, timeline, lsn)) continue;
    if (last === undefined || at > last) last = at;
  }
  return last;
}

/** Whether all WAL before `lsn` of `timeline` is replayed along the lineage: what came after the switch is not. */
function liesOn(lineage: Lineage, timeline: number, lsn: bigint): boolean {
  if (timeline === lineage.timeline) return true;
  const left = lineage.history.find((each) => each.timeline === timeline);
  return left !== undefined && lsn <= left.switchLsn;
}

function allMoments(facts: RecoveryFacts): readonly CoveredMoment[] {
  return [...horizonMoments(facts.coverage), ...facts.moments];
}

function horizonMoments(coverage: WalCoverage): readonly CoveredMoment[] {
  return [...coverage.timelines].flatMap(([timeline, { horizon }]) => (horizon === undefined ? [] : [{ timeline, ...horizon }]));
}

/** Windows that end at the same place are one stretch; two stretches have something between them that cannot be restored. */
export function recoverableStretches(windows: readonly RecoverableWindow[]): readonly RecoverableStretch[] {
  const stretches = new Map<string, RecoverableStretch>();
  for (const { from, to, toLsn } of windows) {
    const known = stretches.get(toLsn);
    stretches.set(toLsn, { from: known?.from ?? from, to: later(known?.to ?? null, to), toLsn });
  }
  return [...stretches.values()];
}

function later(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a > b ? a : b;
}

/** What is lost if the host vanishes now, and everything in the repository stays. */
export interface Exposure {
  /** Moments after this one are lost; null when nothing can be restored, or nothing tells how far the WAL covers. */
  readonly coveredUntil: string | null;
  /** From there to now. Never negative, though the server's clock may be ahead. */
  readonly lossMs: number | null;
  /** Why nothing newer can be restored, where that is not the open end of the WAL. */
  readonly reason: 'nothing-restorable' | 'gap-since-backup' | 'moment-unknown' | null;
}

/** The RPO as it is now, along the timeline that goes on. */
export function exposureAt(model: RecoveryModel, facts: RecoveryFacts, now: Date): Exposure {
  const newest = newestRecovery(model);
  const stretch = newest?.stretches.at(-1);
  if (newest === undefined || stretch === undefined) return { coveredUntil: null, lossMs: null, reason: 'nothing-restorable' };
  const reach = parseLsn(stretch.toLsn);
  const { timeline } = newest.lineage;
  const storedBeyond = facts.coverage.timelines.get(timeline)?.runs.some(({ startLsn }) => startLsn > reach) === true;
  const lostBeyond = model.gaps.some((gap) => gap.timeline === timeline && parseLsn(gap.toLsn) > reach);
  const reason = storedBeyond || lostBeyond ? 'gap-since-backup' : stretch.to === null ? 'moment-unknown' : null;
  if (stretch.to === null) return { coveredUntil: null, lossMs: null, reason };
  return { coveredUntil: stretch.to, lossMs: Math.max(0, now.getTime() - Date.parse(stretch.to)), reason };
}
