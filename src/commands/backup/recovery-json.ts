import { gapMoments, type GapMoments } from '../../backup/gap-moments.ts';
import type { WalGap } from '../../backup/gaps.ts';
import type { RecoverableStretch, RecoveryModel } from '../../backup/windows.ts';
import { reasonOf } from '../../base/errors.ts';
import { formatLsn } from '../../postgres/lsn.ts';
import type { DamagedObject } from '../../repository/passed-over.ts';
import type { WalCoverage } from '../../repository/wal-coverage.ts';

/** What can be restored along each timeline, joined: as many entries as there are breaks, however many backups and segments. */
export function timelinesJson({ timelines }: RecoveryModel): readonly {
  readonly timeline: number;
  readonly parent: { readonly timeline: number; readonly switchLsn: string } | null;
  readonly stretches: readonly RecoverableStretch[];
}[] {
  return timelines.map(({ lineage, stretches }) => {
    const parent = lineage.history.at(-1);
    return {
      timeline: lineage.timeline,
      parent: parent === undefined ? null : { timeline: parent.timeline, switchLsn: formatLsn(parent.switchLsn) },
      stretches,
    };
  });
}

export function gapsJson(model: RecoveryModel): readonly (WalGap & GapMoments)[] {
  return model.gaps.map((gap) => ({ ...gap, ...gapMoments(gap, model) }));
}

/** The stored WAL as runs without a hole. */
export function walJson({ segmentBytes, timelines }: WalCoverage): object {
  return {
    segmentBytes,
    timelines: [...timelines].map(([timeline, { runs, open, horizon }]) => ({
      timeline,
      runs: runs.map(({ startLsn, endLsn }) => ({
        fromLsn: formatLsn(startLsn),
        toLsn: formatLsn(endLsn),
        segments: Number((endLsn - startLsn) / BigInt(segmentBytes)),
      })),
      open: open.map(({ segment, startLsn, endLsn }) => ({ segment, fromLsn: formatLsn(startLsn), toLsn: formatLsn(endLsn) })),
      horizon: horizon === undefined ? null : { lsn: formatLsn(horizon.lsn), at: horizon.at.toISOString() },
    })),
  };
}

/** Objects that were passed over. */
export function damagedJson(damaged: readonly DamagedObject[]): readonly { readonly key: string; readonly problem: string }[] {
  return damaged.map(({ key, error }) => ({ key, problem: reasonOf(error) }));
}
