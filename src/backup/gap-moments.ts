import { compareLsns } from '../postgres/lsn.ts';
import type { WalGap } from './gaps.ts';
import { newestRecovery, type RecoveryModel } from './windows.ts';

/** The moments that a gap takes: after `from` and before `to` nothing can be restored. */
export interface GapMoments {
  /** The last moment before it that can be restored; null when there is none, or nothing tells. */
  readonly from: string | null;
  /** The first moment behind it that can be restored; null until a backup is taken behind it. */
  readonly to: string | null;
}

/** What a hole in the WAL means in time: from the last moment that a backup before it reaches to the end of the first one behind it. */
export function gapMoments(gap: WalGap, model: RecoveryModel): GapMoments {
  const along = model.timelines.find(({ lineage }) => lineage.timeline === gap.timeline) ?? newestRecovery(model);
  const windows = along?.windows ?? [];
  let from: string | null = null;
  for (const { to, toLsn } of windows) {
    if (compareLsns(toLsn, gap.toLsn) < 0 && to !== null && (from === null || to > from)) from = to;
  }
  return { from, to: windows.find(({ fromLsn }) => compareLsns(fromLsn, gap.toLsn) >= 0)?.from ?? null };
}
